"""`make notebooks` stores what repeats, `make notebooks-check` shows what changed."""

import json
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import notebooks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A notebook that was never run, with metadata of the editor that wrote it."""
    cells = [
        new_code_cell("print('one')\nprint('two')", metadata={"trusted": True, "tags": ["kept"]}),
        new_code_cell("import os\nlen(os.listdir(os.environ['NETLAB_HOME']))"),
        new_code_cell(
            "from nowhere import nothing",
            metadata={"tags": ["raises-exception"], "netlab": {"raises": "ModuleNotFoundError"}},
        ),
    ]
    path = tmp_path / "chapter.ipynb"
    path.write_text(notebooks.as_file(new_notebook(cells=cells, metadata={"widgets": {}})))
    return path


def test_a_notebook_is_run_and_stored_the_same_each_time(path: Path) -> None:
    assert notebooks.main([str(path)]) == 0
    first = path.read_text()
    assert notebooks.main([str(path)]) == 0
    assert path.read_text() == first
    stored = json.loads(first)
    assert stored["metadata"] == notebooks.NOTEBOOK_METADATA
    printing, counting, raising = stored["cells"]
    assert printing["metadata"] == {"tags": ["kept"]}
    assert printing["outputs"][0]["text"] == ["one\n", "two\n"]
    assert counting["outputs"][0]["data"]["text/plain"] == ["0"], "its NETLAB_HOME is not empty"
    assert raising["outputs"][0]["ename"] == "ModuleNotFoundError"
    assert first.startswith('{\n "cells"')
    assert first.endswith("}\n")


def test_check_shows_what_changed_and_stores_nothing(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notebooks.main([str(path)]) == 0
    assert notebooks.main(["--check", str(path)]) == 0
    stored = path.read_text().replace('"two\\n"', '"2\\n"')
    path.write_text(stored)
    capsys.readouterr()
    assert notebooks.main(["--check", str(path)]) == 1
    assert path.read_text() == stored
    diff = capsys.readouterr().out.splitlines()
    assert "-stdout: 2" in diff
    assert "+stdout: two" in diff


def test_nothing_is_stored_when_a_cell_fails(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(notebooks.as_file(new_notebook(cells=[new_code_cell("1 / 0")])))
    before = path.read_text()
    assert notebooks.main([str(path)]) == 1
    assert path.read_text() == before
    assert "ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "portable"),
    [
        ("File ~/.pyenv/lib/python3.11/socket.py:5", "File …/python3.11/socket.py:5"),
        ("File /usr/lib/python3.12/socket.py:5", "File …/python3.12/socket.py:5"),
        ("/x/lib/python3.11/site-packages/rich/a.py", "…/site-packages/rich/a.py"),
        (f"File {notebooks.ROOT}/netlab/core/echo.py:5", "File netlab/core/echo.py:5"),
        ("File /etc/hosts, http://a.test/b", "File /etc/hosts, http://a.test/b"),
    ],
)
def test_a_traceback_names_no_folder_of_this_machine(line: str, portable: str) -> None:
    assert notebooks.without_folders(line) == portable


def test_widgets_and_tracebacks_do_not_count_as_changes() -> None:
    def book(run: str) -> notebooks.Notebook:
        view = {"application/vnd.jupyter.widget-view+json": {"model_id": run}}
        outputs = [
            new_output("display_data", data={"text/plain": "Button()", **view}),
            new_output("error", ename="OSError", evalue="no", traceback=[run]),
        ]
        return new_notebook(cells=[new_code_cell("f()", outputs=outputs)])

    assert notebooks.changes(book("1"), book("2"), "x") == []


def test_of_a_widget_the_text_is_stored() -> None:
    view = {notebooks.WIDGET: {"model_id": "gone with its kernel"}}
    outputs = [
        new_output("display_data", data={"text/plain": "Dial (run this cell)", **view}),
        new_output("display_data", data=view),
    ]
    book = new_notebook(cells=[new_code_cell("dial", outputs=outputs)])
    told, mute = notebooks.normalised(book).cells[0].outputs
    assert told.data == {"text/plain": "Dial (run this cell)"}
    assert mute.data == view, "it would be nothing at all"
