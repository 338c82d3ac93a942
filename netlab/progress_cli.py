"""`netlab progress`: what is done, for a learner; and of many learners, for their teacher."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.terminal import CommandFailed, harmless, say

if TYPE_CHECKING:
    from netlab.exercises.ledger import State

COLUMNS = ("file", "chapter", "exercise", "state", "tries", "first_passed", "last_tried")
_SIGNS = {"passed": "✓ passed", "tried": "… tried", "open": "○ open"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files and --csv."""
    parser.epilog = (
        "A teacher collects the files of the learners: netlab progress --csv */progress.json"
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="files of learners (default: your own, in NETLAB_HOME or ~/.local/share/netlab)",
    )
    parser.add_argument(
        "--csv", action="store_true", help="print a line an exercise, comma-separated (RFC 4180)"
    )


def run(args: argparse.Namespace) -> int:
    """Print it. Return 1 if a file cannot be read."""
    rows = [row for file in args.files or [None] for row in _rows(file)]
    if args.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(unformulated, rows))
    else:
        _print(rows)
    return 0


def _rows(file: Path | None) -> Iterator[tuple[str, ...]]:
    from netlab.exercises import ledger
    from netlab.exercises.registry import all as all_exercises

    try:
        place = file or ledger.path()
        if file is not None and not file.is_file():
            raise FileNotFoundError(2, "no such file", str(file))
        found = ledger.results(place)
    except ledger.Unreadable as error:
        raise CommandFailed(f"{harmless(str(error))}; the next check will put it aside") from None
    except OSError as error:
        raise CommandFailed(f"{harmless(str(error.filename or file))}: {error.strerror}") from None
    except RuntimeError as error:  # no home folder
        raise CommandFailed(f"{error}; set NETLAB_HOME to a folder") from None
    for exercise in all_exercises():
        kept = found.get(exercise.id, {})
        state: State = kept.get("state", "open")
        times = (kept.get("first_passed") or "", kept.get("last_tried") or "")
        tries = str(kept.get("tries", 0))
        yield (str(place), exercise.chapter, exercise.name, state, tries, *map(str, times))


def unformulated(row: tuple[str, ...]) -> tuple[str, ...]:
    """No cell of a learner's file may become a formula in a teacher's spreadsheet."""
    formulas = set("=+-@\t\r")
    return tuple(f"'{cell}" if cell[:1] in formulas else cell for cell in row)


def _print(rows: list[tuple[str, ...]]) -> None:
    files = dict.fromkeys(row[0] for row in rows)
    for file in files:
        mine = [row for row in rows if row[0] == file]
        passed = sum(row[3] == "passed" for row in mine)
        say(f"{harmless(file)}: {passed} of {len(mine)} passed")
        chapter = None
        for _, home, name, state, tries, *_ in mine:
            if home != chapter:
                chapter = home
                say(f"  {harmless(home)}")
            note = f" ({tries} times tried)" if int(tries) > 1 else ""
            say(f"    {_SIGNS[state]}  {harmless(name)}{note}")
