"""The examiner examined: stubs fail, solutions pass, and every mutant is caught by its probe.

This goes over the registry: an exercise of a later chapter is tested as soon as its file is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from netlab import exercises
from netlab.exercises import ledger
from netlab.exercises.grade import Exercise, folder
from netlab.exercises.nursery import Nursery
from netlab.exercises.registry import NoSuchExercise, mutants
from netlab.exercises.report import Report
from netlab.exercises.subjects import FromFile

from .code import empty

EXERCISES = exercises.all()
CHAPTERS = sorted({one.chapter for one in EXERCISES if one.chapter != "trials"})
SOLUTION_RUNS = 20
EXAMINERS = {"light": 8, "heavy": 4}
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


def _weight(exercise: Exercise) -> str:
    heavy = any(name == "ssl" or "transports" in name for name in exercise.modules)
    return "heavy" if heavy else "light"


@pytest.fixture(scope="module")
def examiners() -> Iterator[Examiners]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "LOCK_S", 60.0)  # no result is to be lost to a slow disk
        yield Examiners(stack)


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


@each_exercise
def test_stub_fails_and_says_how(exercise: Exercise, examiners: Examiners) -> None:
    first, second = examiners.check_all(exercise, [(empty, 0), (empty, 0)])
    assert not first.passed
    assert first.failure is not None
    assert first.failure.broken.expected in str(first)
    assert first.failure.broken.got in str(first)
    assert first.failure.rule in exercise.rules
    assert str(first) == str(second)


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
