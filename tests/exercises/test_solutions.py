"""Every solution passes, each time, and says the same each time."""

from __future__ import annotations

import re
from importlib.resources import as_file, files

from netlab.exercises.grade import Exercise, folder
from netlab.exercises.subjects import FromFile

from .examiners import Examiners, each_exercise, examiners

__all__ = ["examiners"]  # a fixture

SOLUTION_RUNS = 20


@each_exercise
def test_solution_passes_every_time(exercise: Exercise, examiners: Examiners) -> None:
    place = files("netlab.exercises.solutions").joinpath(folder(exercise.chapter))
    with as_file(place.joinpath(f"{exercise.file_name}.py")) as path:
        solution = FromFile(path, exercise.code_name)
        runs = [(solution, number % 3) for number in range(SOLUTION_RUNS)]
        reports = examiners.check_all(exercise, runs)
    for report in reports:
        assert report.passed, str(report)
        assert report.remarks == (), str(report)
    texts = {re.sub(r"\n.*seed=\d\)", "", str(report)) for report in reports}
    assert len(texts) == 1, "a pass reads the same each time"
