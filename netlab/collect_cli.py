"""`netlab collect`: the examiner judges what a class has handed in."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from netlab.terminal import CommandFailed, complain, harmless

if TYPE_CHECKING:
    from netlab.collecting.course import Course
    from netlab.collecting.table import CSV, Row

MOST_JOBS = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare folder and flags."""
    parser.epilog = (
        "It runs the learners' code with your rights, within limits but behind no wall: take a "
        "container or another user for code that you do not trust (docs/teaching.md). "
        "Exit codes: 0 = all is judged, whatever the verdicts; 2 = called wrongly."
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="with FOLDER/STUDENT/….ipynb, or FOLDER/STUDENT_CHAPTER.ipynb, or both",
    )
    parser.add_argument(
        "--csv",
        metavar="FILE",
        help="write a line an exercise, comma-separated (RFC 4180), to a new file; - is stdout",
    )
    parser.add_argument(
        "--chapter",
        action="append",
        default=[],
        metavar="NN",
        help="judge only this chapter, such as 01 (may be given again); who has not handed it in "
        "gets rows that say so",
    )
    parser.add_argument(
        "--from",
        dest="checkout",
        type=Path,
        metavar="CHECKOUT",
        help="the course's folder, which tells what was handed out (default: the one that this "
        "netlab runs from, or this folder)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=180.0,
        metavar="S",
        help="that one exercise may take on the clock (default: 180)",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="notebooks at the same time (default: 1)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what is drawn at random (default: 0)"
    )


def run(args: argparse.Namespace) -> int:
    """Judge all; return 0."""
    from netlab.collecting.collection import collect, missing
    from netlab.collecting.folder import empty_handed, handed_in
    from netlab.collecting.supervisor import Supervisor

    _check(args)
    folder: Path = args.folder
    course = _course(args.checkout)
    only = sorted(set(args.chapter))
    for chapter in only:
        if chapter not in course.chapters:
            raise CommandFailed(
                f"no chapter {harmless(chapter)} has exercises; choose of "
                f"{', '.join(course.chapters)}",
                2,
            )
    found = handed_in(folder, course.stems)
    folders = empty_handed(folder, found)
    students = sorted({*(one.student for one in found), *folders})
    if not students:
        raise CommandFailed(f"{harmless(str(folder))} has no .ipynb file and no folder", 2)
    found = [one for one in found if course.asks(one.path.stem, one.chapter, only)]
    rows: list[Row] = []
    judging = collect(
        found,
        course,
        Supervisor(args.seconds),
        folder=folder,
        only=only,
        jobs=args.jobs,
        seed=args.seed,
    )
    with _csv(args.csv) as output, contextlib.closing(judging):
        for number, (one, new) in enumerate(judging, 1):
            rows += new
            output.write(new)
            place = harmless(str(one.path.relative_to(folder)))
            complain(f"[{number}/{len(found)}] {place}: {_in_words(new)}")
        left = missing(rows, students, course, only)
        rows += left
        output.write(left)
    _print(rows, sys.stderr if args.csv == "-" else sys.stdout)
    return 0


def _check(args: argparse.Namespace) -> None:
    if not 1 <= args.seconds <= 86_400:
        raise CommandFailed(f"--seconds {args.seconds:g}: 1 to 86400 are allowed", 2)
    if not 1 <= args.jobs <= MOST_JOBS:
        raise CommandFailed(f"--jobs {args.jobs}: 1 to {MOST_JOBS} are allowed", 2)
    if not args.folder.is_dir():
        raise CommandFailed(f"there is no folder {harmless(str(args.folder))}", 2)


def _course(checkout: Path | None) -> Course:
    from netlab.collecting.course import read_course
    from netlab.collecting.notebook import NoNotebook
    from netlab.release_cli import find_checkout

    place = find_checkout(checkout)
    try:
        return read_course(place)
    except NoNotebook as error:
        raise CommandFailed(f"the course in {harmless(str(place))} is damaged: {error}") from None


@contextlib.contextmanager
def _csv(name: str | None) -> Iterator[CSV]:
    """The file for the rows; what an earlier collection wrote, or a teacher, is not lost."""
    import io

    from netlab.collecting.table import CSV

    if name is None:
        yield CSV(io.StringIO())
        return
    if name == "-":
        yield CSV(sys.stdout)
        return
    try:
        file = Path(name).open("x", encoding="utf-8", newline="")  # noqa: SIM115
    except FileExistsError:
        raise CommandFailed(f"{harmless(name)} is there already; choose a new file", 2) from None
    except OSError as error:
        raise CommandFailed(f"cannot write {harmless(name)}: {error.strerror}", 2) from None
    with file:
        yield CSV(file)


def _in_words(rows: list[Row]) -> str:
    counts = Counter(row.judged.verdict for row in rows)
    words = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    whole = [row.judged.note for row in rows if not row.exercise]
    return harmless("; ".join([words, *whole]) or "none of the chapters asked for")


def _print(rows: list[Row], stream: TextIO) -> None:
    from rich.console import Console

    from netlab.collecting.table import summary

    Console(file=stream, highlight=False).print(summary(rows))
