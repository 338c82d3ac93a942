"""`netlab chaos` between programs that nobody here wrote, and what it says of it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netlab import TCPClient

from .programs import DEADLINE_S, PROMISED_S, Program, netlab, netlab_once, serving, tool


@contextmanager
def chaos(listen: str, target: str, *flags: str) -> Iterator[tuple[Program, tuple[str, int], str]]:
    """Run the command; yield it, the address it listens on and its description of the faults."""
    with netlab("chaos", listen, target, *flags) as program:
        listening, on, place = program.line().split()
        assert (listening, on) == ("listening", "on"), place
        host, _, port = place.rpartition("//")[2].rpartition(":")
        yield program, (host.strip("[]"), int(port) if port.isdigit() else 0), program.line()


def listener() -> socket.socket:
    """A TCP server that the test itself is."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.settimeout(DEADLINE_S)
    return sock


def address_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()
    return f"{host}:{port}"


def read_pieces(sock: socket.socket) -> list[bytes]:
    """Return what each recv gives, to the end."""
    with sock:
        sock.settimeout(DEADLINE_S)
        return list(iter(lambda: sock.recv(65_536), b""))


def test_it_cuts_and_tells() -> None:
    with (
        listener() as server,
        chaos(":0", address_of(server), "--slice", "3", "--direction", "to_server") as running,
        socket.create_connection(running[1], DEADLINE_S) as client,
    ):
        program, _, faults = running
        assert faults == "to the server: cut every 3 bytes\n"
        client.sendall(b"abcdefgh")
        client.shutdown(socket.SHUT_WR)
        assert read_pieces(server.accept()[0]) == [b"abc", b"def", b"gh"]
        here = "{}:{}".format(*client.getsockname())
        assert [program.line() for _ in range(3)] == [
            f"c1 comes from {here}\n",
            "c1 to server: byte 3: cut\n",
            "c1 to server: byte 6: cut\n",
        ]
        program.kill(signal.SIGINT)
        assert program.end() == (0, [], ["netlab chaos: SIGINT ended the proxy; 2 things done"])


def test_a_chat_goes_on_through_slices_and_late_bytes() -> None:
    with (
        serving() as (_, host, port),
        chaos(":0", f"{host}:{port}", "--slice", "2", "--latency-ms", "1") as (_, address, _),
        TCPClient(address, service="echo", timeout_s=DEADLINE_S) as client,
    ):
        client.say("hello, wörld")
        assert client.wait_for("echo", DEADLINE_S).content == "hello, wörld"


@pytest.mark.parametrize("name", ["nc", "socat"])
def test_foreign_clients(name: str) -> None:
    path = tool(name, "netcat-openbsd" if name == "nc" else "socat")
    with (
        listener() as server,
        chaos(":0", address_of(server), "--limit", "5", "--direction", "to_server") as running,
    ):
        program, (host, port), _ = running
        command = [path, host, str(port)] if name == "nc" else [path, "-", f"TCP:{host}:{port}"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as client:
            pipe = client.stdin
            assert pipe is not None
            pipe.write(b"hello, world\n")
            pipe.flush()
            assert b"".join(read_pieces(server.accept()[0])) == b"hello"
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
            client.wait(DEADLINE_S)
        assert program.wait_line("limit") == "c1 to server: byte 5: FIN both ways, the limit\n"


def test_socat_as_the_server_is_reset() -> None:
    path = tool("socat", "socat")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [path, "-d", "-d", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", "EXEC:cat"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            errors = server.stderr
            assert errors is not None
            assert any("listening on" in line for line in iter(errors.readline, ""))
            with (
                chaos(":0", f":{port}", "--reset-after", "4", "--direction", "to_client") as one,
                socket.create_connection(one[1], DEADLINE_S) as client,
            ):
                client.sendall(b"abcdefgh")
                assert client.recv(100, socket.MSG_WAITALL) == b"abcd"
                with pytest.raises(ConnectionResetError):
                    client.recv(100)
                assert one[0].wait_line("RST") == "c1 to client: byte 4: RST\n"
            assert "reset by peer" in errors.read().lower()
        finally:
            server.kill()


def udp_socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(DEADLINE_S)
    return sock


def test_datagrams_by_script() -> None:
    with udp_socket() as server, udp_socket() as client:
        script = ["--drop", "2,5", "--swap", "3-4", "--duplicate", "6"]
        target = f"udp://{address_of(server)}"
        with chaos("udp://:0", target, *script, "--direction", "to_server") as running:
            program, address, faults = running
            assert faults.startswith("to the server: lose datagram 2 and 5;")
            for letter in b"abcdef":
                client.sendto(bytes([letter]), address)
            assert [server.recv(10) for _ in range(5)] == [b"a", b"d", b"c", b"f", b"f"]
            program.line()
            assert [program.line().split(": ", 1)[1] for _ in range(4)] == [
                "datagram 2: lost\n",
                "datagram 3: overtaken by 4\n",
                "datagram 5: lost\n",
                "datagram 6: once more\n",
            ]


def test_loss_by_the_seed_is_the_same_in_two_processes() -> None:
    def lost(seed: str) -> list[bytes]:
        with udp_socket() as server, udp_socket() as client:
            target = f"udp://{address_of(server)}"
            with chaos("udp://:0", target, "--seed", seed, "--loss", "0.3") as (_, address, _):
                for number in range(50):
                    client.sendto(b"%d" % number, address)
                client.sendto(b"end", address)
                found = []
                server.settimeout(1.0)
                with contextlib.suppress(TimeoutError):
                    while not found or found[-1] != b"end":
                        found.append(server.recv(10))
                return [one for one in found if one != b"end"]

    first = lost("1")
    assert 20 < len(first) < 50
    assert lost("1") == first != lost("2")


def test_unix_sockets(tmp_path: Path) -> None:
    server_path, path = str(tmp_path / "server"), str(tmp_path / "chaos")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(server_path)
        server.listen()
        flags = ["--slice", "2", "--direction", "to_server"]
        with netlab("chaos", f"unix:{path}", f"unix:{server_path}", *flags) as program:
            assert program.line() == f"listening on unix:{path}\n"
            client.connect(path)
            client.sendall(b"abc")
            client.shutdown(socket.SHUT_WR)
            assert read_pieces(server.accept()[0]) == [b"ab", b"c"]
            program.kill(signal.SIGTERM)
            assert program.end()[0] == 0
        assert not Path(path).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_within_two_seconds_with_a_stalled_connection(number: signal.Signals) -> None:
    with (
        listener() as server,
        chaos(":0", address_of(server), "--stall-at", "0") as (program, address, _),
        socket.create_connection(address, DEADLINE_S) as client,
    ):
        client.sendall(b"x" * 100_000)
        assert program.wait_line("stalled")
        before = time.monotonic()
        program.kill(number)
        code, _, err = program.end()
        assert time.monotonic() - before < PROMISED_S
        assert (code, len(err)) == (0, 1)


def test_a_terminal_that_was_stopped_stops_no_connection_and_not_the_end() -> None:
    """More lines than the pipe holds, and nobody reads them."""
    received = bytearray()
    with (
        listener() as server,
        chaos(":0", address_of(server), "--slice", "1", "--direction", "to_server") as running,
        socket.create_connection(running[1], DEADLINE_S) as client,
    ):
        sock = server.accept()[0]
        reader = threading.Thread(
            target=lambda: received.extend(b"".join(read_pieces(sock))), name="netlab-test-reader"
        )
        reader.start()
        client.sendall(bytes(4_000))
        client.shutdown(socket.SHUT_WR)
        reader.join(60.0)
        assert len(received) == 4_000
        before = time.monotonic()
        running[0].kill(signal.SIGTERM)
        assert running[0].process.wait(DEADLINE_S) == 0
        assert time.monotonic() - before < PROMISED_S


def test_who_stops_reading_its_output_ends_it() -> None:
    with listener() as server, chaos(":0", address_of(server)) as (program, address, _):
        out = program.process.stdout
        assert out is not None
        out.close()
        with socket.create_connection(address, DEADLINE_S):
            assert program.process.wait(DEADLINE_S) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([":0", ":1", "--slice", "x"], "'x' is no number"),
        ([":0", ":1", "--slice=-1"], "--slice=-1: a whole number, 0 or more, is allowed"),
        ([":0", ":1", "--slice", "1.5"], "--slice=1.5: a whole number, 0 or more, is wanted"),
        ([":0", ":1", "--slice-random", "5"], "'5' is no pair; write it like 4-5"),
        ([":0", ":1", "--delay", "5"], "write number:milliseconds, as in 3:200"),
        ([":0", ":1", "--connection", "0"], "connection=0: a whole number, 1 or more"),
        ([":0", ":1", "--loss", "0.1"], "--loss is a fault of UDP, and 127.0.0.1:1 is no udp://"),
        (["udp://:0", "udp://:1", "--slice", "1"], "--slice is a fault of TCP"),
        (["udp://:0", "udp://:1", "--loss", "2"], "--loss=2: a probability, from 0 to 1"),
        (["udp://:0", ":1"], "either both are udp://, or none is"),
        ([":0", ":0"], "nobody can be reached on port 0"),
        (["0.0.0.0:0", ":1"], "or say that you mean it with --let-others-connect"),
        ([":0", "no-such.invalid:1"], "no host is called 'no-such.invalid'"),
        (["192.0.2.1:0", ":1", "--let-others-connect"], "it is no address of this machine"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], said: str) -> None:
    code, out, err = netlab_once("chaos", *arguments)
    assert (code in (1, 2), out, len(err)) == (True, [], 1)
    assert said in err[0]


def test_a_port_in_use_is_told() -> None:
    with listener() as taken:
        code, _, err = netlab_once("chaos", address_of(taken), ":1")
    assert code == 1
    assert "it is already in use" in err[0]


def test_others_may_connect_if_that_is_meant() -> None:
    with listener() as server:
        flags = ["--let-others-connect", "--seed", "word"]
        with chaos("0.0.0.0:0", address_of(server), *flags) as (_, address, faults):
            assert (address[0], faults) == ("0.0.0.0", "no faults\n")
