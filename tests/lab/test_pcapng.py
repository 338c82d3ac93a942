"""Files for Wireshark, read again: by dpkt, by a reassembly of our own, and by tshark."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import socket
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import Chaos, Recording, Tap, record, record_streams
from netlab.lab.packets import End, TCPStream, UDPStream
from netlab.lab.pcapng import MADE_UP_PORTS, PcapngFile
from netlab.lab.recording import Chunk, Direction, Ends

from .servers import ThreadedServer

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
FIN, SYN, RST, ACK = 1, 2, 4, 16
V4 = Ends("tcp", ("127.0.0.1", 51_000), ("127.0.0.2", 50_080))
V6 = Ends("tcp", ("::1", 51_000), ("::1", 50_080))
U4 = Ends("udp", ("127.0.0.1", 51_000), ("127.0.0.2", 50_080))
U6 = Ends("udp", ("::1", 51_000), ("::1", 50_080))


# ── by a reassembly of our own ───────────────────────────────────────────────────────────────


def packets(path: Path | io.BytesIO) -> list[tuple[float, bytes, str]]:
    """Return time, bytes and comment of each packet, as dpkt reads them."""
    raw = path.getvalue() if isinstance(path, io.BytesIO) else path.read_bytes()
    reader = dpkt.pcapng.Reader(io.BytesIO(raw))
    timed = list(reader)
    comments, at = [], 0
    little = sys.byteorder == "little"
    block_kind = dpkt.pcapng.EnhancedPacketBlockLE if little else dpkt.pcapng.EnhancedPacketBlock
    while at < len(raw):
        kind, size = (int.from_bytes(raw[at + n : at + n + 4], sys.byteorder) for n in (0, 4))
        if kind == dpkt.pcapng.PCAPNG_BT_EPB:
            options = block_kind(raw[at : at + size]).opts
            comments.append("".join(one.text for one in options if one.code == 1))
        at += size
    return [(time_s, data, said) for (time_s, data), said in zip(timed, comments, strict=True)]


def decoded(data: bytes) -> tuple[tuple[bytes, int], tuple[bytes, int], dpkt.Packet]:
    """Return source, target and what is inside, once all checksums were found to be right."""
    if data[0] >> 4 == 4:
        assert dpkt.in_cksum(data[:20]) == 0
        packet = dpkt.ip.IP(data)
        assert packet.len == len(data)
        before = packet.src + packet.dst + bytes([0, packet.p])
        before += (len(data) - 20).to_bytes(2, "big")
    else:
        packet = dpkt.ip6.IP6(data)
        assert packet.plen == len(data) - 40
        before = packet.src + packet.dst + packet.plen.to_bytes(4, "big")
        before += packet.nxt.to_bytes(4, "big")
    inside = packet.data
    assert dpkt.in_cksum(before + data[-len(inside) :]) == 0
    assert inside.sum != 0 or isinstance(inside, dpkt.tcp.TCP)
    return (packet.src, inside.sport), (packet.dst, inside.dport), inside


def streams(found: list[tuple[float, bytes, str]]) -> dict[frozenset, dict[tuple, bytearray]]:
    """Put the bytes of each direction together, as a receiver does who wants them in order."""
    talks: dict[frozenset, dict[tuple, bytearray]] = defaultdict(lambda: defaultdict(bytearray))
    wanted: dict[tuple, int] = {}
    for _, data, _ in found:
        source, target, inside = decoded(data)
        talk = talks[frozenset((source, target))]
        sent = talk[source]
        if isinstance(inside, dpkt.udp.UDP):
            sent += inside.data
            continue
        way = source, target
        if inside.flags & SYN:
            assert inside.opts[:2] == b"\x02\x04"
            wanted[way] = inside.seq
        assert inside.seq == wanted.get(way, inside.seq), "a gap"
        if inside.flags & ACK and (target, source) in wanted:
            assert inside.ack == wanted[target, source], "acknowledges what was not sent"
        assert len(inside.data) <= 65_495
        assert not (inside.flags & RST and inside.data)
        sent += inside.data
        step = len(inside.data) + bool(inside.flags & SYN) + bool(inside.flags & FIN)
        wanted[way] = (inside.seq + step) % 2**32
    return talks


def written(recording: Recording, path: Path) -> list[tuple[float, bytes, str]]:
    recording.to_pcapng(path)
    return packets(path)


kinds = st.sampled_from(["open", "data", "data", "data", "fin", "rst", "error", "lost"])
chunks = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2", "c3", "c4"]),
        st.sampled_from([UP, DOWN]),
        kinds,
        st.one_of(st.binary(max_size=9), st.integers(60_000, 140_000).map(bytes)),
    ),
    max_size=12,
)


@given(chunks)
def test_the_bytes_of_any_recording_are_all_there(happened):
    """Whatever was recorded, sense or not: connections opened twice, data after an end."""
    recording = Recording()
    ends = {"c1": V4, "c2": V6, "c3": U4, "c4": U6}
    for key, one in ends.items():
        recording.note_ends(key, one)
    for key, direction, kind, data in happened:
        recording.append(key, direction, kind, data if kind != "error" else b"odd")
    out = io.BytesIO()
    file = PcapngFile(out, recording.started_at_s)
    for chunk in recording:
        file.add(chunk, ends[chunk.connection])
    file.finish()
    found = packets(out)
    assert len(found) == file.packets
    times = [time_s for time_s, _, _ in found]
    assert times == sorted(times)
    talk = [one for one in found if not is_icmp(one[1])]
    expected: dict[tuple[bool, bytes], bytes] = defaultdict(bytes)
    for key, direction, kind, data in happened:
        if kind == "data":
            to_server = direction is UP
            family = 4 if key in ("c1", "c3") else 6
            expected[(to_server, bytes([family, key in ("c3", "c4")]))] += data
    got: dict[tuple[bool, bytes], bytes] = defaultdict(bytes)
    for _, data, _ in talk:
        _, target, inside = decoded(data)
        udp = isinstance(inside, dpkt.udp.UDP)
        got[(target[1] == 50_080, bytes([data[0] >> 4, udp]))] += inside.data
    for key in expected:
        assert got[key] == expected[key]
    streams(talk)  # the sequence numbers have no gap


def is_icmp(data: bytes) -> bool:
    return data[9] == 1 if data[0] >> 4 == 4 else data[6] == 58


@pytest.mark.parametrize("ends", [V4, V6])
def test_sequence_numbers_go_round(ends):
    client, server = (
        End(socket.inet_pton(family(host), host), port) for host, port in (ends.client, ends.server)
    )
    stream = TCPStream(client, server, {UP: 2**32 - 3, DOWN: 2**32 - 1})
    made = [*stream.open(), *stream.data(UP, b"abcdef"), *stream.data(DOWN, b"gh")]
    made += [*stream.fin(UP), *stream.fin(DOWN)]
    (talk,) = streams([(0.0, one, "") for one in made]).values()
    assert sorted(talk.values()) == [b"abcdef", b"gh"]
    assert {decoded(one)[2].seq for one in made} >= {2**32 - 3, 4, 2**32 - 1, 2}


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def test_a_checksum_of_udp_over_ipv6_is_never_zero():
    """It would say that there is none, which RFC 8200, 8.1, does not allow."""
    one = End(socket.inet_pton(socket.AF_INET6, "::1"), 50_080)
    stream = UDPStream(End(one.address, 51_000), one)
    rest = dpkt.udp.UDP(next(stream.data(UP, b"\0\0"))[40:]).sum
    (packet,) = stream.data(UP, rest.to_bytes(2, "big"))
    assert dpkt.udp.UDP(packet[40:]).sum == 0xFFFF
    decoded(packet)


def test_times_are_those_of_the_recording(tmp_path):
    recording = Recording()
    recording.note_ends("c1", V4)
    recording.append("c1", UP, "open")
    recording.append("c1", UP, "data", b"hello")
    (open_, data) = recording
    times = [one[0] - recording.started_at_s for one in written(recording, tmp_path / "t")]
    assert times[:3] == pytest.approx([open_.time_s] * 3, abs=2e-6)
    assert times[3:] == pytest.approx([data.time_s] * 2, abs=2e-6)


def test_a_recording_that_was_full_says_so(tmp_path):
    recording = Recording(max_bytes=1_000)
    recording.rename("c1", "alice")
    for kind, data in (("open", b""), ("data", b"a" * 100), ("data", b"b" * 700), ("fin", b"")):
        recording.append("c1", UP, kind, data)
    found = written(recording, tmp_path / "t")
    said = "The recording was full at 1,000 bytes: 700 later bytes are not recorded"
    assert found[-1][2] == said
    assert said.encode() in (tmp_path / "t").read_bytes()[:200]  # in the file's header, too
    assert found[0][2] == "alice (c1); the addresses are made up"
    (talk,) = streams(found).values()
    assert sorted(talk.values()) == [b"", b"a" * 100]


def test_after_clear_the_rest_of_a_connection_is_written(tmp_path):
    recording = Recording()
    recording.append("c1", UP, "open")
    recording.clear()
    recording.append("c1", DOWN, "data", b"late")
    recording.append("c1", UP, "fin")
    found = written(recording, tmp_path / "t")
    assert "how it was opened is not in the recording" in found[0][2]
    (talk,) = streams(found).values()
    assert b"late" in talk.values()


def test_what_a_fault_proxy_did_is_a_comment(tmp_path):
    recording = Recording()
    recording.note_ends("c1", U4)
    recording.append("c1", UP, "data", b"1")
    recording.append("c1", UP, "lost", b"22")
    recording.append("c1", UP, "data", b"3", "again")
    recording.append("c1", UP, "lost", b"4444")
    found = written(recording, tmp_path / "t")
    assert [decoded(one[1])[2].data for one in found] == [b"1", b"3"]
    second = found[1][2]
    assert second.startswith("before this, 2 bytes were lost (client→server); again")
    assert "4 bytes were lost" in second  # nothing came after it


def test_a_name_used_twice_gives_two_streams(tmp_path):
    recording = Recording()
    recording.rename("c1", "alice")
    recording.rename("c2", "alice")
    for key, data in (("c1", b"one"), ("c2", b"two"), ("c1", b"three")):
        recording.append(key, UP, "open")
        recording.append(key, UP, "data", data)
    talks = streams(written(recording, tmp_path / "t"))
    sent = sorted(bytes(one) for talk in talks.values() for one in talk.values() if one)
    assert sent == [b"one", b"three", b"two"]


def test_more_connections_than_ports_are_told_apart():
    out = io.BytesIO()
    file = PcapngFile(out, 0.0)
    total = len(MADE_UP_PORTS) + 5
    for number in range(total):
        file.add(Chunk(0.0, f"c{number}", UP, "data", b"%d" % number), Ends())
    file.finish()
    assert len(streams(packets(out))) == total


def test_a_datagram_longer_than_udp_carries_is_all_there(tmp_path):
    recording = Recording()
    recording.note_ends("c1", Ends("udp"))
    data = os.urandom(150_000)
    recording.append("c1", UP, "data", data)
    recording.append("c1", UP, "data", b"")  # a datagram may be empty
    found = written(recording, tmp_path / "t")
    assert [len(decoded(one[1])[2].data) for one in found] == [65_507, 65_507, 18_986, 0]
    assert "150,000 bytes, here in several" in found[0][2]


def test_sockets_that_are_recorded_tell_their_addresses(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        record(client) as recorded,
    ):
        server, _ = listener.accept()
        with server:
            here, there = client.getsockname(), client.getpeername()
            recorded.sendall(b"hello")
            recorded.close()
        found = written(recorded.recording, tmp_path / "t")
    source, target, _ = decoded(found[0][1])
    assert (source[1], target[1]) == (here[1], there[1])
    assert found[0][2] == "c1"


def test_streams_that_are_recorded_tell_their_addresses(tmp_path):
    async def talk(address):
        reader, writer = record_streams(*await asyncio.open_connection(*address))
        here = writer.get_extra_info("sockname")
        writer.write(b"hello")
        await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        return here, writer.recording

    with ThreadedServer() as server:
        port = server.address[1]
        here, recording = asyncio.run(talk(server.address))
    source, target, _ = decoded(written(recording, tmp_path / "t")[0][1])
    assert (source[1], target[1]) == (here[1], port)


def test_a_pair_of_unix_sockets_gets_addresses(tmp_path):
    one, other = socket.socketpair()
    with record(one) as recorded, other:
        recorded.sendall(b"hello")
        found = written(recorded.recording, tmp_path / "t")
    source, target, _ = decoded(found[0][1])
    assert (source[0], target) == (b"\x7f\0\0\1", (b"\x7f\0\0\1", 50_080))
    assert "the addresses are made up" in found[0][2]


def test_without_dpkt_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dpkt", None)
    for name in ("netlab.lab.pcapng", "netlab.lab.packets"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'netlab\[lab\]'"):
        Recording().to_pcapng(tmp_path / "t")


def test_nothing_of_it_is_loaded_before_it_is_wanted():
    code = "import sys, netlab.lab; netlab.lab.Recording; print('dpkt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ── by tshark ────────────────────────────────────────────────────────────────────────────────


def tshark(path: Path, *arguments: str) -> list[str]:
    """Run tshark, all checks of checksums on. Missing: skipped, and a failure in CI."""
    program = shutil.which("tshark")
    if program is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("install tshark (apt-get install tshark)")
    checks = [f"{name}.check_checksum:TRUE" for name in ("ip", "tcp", "udp")]
    options = [part for one in checks for part in ("-o", one)]
    done = subprocess.run(
        [program, "-r", path, *options, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def columns(path: Path, *names: str, only: str = "") -> list[tuple[str, ...]]:
    options = [part for name in names for part in ("-e", name)]
    wanted = ["-Y", only] if only else []
    return [tuple(line.split("\t")) for line in tshark(path, *wanted, "-T", "fields", *options)]


def followed(path: Path, number: int, kind: str = "tcp") -> tuple[bytes, bytes]:
    """Return what tshark puts together of stream `number`: from the client, from the server."""
    lines = tshark(path, "-q", "-z", f"follow,{kind},raw,{number}")
    sides = [bytearray(), bytearray()]
    for line in lines[6:-1]:
        sides[line.startswith("\t")] += bytes.fromhex(line)
    return bytes(sides[0]), bytes(sides[1])


MEANT = ("Connection ", "This frame initiates", "This frame undergoes")


def complaints(path: Path) -> list[str]:
    """Return what tshark finds wrong or odd, but for connections that begin and end."""
    options = ["-T", "fields", "-E", "aggregator=|", "-e", "_ws.expert.message"]
    lines = tshark(path, "-Y", "_ws.expert.severity >= note", *options, "-e", "frame.comment")
    found = []
    for line in lines:
        messages, comment = line.split("\t")
        found += [
            one
            for one in messages.split("|")
            if one not in comment.split("|") and not one.startswith(MEANT)
        ]
    return found


def recorded(*happened, ends=V4, key="c1", recording=None):
    recording = Recording() if recording is None else recording
    recording.note_ends(key, ends)
    for direction, kind, data in happened:
        recording.append(key, direction, kind, data)
    return recording


def test_tshark_would_complain(tmp_path):
    """Of a wrong checksum, and of a gap: the checks below can fail."""
    path = tmp_path / "t.pcapng"
    recorded((UP, "open", b""), (UP, "data", b"one"), (UP, "data", b"two")).to_pcapng(path)
    raw = path.read_bytes()
    assert complaints(path) == []
    path.write_bytes(raw.replace(b"one", b"onf"))
    assert any("checksum" in one.lower() for one in complaints(path))
    with path.open("wb") as file:
        out = PcapngFile(file, 0.0)
        for packet in [one for one in packets(io.BytesIO(raw)) if b"one" not in one[1]]:
            out._write(packet[0], packet[1], [])
        out.finish()
    assert complaints(path) != []


@pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])
def test_tshark_follows_a_conversation_of_200_kb(tmp_path, ends):
    path, up, down = tmp_path / "t.pcapng", os.urandom(200_000), os.urandom(70_000)
    recorded(
        (UP, "open", b""), (UP, "data", up), (DOWN, "data", down), (UP, "data", b"!"),
        (UP, "fin", b""), (DOWN, "data", b"after the half-close"), (DOWN, "fin", b""), ends=ends,
    ).to_pcapng(path)  # fmt: skip
    assert followed(path, 0) == (up + b"!", down + b"after the half-close")
    assert complaints(path) == []
    flags = [one[0] for one in columns(path, "tcp.flags.str")]
    assert flags[:3] == ["··········S·", "·······A··S·", "·······A····"]
    assert [one for one in flags if "F" in one] == ["·······A···F"] * 2
    assert {one[0] for one in columns(path, "tcp.checksum.status")} == {"1"}  # good
    assert max(int(one[0]) for one in columns(path, "tcp.len")) <= 65_495


def test_tshark_sees_resets_and_refusals(tmp_path):
    path = tmp_path / "t.pcapng"
    recording = recorded((UP, "open", b""), (UP, "data", b"x"), (DOWN, "rst", b""))
    other = Ends("tcp", ("127.0.0.1", 51_001), V4.server)
    refused = b"ConnectionRefusedError: [Errno 111] Connection refused"
    recorded((UP, "open", b""), (DOWN, "error", refused), ends=other, key="c2", recording=recording)
    recording.to_pcapng(path)
    resets = columns(path, "tcp.stream", "tcp.srcport", "frame.comment", only="tcp.flags.reset==1")
    assert resets == [("0", "50080", ""), ("1", "50080", refused.decode())]
    assert complaints(path) == []


@pytest.mark.parametrize("ends", [U4, U6], ids=["IPv4", "IPv6"])
def test_tshark_follows_datagrams(tmp_path, ends):
    path = tmp_path / "t.pcapng"
    refused = b"ConnectionRefusedError: [Errno 111] Connection refused"
    recorded(
        (UP, "data", b"one"), (DOWN, "data", b"two"), (UP, "data", bytes(60_000)),
        (DOWN, "error", refused), ends=ends,
    ).to_pcapng(path)  # fmt: skip
    assert followed(path, 0, "udp") == (b"one" + bytes(60_000), b"two")
    assert complaints(path) == []
    status = columns(path, "udp.checksum.status", only="!icmp && !icmpv6")
    assert {one[0] for one in status} == {"1"}
    version = "icmp" if ends is U4 else "icmpv6"
    ((kind, code, checksum),) = columns(
        path, f"{version}.type", f"{version}.code", f"{version}.checksum.status", only=version
    )
    assert (kind, code, checksum) == ("3" if ends is U4 else "1", "3" if ends is U4 else "4", "1")


def test_tshark_reads_the_names_of_many_connections(tmp_path):
    path = tmp_path / "t.pcapng"
    recording = Recording()
    for number in range(50):
        key = f"c{number}"
        recording.rename(key, f"Zoë {number}")
        recorded(
            (UP, "open", b""), (UP, "data", b"%d" % number), (UP, "fin", b""), (DOWN, "fin", b""),
            ends=Ends(), key=key, recording=recording,
        )  # fmt: skip
    recording.to_pcapng(path)
    assert complaints(path) == []
    names = columns(path, "tcp.stream", "frame.comment", only="frame.comment")
    assert names == [(str(n), f"Zoë {n} (c{n}); the addresses are made up") for n in range(50)]
    assert followed(path, 49) == (b"49", b"")


def test_what_was_inside_tls_is_not_taken_for_tls(tmp_path):
    path = tmp_path / "t.pcapng"
    ends = Ends("tcp", ("127.0.0.1", 51_000), ("127.0.0.1", 443), decrypted=True)
    recorded((UP, "open", b""), (UP, "data", b"hello, no record"), ends=ends).to_pcapng(path)
    assert columns(path, "frame.protocols", only="tcp.len > 0") == [("raw:ip:tcp:data",)]
    assert "inside TLS" in columns(path, "frame.comment")[0][0]


def test_made_up_addresses_mean_no_protocol_to_tshark(tmp_path):
    path = tmp_path / "t.pcapng"
    recording = Recording()
    for number in range(len(MADE_UP_PORTS)):
        key, kind = f"c{number}", "udp" if number % 2 else "tcp"
        recorded((UP, "data", b"~"), ends=Ends(kind), key=key, recording=recording)
    recording.to_pcapng(path)
    seen = {one[0] for one in columns(path, "frame.protocols", only="data")}
    assert seen == {"raw:ip:tcp:data", "raw:ip:udp:data"}
    assert len(columns(path, "frame.number", only="data")) == len(MADE_UP_PORTS)


@pytest.mark.parametrize("make", [Tap, Chaos])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_proxy_tells_the_addresses(tmp_path, make, host):
    options = {"listen": (host, 0)} if make is Chaos else {"listen_host": host}
    with ThreadedServer(host=host) as server, make(server, **options) as proxy:
        with socket.create_connection(proxy.address, 10) as client:
            here = client.getsockname()[:2]
            client.sendall(b"hello")
            assert client.recv(5, socket.MSG_WAITALL) == b"hello"
        proxy.settled()
        found = written(proxy.recording, tmp_path / "t")
        port = server.address[1]
    source, target, _ = decoded(found[0][1])
    packed = socket.inet_pton(family(host), host)
    assert (source, target) == ((packed, here[1]), (packed, port))


def test_a_tap_of_datagrams_tells_the_addresses(tmp_path):
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("::1", 0))
        server.settimeout(10)
        with Tap(server.getsockname(), transport="udp", listen_host="::1") as tap:
            client.sendto(b"hello", tap.address)
            assert server.recv(10) == b"hello"
            found = written(tap.recording, tmp_path / "t")
            here, there = client.getsockname(), server.getsockname()
    source, target, inside = decoded(found[0][1])
    assert (source[1], target[1], inside.data) == (here[1], there[1], b"hello")
    assert len(source[0]) == 16


def test_tshark_reads_what_a_tap_has_recorded(tmp_path):
    path, sent = tmp_path / "t.pcapng", os.urandom(100_000)
    with ThreadedServer() as server, Tap(server) as tap:
        with socket.create_connection(tap.address, 10) as alice:
            tap.name("alice", alice)
            alice.sendall(sent)
            alice.shutdown(socket.SHUT_WR)
            got = b"".join(iter(lambda: alice.recv(65_536), b""))
        tap.settled()
        tap.recording.to_pcapng(path)
    assert got == sent
    assert followed(path, 0) == (sent, sent)
    assert complaints(path) == []
    assert "alice (c1)" in columns(path, "frame.comment")[0][0]
