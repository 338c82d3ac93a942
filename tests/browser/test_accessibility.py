"""Contrast, names and keys: the panels and the pages for those who see little or use no mouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from netlab.core.chat import ChatService
from netlab.lab import background
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.websocket import WebSocketServer
from tests.browser.test_pages import Visit, talking, visit
from tests.browser.test_panels import Lab, lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["lab", "visit"]  # fixtures

BAD_PAGE = """
<main class="bad" style="background:#fff">
  <p style="color:#bbb">too faint</p><input><img src="data:,"><button></button>
</main>
<svg class="netlab-ladder" style="background-color:#fff"><text class="code" fill="#999">x</text>
<path class="line" style="stroke:#ddd" d="M0 0L5 5"/></svg>
"""


def test_what_is_bad_is_found(browser: Browser) -> None:
    from tests.browser.accessible import broken_rules, nameless_pictures, too_faint

    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(BAD_PAGE)
        broken = {line.partition(":")[0] for line in broken_rules(page, ".bad")}
        assert broken == {"button-name", "color-contrast", "image-alt", "label"}
        assert {line.partition(":")[0] for line in too_faint(page)} == {"text code", ".line"}
        assert len(nameless_pictures(page, "body")) == 2
        assert broken_rules(page, ".nowhere") == []


@pytest.fixture(params=["websocket", "socketio"])
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    kinds = {"websocket": WebSocketServer, "socketio": SocketIOServer}
    with background(kinds[request.param](ChatService), name="page") as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_all_its_states(server: Any, visit: Visit, scheme: str) -> None:
    from tests.browser.accessible import broken_rules

    ann = visit(server, color_scheme=scheme)
    assert broken_rules(ann.page, "html") == []  # the form
    ann.join("Ann", "tea")
    ann.say("hello")
    ann.hears("Ann: hello")
    bob = visit(server, color_scheme=scheme)
    bob.join("Bob", "tea")
    ann.sees_users("Ann (you)", "Bob")
    bob.page.get_by_role("button", name="Write to Ann alone").click()
    assert broken_rules(ann.page, "html") == []
    assert broken_rules(bob.page, "html") == []
    server.stop()
    ann.sees_state("Not connected")
    assert broken_rules(ann.page, "html") == []


def test_the_page_by_keyboard_alone(visit: Visit) -> None:
    """From the address line: Tab reaches every control in the order of the page, and shows it."""
    with background(WebSocketServer(ChatService), name="page") as server, ExitStack() as stack:
        ann = visit(server)
        ann.join("Ann", "tea")
        client = stack.enter_context(talking(server, "kernel", "tea"))
        ann.sees_users("Ann (you)", "kernel")
        controls = ann.page.locator("button:enabled:visible, input:enabled:visible, #log")
        controls.first.focus()
        ann.page.keyboard.press("Shift+Tab")  # the focus came by a key, and is to be seen
        seen = []
        for _ in range(controls.count()):
            ann.page.keyboard.press("Tab")
            at = ann.page.evaluate(
                """() => {
                    const node = document.activeElement, style = getComputedStyle(node);
                    return [node.labels?.[0]?.textContent.trim() || node.ariaLabel
                                || node.textContent.trim(),
                            style.outlineStyle !== 'none' || style.boxShadow !== 'none'];
                }"""
            )
            seen.append(at)
        names = [name for name, _ in seen]
        assert "Message" in names
        assert any("kernel" in name for name in names), names
        assert [name for name, shown in seen if not shown] == [], "the focus is not to be seen"
        assert len(names) == len(set(names)), "nothing twice: no trap"
        client.close()


PANELS = ("CHAT", "GAME", "BOT", "DASHBOARD", "SOCKETS", "DIAL", "PREDICT", "REVEAL", "PROGRESS")
# ipywidgets gives a slider's handle no name. The field beside it has one, and does the same.
NAMELESS_HANDLE = "aria-input-field-name: "


def test_every_panel_in_both_themes(lab: Lab) -> None:
    from tests.browser.accessible import broken_rules, nameless_pictures

    for name in PANELS:
        lab.run(name)
    for theme in ("Dark", "Light"):
        lab.chapter.use_theme(f"JupyterLab {theme}")
        broken = broken_rules(lab.page, ".netlab-panel")
        handles = [
            line for line in broken if line.startswith(NAMELESS_HANDLE) and "noUi-handle" in line
        ]
        assert [line for line in broken if line not in handles] == [], theme
        fields = (
            lab.panel("DIAL")
            .get_by_role("spinbutton")
            .or_(lab.panel("DIAL").get_by_role("textbox"))
        )
        assert len(handles) == fields.count(), "a field for each handle"
    assert nameless_pictures(lab.page, ".netlab-panel") == []


CONTROLS = """node => [...node.querySelectorAll('button, input, select, textarea, [tabindex="0"]')]
    .filter(one => !one.disabled && one.checkVisibility() && one.tabIndex >= 0)"""


@pytest.mark.parametrize("name", ["CHAT", "GAME", "DIAL", "PREDICT"])
def test_every_control_of_a_panel_is_reached_by_tab(lab: Lab, name: str) -> None:
    panel = lab.run(name)
    count = panel.evaluate(f"node => ({CONTROLS})(node).length")
    assert count > 2
    panel.evaluate(f"node => ({CONTROLS})(node)[0].focus()")
    for _ in range(count):
        inside = panel.evaluate(
            """node => {
                const at = document.activeElement;
                if (node.contains(at)) at.dataset.reached = 'yes';
                return node.contains(at);
            }"""
        )
        if not inside:
            break
        lab.page.keyboard.press("Tab")
    # Of radio buttons one is reached by Tab, and the others from there by the arrow keys.
    missed = panel.evaluate(
        f"""node => ({CONTROLS})(node)
            .filter(one => !one.dataset.reached && one.type !== 'radio')
            .map(one => one.outerHTML)"""
    )
    assert missed == []
