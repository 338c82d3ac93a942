"""All checks of a file of tests, several at the same time, before the first of its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any, TypeAlias

import pytest

from netlab import exercises
from netlab.exercises import ledger
from netlab.exercises.grade import Exercise
from netlab.exercises.nursery import Nursery
from netlab.exercises.report import Report
from netlab.lab.leftovers import baseline, leftovers

EXERCISES = exercises.all()
EXAMINERS = {"heavy": 8, "middle": 8, "light": 8}
"""at the same time: half of what they take is waiting for an answer in vain"""
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)

Runs: TypeAlias = Sequence[tuple[Any, int]]
"""what is to be checked, each with its seed"""


def chosen(request: pytest.FixtureRequest) -> list[Exercise]:
    """Return the exercises that are to be tested in the module of this fixture."""
    here = [item for item in request.session.items if item.getparent(pytest.Module) is request.node]
    names = {item.callspec.params["exercise"].id for item in here if hasattr(item, "callspec")}
    return [exercise for exercise in EXERCISES if exercise.id in names]


def check_all(runs: Mapping[str, Runs]) -> dict[str, list[Report]]:
    """Check all that is listed by exercise; return the reports in the same order.

    Of all exercises together, for a test that waited for its own would leave the processors idle
    until its slowest has answered.
    """
    reports: dict[str, list[Report]] = {}
    since = baseline()
    with _many_descriptors(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "LOCK_S", 60.0)  # no result is to be lost to a slow disk
        for weight, number in EXAMINERS.items():
            alike = [one for one in EXERCISES if one.id in runs and _weight(one) == weight]
            reports |= _check_alike(alike, runs, number)
    left = leftovers(since=since)
    assert not left, str(left)
    return reports


def _check_alike(
    alike: Sequence[Exercise], runs: Mapping[str, Runs], number: int
) -> dict[str, list[Report]]:
    """Check them in so many warm interpreters, which have loaded what any of them needs.

    A fork costs what its parent has loaded, so exercises with much to load are on their own.
    """
    modules = {name for exercise in alike for name in exercise.modules}
    free: SimpleQueue[Nursery] = SimpleQueue()

    def check(exercise: Exercise, code: Any, seed: int) -> Report:
        nursery = free.get()
        try:
            return exercise.check(code, seed=seed, nursery=nursery)
        finally:
            free.put(nursery)

    with ExitStack() as stack:
        for _ in range(min(number, sum(len(runs[one.id]) for one in alike))):
            free.put(stack.enter_context(Nursery(modules)))
        pool = stack.enter_context(ThreadPoolExecutor(number, thread_name_prefix="netlab-test"))
        futures = {
            exercise.id: [pool.submit(check, exercise, *run) for run in runs[exercise.id]]
            for exercise in alike
        }
        return {name: [one.result() for one in checks] for name, checks in futures.items()}


@contextmanager
def _many_descriptors() -> Iterator[None]:
    """More than the usual 1,024, for eight crowds of two hundred at the same time."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _weight(exercise: Exercise) -> str:
    """Say how much a nursery for this exercise loads: 160, 250 or 700 modules."""
    names = " ".join(exercise.modules)
    if "socketio" in names or "aiohttp" in names or exercise.chapter in ("11", "12"):
        return "heavy"
    middle = ("asyncio", "ssl", "tls_", "netlab.transports")
    return "middle" if any(part in names for part in middle) else "light"
