"""`netlab serve` beyond this machine: who is let in, and by which link."""

from __future__ import annotations

import re
import signal
import socket
import sys
from http.client import HTTPConnection

import pytest
import segno

from netlab import join_link, serve_access
from netlab.cli import main
from netlab.join_link import new_token, qr_code, qr_image, reachable_host
from netlab.serve_cli import TRANSPORTS
from netlab.transports.access import check_token
from tests.certificates import write_files

from .programs import DEADLINE_S, Terminal, netlab, netlab_once

TOKEN = "tea-and-cake_7"
PLAIN = [name for name in TRANSPORTS if name not in serve_access.WITH_TOKEN]


# ---------------------------------------------------------------- refusals


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Call the command in this process, as it must not get so far as to listen."""
    assert main([*arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err.strip()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_nothing_listens_unless_somebody_says_so(
    transport: str, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, "serve", transport, "--host", host)
    assert "everybody who can reach this machine could connect" in err
    assert err.endswith("or say that you mean it with --insecure")
    assert ("a token with --token auto" in err) == (transport not in PLAIN)
    assert ("--tls-client-ca" in err) == (transport.startswith("tcp"))


@pytest.mark.parametrize("transport", PLAIN)
def test_what_can_ask_for_no_token_says_so(
    transport: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, "serve", transport, "--host", "0.0.0.0", "--token", TOKEN)
    assert f"{transport} does not take --token" in err
    assert TOKEN not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["websocket", "--teacher-token", "auto"], "websocket has no page for a teacher"),
        (["socketio", "--token", TOKEN, "--teacher-token", TOKEN], "choose another"),
        (["socketio", "--token", TOKEN, "--teacher-token", "short"], "--teacher-token: a token of"),
    ],
)
def test_what_cannot_be_with_a_teacher(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, "serve", *arguments)


@pytest.mark.parametrize("transport", ["udp", "tcp_threads", "socketio"])
def test_insecure_is_allowed_and_complained_of(transport: str) -> None:
    with netlab("serve", transport, "--host", "0.0.0.0", "--insecure") as program:
        assert "everybody who can reach this machine can connect" in program.error_line()
        assert program.line().startswith("listening on 0.0.0.0:")
        program.kill(signal.SIGTERM)
        assert program.end()[:2] == (0, [])  # no link: there is nothing secret in it


def test_who_asks_for_certificates_needs_no_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate, key, ca = map(str, write_files(tmp_path_factory.mktemp("tls")))
    flags = ["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", ca]
    with netlab("serve", "tcp_threads", "--host", "0.0.0.0", *flags) as program:
        assert program.line().startswith("listening on 0.0.0.0:")
        program.kill(signal.SIGTERM)
        code, _, err = program.end()
    assert (code, len(err)) == (0, 1)


@pytest.mark.parametrize("token", ["", "short", "with space", "ünicode-token"])
def test_a_token_that_is_none_is_one_sentence_that_does_not_show_it(
    token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(capsys, "serve", "websocket", "--token", token)
    assert "8 to 128 letters" in err
    assert not token or token not in err


# ---------------------------------------------------------------- links


@pytest.mark.parametrize("transport", serve_access.WITH_TOKEN)
def test_the_link_that_it_prints_lets_in_and_its_address_alone_does_not(transport: str) -> None:
    flags = ["--host", "0.0.0.0", "--token", "auto", "--log-level", "debug"]
    with netlab("serve", transport, *flags) as program:
        port = int(program.line().rpartition(":")[2])
        opened = program.line().strip()
        if transport in serve_access.WITH_TEACHER:
            # By loopback: what goes by the network unencrypted, others can read.
            start = f"teacher: http://127.0.0.1:{port}/teacher?token="
            assert re.fullmatch(re.escape(start) + "[a-z0-9]{14}", opened)
            opened = program.line().strip()
        link = opened.removeprefix("join: ")
        found = re.fullmatch(r"http://([0-9.]+):(\d+)/\?token=([a-z0-9]{14})", link)
        assert found is not None, link
        host, token = reachable_host("0.0.0.0") or "127.0.0.1", found[3]
        assert found.groups() == (host, str(port), token)
        connection = HTTPConnection(host, port, timeout=DEADLINE_S)
        statuses = []
        for path in ("/", f"/?token={token}"):
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            statuses.append(response.status)
            response.read()
            connection.close()
        assert statuses == [403, 303]
        url = link.replace("http:", "ws:") if transport == "websocket" else link
        with netlab("chat", url) as user:
            assert user.line().startswith("you are User_")
            user.end_input()
            assert user.end()[0] == 0
        program.kill(signal.SIGTERM)
        code, out, err = program.end()
    assert code == 0
    assert any("everybody on the same network can read all that is said" in line for line in err)
    assert token not in "".join([*out, *err])  # not even at DEBUG


def test_a_token_is_asked_for_on_loopback_too() -> None:
    """On a shared machine, as with JupyterHub, every user reaches 127.0.0.1."""
    with netlab("serve", "websocket", "--token", TOKEN) as program:
        address = program.line().split()[-1]
        assert program.line() == f"join: http://{address}/?token={TOKEN}\n"
        url = f"ws://{address}"
        code, _, err = netlab_once("chat", url)
        assert (code, len(err)) == (1, 1)
        assert "A token opens the class" in err[0]
        assert "--token" in err[0]
        wrong = netlab_once("chat", url, "--token", TOKEN + "x")
        assert "That is not the token for the class" in wrong[2][0]
        for arguments, env in ((["--token", TOKEN], {}), ([], {"NETLAB_TOKEN": TOKEN})):
            with netlab("chat", url, *arguments, **env) as user:
                assert user.line().startswith("you are User_")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["tcp://127.0.0.1:9", "--token", TOKEN],
            "--token is for ws://, wss://, http://, https://",
        ),
        ([f"tcp://127.0.0.1:9/?token={TOKEN}"], "only host and port belong there"),
        (["http://127.0.0.1:9/?key=x"], "only host and port belong there"),
        (["http://127.0.0.1:9/?token=x&y=z"], "8 to 128 letters"),
        (["ws://127.0.0.1:9", "--token", "short"], "8 to 128 letters"),
    ],
)
def test_what_chat_cannot_do_with_a_token(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, "chat", *arguments)


def test_a_new_token_is_another_each_time_and_easy_to_type() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert check_token(token) == token
        assert not set(token) & set("il1o0")
        assert token == token.lower()


@pytest.mark.parametrize(
    ("arguments", "link"),
    [
        (("10.0.0.7", 8000, TOKEN), f"http://10.0.0.7:8000/?token={TOKEN}"),
        (("2001:db8::7", 8000, TOKEN), f"http://[2001:db8::7]:8000/?token={TOKEN}"),
        (("10.0.0.7", 8000, None), "http://10.0.0.7:8000/"),
    ],
)
def test_links(arguments: tuple[str, int, str | None], link: str) -> None:
    assert join_link.join_link(*arguments, secure=False) == link
    assert join_link.join_link(*arguments, secure=True) == link.replace("http:", "https:")


def test_who_listens_on_one_address_is_reached_there() -> None:
    assert reachable_host("127.0.0.1") == "127.0.0.1"
    assert reachable_host("fe80::1%lo") == "fe80::1%lo"


class NoRoute(socket.socket):
    def connect(self, address: object) -> None:
        raise OSError(101, "Network is unreachable")


def test_without_a_way_to_anywhere_the_machines_name_may_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(join_link.socket, "socket", NoRoute)
    for addresses, found in (
        (["127.0.1.1", "10.0.0.7"], "10.0.0.7"),
        (["127.0.1.1"], None),
        ([], None),
    ):
        known = [(0, 0, 0, "", (address, 9)) for address in addresses]
        monkeypatch.setattr(join_link.socket, "getaddrinfo", lambda *_, known=known: known)
        assert reachable_host("0.0.0.0") == found
    assert reachable_host("::") is None


# ---------------------------------------------------------------- the QR code


def modules(code: str) -> list[list[bool]]:
    """Read a code as it is printed: which modules are dark, without the border."""
    halves = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}
    rows: list[list[bool]] = []
    for line in code.splitlines():
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        rows += [[halves[char][half] for char in plain] for half in (0, 1)]
    # The border is four modules wide, and outside of it is the last line's lower half.
    dark = [row for row in rows[:-1] if any(row)]
    left = min(row.index(True) for row in dark)
    right = max(len(row) - row[::-1].index(True) for row in dark)
    return [row[left:right] for row in dark]


def test_the_qr_code_says_the_link() -> None:
    link = f"http://192.168.100.100:50000/?token={new_token()}"
    expected = [[bool(module) for module in row] for row in segno.make(link, micro=False).matrix]
    for colours in (True, False):
        code = qr_code(link, colours=colours)
        assert code is not None
        assert modules(code) == expected
        assert len(code.splitlines()) <= 24


def test_as_a_picture_it_is_black_on_white_in_every_theme() -> None:
    svg = qr_image("http://127.0.0.1/")
    assert svg is not None
    assert ('fill="#fff"' in svg, 'stroke="#000"' in svg) == (True, True)


def has_all_of_it(lines: list[str]) -> bool:
    """Tell whether the last line of a code is there, as wide as its first."""
    widths = [len(line) for line in lines if set(line) == {"█"}]
    return bool(widths) and "▀" * widths[0] in lines


def test_a_terminal_shows_it_and_a_pipe_does_not() -> None:
    with Terminal("serve", "socketio", "--token", "auto", rows=40) as terminal:
        # To its end: Ctrl-C throws away what the terminal has not handed out (termios, NOFLSH).
        screen = terminal.wait_for(has_all_of_it)
        terminal.press("\x03")
        assert terminal.end()[0] == 0
    link = next(line for line in screen if line.startswith("join: ")).removeprefix("join: ")
    drawn = [line for line in screen if set(line) <= set("█▀▄ ") and "█" in line]
    dark = [list(map(bool, row)) for row in segno.make(link, micro=False).matrix]
    assert modules("\n".join(drawn)) == dark


def test_without_the_library_the_link_alone_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    assert (qr_code("http://127.0.0.1/"), qr_image("http://127.0.0.1/")) == (None, None)
