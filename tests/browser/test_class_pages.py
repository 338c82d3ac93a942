"""A class in browsers: the link lets pages in, the teacher's page mutes and sends away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from netlab.core.classroom import ClassroomService
from netlab.join_link import join_link, qr_image
from netlab.lab import background
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.websocket import WebSocketServer
from tests.browser.test_pages import PATIENCE_S, Visitor
from tests.browser.test_socketio_page import library

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["library"]  # a fixture: the official client must be installed

TOKEN, TEACHER = "tea-and-cake_7", "cake-and-tea_9"
HOSTILE = "<img src=x onerror=alert(1)>"
PHONE = {"width": 360, "height": 640}
NewContext = Callable[..., "BrowserContext"]


@pytest.fixture
def server() -> Iterator[Any]:
    made = SocketIOServer(ClassroomService, token=TOKEN, teacher_token=TEACHER)
    with background(made, name="class") as running:
        link = link_of(running)
        made.teacher.invite(link, qr_image(link))  # type: ignore[union-attr]
        yield running


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """A function that opens a browser context of its own."""
    with ExitStack() as contexts:
        yield lambda **options: contexts.enter_context(browser.new_context(**options))


def link_of(server: Any) -> str:
    return join_link(*server.address, TOKEN, secure=False)


class Teacher:
    """Somebody at the teacher's page."""

    def __init__(self, page: Page, server: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(join_link(*server.address, TEACHER, page="teacher", secure=False))
        page.get_by_text("Connected", exact=True).wait_for()

    def row(self, name: str) -> Any:
        """Return the row of somebody, which need not be there yet."""
        header = self.page.get_by_role("rowheader", name=name, exact=True)
        return self.page.get_by_role("row").filter(has=header)

    def press(self, button: str) -> None:
        """Press a button with the keyboard."""
        self.page.get_by_role("button", name=button, exact=True).focus()
        self.page.keyboard.press("Enter")

    def reads(self, sentence: str) -> None:
        """Wait until a screen reader would say this."""
        self.page.get_by_role("status").filter(has_text=sentence).wait_for()


def test_a_page_joins_by_the_link_and_the_teacher_mutes_and_sends_it_away(
    server: Any, new_context: NewContext
) -> None:
    ann = Visitor(new_context().new_page(), link_of(server))
    assert TOKEN not in ann.page.url  # nor in the history: a redirect replaces its entry
    assert ann.page.evaluate("document.cookie") == ""  # scripts do not see it
    ann.join("Ann", "tea")
    teacher = Teacher(new_context().new_page(), server)
    assert TEACHER not in teacher.page.url
    with SocketIOClient(server.address, username="kernel", token=TOKEN) as kernel:
        kernel.send("join_room", room="tea")
        kernel.wait_for("room_joined", PATIENCE_S)
        teacher.row("kernel").wait_for()
        teacher.row("Ann").get_by_role("cell", name="tea", exact=True).wait_for()
        teacher.press("Mute Ann")
        teacher.reads("Ann is muted.")
        teacher.row("Ann").get_by_text("no (muted)").wait_for()
        ann.say("psst")
        ann.page.get_by_role("alert").filter(has_text="the teacher has muted you").wait_for()
        focused = "document.activeElement.getAttribute('aria-label')"
        assert teacher.page.evaluate(focused) == "Unmute Ann"  # the same button
        teacher.page.keyboard.press("Enter")
        teacher.reads("Ann may write again.")
        ann.say("thanks")
        assert kernel.wait_for("room_message", PATIENCE_S).content == "thanks"
        teacher.press("Send away Ann")
        teacher.reads("Ann was sent away.")
        teacher.row("Ann").wait_for(state="detached")
        ann.page.get_by_role("alert").filter(has_text="The teacher has sent you away").wait_for()
        ann.sees_state("Not connected")
        # The keyboard goes on where the table begins, not at the top of the page.
        assert teacher.page.evaluate("document.activeElement.id") == "here"
        assert teacher.row("kernel").count() == 1
    teacher.page.get_by_text("Nobody is here yet.").wait_for()
    assert teacher.complaints == []
    assert ann.complaints == []


def test_names_are_text(server: Any, new_context: NewContext) -> None:
    teacher = Teacher(new_context().new_page(), server)
    with SocketIOClient(server.address, username=HOSTILE, token=TOKEN) as client:
        client.wait_for("welcome", PATIENCE_S)
        client.send("join_room", room=HOSTILE)
        client.wait_for("room_joined", PATIENCE_S)
        row = teacher.row(HOSTILE)
        row.get_by_role("cell", name=HOSTILE, exact=True).wait_for()
        teacher.press(f"Mute {HOSTILE}")
        teacher.reads(f"{HOSTILE} is muted.")
        assert teacher.page.locator("img").count() == 1  # the QR code
    assert teacher.complaints == []


@pytest.mark.parametrize("kind", [WebSocketServer, SocketIOServer])
def test_without_the_link_a_page_asks_for_the_token(
    kind: Any, browser: Browser, new_context: NewContext
) -> None:
    with background(kind(ClassroomService, token=TOKEN), name="class") as server:
        page = new_context(viewport=PHONE).new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        answer = page.goto(join_link(*server.address, None, secure=False))
        assert answer is not None
        assert answer.status == 403
        page.get_by_label("Token").fill("tea-and-coffee")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="That is not the token").wait_for()
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_text("Connected", exact=True).wait_for()
        assert TOKEN not in page.url


@pytest.mark.parametrize("viewport", [None, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_use_the_pages(
    server: Any, new_context: NewContext, scheme: str, viewport: Any, artifacts: Any
) -> None:
    from tests.browser.accessible import broken_rules, nameless_pictures

    options = {"color_scheme": scheme, **({"viewport": viewport} if viewport else {})}
    locked = new_context(**options).new_page()
    locked.goto(join_link(*server.address, None, secure=False))
    assert broken_rules(locked, "html") == []
    teacher = Teacher(new_context(**options).new_page(), server)
    assert broken_rules(teacher.page, "html") == []  # nobody is here
    with (
        SocketIOClient(server.address, username="Ann", token=TOKEN) as ann,
        SocketIOClient(server.address, username="Bob", token=TOKEN) as bob,
    ):
        for client, room in ((ann, "tea"), (bob, "cake")):
            client.wait_for("welcome", PATIENCE_S)
            client.send("join_room", room=room)
        teacher.row("Bob").get_by_role("cell", name="cake", exact=True).wait_for()
        teacher.press("Mute Ann")
        teacher.reads("Ann is muted.")
        assert broken_rules(teacher.page, "html") == []
        assert nameless_pictures(teacher.page, "body") == []
        shot = artifacts / f"teacher-{scheme}{'-phone' if viewport else ''}.png"
        shot.parent.mkdir(exist_ok=True)
        teacher.page.screenshot(path=shot, full_page=True)
        # On a phone the table scrolls in its frame, and the page does not.
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not teacher.page.evaluate(wide)


def test_the_picture_on_the_page_says_the_link(server: Any, new_context: NewContext) -> None:
    teacher = Teacher(new_context().new_page(), server)
    picture = teacher.page.get_by_role("img", name="The link to join by, as a QR code")
    picture.wait_for()
    teacher.page.wait_for_function("document.images[0].naturalWidth > 0")
    shown = teacher.page.evaluate("fetch('teacher/join.svg').then(answer => answer.text())")
    assert shown == qr_image(link_of(server))
    assert teacher.page.get_by_text(link_of(server), exact=True).count() == 1


def test_a_server_that_is_gone_and_comes_back(new_context: NewContext) -> None:
    def serve(port: int = 0) -> Any:
        made = SocketIOServer(ClassroomService, port=port, token=TOKEN, teacher_token=TEACHER)
        return background(made, name="class")

    with serve() as first:
        teacher = Teacher(new_context().new_page(), first)
        port = first.address[1]
    teacher.page.get_by_text("Not connected: the server does not answer").wait_for()
    with serve(port):  # with the same token, the cookie is good for it, too
        teacher.page.get_by_text("Connected", exact=True).wait_for()


def test_both_links_lead_through_jupyterlabs_proxy(
    server: Any, new_context: NewContext, lab_address: str
) -> None:
    """There `?token=` is Jupyter's own as well, and the cookies must not reach JupyterLab."""
    from tests.browser.lab import TOKEN as JUPYTER_TOKEN

    context = new_context()
    page = context.new_page()
    page.goto(f"{lab_address}lab?token={JUPYTER_TOKEN}")
    below = f"{lab_address}proxy/{server.address[1]}/"
    ann = Visitor(page, f"{below}?token={TOKEN}")
    assert ann.page.url == below
    ann.join("Ann", "tea")
    teacher = context.new_page()
    teacher.set_default_timeout(PATIENCE_S * 1000)
    teacher.goto(f"{below}teacher?token={TEACHER}")
    teacher.get_by_role("button", name="Mute Ann", exact=True).click()
    teacher.get_by_role("status").filter(has_text="Ann is muted.").wait_for()
    ann.say("psst")
    ann.page.get_by_role("alert").filter(has_text="the teacher has muted you").wait_for()
    ours = [one for one in context.cookies() if str(one.get("name")).startswith("netlab_")]
    assert [one.get("path") for one in ours] == [f"/proxy/{server.address[1]}"] * 2
