"""`netlab check`: let the examiner try to break a server that runs, or a function in a file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.terminal import CommandFailed, harmless, say

if TYPE_CHECKING:
    from netlab.exercises.grade import Exercise
    from netlab.exercises.report import Report
    from netlab.exercises.subjects import Subject

_REFUSED = "ConnectionRefusedError"
_HEADS = ("The specification says:", "What happened:", "  expected:", "  got:")
_COLOURS = {True: "green", False: "red", None: "default"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare exercise, target and flags."""
    parser.epilog = (
        "Examples: netlab check line-echo 127.0.0.1:9000; netlab check 01.echo_server mine.py; "
        "netlab check greet mine.py:hello. Exit codes: 0 = passed, 1 = not yet, 2 = cannot be "
        "checked."
    )
    parser.add_argument(
        "exercise", nargs="?", metavar="EXERCISE", help="such as line-echo or 01.echo_server"
    )
    parser.add_argument(
        "target",
        nargs="?",
        metavar="HOST:PORT|FILE.py[:NAME]",
        help="a server that runs on this machine, or a file that defines what the exercise asks "
        "for; without it the exercise's text is shown",
    )
    parser.add_argument("--list", action="store_true", help="list all exercises and your results")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="what is drawn at random (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Check; return 0 if it passed, 1 if not."""
    if args.list:
        _list(as_json=args.json)
        return 0
    if args.exercise is None:
        raise CommandFailed("say which exercise; `netlab check --list` names them all", 2)
    exercise = _find(args.exercise)
    if args.target is None:
        say(str(exercise))
        return 0
    report = _check(exercise, _subject(exercise, args.target), args.seed)
    if args.json:
        say(json.dumps({"exercise": exercise.id, **report.to_json()}, ensure_ascii=False, indent=1))
    else:
        _print(report)
    return 0 if report.passed else 1


def _find(name: str) -> Exercise:
    from netlab.exercises.registry import NoSuchExercise, find

    try:
        return find(name)
    except NoSuchExercise as error:
        raise CommandFailed(harmless(str(error)), 2) from None


def _subject(exercise: Exercise, target: str) -> Subject:
    from netlab.exercises.subjects import FromFile, NotExaminable, remote

    stem, dot_py, name = target.rpartition(".py")
    if dot_py and (not name or name.startswith(":")):
        path = Path(stem + dot_py)
        if not path.is_file():
            raise CommandFailed(f"there is no file {harmless(str(path))}", 2)
        wanted = name[1:] or exercise.code_name
        if not wanted.isidentifier():
            raise CommandFailed(f"{harmless(target)}: after the colon stands a name", 2)
        return FromFile(path.resolve(), wanted)
    try:
        return remote(target)
    except NotExaminable as error:
        raise CommandFailed(harmless(str(error)), 2) from None


def _check(exercise: Exercise, subject: Subject, seed: int) -> Report:
    from netlab.exercises.subjects import NotExaminable, Remote

    try:
        report = exercise.check(subject, seed=seed)
    except NotExaminable as error:
        raise CommandFailed(str(error), 2) from None
    # No connection is made beforehand to see whether somebody listens: it would be a client more.
    first = report.tried[0].passed is False and isinstance(subject, Remote)
    if first and report.failure and report.failure.broken.got.startswith(_REFUSED):
        raise CommandFailed(f"nobody listens on {subject.__name__}; start your server first", 2)
    return report


def _list(*, as_json: bool) -> None:
    from netlab.exercises.ledger import progress
    from netlab.exercises.registry import all as all_exercises

    done = progress()
    found = [
        {
            "exercise": one.id,
            "kind": one.kind,
            "title": one.title,
            "state": done[one.chapter][one.name],
            "over_network": one.over_network,
        }
        for one in all_exercises()
    ]
    if as_json:
        say(json.dumps(found, ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("exercise", "kind", "title", "state", "takes", box=None)
    for row in found:
        takes = "HOST:PORT or FILE.py" if row["over_network"] else "FILE.py"
        title = str(row["title"])
        table.add_row(str(row["exercise"]), str(row["kind"]), title, str(row["state"]), takes)
    Console(highlight=False).print(table)


def _print(report: Report) -> None:
    """Print it for people: what a cell shows, with colours where the terminal has them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    verdict, _ = report.headline
    for number, line in enumerate(str(report).splitlines()):
        text = Text(harmless(line))
        if not number:
            text.stylize(f"bold {_COLOURS[report.passed]}", 0, len(verdict))
        elif 0 < number <= len(report.tried):
            text.stylize(_COLOURS[report.tried[number - 1].passed], 2, 3)
        elif line.startswith(_HEADS):
            text.stylize("bold", 0, line.index(":") + 1)
        console.print(text)
    if report.failure is not None and len(report.failure.trial.recording):
        from netlab.exercises.report import picture_of

        console.print(Text("\nOn the wire:", style="bold"))
        twin = picture_of(report.failure.trial, report.failed_probe or "")
        for line in str(twin).splitlines():
            console.print(Text(f"  {harmless(line)}"))
