"""Others' reading of the same bytes: tshark, python-engineio, python-socketio, websockets, h11."""

from __future__ import annotations

import os
import random
import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import engineio.packet
import engineio.payload
import h11
import pytest
import socketio.packet
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from netlab.lab import dissect
from netlab.lab.dissect_tls_names import ALERTS, CIPHER_SUITES, GROUPS, HANDSHAKES, VERSIONS

UP, DOWN = 0, 1
SERVER_PORT = 80
MSS = 60_000


def tshark(*arguments):
    """Run tshark; return its lines. Where it is missing: skipped, and a failure in CI."""
    program = shutil.which("tshark")
    if program is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("skipped: install tshark (apt-get install tshark)")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()


def write_pcap(path: Path, segments, port=SERVER_PORT):
    """Write a TCP connection, each of `segments` (direction, bytes) in a segment of its own.

    The format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/; link type 101 is raw IP.
    """
    sequence = [1000, 5000]
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]

    def add(direction, flags, data=b""):
        ends = [(b"\x7f\0\0\x01", 40_000), (b"\x7f\0\0\x02", port)]
        (source, source_port), (target, target_port) = ends[direction], ends[1 - direction]
        tcp = struct.pack(
            ">HHIIBBHHH", source_port, target_port, sequence[direction], sequence[1 - direction],
            0x50, flags, 65_535, 0, 0,
        )  # fmt: skip
        total = 40 + len(data)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 6, 0, source, target)
        number = len(packets)
        packets.append(struct.pack("<IIII", number, 0, total, total) + ip + tcp + data)
        sequence[direction] += len(data) + bool(flags & 2)

    add(UP, 2)
    add(DOWN, 18)
    for direction, data in segments:
        add(direction, 24, data)
    path.write_bytes(b"".join(packets))


def fields(path, *names, only):
    """Return, for each packet that the filter lets through, the values of fields by their names."""
    options = [part for name in names for part in ("-e", name)]
    lines = tshark("-r", path, "-Y", only, "-T", "fields", "-E", "occurrence=a", *options)
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def some_frames(seed=455):
    """Return frames of all kinds and lengths, as `websockets` writes them."""
    chooser = random.Random(seed)
    found = []
    for size in (0, 1, 2, 125, 126, 127, 6500, 65_535, 65_536, 70_000):
        for opcode in (Opcode.TEXT, Opcode.BINARY):
            for masked in (False, True):
                data = bytes(chooser.randrange(97, 123) for _ in range(size))
                found.append((masked, Frame(opcode, data)))
    for opcode in (Opcode.PING, Opcode.PONG):
        found += [(masked, Frame(opcode, b"beat")) for masked in (False, True)]
    for masked in (False, True):
        found += [
            (masked, Frame(Opcode.TEXT, b"Hel", fin=False)),
            (masked, Frame(Opcode.CONT, b"lo")),
        ]
        found.append((masked, Frame(Opcode.CLOSE, struct.pack(">H", 1001) + b"so long")))
    return found


def test_tshark_reads_the_same_websocket_frames(tmp_path):
    frames = [(masked, one.serialize(mask=masked, extensions=())) for masked, one in some_frames()]
    segments = [(UP if masked else DOWN, data) for masked, data in frames]
    path = tmp_path / "websocket.pcap"
    pieces = [
        (way, data[at : at + MSS]) for way, data in segments for at in range(0, len(data), MSS)
    ]
    write_pcap(path, [(UP, UPGRADE), (DOWN, SWITCHED), *pieces])
    names = ["fin", "rsv", "opcode", "mask", "payload_length", "payload_length_ext_16"]
    names += [
        "payload_length_ext_64",
        "masking_key",
        "payload.close.status_code",
        "payload.close.reason",
    ]
    names += ["payload.text", "payload.ping", "payload.pong"]
    paths = [f"websocket.{name}" for name in names]
    read = fields(path, *paths, "data.data", only="websocket")
    assert len(read) == len(frames)
    unmasked = 0
    for (masked, data), theirs in zip(frames, read, strict=True):
        (ours,) = dissect(data, "websocket")

        def value(name, ours=ours):
            return ours[name].value if name in ours else ""

        extended = theirs["websocket.payload_length_ext_16"]
        extended += theirs["websocket.payload_length_ext_64"]
        assert theirs["websocket.fin"] == value("FIN")
        assert int(theirs["websocket.rsv"], 0) == int(value("RSV1") + value("RSV2") + value("RSV3"))
        assert theirs["websocket.opcode"] == value("opcode").split()[0]
        assert theirs["websocket.mask"] == value("MASK") == str(int(masked))
        assert theirs["websocket.payload_length"] == value("length")
        assert extended == value("extended length").replace(",", "")
        assert theirs["websocket.masking_key"] == value("masking key").replace(" ", "")
        text, binary = theirs["websocket.payload.text"], theirs["data.data"]
        binary = binary or theirs["websocket.payload.ping"] or theirs["websocket.payload.pong"]
        if ours.name in ("TEXT", "BINARY", "PING", "PONG") and value("FIN") == "1":
            payload = (ours.clear or data)[ours.fields[-1].start :]
            if ours.fields[-1].name == "payload":
                # tshark cuts long texts and data off.
                assert (text.encode() or bytes.fromhex(binary))[:60] == payload[:60]
                unmasked += masked
        assert theirs["websocket.payload.close.status_code"] == value("close code")
        assert theirs["websocket.payload.close.reason"] == value("reason").strip('"')
    assert unmasked >= 16


def hello_and_answer(tmp_path, **limits):
    """Return a TLS handshake between two ends of `ssl`, as (direction, record) in order."""
    openssl = shutil.which("openssl")
    if openssl is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("skipped: install openssl (apt-get install openssl)")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    mine, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.check_hostname, mine.verify_mode = False, ssl.CERT_NONE
    theirs.load_cert_chain(cert, key)
    for context in (mine, theirs):
        context.set_alpn_protocols(["http/1.1"])
        for name, value in limits.items():
            setattr(context, name, value)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = mine.wrap_bio(down, up, server_hostname="localhost")
    server = theirs.wrap_bio(up_copy := ssl.MemoryBIO(), down_copy := ssl.MemoryBIO(), True)
    segments = []
    for _ in range(3):
        for side, out, into, direction in (
            (client, up, up_copy, UP),
            (server, down_copy, down, DOWN),
        ):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            if data := out.read():
                segments.append((direction, data))
                into.write(data)
    client.write(b"hello")
    segments.append((UP, up.read()))
    return segments


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tshark_reads_the_same_tls(tmp_path, version):
    segments = hello_and_answer(tmp_path, minimum_version=version, maximum_version=version)
    # A record to a packet: tshark then answers by record.
    records = [
        (direction, one)
        for direction in (UP, DOWN)
        for one in dissect(b"".join(data for way, data in segments if way == direction))
    ]
    path = tmp_path / "tls.pcap"
    write_pcap(path, [(direction, one.data) for direction, one in records], port=443)
    names = ["tls.record.content_type", "tls.record.opaque_type", "tls.record.version"]
    names += ["tls.record.length", "tls.handshake.type", "tls.handshake.length"]
    names += ["tls.handshake.random", "tls.handshake.session_id", "tls.handshake.ciphersuite"]
    names += ["tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str"]
    names += ["tls.handshake.extension.type", "tls.handshake.extensions_key_share_group"]
    names += ["tls.handshake.extensions.supported_version"]
    read = fields(path, *names, only="tls")
    assert len(read) == len(records)
    hellos = 0
    for (_, ours), theirs in zip(records, read, strict=True):
        assert ours.protocol == "TLS"
        assert ours.complete
        kind = theirs["tls.record.content_type"] or theirs["tls.record.opaque_type"]
        assert kind == ours["content type"].value.split()[0]
        assert theirs["tls.record.length"] == ours["length"].value.replace(",", "")
        assert VERSIONS[int(theirs["tls.record.version"], 0)] == ours["record version"].value
        if ours.name not in ("ClientHello", "ServerHello"):
            continue
        hellos += 1
        assert theirs["tls.handshake.type"].split(",")[0] == ours["handshake type"].value.split()[0]
        assert theirs["tls.handshake.length"].split(",")[0] == plain(ours, "message length")
        assert theirs["tls.handshake.random"] == plain(ours, "random")
        assert theirs["tls.handshake.session_id"] == plain(ours, "session id")
        name = "cipher suites" if ours.name == "ClientHello" else "cipher suite"
        suites = [int(one, 0) for one in theirs["tls.handshake.ciphersuite"].split(",")]
        assert ours[name].value == ", ".join(CIPHER_SUITES[one] for one in suites)
        extensions = [
            one.note.split(",")[0].split()[1]
            for one in ours.fields
            if one.note.startswith("extension ")
        ]
        assert theirs["tls.handshake.extension.type"].split(",") == extensions
        assert theirs["tls.handshake.extensions_server_name"] == plain(ours, "server_name", "")
        alpn = plain(ours, "ALPN")
        if version == ssl.TLSVersion.TLSv1_2 or ours.name == "ClientHello":
            assert theirs["tls.handshake.extensions_alpn_str"] == alpn
        named = [
            VERSIONS[int(one, 0)]
            for one in filter(None, theirs["tls.handshake.extensions.supported_version"].split(","))
        ]
        assert ", ".join(named) == plain(ours, "supported_versions", "")
        groups = [
            GROUPS[int(one)]
            for one in filter(None, theirs["tls.handshake.extensions_key_share_group"].split(","))
        ]
        assert ", ".join(groups) == plain(ours, "key_share", "")
    assert hellos == 2


def plain(one, name, without=" ,"):
    """Return the value of a field without the characters `without`, or nothing."""
    value = one[name].value if name in one else ""
    return value if not without else "".join(char for char in value if char not in without)


def test_tshark_knows_the_same_names():
    theirs = {}
    for line in tshark("-G", "values"):
        if line.startswith("V\ttls."):
            _, name, number, value = line.split("\t")
            theirs.setdefault(name, {})[int(number, 0)] = value
    suites = theirs["tls.handshake.ciphersuite"]
    assert {number: suites[number] for number in CIPHER_SUITES} == CIPHER_SUITES
    groups = theirs["tls.handshake.extensions_supported_group"]
    known = {number: name for number, name in GROUPS.items() if number in groups}
    assert len(known) >= 10
    assert {number: groups[number] for number in known} == known
    for names, field in ((ALERTS, "tls.alert_message.desc"), (HANDSHAKES, "tls.handshake.type")):
        for number, name in names.items():
            found = theirs[field][number].lower().replace(" ", "")
            assert found == name.lower().replace("_", ""), (field, number)


payloads = st.one_of(
    st.text(max_size=20),
    st.integers(-5, 5),
    st.booleans(),
    st.none(),
    st.lists(st.one_of(st.text(max_size=5), st.binary(max_size=5)), max_size=3),
)
namespaces = st.sampled_from([None, "/", "/room", "/a/b"])
ids = st.one_of(st.none(), st.integers(0, 10**9))


@given(st.sampled_from([0, 1, 2, 3, 4]), namespaces, ids, st.lists(payloads, max_size=3))
def test_python_socketio_decodes_the_same(kind, namespace, number, data):
    if kind in (0, 1, 4):  # these have no id, and no binary data
        number, data = None, ({"sid": "abcdef"} if kind == 0 else None)
    else:
        data = ["event", *data]
    encoded = socketio.packet.Packet(kind, data, namespace, number).encode()
    first, *attachments = encoded if isinstance(encoded, list) else [encoded]
    theirs = socketio.packet.Packet(encoded_packet=first)
    (ours,) = dissect(first.encode(), "socketio")
    assert ours.name == socketio.packet.packet_names[theirs.packet_type]
    assert int(plain(ours, "attachments") or 0) == theirs.attachment_count == len(attachments)
    assert plain(ours, "namespace", '"') == (theirs.namespace or "")
    assert plain(ours, "ack id") == ("" if theirs.id is None else str(theirs.id))
    if theirs.data is not None:
        field = ours["data"]
        assert field.note == "JSON"
        assert theirs.json.loads(ours.wire(field)) == theirs.data


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 6), st.text("abc123/[]{}\"',-", max_size=12)),
            st.tuples(st.just(4), st.binary(min_size=1, max_size=12)),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_python_engineio_decodes_the_same_polls(packets):
    sent = [engineio.packet.Packet(kind, data or None) for kind, data in packets]
    body = engineio.payload.Payload(sent).encode()
    theirs = engineio.payload.Payload(encoded_payload=body).packets
    ours = dissect(body.encode(), "engineio")
    assert len(ours) == len(theirs)
    for mine, packet in zip(ours, theirs, strict=True):
        kind = mine["Engine.IO type"].value
        assert kind.split()[-1] == engineio.packet.packet_names[packet.packet_type]
        assert kind.startswith("b") == packet.binary
        if packet.binary:
            assert mine["data"].value == packet.data.hex(" ")


@given(st.sampled_from([0, 1, 2, 8, 9, 10]), st.binary(max_size=200), st.booleans(), st.booleans())
def test_websockets_writes_what_we_read(opcode, data, fin, masked):
    if opcode >= 8:
        data, fin = data[:125], True
    if opcode == 8 and len(data) == 1:
        data = b""
    frame = Frame(Opcode(opcode), data, fin=fin)
    wire = frame.serialize(mask=masked, extensions=())
    (ours,) = dissect(wire, "websocket")
    assert ours["opcode"].value.split()[0] == str(opcode)
    assert ours["FIN"].value == str(int(fin))
    assert ours.clear[len(wire) - len(data) :] == (data if masked else b"")
    if opcode < 3:
        assert ours.payload == data


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5))
def test_websockets_compresses_what_we_inflate(texts):
    extension = PerMessageDeflate(False, False, 15, 15)
    wire = b"".join(
        Frame(Opcode.TEXT, text.encode()).serialize(mask=True, extensions=[extension])
        for text in texts
    )
    assert [one.payload.decode() for one in dissect(wire, "websocket")] == texts


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(
        st.tuples(
            st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True), st.text("ab c:;=", max_size=9)
        ),
        max_size=5,
    ),
    st.binary(max_size=40),
    st.booleans(),
)
def test_h11_writes_what_we_read(method, headers, body, chunked):
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    headers = [("Host", "x"), framing, *((name, value.strip()) for name, value in headers)]
    connection = h11.Connection(h11.CLIENT)
    sent = [h11.Request(method=method, target="/a", headers=headers)]
    sent += [h11.Data(data=body)] if body else []
    wire = b"".join(connection.send(event) for event in [*sent, h11.EndOfMessage()])
    head, *rest = dissect(wire, "http")
    assert head["method"].value == method
    named = [(one.name, one.value) for one in head.fields[3:-1]]
    assert named == headers
    assert b"".join(one.payload for one in rest) == body
    assert all(one.name == ("chunk" if chunked else "body") for one in rest)
