"""`netlab chat` at a terminal: what a user sees, types and presses."""

from __future__ import annotations

import signal
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from netlab import TCPClient

from .programs import AT_ONCE_S, DEADLINE_S, Program, Terminal, netlab, serving

CTRL_C, CTRL_D, ENTER, TAB = "\x03", "\x04", "\r", "\t"


@pytest.fixture
def echo() -> Iterator[tuple[Program, str, int]]:
    """A `netlab serve` of the echo service."""
    with serving() as server:
        yield server


@pytest.fixture
def chat() -> Iterator[tuple[Program, int]]:
    """A `netlab serve` of the chat."""
    with netlab("serve", "tcp_threads") as program:
        yield program, int(program.line().rpartition(":")[2])


def terminal(port: int, service: str = "echo") -> Terminal:
    """Start `netlab chat` at a terminal."""
    url = f"tcp://127.0.0.1:{port}"
    return Terminal("chat", url, "--service", service, columns=160)


def test_a_line_goes_out_and_its_answer_stands_above_the_prompt(
    echo: tuple[Program, str, int],
) -> None:
    with terminal(echo[2]) as user:
        user.wait_for([">"].__eq__)
        user.press("hello" + ENTER)
        user.wait_for(["> hello", "Echo: hello", ">"].__eq__)


def test_what_others_say_stands_above_a_half_typed_line(echo: tuple[Program, str, int]) -> None:
    _, host, port = echo
    with terminal(port) as user:
        user.wait_for(">")
        user.press("half a li")
        user.wait_for("> half a li")
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as other:
            other.say("first")
            other.say("second")
            lines = user.wait_for(lambda lines: len(lines) == 3)
            assert [line.partition("): ")[2] for line in lines[:2]] == ["first", "second"]
            assert lines[2] == "> half a li"
            user.press("ne" + ENTER)
            assert other.wait_for("broadcast", DEADLINE_S).content == "half a line"
        assert user.wait_for("Echo: half a line")[2] == "> half a line"
        assert not user.screen.unknown


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D, "/quit" + ENTER, "half" + CTRL_C])
def test_the_user_ends_it_at_once(echo: tuple[Program, str, int], keys: str) -> None:
    with terminal(echo[2]) as user:
        user.wait_for(">")
        before = time.monotonic()
        user.press(keys)
        code, lines = user.end()
        assert time.monotonic() - before < AT_ONCE_S
    assert (code, lines[-1]) == (0, "netlab chat: you ended the conversation")
    assert not any("Traceback" in line for line in lines)


def test_the_terminal_is_left_as_it_was_found(echo: tuple[Program, str, int]) -> None:
    with terminal(echo[2]) as user:
        user.wait_for(">")
        user.press(CTRL_D)
        user.end()
        assert user.raw.rindex(b"\x1b[?2004l") > user.raw.rindex(b"\x1b[?2004h")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_ends_it_without_enter(
    echo: tuple[Program, str, int], number: signal.Signals
) -> None:
    server, _, port = echo
    with terminal(port) as user:
        user.wait_for(">")
        user.press("half a li")
        user.wait_for("> half a li")
        server.kill(number)
        before = time.monotonic()
        code, lines = user.end()
        assert time.monotonic() - before < AT_ONCE_S
    assert code == 1
    assert lines[-2] == "> half a li"
    assert lines[-1].startswith("netlab chat: the ")
    if number == signal.SIGTERM:
        assert lines[-1].endswith("closed the connection: server_stopping: the server is stopping")


def test_a_reset_ends_it_too() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, terminal(listener.getsockname()[1]) as user:
        peer, _ = listener.accept()
        user.wait_for(">")
        linger_0_s = struct.pack("ii", 1, 0)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_0_s)
        peer.close()
        code, lines = user.end()
    assert code == 1
    said = "".join(lines)  # it may take two
    assert "netlab chat: the connection was lost: Connection reset by peer" in said
    assert said.endswith("(if it speaks TLS, write tls://)")


def test_what_a_stranger_sends_commands_no_terminal(echo: tuple[Program, str, int]) -> None:
    _, host, port = echo
    attack = "\x1b[2J\x1b]0;title\x07\x9b31mred\u202egnp.exe\rgone\x08\x7f"
    with terminal(port) as user:
        user.wait_for(">")
        with TCPClient((host, port), service="echo", timeout_s=DEADLINE_S) as other:
            other.say(attack)
        shown = r"\x1b[2J\x1b]0;title\x07\x9b31mred\u202egnp.exe\rgone\x08\x7f"
        user.wait_for(lambda lines: shown in "".join(lines))
        assert b"\x1b[2J" not in user.raw
        assert b"\x1b]0;" not in user.raw
        assert "\u202e".encode() not in user.raw
        assert "\x9b".encode() not in user.raw


def test_commands_of_the_chat_are_a_sentence_with_the_echo_service(
    echo: tuple[Program, str, int],
) -> None:
    with terminal(echo[2]) as user:
        user.wait_for(">")
        user.press("/rooms" + ENTER)
        user.wait_for(
            "/rooms is for the chat service; the echo service understands text, /help, /quit"
        )


def test_a_paste_of_several_lines_is_several_lines(echo: tuple[Program, str, int]) -> None:
    with terminal(echo[2]) as user:
        user.wait_for(">")
        user.press("\x1b[200~one\ntwo\x1b[201~" + ENTER)
        user.wait_for("Echo: two")
        assert "Echo: one" in user.screen.lines()


def test_two_users_talk_in_a_room(chat: tuple[Program, int]) -> None:
    _, port = chat
    with terminal(port, "chat") as ada, terminal(port, "chat") as bob:
        for user, name in ((ada, "Ada"), (bob, "Bob")):
            user.wait_for(">")
            user.press(f"/join tea {name}{ENTER}")
            user.wait_for("tea>")
        ada.wait_for("Bob joined tea")
        ada.press("sugar?" + ENTER)
        bob.wait_for("[tea] Ada: sugar?")
        bob.press("/pm ada no" + ENTER)
        ada.wait_for("Bob to you: no")
        bob.press("/quit" + ENTER)
        assert bob.end()[0] == 0
        ada.wait_for("Bob left tea")


def test_tab_completes_commands_and_names(chat: tuple[Program, int]) -> None:
    _, port = chat
    with (
        terminal(port, "chat") as user,
        TCPClient(("127.0.0.1", port), timeout_s=DEADLINE_S) as other,
    ):
        user.wait_for(">")
        user.press("/jo" + TAB)
        user.wait_for("> /join")
        user.press(" tea Ada" + ENTER)
        user.wait_for("tea>")
        other.send("join_room", room="tea", username="Charlie Brown")
        user.wait_for("Charlie Brown joined tea")
        user.press("/pm Ch" + TAB)
        user.wait_for(lambda lines: any('/pm "Charlie Brown"' in line for line in lines))
        user.press(" hi" + ENTER)
        assert other.wait_for("private_message", DEADLINE_S).content == "hi"


def test_a_game_between_two_users(chat: tuple[Program, int]) -> None:
    _, port = chat
    with terminal(port, "chat") as ada, terminal(port, "chat") as bob:
        ada.wait_for(">")
        bob.wait_for(">")
        ada.press("/create tic-tac-toe" + ENTER)
        lines = ada.wait_for(lambda lines: any("others /play" in line for line in lines))
        session = next(line for line in lines if "others /play" in line).split()[-1]
        bob.press(f"/play {session}{ENTER}")
        ada.wait_for(lambda lines: any("plays in" in line for line in lines))
        ada.press("/move 4" + ENTER)
        bob.wait_for("  . X .")
        bob.press("/move 4" + ENTER)
        bob.wait_for(lambda lines: any("cell 4 is taken" in line for line in lines))


def test_the_beginning_of_an_id_is_enough_once_it_was_listed(chat: tuple[Program, int]) -> None:
    _, port = chat
    with (
        terminal(port, "chat") as user,
        TCPClient(("127.0.0.1", port), timeout_s=DEADLINE_S) as host,
    ):
        host.send("create_game_session", game_type="generic")
        session = host.wait_for("game_session_created", DEADLINE_S).session_id
        user.wait_for(">")
        user.press("/games" + ENTER)
        user.wait_for(lambda lines: any(f"  {session[:8]} generic" in line for line in lines))
        user.press(f"/play {session[:8]}{ENTER}")
        assert host.wait_for("player_joined_game", DEADLINE_S).session_id == session
