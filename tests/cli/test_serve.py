"""`netlab serve`: ready when it says so, ended by a signal, clear when it cannot."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields

import pytest

from netlab import Limits, TCPClient
from netlab.core.errors import ConnectionEnded
from netlab.serve_cli import TRANSPORTS, field_docs
from netlab.serve_log import OneLine

from .programs import DEADLINE_S, PROMISED_S, Program, netlab, netlab_once, serving, tool

both_signals = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@both_signals
def test_a_signal_ends_it_and_every_client_is_told(number: signal.Signals) -> None:
    with serving() as (program, host, port):
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as client:
            client.say("hello")
            assert client.wait_for("echo", DEADLINE_S).content == "hello"
            program.kill(number)
            assert client.wait_for("closing", DEADLINE_S).code == "server_stopping"
        code, out, err = program.end()
    assert (code, out) == (0, [])
    assert err == [f"netlab serve: {number.name} ended the server; 1 client told"]


@both_signals
def test_it_ends_within_two_seconds_though_a_client_never_reads(number: signal.Signals) -> None:
    with (
        serving("--messages-per-second", "0") as (program, host, port),
        socket.create_connection((host, port), DEADLINE_S) as deaf,
    ):
        deaf.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # until nothing more goes in
            while True:
                deaf.send(b"x" * 999 + b"\n")
        before = time.monotonic()
        program.kill(number)
        code, _, err = program.end()
        assert time.monotonic() - before < PROMISED_S
    assert (code, len(err)) == (0, 1)


def test_a_second_ctrl_c_does_no_harm() -> None:
    with serving() as (program, _, _):
        program.kill(signal.SIGINT)
        program.kill(signal.SIGINT)
        code, _, err = program.end()
    assert (code, err) == (0, ["netlab serve: SIGINT ended the server; nobody was there"])


def test_without_a_client_the_address_is_all_it_says() -> None:
    with serving() as (program, host, _):
        program.kill(signal.SIGTERM)
        assert program.end()[1] == []
        assert host == "127.0.0.1"


@pytest.mark.parametrize("transport", TRANSPORTS)
@both_signals
def test_every_transport_serves_and_ends(transport: str, number: signal.Signals) -> None:
    url = {"udp": "udp", "websocket": "ws", "socketio": "http"}.get(transport, "tcp")
    with netlab("serve", transport) as program:
        address = program.line().split()[-1]
        with netlab("chat", f"{url}://{address}") as user:
            assert user.line().startswith("you are User_")
            user.write("/join tea Ada\nhello\n")
            user.wait_line("[tea] Ada: hello")
            program.kill(number)
            code, _, err = user.end()
            assert (code, len(err)) == (1, 1)
            assert err[0].endswith("server_stopping: the server is stopping")
        assert program.end() == (
            0,
            [],
            [f"netlab serve: {number.name} ended the server; 1 client told"],
        )


def test_the_chat_is_the_default_service() -> None:
    with netlab("serve", "tcp_threads") as program:
        port = int(program.line().rpartition(":")[2])
        with TCPClient(("127.0.0.1", port), timeout_s=DEADLINE_S) as client:
            assert client.wait_for("welcome", DEADLINE_S).username.startswith("User_")


def test_a_busy_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = netlab_once("serve", "tcp_threads", "--port", str(port))
    assert (code, out, len(err)) == (1, [], 1)
    assert f"127.0.0.1:{port} is already in use" in err[0]
    assert "--port" in err[0]


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (["--host", "nobody.invalid"], 1, "no host is called 'nobody.invalid'"),
        (["--host", "192.0.2.1", "--insecure"], 1, "it is no address of this machine"),
        (["--host", "a" * 70 + ".invalid"], 1, "no host is called"),
        (["--port", "65536"], 2, "'65536' is no port; a port is a number from 0 to 65535"),
        (["--port", "-1"], 2, "'-1' is no port"),
        (["--max-clients", "-1"], 2, "'-1' is no limit; a limit is a whole number"),
        (["--idle-seconds", "1.5"], 2, "'1.5' is no limit"),
        (["--max-clients", "many"], 2, "'many' is no limit"),
        (["--service", "cake"], 2, "invalid choice: 'cake'"),
        (["--max-cl", "1"], 2, "unrecognized arguments"),
        (["--log-level", "loud"], 2, "invalid choice: 'loud'"),
    ],
)
def test_what_cannot_be_is_one_sentence(flags: list[str], code: int, sentence: str) -> None:
    got, out, err = netlab_once("serve", "tcp_threads", *flags)
    assert (got, out, len(err)) == (code, [], 1), err
    assert sentence in err[0]


def test_an_unknown_transport_is_one_sentence_that_names_those_known() -> None:
    code, _, err = netlab_once("serve", "pigeon")
    assert (code, len(err)) == (2, 1)
    assert "tcp_threads" in err[0]


def test_every_limit_has_a_flag_with_its_documentation() -> None:
    code, out, _ = netlab_once("serve", "--help", COLUMNS="500")
    text = " ".join(" ".join(out).split())
    docs = field_docs(Limits)
    assert code == 0
    for field in fields(Limits):
        assert "--" + field.name.replace("_", "-") in text
        assert docs[field.name] in text


def test_a_limit_reaches_the_service() -> None:
    with (
        serving("--max-clients", "1") as (_, host, port),
        TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as first,
    ):
        first.say("I am in")
        first.wait_for("echo", DEADLINE_S)
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as second:
            assert second.wait_for("closing", DEADLINE_S).code == "server_full"


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_an_ipv6_address_stands_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving("--host", "::1") as (program, host, port):
        assert host == "::1"
        with socket.create_connection((host, port), DEADLINE_S) as client:
            client.sendall(b"six\n")
            assert client.recv(100) == b"Echo: six\n"
        program.kill(signal.SIGTERM)
        assert program.end()[0] == 0


def test_the_log_goes_to_stderr() -> None:
    with serving("--log-level", "info") as (program, host, port):
        assert "INFO netlab.transports.tcp_threads: listening on" in program.error_line()
        socket.create_connection((host, port), DEADLINE_S).close()
        assert "is gone: left" in program.error_line()
        program.kill(signal.SIGINT)
        assert program.end()[0] == 0


def test_nothing_logged_starts_a_line_of_its_own() -> None:
    record = logging.LogRecord("n", 20, "p", 1, "x %s", ("\n2026 INFO fake\x1b[2J",), None)
    assert OneLine("%(message)s").format(record) == r"x \n2026 INFO fake\x1b[2J"


def test_a_traceback_in_the_log_starts_no_line_that_looks_like_one_of_the_log() -> None:
    """The text of an error may be what a client sent."""
    try:
        raise ValueError("\n2026 INFO forged\x1b[2J\r\x9bK\u2028x")
    except ValueError:
        record = logging.LogRecord("n", 40, "p", 1, "failed", (), sys.exc_info())
    first, *rest = OneLine("%(message)s").format(record).split("\n")
    assert first == "failed"
    assert rest
    assert all(line.startswith("    ") and line.isprintable() for line in rest)


def test_a_log_that_nobody_reads_holds_up_nobody() -> None:
    with serving("--log-level", "info") as (program, host, port):
        assert program.process.stderr is not None
        fcntl.fcntl(program.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for _ in range(200):  # each is two lines and more than 100 bytes
            with socket.create_connection((host, port), DEADLINE_S) as client:
                client.sendall(b"x\n")
                assert client.recv(100) == b"Echo: x\n"
        before = time.monotonic()
        program.kill(signal.SIGTERM)
        assert program.process.wait(DEADLINE_S) == 0
        assert time.monotonic() - before < PROMISED_S


# ---------------------------------------------------------------- clients that are not ours


def test_netcat_is_a_client() -> None:
    with (
        serving() as (server, host, port),
        Program([tool("nc", "netcat-openbsd"), host, str(port)]) as nc,
    ):
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as other:
            other.say("I am in")
            other.wait_for("echo", DEADLINE_S)
            nc.write("grüße\n")
            nc.wait_line("Echo: grüße")
            assert other.wait_for("broadcast", DEADLINE_S).content == "grüße"
            other.say("from Python")
            assert nc.line().endswith("from Python\n")
        server.kill(signal.SIGTERM)
        assert nc.line().startswith("Closing: server_stopping: ")


def test_telnet_is_a_client() -> None:
    with serving() as (_, host, port), Program([tool("telnet", "telnet"), host, str(port)]) as one:
        one.wait_line("Escape character is '^]'.")
        one.write("hello\n")
        assert one.line().rstrip("\r\n") == "Echo: hello"


def test_a_server_started_by_a_script_in_the_background_ends_by_sigint() -> None:
    # A shell without job control starts background jobs with SIGINT ignored.
    script = '"$0" -m netlab serve tcp_threads & echo $!; wait $!'
    with Program(["sh", "-c", script, sys.executable]) as shell:
        pid = int(shell.line())
        assert shell.line().startswith("listening on ")
        subprocess.run(["kill", "-INT", str(pid)], check=True, timeout=DEADLINE_S)
        assert shell.end()[0] == 0


def test_a_client_that_comes_too_late_hears_why() -> None:
    with (
        serving() as (program, host, port),
        TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as client,
    ):
        program.kill(signal.SIGTERM)
        assert "the server is stopping" in client.wait_ended(DEADLINE_S)
        with pytest.raises(ConnectionEnded, match="the server is stopping"):
            client.say("too late")
