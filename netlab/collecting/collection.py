"""Judges everything that was handed in, some notebooks at a time, and makes rows of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netlab.collecting.course import Course
from netlab.collecting.folder import HandedIn
from netlab.collecting.supervisor import Supervisor, Unread
from netlab.collecting.table import Row
from netlab.collecting.worker import Job, Judged, Verdict

NO_ANSWERS = "no answers: no cell checks an exercise of this course"


def collect(
    handed_in: Sequence[HandedIn],
    course: Course,
    supervisor: Supervisor,
    *,
    folder: Path,
    only: Sequence[str] = (),
    jobs: int = 1,
    seed: int = 0,
) -> Generator[tuple[HandedIn, list[Row]], None, None]:
    """Yield each notebook with its rows, in order, as soon as it is judged.

    Args:
        folder: what the notebooks' paths are told relative to.
        only: the chapters to judge; empty: all.
        jobs: how many notebooks are judged at the same time.
        seed: decides what the probes draw at random.

    Whoever stops listening ends what still runs.
    """

    def judge(one: HandedIn) -> list[Row]:
        chapters = (one.chapter,) if one.chapter in course.chapters else ()
        job = Job(str(one.path.resolve()), chapters, course.stubs, tuple(only), seed)
        place = str(one.path.relative_to(folder))
        return _rows(one, place, list(supervisor.judge(job)), asked_for=bool(only))

    with ThreadPoolExecutor(jobs, thread_name_prefix="netlab-collect") as pool:
        try:
            yield from zip(handed_in, pool.map(judge, handed_in), strict=True)
        finally:
            supervisor.stop()
            pool.shutdown(wait=True, cancel_futures=True)


def _rows(
    one: HandedIn, place: str, results: Sequence[Judged | Unread], *, asked_for: bool
) -> list[Row]:
    if not results and not asked_for:
        results = [Unread(NO_ANSWERS)]
    rows = []
    for result in results:
        if isinstance(result, Unread):
            verdict: Verdict = "not tried" if result.note == NO_ANSWERS else "error"
            whole = Judged("", verdict, note=result.note)
            rows.append(Row(one.student, one.chapter, "", whole, place))
        else:
            chapter, _, name = result.exercise.rpartition(".")
            rows.append(Row(one.student, chapter or "trials", name, result, place))
    return rows


def missing(
    rows: Sequence[Row], students: Sequence[str], course: Course, only: Sequence[str]
) -> list[Row]:
    """Return a row for what was to be handed in and was not: each exercise of the chapters asked
    for, or, where none was asked for, the student whose folder holds no notebook."""
    found = []
    for student in students:
        own = {row.chapter for row in rows if row.student == student}
        nothing = Judged("", "not tried", note="no notebook was handed in")
        if not only and not own:
            found.append(Row(student, "", "", nothing, ""))
        for chapter in only:
            if chapter not in own:
                names = [each.partition(".")[2] for each in course.exercises(chapter)]
                found += [Row(student, chapter, name, nothing, "") for name in names]
    return found
