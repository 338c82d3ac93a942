"""`netlab chat` without a terminal: lines in, lines out, a clear end."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from netlab import TCPClient
from netlab.chat_cli import parse_url
from netlab.terminal import CommandFailed

from .programs import AT_ONCE_S, DEADLINE_S, Program, netlab, netlab_once, serving

QUIT = "netlab chat: you ended the conversation"


@pytest.fixture
def echo() -> Iterator[tuple[Program, str, int]]:
    """A `netlab serve` of the echo service."""
    with serving() as server:
        yield server


class SilentServer:
    """Accepts, and says nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]

    def accept(self) -> socket.socket:
        self._listener.settimeout(DEADLINE_S)
        return self._listener.accept()[0]


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """A server that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield SilentServer(listener)


def chat(port: int, service: str = "echo") -> Program:
    """Start `netlab chat` behind pipes."""
    return netlab("chat", f"tcp://127.0.0.1:{port}", "--service", service)


def test_after_the_last_line_it_waits_for_the_answers(echo: tuple[Program, str, int]) -> None:
    url = f"tcp://127.0.0.1:{echo[2]}"
    typed = "".join(f"line {n}\n" for n in range(500)) + "the last has no newline"
    code, out, err = netlab_once("chat", url, "--service", "echo", stdin=typed)
    assert (code, err) == (0, [QUIT])
    assert out == [*(f"Echo: line {n}" for n in range(500)), "Echo: the last has no newline"]


def test_what_others_say_comes_at_once_while_the_input_is_open(
    echo: tuple[Program, str, int],
) -> None:
    _, host, port = echo
    with chat(port) as user:
        user.write("hello\n")
        assert user.line() == "Echo: hello\n"
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as other:
            other.say("\x1b[2Jboo")
            assert user.line().endswith(r": \x1b[2Jboo" + "\n")
        user.end_input()
        assert user.end() == (0, [], [QUIT])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_vanished_server_ends_it_though_the_input_is_open(
    echo: tuple[Program, str, int], number: signal.Signals
) -> None:
    server, _, port = echo
    with chat(port) as user:
        user.write("hello\n")
        user.line()
        server.kill(number)
        code, out, err = user.end()
    assert (code, out, len(err)) == (1, [], 1)
    assert err[0].startswith("netlab chat: the ")


def test_ctrl_c_quits(echo: tuple[Program, str, int]) -> None:
    with chat(echo[2]) as user:
        user.write("hello\n")
        user.line()
        user.kill(signal.SIGINT)
        assert user.end() == (0, [], [QUIT])


def test_ctrl_c_quits_even_while_the_server_reads_nothing(silent: SilentServer) -> None:
    with chat(silent.port) as user, silent.accept():
        assert user.process.stdin is not None
        fd = user.process.stdin.fileno()
        os.set_blocking(fd, False)
        # When nothing more goes into its stdin, it is stuck in sending.
        while select.select([], [fd], [], 1.0)[1]:
            os.write(fd, b"x" * 4_000 + b"\n")
        before = time.monotonic()
        user.kill(signal.SIGINT)
        code, _, err = user.end()
        assert time.monotonic() - before < AT_ONCE_S
    assert (code, err[-1]) == (0, QUIT)


def test_quit_is_a_command_here_too(echo: tuple[Program, str, int]) -> None:
    with chat(echo[2]) as user:
        user.write("/quit\nnever sent\n")
        assert user.end() == (0, [], [QUIT])


def test_commands_have_their_place_in_the_order_of_the_lines() -> None:
    with netlab("serve", "tcp_threads") as server:
        port = int(server.line().rpartition(":")[2])
        typed = '/join "tea room" Ada\nhello\n/leave\n/create tic-tac-toe\n/move 4\nhi all\n/foo\n'
        code, out, err = netlab_once("chat", f"tcp://127.0.0.1:{port}", stdin=typed)
    assert code == 0
    assert out[1:4] == [
        "you are in tea room, with 0 other(s)",
        "[tea room] Ada: hello",
        "you left tea room",
    ]
    assert out[4].startswith("your session of tic-tac-toe is open")
    assert out[5].startswith("error game_not_started: ")
    assert out[6:] == ["Echo: hi all"]
    assert err[0].startswith("netlab chat: no command is called /foo")
    assert err[1:] == [QUIT]


def test_a_line_that_is_no_text_is_not_sent_and_the_next_is(
    echo: tuple[Program, str, int],
) -> None:
    with chat(echo[2]) as user:
        user.write(b"\xff\xfe\nfine\n")
        assert user.line() == "Echo: fine\n"
        assert "not valid UTF-8" in user.error_line()
        user.end_input()
        assert user.end()[0] == 0


def test_a_server_that_never_answers_is_waited_for_two_seconds(silent: SilentServer) -> None:
    with chat(silent.port) as user, silent.accept():
        user.write("hello?\n")
        user.end_input()
        code, out, err = user.end()
    assert (code, out) == (0, [])
    assert err == [f"{QUIT}; not everything was answered within 2 s"]


def test_a_server_that_closes_after_the_end_of_the_input_is_no_fault(silent: SilentServer) -> None:
    with chat(silent.port, "chat") as user:
        with silent.accept() as peer, peer.makefile() as heard:
            user.write("hello?\n")
            user.end_input()
            assert '"text"' in heard.readline()
            assert '"end-of-input"' in heard.readline()
            peer.sendall(b'{"type": "pong", "timestamp": "2026-01-01T00:00:00Z"}\n')
        code, _, err = user.end()
        assert (code, err) == (0, [QUIT])


def test_a_server_that_closes_without_ever_a_word_may_speak_tls(silent: SilentServer) -> None:
    with chat(silent.port, "chat") as user:
        with silent.accept() as peer, peer.makefile() as heard:
            user.write("hello?\n")
            user.end_input()
            assert '"text"' in heard.readline()
            assert '"end-of-input"' in heard.readline()
        code, out, err = user.end()
    said = "netlab chat: the server closed the connection (if it speaks TLS, write tls://)"
    assert (code, out, err[-1]) == (1, [], said)


def test_talking_chat_to_an_echo_server_says_so(echo: tuple[Program, str, int]) -> None:
    with chat(echo[2], "chat") as user:
        user.write("hello\n")
        code, _, err = user.end()
    assert code == 1
    assert "add --service echo" in err[-1]


def test_a_reader_that_goes_away_is_no_traceback(echo: tuple[Program, str, int]) -> None:
    with chat(echo[2]) as user:
        assert user.process.stdout is not None
        user.process.stdout.close()
        user.write("hello\n")
        err = []
        while line := user.error_line():
            err.append(line)
        assert user.process.wait(DEADLINE_S) == 1
    assert not any("Traceback" in line for line in err)


# ---------------------------------------------------------------- whom to talk to


def test_nobody_listens_is_a_sentence_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    before = time.monotonic()
    code, out, err = netlab_once("chat", f"tcp://127.0.0.1:{port}")
    assert time.monotonic() - before < DEADLINE_S
    assert (code, out, len(err)) == (1, [], 1)
    assert f"nobody listens on 127.0.0.1:{port} (connection refused)" in err[0]
    assert f"netlab serve tcp_threads --port {port}" in err[0]


def test_an_unknown_host_is_a_sentence() -> None:
    code, _, err = netlab_once("chat", "tcp://nobody.invalid:9")
    assert (code, len(err)) == (1, 1)
    assert "no host is called 'nobody.invalid'" in err[0]


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("tcp://127.0.0.1:9000", "127.0.0.1", 9000),
        ("tcp://[::1]:9000", "::1", 9000),
        ("TCP://localhost:1/", "localhost", 1),
        ("udp://localhost:65535", "localhost", 65535),
    ],
)
def test_urls(url: str, host: str, port: int) -> None:
    assert parse_url(url) == (url[:3].lower(), (host, port), None)


def test_a_link_to_join_by_has_a_token() -> None:
    link = "http://127.0.0.1:9000/?token=tea-and-cake_7"
    assert parse_url(link) == ("http", ("127.0.0.1", 9000), "tea-and-cake_7")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "is no URL"),
        ("localhost:9000", "localhost:9000 is no URL; write it like tcp://"),
        ("https://localhost", "names no port"),
        ("tls://localhost:0", "port 0"),
        ("gopher://localhost:70", "gopher:// is unknown; available: tcp://, tls://, udp://"),
        ("tcp://localhost", "names no port"),
        ("tcp://localhost:", "names no port"),
        ("tcp://", "names no host"),
        ("tcp://:9000", "names no host"),
        ("tcp://localhost:0", "port 0"),
        ("tcp://localhost:65536", "0-65535"),
        ("tcp://localhost:http", "write it like"),
        ("tcp://::1:9000", "brackets"),
        ("tcp://[::1:9000", "write it like"),
        ("tcp://me@localhost:9000", "only host and port"),
        ("tcp://localhost:9000/room", "only host and port"),
        ("tcp://local host:9000", "write it like"),
        ("tcp://\x1b[2J:9000", r"\x1b"),
    ],
)
def test_what_is_no_url_is_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        parse_url(url)
    assert caught.value.exit_code == 2
    assert sentence in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
