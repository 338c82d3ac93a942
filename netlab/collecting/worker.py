"""The process that judges one notebook: `python -m netlab.collecting.worker`, a job on its stdin.

It says on its stdout, a line of JSON each: `{"plan": [ids]}`, then for every exercise
`{"begin": id}` and `{"row": {…}}`, at last `{"done": true}`; or `{"error": why}`. Whoever reads
that sees what hangs. The exercises of `skip` have had their turn in a worker that died.

No statement of a learner runs in this process. What it reads of one is text, JSON and plain data.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal

from netlab.collecting import fetching, notebook
from netlab.exercises import registry
from netlab.exercises.child import PR_SET_PDEATHSIG, prctl
from netlab.exercises.grade import Exercise
from netlab.exercises.nursery import Nursery
from netlab.exercises.report import Report

Verdict = Literal["passed", "failed", "not tried", "error"]
NOTE_CHARACTERS = 300


@dataclass(frozen=True)
class Job:
    """A notebook, and what to examine in it.

    Args:
        path: the notebook.
        chapters: those that its name tells; all their exercises get a row.
        stubs: what the course hands out, by exercise (see `notebook.stubs`).
        only: the chapters whose exercises are judged; empty: all.
        seed: decides what the probes draw at random.
        skip: exercises that had their turn.
    """

    path: str
    chapters: tuple[str, ...]
    stubs: dict[str, notebook.Definitions]
    only: tuple[str, ...] = ()
    seed: int = 0
    skip: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as a line; half surrogates, which paths may hold, are escaped."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_json(cls, line: str) -> Job:
        """Return what `to_json` wrote."""
        found: dict[str, Any] = json.loads(line)
        return cls(
            **{**found, **{name: tuple(found[name]) for name in ("chapters", "only", "skip")}}
        )


@dataclass(frozen=True)
class Judged:
    """How an exercise went; `seconds` on the clock, fetching included."""

    exercise: str
    verdict: Verdict
    probe: str = ""
    note: str = ""
    seconds: float = 0.0


def main() -> int:
    """Judge the job of stdin."""
    signal.signal(signal.SIGTERM, _end)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # should the command be killed, we end, too
    output = sys.stdout
    sys.stdout = sys.stderr  # whoever prints by mistake spoils no line
    try:
        _judge(Job.from_json(sys.stdin.readline()), output)
    except notebook.NoNotebook as error:
        _say(output, error=str(error))
        return 1
    return 0


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # contexts end their processes


def _say(output: IO[str], **what: Any) -> None:
    output.write(json.dumps(what) + "\n")
    output.flush()


def _judge(job: Job, output: IO[str]) -> None:
    path = Path(job.path)
    cells = notebook.read_cells(path)
    exercises = planned(job, cells)
    _say(output, plan=[one.id for one in exercises])
    left = [one for one in exercises if one.id not in job.skip]
    modules = {name for one in left for name in one.modules}
    with Nursery(modules.union(fetching.MODULES)) as nursery:
        for exercise in left:
            _say(output, begin=exercise.id)
            began = time.monotonic()
            answer = notebook.find_answer(cells, exercise, job.stubs.get(exercise.id))
            judged = judge(nursery, exercise, answer, path.parent, job.seed)
            taken = {"seconds": round(time.monotonic() - began, 1)}
            _say(output, row={**asdict(judged), **taken})
    _say(output, done=True)


def planned(job: Job, cells: list[notebook.Cell]) -> list[Exercise]:
    """Return the exercises of the chapters in the name, and those that its cells check."""
    named = notebook.named(cells)
    chapters = {*job.chapters, *(one.partition(".")[0] for one in named if "." in one)}
    found = [one for one in registry.all() if one.chapter in chapters or one.id in named]
    return [one for one in found if not job.only or one.chapter in job.only]


def judge(
    nursery: Nursery,
    exercise: Exercise,
    answer: notebook.Answer | notebook.NotTried | notebook.Unusable,
    folder: Path,
    seed: int,
) -> Judged:
    """Fetch the answer and let the examiner try to break it."""
    if isinstance(answer, notebook.NotTried):
        return Judged(exercise.id, "not tried", note=answer.note)
    if isinstance(answer, notebook.Unusable):
        return Judged(exercise.id, "error", note=answer.note)
    try:
        code = fetching.fetch(nursery, exercise, answer, folder)
    except fetching.NoAnswer as error:
        return Judged(exercise.id, "error", note=f"cell {answer.cell}: {error}"[:NOTE_CHARACTERS])
    report = exercise.check(code, seed=seed, nursery=nursery)
    if report.passed:
        return Judged(exercise.id, "passed", note=_note(report))
    return Judged(exercise.id, "failed", probe=report.failed_probe or "", note=_note(report))


def _note(report: Report) -> str:
    said = "; ".join(report.remarks)
    if report.failure is not None:
        broken = report.failure.broken
        said = f"expected: {broken.expected}; got: {broken.got}"
    return " ".join(said.split())[:NOTE_CHARACTERS]


if __name__ == "__main__":
    status = main()
    sys.exit(status)
