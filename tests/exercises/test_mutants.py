"""Every mutant is caught, by the probe that was made for it; every stub fails and hears how."""

from __future__ import annotations

import pytest

from netlab.exercises.grade import Exercise
from netlab.exercises.registry import mutants
from netlab.exercises.report import Report

from .code import empty
from .examiners import check_all, chosen, each_exercise


@pytest.fixture(scope="module")
def reports(request: pytest.FixtureRequest) -> dict[str, list[Report]]:
    """Return each exercise's: two of the stub, then one of each mutant."""
    codes = {
        exercise.id: [empty, empty, *(mutant for mutant, _ in mutants(exercise))]
        for exercise in chosen(request)
    }
    return check_all({name: [(code, 0) for code in all_] for name, all_ in codes.items()})


@each_exercise
def test_mutants_are_caught_by_their_probes(
    exercise: Exercise, reports: dict[str, list[Report]]
) -> None:
    missed = [
        f"{mutant.__name__} was to be caught by {probe!r}:\n{report}"
        for (mutant, probe), report in zip(mutants(exercise), reports[exercise.id][2:], strict=True)
        if report.failed_probe != probe
    ]
    assert not missed, "\n\n".join(missed)


@each_exercise
def test_stub_fails_and_says_how(exercise: Exercise, reports: dict[str, list[Report]]) -> None:
    first, second = reports[exercise.id][:2]
    assert not first.passed
    assert first.failure is not None
    assert first.failure.broken.expected in str(first)
    assert first.failure.broken.got in str(first)
    assert first.failure.rule in exercise.rules
    assert str(first) == str(second)
