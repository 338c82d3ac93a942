"""The token of a class: every way in asks for it, and nothing tells it on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from hmac import compare_digest
from http.client import HTTPConnection, HTTPMessage
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect as connect_websocket

from netlab.core.chat import ChatService
from netlab.core.errors import ConnectionEnded
from netlab.lab import background
from netlab.transports import access
from netlab.transports.access import Access, check_token
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.websocket import WebSocketClient, WebSocketServer
from tests.transports.engineio_wire import PATIENCE_S, Polling

TOKEN = "tea-and-cake_7"
WRONG = "tea-and-cake_8"
SERVERS = {"websocket": WebSocketServer, "socketio": SocketIOServer}
PAGES = ["/", "/chat.js", "/chat.css", "/link.js", "/log.js", "/nothing-there"]
POLL = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    with background(SERVERS[request.param](ChatService, token=TOKEN)) as running:
        yield running


@pytest.fixture
def socketio_server() -> Iterator[Any]:
    with background(SocketIOServer(ChatService, token=TOKEN)) as running:
        yield running


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: str


def ask(server: Any, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
    connection = HTTPConnection(*server.address, timeout=PATIENCE_S)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body or None, headers=sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def cookie_of(server: Any) -> str:
    return ask(server, f"/?token={TOKEN}").headers["Set-Cookie"].partition(";")[0]


# ---------------------------------------------------------------- what a token is


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 129, "with space", "pass&word", "Ünterricht", "line\nbreak8"]
)
def test_what_can_be_no_token_is_refused_and_not_shown(token: str) -> None:
    for refused in (check_token, Access, lambda text: SocketIOServer(ChatService, token=text)):
        with pytest.raises(ValueError, match=f"a token of {len(token)} characters") as caught:
            refused(token)
        assert not token or repr(token)[1:-1] not in str(caught.value)


def test_clients_refuse_it_too() -> None:
    for client in (SocketIOClient, WebSocketClient):
        with pytest.raises(ValueError, match="8 to 128 letters"):
            client(("127.0.0.1", 9), token="x\r\nHost: y")


@pytest.mark.parametrize(
    ("query", "headers", "is_admitted"),
    [
        (f"token={TOKEN}", {}, True),
        (f"EIO=4&token={TOKEN}", {}, True),
        ("", {"authorization": [f"Bearer {TOKEN}"]}, True),
        ("", {"authorization": [f"bearer {TOKEN}"]}, True),
        ("", {}, False),
        ("token=", {}, False),
        (f"token={WRONG}", {}, False),
        (f"token={TOKEN[:-1]}", {}, False),
        (f"token={TOKEN}&token={WRONG}", {}, False),
        (f"token={WRONG}&token={TOKEN}", {}, False),
        (f"Token={TOKEN}", {}, False),
        ("token=%F0%9F%8D%B5", {}, False),
        ("&".join(["a=b"] * 30 + [f"token={TOKEN}"]), {}, False),
        ("x" * 5_000 + f"&token={TOKEN}", {}, False),
        ("", {"authorization": [f"Basic {TOKEN}"]}, False),
        ("", {"authorization": [f"Bearer {WRONG}"]}, False),
        ("", {"cookie": [f"token={TOKEN}"]}, False),
    ],
)
def test_who_is_admitted(query: str, headers: dict[str, list[str]], is_admitted: bool) -> None:
    assert Access(TOKEN).admits(query, headers) is is_admitted


def test_a_cookie_is_good_for_its_token_and_its_purpose_and_tells_nobody_the_token() -> None:
    pair = Access(TOKEN).cookie(secure=False).partition(";")[0]
    assert TOKEN not in pair
    assert Access(TOKEN).admits("", {"cookie": [f"a=b; {pair}; c=d"]})
    assert Access(TOKEN).admits("", {"cookie": ["a=b", pair]})
    assert not Access(WRONG).admits("", {"cookie": [pair]})
    assert not Access(TOKEN, "teacher").admits("", {"cookie": [pair]})
    assert not Access(TOKEN).admits("", {"cookie": [pair[:-1]]})


def test_tokens_and_cookies_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def noting(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return compare_digest(one, other)

    monkeypatch.setattr(access.hmac, "compare_digest", noting)
    name, _, value = Access(TOKEN).cookie(secure=False).partition(";")[0].partition("=")
    for right in (TOKEN, value):
        for came in (right, right[:-1] + "x", "x" + right[1:], ""):
            compared.clear()
            query, headers = f"token={came}", {"cookie": [f"{name}={came}"]}
            is_admitted = (
                Access(TOKEN).admits(query, {})
                if right == TOKEN
                else Access(TOKEN).admits("", headers)
            )
            assert is_admitted is (came == right)
            assert compared == [came.encode()]


def test_scripts_do_not_see_the_cookie_and_tls_keeps_it_to_itself() -> None:
    plain, secure = (Access(TOKEN).cookie(secure=secure) for secure in (False, True))
    assert plain.endswith("; HttpOnly; SameSite=Lax")
    assert secure == f"{plain}; Secure"


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", ["", WRONG])
def test_no_page_without_the_token(server: Any, path: str, token: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {token}"}, {"Cookie": f"netlab={token}"}):
        query = f"?token={token}" if token else ""
        answer = ask(server, path + query, **headers)
        assert answer.status == 403
        assert "the whole link, or scan the QR code" in answer.body
        assert not token or token not in answer.body  # what was sent is not shown
        assert "Set-Cookie" not in answer.headers


def test_the_link_leads_to_the_page_without_the_token(server: Any) -> None:
    answer = ask(server, f"/?token={TOKEN}")
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    assert TOKEN not in f"{answer.headers}{answer.body}"
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    for path in PAGES[:-1]:
        assert ask(server, path, Cookie=cookie).status == 200
    assert ask(server, PAGES[-1], Cookie=cookie).status == 404


def test_a_program_may_show_it_with_each_request(server: Any) -> None:
    assert ask(server, "/", Authorization=f"Bearer {TOKEN}").status == 200
    assert ask(server, f"/chat.css?token={TOKEN}").status == 200


def test_who_may_not_connect_at_all_is_told_nothing_of_a_token(server: Any) -> None:
    answer = ask(server, f"/?token={TOKEN}", Host="evil.example")
    assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)


# ---------------------------------------------------------------- connections


def test_a_websocket_is_upgraded_with_the_token_only(server: Any) -> None:
    path = (
        "/" if isinstance(server.server, WebSocketServer) else POLL.replace("polling", "websocket")
    )
    sign = "&" if "?" in path else "?"
    url = "ws://{}:{}".format(*server.address) + path
    for query in ("", f"{sign}token={WRONG}"):
        with pytest.raises(InvalidStatus) as caught:
            connect_websocket(url + query)
        assert caught.value.response.status_code == 403
    for query, headers in (
        (f"{sign}token={TOKEN}", {}),
        ("", {"Authorization": f"Bearer {TOKEN}"}),
        ("", {"Cookie": cookie_of(server)}),
    ):
        with connect_websocket(url + query, additional_headers=headers) as websocket:
            assert websocket.recv(PATIENCE_S)


def test_each_poll_is_asked_for_it(socketio_server: Any) -> None:
    """Whoever saw the id of a session on its way cannot read or write on it by that alone."""
    with pytest.raises(ConnectionError, match="A token opens the class"):
        Polling(socketio_server.address)
    with Polling(socketio_server.address, {"Authorization": f"Bearer {TOKEN}"}) as wire:
        wire.join()
        for method, body in (("GET", ""), ("POST", '42["bye",{}]')):
            assert ask(socketio_server, wire.path, method, body).status == 403
            assert ask(socketio_server, f"{wire.path}&token={WRONG}", method, body).status == 403
        with pytest.raises(InvalidStatus):  # an upgrade
            connect_websocket(
                "ws://{}:{}".format(*socketio_server.address)
                + wire.path.replace("transport=polling", "transport=websocket")
            )
        wire.is_served()


@pytest.mark.parametrize("transports", [("polling",), ("websocket",), ("polling", "websocket")])
def test_the_socketio_client_shows_it(socketio_server: Any, transports: tuple[str, ...]) -> None:
    address = socketio_server.address
    with SocketIOClient(address, transports=transports, token=TOKEN) as client:
        assert client.wait_for("welcome", PATIENCE_S).username
    for token in (None, WRONG):
        with pytest.raises(ConnectionError):
            SocketIOClient(address, transports=transports, token=token).connect()


def test_the_websocket_client_shows_it() -> None:
    with background(WebSocketServer(ChatService, token=TOKEN)) as server:
        with WebSocketClient(server.address, token=TOKEN) as client:
            assert client.wait_for("welcome", PATIENCE_S).username
        with WebSocketClient("ws://{}:{}/?token={}".format(*server.address, TOKEN)) as client:
            assert client.wait_for("welcome", PATIENCE_S).username
        with pytest.raises(ConnectionEnded, match="HTTP 403: A token opens the class"):
            WebSocketClient(server.address).connect()
        with pytest.raises(ConnectionEnded, match="That is not the token for the class"):
            WebSocketClient(server.address, token=WRONG).connect()


# ---------------------------------------------------------------- logs


def test_no_token_and_no_cookie_is_logged(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        cookie = cookie_of(server)
        for token in (TOKEN, WRONG):
            ask(server, f"/?token={token}")
            ask(server, "/", Authorization=f"Bearer {token}")
            ask(server, f"{POLL}&token={token}")
            with contextlib.suppress(ConnectionError):  # by plain WebSocket there is no POST
                ask(server, f"{POLL}&sid=none&token={token}", "POST", "3")
        ask(server, "/", Cookie=cookie)
    for secret in (TOKEN, WRONG, cookie.partition("=")[2]):
        assert secret not in caplog.text
