"""Every panel in a real browser: clicked, typed in and dragged, with pictures in both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.panel_cells import NAMES, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.browser.lab import Chapter

WAIT_MS = 10_000
CELL_RUN = """number => {
    const panel = window.jupyterapp.shell.currentWidget;
    const model = panel.content.widgets[number].model;
    return panel.sessionContext.session.kernel.status === 'idle'
        && model.executionState === 'idle' && model.executionCount;
}"""
RUN_CELL = """async number => {
    const app = window.jupyterapp;
    app.shell.currentWidget.content.activeCellIndex = number;
    app.shell.currentWidget.content.deselectAll();
    await app.commands.execute('notebook:run-cell');
}"""


class Lab:
    """The notebook with the panels, cell by cell."""

    def __init__(self, chapter: Chapter) -> None:
        self.chapter = chapter
        self.page = chapter.page
        self.page.set_default_timeout(WAIT_MS)
        self._run: set[str] = set()

    def run(self, name: str) -> Locator:
        """Run a cell and return its panel."""
        if name not in ("SETUP", "STOP", "START") and "SETUP" not in self._run:
            self.run("SETUP")
        number = NAMES.index(name)
        self.page.evaluate(RUN_CELL, number)
        self.page.wait_for_function(CELL_RUN, arg=number, timeout=30_000)
        self._run.add(name)
        return self.panel(name)

    def panel(self, name: str) -> Locator:
        return self.cell(name).locator(".netlab-panel")

    def cell(self, name: str) -> Locator:
        return self.page.locator(".jp-CodeCell").nth(NAMES.index(name))

    def shots(self, name: str, folder: Path, label: str = "") -> None:
        """Store pictures of a panel in both themes."""
        folder.mkdir(parents=True, exist_ok=True)
        for theme in ("Dark", "Light"):
            self.chapter.use_theme(f"JupyterLab {theme}")
            path = folder / f"panel-{name.lower()}{label}-{theme.lower()}.png"
            self.panel(name).screenshot(path=path, animations="disabled")


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One notebook for all the tests: each has its own cell in it."""
    from tests.browser.lab import SIZE, Chapter, jupyterlab

    root = tmp_path_factory.mktemp("panels")
    write_notebook(root / "panels.ipynb")
    with (
        jupyterlab(root, tmp_path_factory.mktemp("jupyter-panels")) as address,
        browser.new_context(viewport=SIZE) as context,
    ):
        chapter = Chapter(context.new_page(), address, "panels.ipynb")
        yield Lab(chapter)
        chapter.shut_down()


def entry(column: Locator, text: str) -> Locator:
    """Return the line of a chat's log that has this text."""
    return column.locator(".np-entry", has_text=text)


def test_the_chat_is_typed_in_and_seen_by_both(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("CHAT")
    alice, bob = (panel.locator(".np-column").nth(n) for n in (0, 1))
    entry(bob, "you joined lobby").wait_for()
    say = panel.get_by_title("alice: message", exact=True)
    say.press_sequentially("hel")
    bob.get_by_text("alice is typing…").wait_for()
    say.press_sequentially("lo <b>bob</b> $x^2$\n")
    entry(bob, "alice: hello <b>bob</b> $x^2$").wait_for()
    bob.get_by_text("is typing…").wait_for(state="hidden")
    assert say.input_value().endswith("\n")
    hidden = "field => field.scrollTop / parseFloat(getComputedStyle(field).lineHeight)"
    assert say.evaluate(hidden) > 0.7, "of what was entered, only the space below it is in view"
    lab.page.wait_for_function("field => field.value === ''", arg=say.element_handle())
    panel.get_by_title("bob: send to").select_option("alice, privately")
    panel.get_by_title("bob: message", exact=True).fill("psst")
    panel.get_by_title("bob: send", exact=True).click()
    entry(alice, "privately, bob: psst").wait_for()
    entry(bob, "to alice: psst").wait_for()
    panel.get_by_title("alice: room").fill("x" * 40)
    panel.get_by_title("alice: join the room").click()
    alice.locator(".np-bad", has_text="invalid_name").wait_for()
    panel.get_by_title("bob: message", exact=True).fill("a draft")
    lab.shots("CHAT", artifacts)


def test_a_long_chat_stays_at_its_newest_line_and_is_bounded(lab: Lab) -> None:
    panel = lab.run("CHAT")
    alice = panel.locator(".np-column").nth(0)
    entry(alice, "bob joined lobby").or_(entry(alice, "2 members")).wait_for()
    say = panel.get_by_title("alice: message", exact=True)
    for number in range(30):
        say.press_sequentially(f"line {number}\n")
    last = alice.locator(".np-entry", has_text=re.compile(r"line 29$"))
    last.wait_for()
    assert last.is_visible()
    log = alice.locator(".np-log")
    box, line = log.bounding_box(), last.bounding_box()
    assert box
    assert line
    assert line["y"] + line["height"] <= box["y"] + box["height"] + 1


def test_the_game_is_played_with_the_mouse_and_the_keys(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("GAME")
    carol, dave = (panel.locator(".np-column").nth(n) for n in (0, 1))
    carol.get_by_text("your turn (X)").wait_for()
    carol.get_by_role("button", name="row 1, column 2, empty").click()
    dave.get_by_text("your turn (O)").wait_for()
    dave.get_by_role("button", name="row 1, column 2, X").click()
    dave.get_by_role("alert").filter(has_text="cell 1 is taken").wait_for()
    dave.get_by_role("button", name="row 1, column 1, empty").focus()
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Enter")
    carol.get_by_role("button", name="row 1, column 3, O").wait_for()
    carol.get_by_role("button", name="row 2, column 2, empty").press("Space")
    dave.get_by_role("button", name="row 2, column 2, X").wait_for()
    carol.get_by_role("button", name="row 3, column 3, empty").click()
    carol.get_by_role("alert").filter(has_text="not_your_turn").or_(
        carol.get_by_role("alert").filter(has_text="turn")
    ).first.wait_for()
    lab.shots("GAME", artifacts)
    panel.get_by_role("button", name="New game").click()
    dave.get_by_role("button", name="row 2, column 2, empty").wait_for()


def test_the_bot_plays_connect_four(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("BOT")
    panel.get_by_text("your turn (X)").wait_for()
    for number in range(3):
        panel.get_by_role("button", name="row 1, column 4, empty").click()
        marks = panel.get_by_role("button", name=re.compile(", [XO]$"))
        marks.nth(2 * number + 1).wait_for()  # the bot has answered
        panel.get_by_text(re.compile(r"your turn \(X\)|won")).wait_for()
    lab.shots("BOT", artifacts)


def test_the_dashboard_is_live(lab: Lab, artifacts: Path) -> None:
    chat = lab.run("CHAT")
    panel = lab.run("DASHBOARD")
    panel.get_by_text("● running").wait_for()
    say = chat.get_by_title("alice: message", exact=True)
    for number in range(10):
        say.press_sequentially(f"busy {number}\n")
    panel.get_by_role("cell", name="lobby").or_(
        panel.get_by_role("rowheader", name="lobby")
    ).first.wait_for()
    panel.get_by_role("img", name=re.compile("Messages a second")).wait_for()
    panel.get_by_role("button", name="Pause").click()
    panel.get_by_text("paused").wait_for()
    panel.get_by_role("button", name="Go on").click()
    panel.get_by_text("● running").wait_for()
    lab.shots("DASHBOARD", artifacts)


def test_the_sockets_change_before_your_eyes(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("SOCKETS")
    panel.get_by_text("ESTABLISHED").wait_for()
    panel.get_by_text("1 of").wait_for()
    lab.shots("SOCKETS", artifacts)


def test_the_dial_is_dragged_typed_in_and_reset(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("DIAL")
    panel.get_by_text("Now: no faults").wait_for()
    handle = panel.get_by_role("slider").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 60, y, steps=5)
    lab.page.mouse.up()
    panel.get_by_text(re.compile(r"Now: .*\d ms later")).wait_for()
    panel.get_by_role("slider").nth(1).press("ArrowRight")
    panel.get_by_text(re.compile(r"\d to \d+ ms later")).wait_for()
    number = panel.get_by_label("cut after every, 0 = not (bytes)")
    number.fill("3")
    number.press("Enter")
    panel.get_by_text("cut every 3 bytes").wait_for()
    lab.shots("DIAL", artifacts)
    panel.get_by_role("button", name="No faults").or_(
        panel.get_by_title("take all faults away")
    ).first.click()
    panel.get_by_text("Now: no faults").wait_for()


def test_a_prediction_is_committed_and_then_compared(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("PREDICT")
    panel.get_by_role("button", name="Commit").click()
    panel.get_by_text("Choose an option first").wait_for()
    panel.get_by_role("radio").nth(1).check()
    panel.get_by_role("button", name="Commit").click()
    panel.get_by_text("You predicted: None").wait_for()
    assert panel.get_by_role("radio").first.is_disabled()
    lab.shots("PREDICT", artifacts, "-committed")
    lab.run("REVEAL")
    panel.get_by_text("✗ not as predicted").wait_for()
    lab.cell("REVEAL").get_by_text("What happens: b''").first.wait_for()
    lab.shots("PREDICT", artifacts)
    lab.shots("REVEAL", artifacts)


def test_the_map_of_the_course_needs_no_widget(lab: Lab, artifacts: Path) -> None:
    panel = lab.run("PROGRESS")
    panel.get_by_text("4 of 8 exercises passed").wait_for()
    lab.shots("PROGRESS", artifacts)


def test_a_stopped_server_leaves_no_dead_panel(lab: Lab, artifacts: Path) -> None:
    chat, game, dashboard = (lab.run(name) for name in ("CHAT", "GAME", "DASHBOARD"))
    entry(chat, "bob joined lobby").or_(entry(chat, "2 members")).first.wait_for()
    game.get_by_text("your turn (X)").wait_for()
    lab.run("STOP")
    for panel in (chat, game, dashboard):
        panel.get_by_text("disconnected").first.wait_for()
    for name in ("CHAT", "GAME", "DASHBOARD"):
        lab.shots(name, artifacts, "-disconnected")
    lab.run("START")
    dashboard.get_by_role("button", name="Reconnect").click()
    dashboard.get_by_text("● running").wait_for()
    for user in ("alice", "bob"):
        chat.get_by_title(f"{user}: reconnect").click()
        chat.get_by_title(f"{user}: reconnect").wait_for(state="hidden")
    say = chat.get_by_title("alice: message", exact=True)
    say.fill("here again")
    chat.get_by_title("alice: send to").select_option("room lobby")
    say.press("Enter")
    bob = chat.locator(".np-column").nth(1)
    entry(bob, "alice: here again").wait_for()
    game.get_by_title("carol: reconnect").click()
    game.get_by_text("your turn (X)").wait_for()


def test_a_cell_run_again_has_one_panel_and_all_can_be_closed(lab: Lab) -> None:
    for name in ("SETUP", "CHAT", "SOCKETS", "DIAL"):
        lab.run(name)
    for _ in range(2):
        panel = lab.run("CHAT")
    assert panel.count() == 1
    entry(panel, "bob joined lobby").or_(
        entry(panel, "2 members")
    ).first.wait_for()  # both names were free again
    lab.run("END")
    assert "nothing left behind" in lab.cell("END").locator(".jp-OutputArea").inner_text()
