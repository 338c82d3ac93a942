"""The exercises are complete: probes, mutants, hints, solutions; what is in the notebooks fails.

This and its neighbours `test_solutions` and `test_mutants` go over the registry: an exercise of a
later chapter is tested as soon as its file is there. (Three files, so that two workers share them.)
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from netlab import exercises
from netlab.exercises.grade import Exercise
from netlab.exercises.registry import NoSuchExercise, mutants

from .code import empty
from .examiners import EXERCISES, each_exercise

CHAPTERS = sorted({one.chapter for one in EXERCISES if one.chapter != "trials"})


@each_exercise
def test_every_exercise_is_complete(exercise: Exercise) -> None:
    assert len(mutants(exercise)) >= 3
    names = [probe.name for probe in exercise.probes]
    assert len(set(names)) == len(names)
    assert {probe for _, probe in mutants(exercise)} <= set(names)
    assert {probe.rule for probe in exercise.probes} <= set(range(1, len(exercise.rules) + 1))
    hints = [repr(exercise.hint(number)) for number in (1, 2, 3)]
    assert len(set(hints)) == 3
    with pytest.raises(ValueError, match="there is no hint 4"):
        exercise.hint(4)
    defined = rf"(def|class) {exercise.code_name}\b"
    assert re.search(defined, repr(exercise.solution()))
    assert exercises.find(exercise.id) is exercise


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_each_kind(chapter: str) -> None:
    kinds = [one.kind for one in EXERCISES if one.chapter == chapter]
    assert len(kinds) >= 3
    assert {"warm-up", "core", "red-team"} <= set(kinds)


def test_ids_are_unique() -> None:
    assert len({one.id for one in EXERCISES}) == len(EXERCISES)
    assert {one.chapter for one in EXERCISES if one.kind == "trial"} <= {"trials"}


def test_an_exercise_is_found_by_its_name_alone() -> None:
    assert exercises.find("echo_server").id == "01.echo_server"
    assert exercises.find("line-echo").id == "line-echo"
    with pytest.raises(NoSuchExercise, match=r"did you mean '(01\.)?echo_server'"):
        exercises.find("echo-server")
    with pytest.raises(NoSuchExercise, match="netlab check --list"):
        exercises.find("zzz")


@each_exercise
def test_show_draws_what_there_is_to_see(exercise: Exercise) -> None:
    shown = exercise.show(empty)
    assert "your code" in str(shown) or "There is no picture" in str(shown) or "empty" in str(shown)


NOTEBOOKS = sorted(Path(__file__).parents[2].glob("notebooks/[0-9]*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stubs_of_the_notebooks_fail(notebook: Path) -> None:
    """A stub that passes would leave the learner nothing to do."""
    checks = [
        cell
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code" and ".check(" in "".join(cell["source"])
    ]
    assert len(checks) >= 3
    for cell in checks:
        assert "your code" in "".join(cell["source"])
        shown = "".join(cell["outputs"][-1]["data"]["text/plain"])
        assert shown.startswith("NOT YET"), shown
