"""The examiner examined: stubs fail, solutions pass, and every mutant is caught by its probe.

This goes over the registry: an exercise of a later chapter is tested as soon as its file is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from netlab import exercises
from netlab.exercises.grade import Exercise, folder
from netlab.exercises.nursery import Nursery
from netlab.exercises.registry import NoSuchExercise, mutants
from netlab.exercises.subjects import FromFile

from .code import empty

EXERCISES = exercises.all()
CHAPTERS = sorted({one.chapter for one in EXERCISES if one.chapter != "trials"})
SOLUTION_RUNS = 20
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One warm interpreter for all these checks."""
    modules = {module for exercise in EXERCISES for module in exercise.modules}
    with Nursery(modules) as warm:
        warm.launch()
        yield warm


@each_exercise
def test_solution_passes_every_time(exercise: Exercise, nursery: Nursery) -> None:
    place = files("netlab.exercises.solutions").joinpath(folder(exercise.chapter))
    with as_file(place.joinpath(f"{exercise.file_name}.py")) as path:
        reports = set()
        for seed in range(SOLUTION_RUNS):
            report = exercise.check(
                FromFile(path, exercise.code_name), seed=seed % 3, nursery=nursery
            )
            assert report.passed, str(report)
            assert report.remarks == (), str(report)
            reports.add(re.sub(r"\n.*seed=\d\)", "", str(report)))
    assert len(reports) == 1, "a pass reads the same each time"


@each_exercise
def test_stub_fails_and_says_how(exercise: Exercise, nursery: Nursery) -> None:
    report = exercise.check(empty, nursery=nursery)
    assert not report.passed
    assert report.failure is not None
    assert report.failure.broken.expected in str(report)
    assert report.failure.broken.got in str(report)
    assert report.failure.rule in exercise.rules
    assert str(exercise.check(empty)) == str(report)


def all_mutants() -> list[Any]:
    return [
        pytest.param(exercise, mutant, probe, id=f"{exercise.id}-{mutant.__name__}")
        for exercise in EXERCISES
        for mutant, probe in mutants(exercise)
    ]


@pytest.mark.parametrize(("exercise", "mutant", "probe"), all_mutants())
def test_mutant_is_caught_by_its_probe(
    exercise: Exercise, mutant: Callable[..., Any], probe: str, nursery: Nursery
) -> None:
    report = exercise.check(mutant, nursery=nursery)
    assert report.failed_probe == probe, str(report)


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
