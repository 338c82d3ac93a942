"""`netlab tap` between programs, what it says, and what it leaves in a file."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dpkt
import pytest

from netlab import TCPClient

from .programs import (
    DEADLINE_S,
    PROMISED_S,
    Program,
    Terminal,
    netlab,
    netlab_once,
    serving,
    tool,
)


@contextmanager
def tap(listen: str, target: str, *flags: str) -> Iterator[tuple[Program, tuple[str, int]]]:
    """Run the command; yield it and the address it listens on."""
    with netlab("tap", listen, target, *flags) as program:
        listening, on, place = program.line().split()
        assert (listening, on) == ("listening", "on"), place
        host, _, port = place.rpartition("//")[2].rpartition(":")
        yield program, (host.strip("[]"), int(port) if port.isdigit() else 0)


@contextmanager
def talking(
    *flags: str, host: str = "127.0.0.1"
) -> Iterator[tuple[Program, socket.socket, socket.socket]]:
    """Run the command in a connection whose two ends the test holds."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        listener.settimeout(DEADLINE_S)
        place = f"[{host}]" if ":" in host else host
        target = f"{place}:{listener.getsockname()[1]}"
        with (
            tap(f"{place}:0", target, *flags) as (program, address),
            socket.create_connection(address, DEADLINE_S) as client,
        ):
            server = listener.accept()[0]
            server.settimeout(DEADLINE_S)
            with server:
                shown = program.line()
                assert shown == f"c1 → server     (connects from {where(client)})\n"
                yield program, client, server


def where(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def stop(program: Program, number: signal.Signals = signal.SIGINT) -> tuple[list[str], str]:
    """End it within the time promised; return the lines left and its last word."""
    before = time.monotonic()
    program.kill(number)
    code, out, err = program.end()
    assert time.monotonic() - before < PROMISED_S
    assert (code, len(err)) == (0, 1), err
    return out, err[0]


def test_it_tells_what_passes() -> None:
    with talking() as (program, client, server):
        client.sendall(b"hello\r\n")
        assert program.line() == "c1 → server     hello\\r\\n\n"
        assert server.recv(100) == b"hello\r\n"
        server.sendall(b'{"n": 1, "type": "echo"}\n')
        assert program.line() == 'server → c1     {"type":"echo","n":1}\\n\n'
        client.shutdown(socket.SHUT_WR)
        assert program.line() == "c1 → server     FIN\n"
        assert server.recv(100) == b""
        server.sendall(b"after that")  # the other half is open
        assert program.line() == "server → c1     after that\n"
        server.close()
        assert program.line() == "server → c1     FIN\n"
        _, said = stop(program)
        assert said == "netlab tap: SIGINT ended the proxy; 1 connection, 42 bytes"


def test_a_reset_is_told() -> None:
    with talking() as (program, client, server):
        linger = b"\1\0\0\0\0\0\0\0"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.close()
        assert program.line() == "c1 → server     RST\n"
        with pytest.raises(ConnectionResetError):
            server.recv(100)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tap(":0", f":{port}") as (program, address):
        with (
            pytest.raises(ConnectionResetError),  # it may come before connect() returns
            socket.create_connection(address, DEADLINE_S) as client,
        ):
            client.recv(100)
        line = program.wait_line("Connection refused")
        assert line.startswith("server → c1     failed: ConnectionRefusedError")


def test_hex() -> None:
    with talking("--hex") as (program, client, _):
        client.sendall(bytes(range(30)) + b"A")
        assert program.line().startswith("c1 → server     00 01 02")
        rows = [program.line() for _ in range(2)]
        assert rows == [
            "    00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  |................|\n",
            "    00000010  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 41     |..............A|\n",
        ]


def test_frames_are_told_one_a_line() -> None:
    with talking("--frames", "lines") as (program, client, server):
        client.sendall(b"one\ntwo\nthr")
        assert [program.line(), program.line()] == [
            "c1 → server     one\\n\n",
            "c1 → server     two\\n\n",
        ]
        assert server.recv(100) == b"one\ntwo\nthr"
        client.sendall(b"ee\nfour")
        assert program.line() == "c1 → server     three\\n\n"
        client.shutdown(socket.SHUT_WR)
        assert program.line() == "c1 → server     four   (incomplete)\n"
        assert program.line() == "c1 → server     FIN\n"


def test_a_protocol_is_found_out() -> None:
    with talking("--frames", "auto") as (program, client, _):
        client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "GET /a" in program.line()


def test_a_real_chat_passes() -> None:
    with serving() as (_, host, port), tap(":0", f"{host}:{port}") as (program, address):
        with TCPClient(address, service="echo", timeout_s=DEADLINE_S) as client:
            client.say("hello, wörld")
            assert client.wait_for("echo", DEADLINE_S).content == "hello, wörld"
        assert "hello, wörld" in program.wait_line("hello, wörld\\n")


@pytest.mark.parametrize("frames", ["chunks", "lines", "auto", "http", "websocket"])
def test_what_comes_from_the_wire_is_harmless(frames: str) -> None:
    """Escape sequences, C1 controls, text that turns round, bytes that are no UTF-8."""
    evil = b"\x1b[2J\x1b]0;owned\x07\x9b2J\xc2\x9b31m\xe2\x80\xaeback\r\n\xff\n"
    with talking("--frames", frames) as (program, client, server):
        client.sendall(evil * 3)
        server.sendall(b"HTTP/1.1 200 \x1b[31m\r\nX: \x1b]0;x\x07\r\nContent-Length: 9\r\n\r\n")
        server.sendall(evil)
        for sock in (client, server):
            sock.shutdown(socket.SHUT_WR)
        shown = [program.line()]
        while sum("FIN" in line for line in shown) < 2:
            shown.append(program.line())
        text = "".join(shown).replace("\n", "")
        assert text.isprintable(), text


def test_colors_on_a_terminal_only_and_not_if_unwanted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f":{listener.getsockname()[1]}"
        for flags, colored in (((), True), (("--no-color",), False)):
            with Terminal("tap", ":0", target, *flags) as terminal:
                (first, *_) = terminal.wait_for(lambda lines: lines[0].startswith("listening on"))
                port = int(first.rpartition(":")[2])
                with socket.create_connection(("127.0.0.1", port), DEADLINE_S):
                    terminal.wait_for(lambda lines: any("connects from" in one for one in lines))
                    terminal.press("\x03")
                    code, screen = terminal.end()
                assert code == 0
                assert any("SIGINT ended the proxy" in line for line in screen)
                assert (b"\x1b[36mc1" in terminal.raw) is colored


# ── UDP, UNIX, IPv6 ──────────────────────────────────────────────────────────────────────────


def udp_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(DEADLINE_S)
    return sock


@pytest.mark.parametrize("flag", [True, False])
def test_datagrams(flag: bool, tmp_path: Path) -> None:
    path = tmp_path / "talk.pcapng"
    with udp_socket() as server, udp_socket() as client:
        target, listen = where(server), "127.0.0.1:0"
        flags = ["--pcapng", str(path), *(["--udp"] if flag else [])]
        if not flag:
            target, listen = f"udp://{target}", "udp://:0"
        with tap(listen, target, *flags) as (program, address):
            client.sendto(b"ping", address)
            data, peer = server.recvfrom(100)
            server.sendto(b"", peer)  # a datagram may be empty
            assert (data, client.recv(100)) == (b"ping", b"")
            assert [program.line() for _ in range(3)] == [
                f"c1 → server     (comes from {where(client)})\n",
                "c1 → server     ping\n",
                "server → c1     (nothing)\n",
            ]
            _, said = stop(program, signal.SIGTERM)
            assert said.endswith(f"1 connection, 4 bytes; {path}: 2 packets")
    found = [dpkt.ip.IP(data) for _, data in dpkt.pcapng.Reader(io.BytesIO(path.read_bytes()))]
    assert [one.data.data for one in found] == [b"ping", b""]
    assert found[0].data.dport == server_port(target)


def server_port(target: str) -> int:
    return int(target.rpartition(":")[2])


def test_unix_sockets(tmp_path: Path) -> None:
    server_path, path, file = (str(tmp_path / name) for name in ("server", "tap", "t.pcapng"))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(server_path)
        server.listen()
        server.settimeout(DEADLINE_S)
        with netlab("tap", f"unix:{path}", f"unix:{server_path}", "--pcapng", file) as program:
            assert program.line() == f"listening on unix:{path}\n"
            client.connect(path)
            client.sendall(b"abc")
            accepted = server.accept()[0]
            with accepted:
                assert accepted.recv(100) == b"abc"
                program.wait_line("abc")
                stop(program)
    assert not Path(path).exists()
    found = [one for _, one in dpkt.pcapng.Reader(io.BytesIO(Path(file).read_bytes()))]
    assert b"".join(dpkt.ip.IP(one).data.data for one in found) == b"abc"


# ── the file ─────────────────────────────────────────────────────────────────────────────────


def followed(path: Path, number: int) -> tuple[bytes, bytes]:
    """Return what tshark puts together of a stream: from the client, from the server."""
    command = [tool("tshark", "tshark"), "-r", str(path), "-q", "-z", f"follow,tcp,raw,{number}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    sides = [bytearray(), bytearray()]
    for line in done.stdout.splitlines()[6:-1]:
        sides[line.startswith("\t")] += bytes.fromhex(line)
    return bytes(sides[0]), bytes(sides[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_file_has_all_that_passed(tmp_path: Path, host: str, number: signal.Signals) -> None:
    path, data = tmp_path / "talk.pcapng", os.urandom(300_000)
    with talking("--pcapng", str(path), host=host) as (program, client, server):
        sender = threading.Thread(target=client.sendall, args=[data], name="netlab-test-send")
        sender.start()
        got = bytearray()
        while len(got) < len(data):
            got += server.recv(65_536)
        sender.join(DEADLINE_S)
        server.sendall(b"thanks")
        program.wait_line("thanks")
        _, said = stop(program, number)
        assert " packets" in said
        assert "missing" not in said
    assert bytes(got) == data
    assert followed(path, 0) == (data, b"thanks")


def test_the_file_is_bounded_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcapng"
    flags = ["--pcapng", str(path), "--max-bytes", "1000"]
    with talking(*flags) as (program, client, server):
        client.sendall(b"first")
        assert server.recv(100) == b"first"
        server.sendall(b"x" * 2_500)
        program.wait_line("(2,500 bytes)")
        assert client.recv(2_500, socket.MSG_WAITALL) == b"x" * 2_500  # it passes all the same
        _, said = stop(program)
    assert said.endswith("full at 1,000 bytes: 2,500 later bytes are not recorded")
    assert b"The recording was full at 1,000 bytes" in path.read_bytes()
    assert followed(path, 0) == (b"first", b"")


def test_a_file_that_cannot_be_written_to_its_end_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    with talking("--pcapng", "/dev/full") as (program, client, server):
        client.sendall(b"hello")
        assert server.recv(100) == b"hello"  # it passes all the same
        program.wait_line("hello")
        program.kill(signal.SIGINT)
        code, _, err = program.end()
        assert (code, len(err)) == (1, 1), err
        assert err[0].endswith("/dev/full: not written to its end: No space left on device")


def test_a_tap_that_cannot_listen_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "earlier.pcapng"
    path.write_bytes(b"earlier")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = netlab_once("tap", where(taken), ":1", "--pcapng", str(path))
    assert (code, path.read_bytes()) == (1, b"earlier")
    assert "it is already in use" in err[0]
    with talking("--pcapng", str(path)) as (program, _, _):
        stop(program)
    assert b"earlier" not in path.read_bytes()


def test_with_many_small_chunks_it_still_ends_in_time(tmp_path: Path) -> None:
    """More packets than can be written in the time that is left: those are counted."""
    path = tmp_path / "talk.pcapng"
    with talking("--pcapng", str(path)) as (program, client, server):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3_000):
            client.sendall(b"x")
            assert server.recv(1) == b"x"
        stop(program)
    assert followed(path, 0)[0] == b"x" * 3_000


def test_a_stopped_terminal_does_not_stop_the_file(tmp_path: Path) -> None:
    """Nobody reads the lines: what passes goes on passing, and the file has it."""
    path = tmp_path / "talk.pcapng"
    with talking("--pcapng", str(path), "--hex") as (program, client, server):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(400):
            client.sendall(b"y" * 512)
            assert server.recv(512, socket.MSG_WAITALL) == b"y" * 512
        before = time.monotonic()
        program.kill(signal.SIGTERM)
        assert program.process.wait(DEADLINE_S) == 0
        assert time.monotonic() - before < PROMISED_S
    assert followed(path, 0)[0] == b"y" * 512 * 400


def test_who_stops_reading_its_output_ends_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        tap(":0", where(listener)) as (program, address),
    ):
        out = program.process.stdout
        assert out is not None
        out.close()
        with socket.create_connection(address, DEADLINE_S):
            assert program.process.wait(DEADLINE_S) == 1


# ── what is wrong ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([":0", ":1", "--frames", "x"], "invalid choice: 'x'"),
        ([":0", ":1", "--max-bytes", "-1"], "--max-bytes"),
        ([":0", ":1", "--pcapng", "a", "--max-bytes", "x"], "'x' is no whole number, 0 or more"),
        ([":0", ":1", "--max-bytes", "10"], "--max-bytes limits the file of --pcapng"),
        ([":0", ":1", "--pcapng", "/no/such/folder/a"], "cannot write /no/such/folder/a: No such"),
        (["--udp", ":0", ":1", "--frames", "lines"], "with UDP each datagram is a frame"),
        (["--udp", "unix:a", ":1"], "unix:a is no address of UDP"),
        (["udp://:0", ":1"], "either both are udp://, or none is"),
        ([":0", ":0"], "nobody can be reached on port 0"),
        (["0.0.0.0:0", ":1"], "or say that you mean it with --let-others-connect"),
        ([":0", "no-such.invalid:1"], "no host is called 'no-such.invalid'"),
        (["192.0.2.1:0", ":1", "--let-others-connect"], "it is no address of this machine"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], said: str) -> None:
    code, out, err = netlab_once("tap", *arguments)
    assert (code in (1, 2), out, len(err)) == (True, [], 1), err
    assert said in err[0]


def test_without_dpkt_it_says_what_to_install(tmp_path: Path) -> None:
    package = tmp_path / "dpkt"
    package.mkdir()
    text = "raise ModuleNotFoundError(\"No module named 'dpkt'\", name='dpkt')\n"
    (package / "__init__.py").write_text(text)
    flags = ["--pcapng", str(tmp_path / "a")]
    code, _, err = netlab_once("tap", ":0", ":1", *flags, PYTHONPATH=str(tmp_path))
    assert code == 1
    assert "pip install 'netlab[lab]'" in err[0]
