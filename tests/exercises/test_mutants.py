"""Every mutant is caught, by the probe that was made for it; every stub fails and hears how."""

from __future__ import annotations

from netlab.exercises.grade import Exercise
from netlab.exercises.registry import mutants

from .code import empty
from .examiners import Examiners, each_exercise, examiners

__all__ = ["examiners"]  # a fixture


@each_exercise
def test_mutants_are_caught_by_their_probes(exercise: Exercise, examiners: Examiners) -> None:
    faulty = mutants(exercise)
    reports = examiners.check_all(exercise, [(mutant, 0) for mutant, _ in faulty])
    missed = [
        f"{mutant.__name__} was to be caught by {probe!r}:\n{report}"
        for (mutant, probe), report in zip(faulty, reports, strict=True)
        if report.failed_probe != probe
    ]
    assert not missed, "\n\n".join(missed)


@each_exercise
def test_stub_fails_and_says_how(exercise: Exercise, examiners: Examiners) -> None:
    first, second = examiners.check_all(exercise, [(empty, 0), (empty, 0)])
    assert not first.passed
    assert first.failure is not None
    assert first.failure.broken.expected in str(first)
    assert first.failure.broken.got in str(first)
    assert first.failure.rule in exercise.rules
    assert str(first) == str(second)
