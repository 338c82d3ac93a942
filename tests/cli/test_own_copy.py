"""`netlab copy` and `netlab reset`: the learner writes in a copy, and nothing of theirs is lost."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

from netlab import own_copy
from netlab.cli import main
from netlab.own_copy import RECORD

from .programs import ROOT

Captured = pytest.CaptureFixture[str]


def notebook(*sources: str) -> str:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))  # type: ignore[no-untyped-call]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A small course: two chapters."""
    course = tmp_path / "course"
    for name in ("netlab", "notebooks"):
        (course / name).mkdir(parents=True)
    (course / "pyproject.toml").touch()
    (course / "notebooks" / "00_start.ipynb").write_text(notebook("1 + 1"))
    (course / "notebooks" / "03_endings.ipynb").write_text(notebook("3"))
    return course


def run(course: Path, *arguments: str) -> int:
    return main([*arguments, "--from", str(course)])


def change(path: Path, *sources: str) -> None:
    path.write_text(notebook(*sources))


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def test_a_copy_is_the_course_without_its_outputs(course: Path, capsys: Captured) -> None:
    of_the_course = course / "notebooks" / "03_endings.ipynb"
    ran = json.loads(of_the_course.read_text())
    ran["cells"][0]["metadata"] = {"tags": ["hide-input"]}
    clean = json.dumps(ran)
    ran["cells"][0]["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["3"]}]
    ran["cells"][0]["execution_count"] = 7
    of_the_course.write_text(json.dumps(ran))
    assert run(course, "copy") == 0
    copied = (course / "my-course" / "03_endings.ipynb").read_text()
    assert json.loads(copied) == json.loads(clean)
    assert copied.endswith("}\n")
    assert "00_start.ipynb, 03_endings.ipynb (new)" in capsys.readouterr().out
    assert run(course, "copy") == 0
    assert capsys.readouterr().out.endswith("my-course: up to date\n")


def test_a_chapter_that_came_later_is_added(course: Path) -> None:
    run(course, "copy")
    change(course / "notebooks" / "04_threads.ipynb", "4")
    run(course, "copy")
    assert sources(course / "my-course" / "04_threads.ipynb") == ["4"]


def test_what_only_the_course_has_changed_is_renewed(course: Path, capsys: Captured) -> None:
    run(course, "copy")
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")
    run(course, "copy")
    assert sources(course / "my-course" / "03_endings.ipynb") == ["3", "new"]
    assert "03_endings.ipynb (renewed" in capsys.readouterr().out


def test_running_the_cells_is_no_change(course: Path) -> None:
    run(course, "copy")
    mine = course / "my-course" / "03_endings.ipynb"
    ran: dict[str, Any] = json.loads(mine.read_text())
    ran["cells"][0] |= {
        "execution_count": 7,
        "outputs": [{"name": "stdout", "output_type": "stream", "text": ["3"]}],
    }
    ran["cells"].append(nbformat.v4.new_code_cell("", id="empty"))
    mine.write_text(json.dumps(ran))
    run(course, "copy")
    assert json.loads(mine.read_text()) == ran, "and it is not taken away, either"
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")
    run(course, "copy")
    assert sources(mine) == ["3", "new"]


def test_what_the_learner_wrote_stays(course: Path, capsys: Captured) -> None:
    run(course, "copy")
    mine = course / "my-course" / "03_endings.ipynb"
    change(mine, "my own")
    run(course, "copy")
    assert sources(mine) == ["my own"]
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")
    capsys.readouterr()
    run(course, "copy")
    assert sources(mine) == ["my own"]
    out = capsys.readouterr().out
    assert "03_endings.ipynb has changed in the course, and you have changed yours" in out
    assert "`netlab reset 03`" in out


@pytest.mark.parametrize("text", ["", "no JSON", '{"cells": 3}', "[]", "[" * 100_000])
def test_a_notebook_that_cannot_be_read_is_the_learners(course: Path, text: str) -> None:
    run(course, "copy")
    mine = course / "my-course" / "03_endings.ipynb"
    mine.write_text(text)
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")
    assert run(course, "copy") == 0
    assert mine.read_text() == text


def test_a_copy_made_by_hand_is_the_learners(course: Path) -> None:
    mine = course / "my-course" / "03_endings.ipynb"
    mine.parent.mkdir()
    change(mine, "by hand")
    run(course, "copy")
    assert sources(mine) == ["by hand"]


@pytest.mark.parametrize("text", ["", "[]", '{"chapters": {"03_endings.ipynb": 1}}', "\xff"])
def test_a_damaged_record_costs_nothing(course: Path, text: str, capsys: Captured) -> None:
    run(course, "copy")
    mine = course / "my-course" / "03_endings.ipynb"
    change(mine, "my own")
    (course / "my-course" / RECORD).write_text(text, "latin-1")
    assert run(course, "copy") == 1
    assert f"{RECORD} is damaged; delete it" in capsys.readouterr().err
    (course / "my-course" / RECORD).unlink()
    assert run(course, "copy") == 0
    assert sources(mine) == ["my own"]


@pytest.mark.parametrize("name", ["03", "3", "03_endings", "03_endings.ipynb", "03_end"])
def test_reset_keeps_the_old_one_beside(course: Path, name: str, capsys: Captured) -> None:
    run(course, "copy")
    folder = course / "my-course"
    for number, suffix in ((1, ""), (2, "-2"), (3, "-3")):
        change(folder / "03_endings.ipynb", f"version {number}")
        capsys.readouterr()
        assert run(course, "reset", name) == 0
        assert sources(folder / "03_endings.ipynb") == ["3"]
        assert sources(folder / f"03_endings.mine{suffix}.ipynb") == [f"version {number}"]
        assert f"yours is now 03_endings.mine{suffix}.ipynb" in capsys.readouterr().out
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")
    run(course, "copy")
    assert sources(folder / "03_endings.ipynb") == ["3", "new"], "a fresh one is renewed again"


def test_reset_of_an_untouched_chapter_keeps_nothing(course: Path) -> None:
    run(course, "copy")
    assert run(course, "reset", "03") == 0
    names = sorted(path.name for path in (course / "my-course").glob("*.ipynb"))
    assert names == ["00_start.ipynb", "03_endings.ipynb"]


@pytest.mark.parametrize("name", ["7", "nothing", "0", "", "../03"])
def test_a_chapter_that_there_is_not(course: Path, name: str, capsys: Captured) -> None:
    run(course, "copy")
    change(course / "notebooks" / "00_second.ipynb", "2")
    assert run(course, "reset", "03", name) in (0, 2)
    if name != "../03":  # a path's last part is a name
        assert "called" in (err := capsys.readouterr().err)
        assert "00_start, 03_endings" in err
    assert sources(course / "my-course" / "03_endings.ipynb") == ["3"]


def test_the_course_itself_is_no_copy(course: Path, capsys: Captured) -> None:
    assert run(course, "copy", "--folder", str(course / "notebooks")) == 2
    assert "is the course itself" in capsys.readouterr().err


def test_who_is_interrupted_has_the_old_file_or_the_new(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(course, "copy")
    folder = course / "my-course"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    change(course / "notebooks" / "03_endings.ipynb", "3", "new")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert run(course, "copy") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_git_and_the_checks_do_not_see_the_copy() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"/{own_copy.FOLDER}/" in ignored
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", "lab"], cwd=ROOT, capture_output=True, text=True
    )
    commands = done.stdout.splitlines()
    copies = next(n for n, line in enumerate(commands) if line.endswith("netlab copy"))
    opens = next(n for n, line in enumerate(commands) if "/jupyter lab my-course/00_" in line)
    assert copies < opens
