"""The course itself, handed in as it was handed out, and with all solutions in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netlab import exercises
from netlab.collecting.course import Course, read_course
from netlab.collecting.notebook import checks, read_cells
from netlab.collecting.supervisor import Supervisor
from netlab.collecting.worker import Job, Judged

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def course() -> Course:
    return read_course(ROOT)


def verdicts(path: Path, chapter: str, course: Course) -> dict[str, tuple[str, str]]:
    found = list(Supervisor().judge(Job(str(path), (chapter,), course.stubs)))
    judged = [one for one in found if isinstance(one, Judged)]
    assert len(judged) == len(found)
    return {
        one.exercise: (one.verdict, one.note if one.verdict != "passed" else "") for one in judged
    }


def test_every_exercise_of_a_chapter_has_its_cell(course: Course) -> None:
    assert set(course.stubs) == {one.id for one in exercises.all() if one.kind != "trial"}
    assert len(course.chapters) >= 13


def solved(path: Path) -> str:
    """Return the notebook with the solutions where the stubs are."""
    notebook = json.loads(path.read_text("utf-8"))
    places = {cell.number: cell for cell in read_cells(path)}
    for number, raw in enumerate(notebook["cells"], 1):
        cell = places.get(number)
        for name in checks(cell.tree) if cell and cell.tree else ():
            one = exercises.find(name)
            call = f"ch{one.chapter}.{one.name}.check({one.code_name})"
            raw["source"] = f"{one.solution_source()}\n\n{call}"
    return json.dumps(notebook)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda p: p.stem
)
def test_all_solutions_pass(path: Path, tmp_path: Path, course: Course) -> None:
    chapter = path.stem[:2]
    handed_in = tmp_path / path.name
    handed_in.write_text(solved(path), "utf-8")
    passed = dict.fromkeys(course.exercises(chapter), ("passed", ""))
    assert verdicts(handed_in, chapter, course) == passed


def test_what_was_handed_out_is_not_tried(course: Course) -> None:
    path = ROOT / "notebooks" / "12_socketio_games.ipynb"
    untouched = dict.fromkeys(course.exercises("12"), ("not tried", "as it was handed out"))
    assert verdicts(path, "12", course) == untouched
