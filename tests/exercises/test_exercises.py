"""The examiner examined: stubs fail, solutions pass, and every mutant is caught by its probe."""

from __future__ import annotations

import json
import linecache
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from netlab.exercises import ch00, ch01
from netlab.exercises.grade import Exercise
from netlab.exercises.solutions.mutants import MUTANTS

EXERCISES = [*ch00.EXERCISES, *ch01.EXERCISES]


def stub(*_: object) -> None:
    """What every notebook starts with: a function without a body."""


def solution(exercise: Exercise) -> Callable[..., Any]:
    path = files("netlab.exercises.solutions").joinpath(f"{exercise.name}.py")
    source = path.read_text("utf-8")
    # A name like a cell's: cloudpickle then takes the function along by value.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    name = f"<solution {exercise.name}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"), namespace)
    code: Callable[..., Any] = namespace[exercise.name]
    return code


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_solution_passes(exercise: Exercise) -> None:
    report = exercise.check(solution(exercise))
    assert report.passed, str(report)
    assert "PASSED" in str(report)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_stub_fails_and_says_how(exercise: Exercise) -> None:
    report = exercise.check(stub)
    assert not report.passed
    assert report.failure is not None
    assert report.failure.broken.expected in str(report)
    assert report.failure.rule in exercise.rules


@pytest.mark.parametrize(
    ("exercise", "mutant", "probe"),
    [
        pytest.param(exercise, mutant, probe, id=mutant.__name__)
        for exercise in EXERCISES
        for mutant, probe in MUTANTS[exercise.name]
    ],
)
def test_mutant_is_caught_by_its_probe(
    exercise: Exercise, mutant: Callable[..., Any], probe: str
) -> None:
    report = exercise.check(mutant)
    assert report.failed_probe == probe, str(report)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_every_exercise_is_complete(exercise: Exercise) -> None:
    assert len(MUTANTS[exercise.name]) >= 3
    assert {probe.rule for probe in exercise.probes} <= set(range(1, len(exercise.rules) + 1))
    assert len({probe.name for probe in exercise.probes}) == len(exercise.probes)
    for number in (1, 2, 3):
        assert str(number) in repr(exercise.hint(number))
    assert f"def {exercise.name}(" in repr(exercise.solution())


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
