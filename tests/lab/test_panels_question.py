"""Predict-then-run and the map of the course; and panels in a kernel, run twice."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from netlab.lab import leftovers, panels, predict
from netlab.lab.leftovers import baseline
from netlab.lab.panels.parts import descendants
from tests.browser.panel_cells import NAMES, SOURCES, write_notebook

OPTIONS = ["b''", "None", "<i>an error</i>"]


def ask(**changes: Any) -> panels.Question:
    return predict(**{"question": "What?", "options": OPTIONS, "answer": "b''", **changes})


def test_a_prediction_is_committed_once_and_compared() -> None:
    with ask(why="FIN <b>") as p:
        assert (p.chosen, p.correct) == (None, None)
        assert p.text() == "Predict: What?\n  ( ) b''\n  ( ) None\n  ( ) <i>an error</i>"
        assert repr(p) == f"{p.text()}\n  (to choose, run this cell in JupyterLab)"
        p.commits.click()
        assert "Choose an option first" in p._alert.value
        p.choice.value = 1
        p.commits.click()
        assert (p.chosen, p.correct, p._alert.value) == ("None", False, "")
        assert p.choice.disabled
        assert "You predicted: None. Now run the next cells." in p._outcome.value
        p.commit("b''")  # too late
        assert p.chosen == "None"
        p.compares.click()
        assert "✗ not as predicted" in p._outcome.value
        assert "FIN &lt;b&gt;" in p._outcome.value
        assert repr(p.reveal()) == (
            "You predicted: None\nWhat happens: b''\n✗ not as predicted\nWhy: FIN <b>"
        )


def test_what_the_page_knows_does_not_tell_the_answer() -> None:
    def page(answer: str) -> str:
        with ask(answer=answer, why=f"because of {answer * 3}") as p:
            states = [widget.get_state() for widget in (*descendants(p.box), p.box)]
            p.choice.value = 1
            p.commits.click()
            states += [widget.get_state() for widget in (*descendants(p.box), p.box)]
            return json.dumps([{k: str(v) for k, v in s.items()} for s in states]).split("IPY_")[0]

    first = page("b''")
    assert "because" not in first
    assert first == page("<i>an error</i>")


def test_nobody_predicted_repeats() -> None:
    with ask(why="FIN") as p:
        verdict = p.reveal()
        bundle = verdict._repr_mimebundle_()
        assert bundle["text/plain"] == "What happens: b''\nNobody predicted.\nWhy: FIN"
        assert "You predicted" not in bundle["text/html"]


def test_the_truth_may_be_what_the_cell_found_out() -> None:
    with predict("2 + 2?", [3, 4]) as p:
        p.commit(4)
        p.compares.click()
        assert "Run them first" in p._alert.value
        with pytest.raises(ValueError, match="no answer is known; pass what happened"):
            p.reveal()
        p.reveal(2 + 2)
        assert p.correct
        assert "✓ as predicted" in p._outcome.value


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"options": ["one"]}, "two or more"),
        ({"options": "ab"}, "two or more"),
        ({"options": ["a", "a"]}, "two options are the same"),
        ({"answer": "x"}, "'x' is no option; there are: b'', None"),
    ],
)
def test_wrong_questions_are_refused(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        ask(**changes)
    with ask() as p, pytest.raises(ValueError, match="'y' is no option"):
        p.commit("y")


# ---------------------------------------------------------------- the map of the course


def test_the_map_counts_and_escapes() -> None:
    shown = panels.progress({"00 <Start>": {}, "01 TCP": {"echo": "passed", "x&y": "tried"}})
    assert repr(shown).splitlines() == [
        "Your progress: 1 of 2 exercises passed",
        "  00 <Start>    0/0  no exercises",
        "  01 TCP        1/2  ✓ echo  … x&y",
        "  ✓ passed · … tried · ○ open",
    ]
    page = shown._repr_mimebundle_()["text/html"]
    assert "00 &lt;Start&gt;" in page
    assert "x&amp;y" in page
    assert 'aria-label="1 of 2 passed"' in page
    with pytest.raises(ValueError, match="'done' is no state; there are: passed, tried, open"):
        panels.progress({"01": {"echo": "done"}})


# ---------------------------------------------------------------- in a kernel


def client_of(notebook: Any) -> NotebookClient:
    return NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        store_widget_state=False,
    )


def outputs(notebook: Any) -> list[list[dict[str, Any]]]:
    """Return what nbval compares."""
    found = []
    for cell in notebook.cells:
        kept = []
        for output in cell.outputs:
            data = dict(output.get("data", {"text": output.get("text")}))
            data.pop("application/vnd.jupyter.widget-view+json", None)
            kept.append(data)
        found.append(kept)
    return found


def test_a_notebook_of_panels_repeats_and_leaves_nothing_behind(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        write_notebook(tmp_path / "panels.ipynb")
        notebook = nbformat.read(tmp_path / "panels.ipynb", as_version=4)
        asyncio.run(client_of(notebook).async_execute())  # execute() would leave a loop behind
        seen.append(outputs(notebook))
    assert seen[0] == seen[1]
    by_name = dict(zip(NAMES, seen[0], strict=True))
    shown = "Chat: alice and bob (live in JupyterLab: run this cell)"
    assert by_name["CHAT"] == [{"text/plain": shown}]
    assert by_name["END"] == [{"text/plain": "nothing left behind: no thread, no task, no socket"}]


def test_a_cell_that_is_run_again_closes_its_old_panel() -> None:
    sources = [
        SOURCES["SETUP"],
        # Two panels; IPython keeps the last one, which must not keep its sockets.
        f"{SOURCES['CHAT']}\nchat.wait_shown('bob', 'you joined lobby')\n{SOURCES['SOCKETS']}",
        "import threading\nfirst = globals().get('first') or chat\n"
        "names = [t.name for t in threading.enumerate()]\n"
        "print(first.closed, first is chat, names.count('netlab-panel-chat'))",
        SOURCES["STOP"],
        "panels.close_all()\nclient.close()\nlistener.close()\nleftovers()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    client = client_of(notebook)

    async def run(*numbers: int) -> None:
        for number in numbers:
            await client.async_execute_cell(notebook.cells[number], number)

    async def session() -> None:
        async with client.async_setup_kernel():
            await run(0, 1, 2)
            assert notebook.cells[2].outputs[0].text == "False True 1\n"
            await run(1, 2, 3, 4)

    asyncio.run(session())
    assert notebook.cells[2].outputs[0].text == "True False 1\n"
    assert "nothing left behind" in notebook.cells[4].outputs[0].data["text/plain"]


def test_the_thread_in_which_jupyterlab_handles_widgets_is_not_left_behind() -> None:
    class SubshellThread(threading.Thread):
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            super().__init__(name="subshell", target=(stop := threading.Event()).wait)
            self.stop, self.io_loop = stop, SimpleNamespace(asyncio_loop=loop)

    before = baseline()
    loop = asyncio.new_event_loop()
    thread = SubshellThread(loop)
    thread.start()
    try:
        assert len(leftovers(since=before).sockets) == 2
        SubshellThread.__module__ = "ipykernel.subshell"
        assert not leftovers(since=before)
    finally:
        thread.stop.set()
        thread.join()
        loop.close()
