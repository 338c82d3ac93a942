"""The chat page in a real browser: two people in it, and one with a Python client."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from netlab.core.chat import ChatService
from netlab.lab import background
from netlab.transports.websocket import WebSocketClient, WebSocketServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

PATIENCE_S = 10.0
XSS = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


class Visitor:
    """Somebody who looks at the page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(url)
        self.sees_state("Connected")

    def _note(self, message: ConsoleMessage) -> None:
        # That a connection failed is in the console whatever the page does.
        if message.type == "error" and "ERR_CONNECTION" not in message.text:
            self.complaints.append(message.text)

    def join(self, name: str, room: str) -> None:
        """Fill in the form by its labels, with the keyboard alone."""
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Room", exact=True).fill(room)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("heading", name=f"Room {room}").wait_for()

    def say(self, content: str) -> None:
        self.page.get_by_label("Message", exact=True).fill(content)
        self.page.keyboard.press("Enter")

    def hears(self, line: str) -> Locator:
        """Wait until a line of the log contains this."""
        found = self.page.get_by_role("log").get_by_role("listitem").filter(has_text=line)
        found.first.wait_for()
        return found

    def sees_state(self, beginning: str) -> str:
        """Wait for the state of the connection, and return it."""
        state = self.page.get_by_role("status").filter(has_text=re.compile(f"^{beginning}"))
        state.wait_for()
        return str(state.text_content())

    def sees_users(self, *names: str) -> None:
        users = self.page.get_by_role("list", name="Users in this room").get_by_role("listitem")
        for name in names:
            users.filter(has_text=name).wait_for()
        self.page.wait_for_function(
            "count => document.querySelectorAll('#users li').length === count", arg=len(names)
        )


Visit = Callable[..., Visitor]


@pytest.fixture
def server() -> Iterator[Any]:
    with background(WebSocketServer(ChatService), name="page") as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A function that opens the page in a browser context of its own."""
    visitors: list[Visitor] = []
    with ExitStack() as contexts:

        def open_page(server: Any, **options: Any) -> Visitor:
            context = contexts.enter_context(browser.new_context(**options))
            url = "http://{}:{}/".format(*server.address)
            visitors.append(Visitor(context.new_page(), url))
            return visitors[-1]

        yield open_page
        assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


def talking(server: Any, name: str, room: str) -> WebSocketClient:
    client = WebSocketClient(server.address).connect()
    client.send("join_room", room=room, username=name)
    client.wait_for("room_joined", PATIENCE_S)
    return client


def test_two_browsers_and_a_client_talk(server: Any, visit: Visit) -> None:
    ann, bob = visit(server), visit(server)
    ann.join("Ann", "tea")
    ann.say("anybody here?")
    bob.join("Bob", "tea")
    bob.hears("Ann: anybody here?")  # from the history
    ann.hears("Bob joined")
    with talking(server, "kernel", "tea") as client:
        ann.sees_users("Ann (you)", "Bob", "kernel")
        bob.say("hello both")
        assert ann.hears("Bob: hello both").count() == 1
        assert client.wait_for("room_message", PATIENCE_S).content == "hello both"
        client.send("room_message", room="tea", content="שלום, ☀")
        ann.hears("kernel: שלום, ☀")
        assert bob.hears("kernel: שלום, ☀").count() == 1
        client.send("private_message", target="Bob", content="psst")
        bob.hears("kernel (to you alone): psst")
    ann.hears("kernel left")
    ann.sees_users("Ann (you)", "Bob")


def test_whatever_strangers_type_is_text(server: Any, visit: Visit) -> None:
    ann = visit(server)
    ann.join("Ann", "tea")
    name = "<b onclick=alert(1)>Mallory</b>"  # as long as names may be
    with talking(server, name, "tea") as client:
        client.send("room_message", room="tea", content=XSS)
        client.send("join_room", room="<i>room</i>")
        client.send("typing_start", room="tea")
        assert ann.hears(XSS).count() == 1
        ann.hears(f"{name} joined")
        ann.sees_users("Ann (you)", name)
        ann.page.get_by_role("button", name="Join the room <i>room</i>").click()
        ann.page.get_by_role("heading", name="Room <i>room</i>").wait_for()
    assert ann.page.title() == "netlab chat"
    assert ann.page.locator("img, script:not([src]), #log b, #users b, #rooms i").count() == 0


def test_the_policy_stops_a_script_even_if_the_page_had_a_hole(server: Any, visit: Visit) -> None:
    ann = visit(server)
    ann.page.evaluate(
        """xss => {
            document.body.insertAdjacentHTML('beforeend', xss);
            const script = document.createElement('script');
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            const button = document.createElement('button');
            button.setAttribute('onclick', "document.title = 'owned'");
            document.body.append(button);
            button.click();
        }""",
        XSS,
    )
    ann.page.wait_for_timeout(0)
    assert ann.page.title() == "netlab chat"
    assert any("Content Security Policy" in complaint for complaint in ann.complaints)
    ann.complaints.clear()


def test_the_page_says_when_the_server_stops_and_comes_back(visit: Visit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]  # nobody else is given it at once
    with background(WebSocketServer(ChatService, port=port), name="page") as server:
        ann = visit(server)
        ann.join("Ann", "tea")
        ann.say("before")
        ann.hears("Ann: before")
        server.stop()
        assert "the server is stopping" in ann.sees_state("Not connected")
        assert ann.page.get_by_label("Message", exact=True).is_disabled()
    with background(WebSocketServer(ChatService, port=port), name="page") as server:
        ann.sees_state("Connected")
        with talking(server, "kernel", "tea") as client:
            ann.sees_users("Ann (you)", "kernel")
            ann.say("after")
            said = client.wait_for("room_message", PATIENCE_S)
            assert (said.sender, said.content) == ("Ann", "after")
            ann.hears("Ann: after")
            assert ann.hears("Ann: before").count() == 1  # what was there stays


def test_a_lost_connection_comes_back_as_the_same_person(server: Any, visit: Visit) -> None:
    ann, bob = visit(server), visit(server)
    bob.join("Bob", "tea")
    ann.join("Ann", "tea")
    ann.say("one")
    bob.hears("Ann: one")

    def lose_ann() -> None:
        for websocket in server.server._websockets:
            if str(websocket.remote_address[:2]) == peer:
                websocket.transport.abort()

    peer = next(client.peer for client in server.stats().clients if client.frames_in > 3)
    server.call(lose_ann)
    bob.hears("Ann left")
    ann.sees_state("Not connected")
    ann.sees_state("Connected")
    bob.sees_users("Ann", "Bob (you)")
    bob.say("two")
    ann.hears("Bob: two")
    assert ann.hears("Ann: one").count() == 1
    ann.sees_users("Ann (you)", "Bob")


def test_below_jupyterlabs_proxy(server: Any, lab_address: str, browser: Browser) -> None:
    """All addresses in the page are relative; Origin and Host are then JupyterLab's."""
    from tests.browser.lab import TOKEN  # which needs Playwright

    port = server.address[1]
    with browser.new_context() as context:
        ann = Visitor(context.new_page(), f"{lab_address}proxy/{port}/?token={TOKEN}")
        ann.join("Ann", "tea")
        with talking(server, "kernel", "tea") as client:
            ann.say("through the proxy")
            heard = client.wait_for("room_message", PATIENCE_S)
            assert (heard.sender, heard.content) == ("Ann", "through the proxy")
        ann.hears("kernel left")
        assert ann.complaints == []


def test_a_refusal_is_shown(server: Any, visit: Visit) -> None:
    ann = visit(server)
    with talking(server, "Taken", "tea"):
        ann.page.get_by_label("Your name").fill("taken")
        ann.page.get_by_role("button", name="Join", exact=True).click()
        ann.page.get_by_role("alert").filter(has_text="somebody else is called").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_in_either_theme(server: Any, visit: Visit, scheme: str, artifacts: Any) -> None:
    ann = visit(server, viewport={"width": 360, "height": 640}, color_scheme=scheme)
    ann.join("Ann", "tea")
    for number in range(30):
        ann.say(f"message {number} " + "without_a_gap" * (number % 7))
        ann.hears(f"Ann: message {number} ")
    width, bottom = ann.page.evaluate(
        """() => [document.documentElement.scrollWidth,
                  document.querySelector('#log li:last-child').getBoundingClientRect().bottom
                  <= document.querySelector('#log').getBoundingClientRect().bottom]"""
    )
    assert width <= 360, "nothing is cut off at the side"
    assert bottom, "the newest message is in sight"
    field = ann.page.get_by_label("Message", exact=True)
    assert field.bounding_box()["y"] < 640, "the field is in sight"  # type: ignore[index]
    for selector in ("#log bdi", "#state", "#users li", "label", "button"):
        ratio = ann.page.locator(selector).first.evaluate(CONTRAST)
        assert ratio >= 4.5, f"{selector}: contrast {ratio:.1f} (WCAG 2.2, 1.4.3)"
    artifacts.mkdir(exist_ok=True)
    ann.page.screenshot(path=artifacts / f"chat-page-phone-{scheme}.png")


CONTRAST = """node => {
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
        .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    let back = node;
    while (getComputedStyle(back).backgroundColor === 'rgba(0, 0, 0, 0)') back = back.parentElement;
    const [a, b] = [getComputedStyle(node).color, getComputedStyle(back).backgroundColor]
        .map(light).sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
}"""


def test_a_page_of_another_server_cannot_talk_here(browser: Browser, server: Any) -> None:
    """Fault 57, from a browser: the other page's script is refused by this server."""
    with (
        background(WebSocketServer(ChatService), name="other") as other,
        browser.new_context(bypass_csp=True) as context,
    ):
        page = context.new_page()
        page.goto("http://{}:{}/".format(*other.address))
        outcome = page.evaluate(
            """url => new Promise(resolve => {
                const socket = new WebSocket(url);
                socket.onopen = () => resolve('open');
                socket.onerror = () => resolve('refused');
            })""",
            "ws://{}:{}/".format(*server.address),
        )
        assert outcome == "refused"
        assert not server.stats().clients
