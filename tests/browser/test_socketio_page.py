"""The same page over Socket.IO, with the official client for browsers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from netlab.core.chat import ChatService
from netlab.lab import background
from netlab.transports import socketio_vendor
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from tests.browser.conftest import missing
from tests.browser.test_pages import PATIENCE_S, XSS, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route


@pytest.fixture(autouse=True)
def library() -> bytes:
    """The official client, as npm has installed it."""
    found = socketio_vendor.vendored(socketio_vendor.VENDOR_PATH)
    if found is None:
        missing("socket.io-client", "run `make foreign`")
        raise AssertionError  # which `missing` has done
    return found.body


@pytest.fixture
def server() -> Iterator[Any]:
    with background(SocketIOServer(ChatService), name="socketio-page") as running:
        yield running


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Any]:
    """A function that opens a browser context of its own, and a page in it."""
    with ExitStack() as contexts:
        yield lambda: contexts.enter_context(browser.new_context()).new_page()


def url(server: Any) -> str:
    return "http://{}:{}/".format(*server.address)


def talking(server: Any, name: str) -> SocketIOClient:
    client = SocketIOClient(server.address, username=name, reconnect_delay_s=0.05).connect()
    client.send("join_room", room="tea")
    client.wait_for("room_joined", PATIENCE_S)
    return client


def test_two_browsers_and_a_client_talk(server: Any, new_page: Any) -> None:
    ann, bob = Visitor(new_page(), url(server)), Visitor(new_page(), url(server))
    ann.join("Ann", "tea")
    ann.say(XSS)
    bob.join("Bob", "tea")
    bob.hears(XSS)
    with talking(server, "kernel") as client:
        bob.say("hello both")
        assert client.wait_for("room_message", PATIENCE_S).content == "hello both"
        assert ann.hears("Bob: hello both").count() == 1
        client.send("room_message", room="tea", content="שלום, ☀")
        assert bob.hears("kernel: שלום, ☀").count() == 1
    ann.hears("kernel left")
    assert ann.page.title() == "netlab chat"
    assert ann.complaints == bob.complaints == []


def test_a_restarted_server_finds_everybody_again(new_page: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # nobody else is given it at once
    with ExitStack() as stack:
        with background(SocketIOServer(ChatService, port=port), name="socketio-page") as server:
            ann = Visitor(new_page(), url(server))
            ann.join("Ann", "tea")
            ann.say("before")
            ann.hears("Ann: before")
            client = stack.enter_context(talking(server, "kernel"))
            server.stop()
            assert "the server is stopping" in ann.sees_state("Not connected")
        with background(SocketIOServer(ChatService, port=port), name="socketio-page") as server:
            ann.sees_state("Connected")
            client.wait_for("room_joined", PATIENCE_S)
            client.send("room_message", room="tea", content="after")
            ann.hears("kernel: after")
            assert ann.hears("Ann: before").count() == 1


def test_below_jupyterlabs_proxy(server: Any, lab_address: str, new_page: Any) -> None:
    """Origin and Host are JupyterLab's, and the path of Socket.IO begins with the proxy's."""
    from tests.browser.lab import TOKEN  # which needs Playwright

    ann = Visitor(new_page(), f"{lab_address}proxy/{server.address[1]}/?token={TOKEN}")
    ann.join("Ann", "tea")
    with talking(server, "kernel") as client:
        ann.say("through the proxy")
        assert client.wait_for("room_message", PATIENCE_S).content == "through the proxy"
    ann.hears("kernel left")
    assert ann.complaints == []


def from_the_makers(page: Page, body: bytes) -> None:
    """Let the library be missing here, and come from its makers' network."""

    def there(route: Route) -> None:
        route.fulfill(
            body=body,
            content_type="text/javascript",
            headers={"Access-Control-Allow-Origin": "*"},
        )

    page.route(f"**{socketio_vendor.VENDOR_PATH}", lambda route: route.fulfill(status=404))
    page.route(socketio_vendor.CDN_URL, there)


def test_the_library_may_come_from_its_makers(server: Any, new_page: Any, library: bytes) -> None:
    page = new_page()
    from_the_makers(page, library)
    ann = Visitor(page, url(server))
    ann.join("Ann", "tea")
    ann.say("hello")
    ann.hears("Ann: hello")


def test_another_library_is_not_run(server: Any, new_page: Any, library: bytes) -> None:
    page = new_page()
    from_the_makers(page, library + b"\ndocument.title = 'owned'\n")
    page.goto(url(server))
    page.get_by_role("status").filter(has_text="could not be loaded").wait_for()
    assert page.title() == "netlab chat"


def test_a_page_of_another_server_cannot_talk_here(server: Any, new_page: Any) -> None:
    """Fault 57, from a browser, by polls and by WebSocket."""
    with background(SocketIOServer(ChatService), name="other") as other:
        page = new_page()
        page.route(
            "**/empty",
            lambda route: route.fulfill(content_type="text/html", body="<title>other</title>"),
        )
        page.goto(f"{url(other)}empty")  # a page without a policy of its own
        here = f"{url(server)}socket.io/?EIO=4&transport="
        outcome = page.evaluate(
            """async here => [
                await fetch(here + 'polling').then(() => 'open', error => error.message),
                await new Promise(resolve => {
                    const socket = new WebSocket(here.replace('http', 'ws') + 'websocket');
                    socket.onopen = () => resolve('open');
                    socket.onerror = () => resolve('refused');
                }),
            ]""",
            here,
        )
        assert outcome == ["Failed to fetch", "refused"]
        assert server.call(lambda: len(server.server._hub.sessions)) == 0
