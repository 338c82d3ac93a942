"""Examiners for the tests of all exercises: several at work at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue
from typing import Any

import pytest

from netlab import exercises
from netlab.exercises import ledger
from netlab.exercises.grade import Exercise
from netlab.exercises.nursery import Nursery
from netlab.exercises.report import Report

EXERCISES = exercises.all()
EXAMINERS = {"light": 8, "middle": 4, "heavy": 4}
"""at the same time: most of what they take is waiting, less so where there is much to load"""
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


class Examiners:
    """Several warm interpreters: most of what mutants take is waiting for an answer in vain.

    A fork costs what its parent has loaded, so exercises with much to load have their own.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._free: dict[str, SimpleQueue[Nursery]] = {}
        nurseries = []
        for weight, number in EXAMINERS.items():
            modules = {name for one in EXERCISES if _weight(one) == weight for name in one.modules}
            self._free[weight] = SimpleQueue()
            for _ in range(number):
                nurseries.append(stack.enter_context(Nursery(modules)))
                self._free[weight].put(nurseries[-1])
        with ThreadPoolExecutor(thread_name_prefix="netlab-test") as pool:
            list(pool.map(Nursery.launch, nurseries))  # now, so that no test is to blame for it
        stack.enter_context(_many_descriptors())  # eight crowds of two hundred at the same time

    def check_all(self, exercise: Exercise, codes: Sequence[tuple[Any, int]]) -> list[Report]:
        """Check each code with its seed; return the reports in the same order."""
        weight = _weight(exercise)
        free = self._free[weight]

        def check(job: tuple[Any, int]) -> Report:
            nursery = free.get()
            try:
                return exercise.check(job[0], seed=job[1], nursery=nursery)
            finally:
                free.put(nursery)

        with ThreadPoolExecutor(EXAMINERS[weight], thread_name_prefix="netlab-test") as pool:
            return list(pool.map(check, codes))


@contextmanager
def _many_descriptors() -> Iterator[None]:
    """More than the usual 1,024, in this process: those that run already keep what they have."""
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


@pytest.fixture(scope="module")
def examiners() -> Iterator[Examiners]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "LOCK_S", 60.0)  # no result is to be lost to a slow disk
        yield Examiners(stack)
