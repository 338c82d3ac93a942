"""Every solution passes, each time, and says the same each time."""

from __future__ import annotations

import py_compile
import re
from contextlib import ExitStack
from importlib.resources import as_file, files

import pytest

from netlab.exercises.grade import Exercise, folder
from netlab.exercises.report import Report
from netlab.exercises.subjects import FromFile

from .examiners import check_all, chosen, each_exercise

SOLUTION_RUNS = 20


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> dict[str, list[Report]]:
    with ExitStack() as stack:
        solutions = {}
        for exercise in chosen(request):
            place = files("netlab.exercises.solutions").joinpath(folder(exercise.chapter))
            path = stack.enter_context(as_file(place.joinpath(f"{exercise.file_name}.py")))
            py_compile.compile(str(path))  # once, and not in each of its processes
            solutions[exercise.id] = FromFile(path, exercise.code_name)
        seeds = [number % 3 for number in range(SOLUTION_RUNS)]
        return check_all({name: [(one, seed) for seed in seeds] for name, one in solutions.items()})


@each_exercise
def test_solution_passes_every_time(exercise: Exercise, reports: dict[str, list[Report]]) -> None:
    mine = reports[exercise.id]
    assert len(mine) == SOLUTION_RUNS
    for report in mine:
        assert report.passed, str(report)
        assert report.remarks == (), str(report)
    texts = {re.sub(r"\n.*seed=\d\)", "", str(report)) for report in mine}
    assert len(texts) == 1, "a pass reads the same each time"
