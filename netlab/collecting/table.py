"""The rows of a collection: as CSV for a spreadsheet, and as a table for the terminal."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from rich.table import Table
from rich.text import Text

from netlab.collecting.worker import Judged, Verdict
from netlab.progress_cli import unformulated
from netlab.terminal import harmless

COLUMNS = (
    "student",
    "chapter",
    "exercise",
    "verdict",
    "first_failing_probe",
    "seconds",
    "note",
    "notebook",
)
RANKED: tuple[Verdict, ...] = ("passed", "failed", "error", "not tried")
_COLOURS = {"passed": "green", "failed": "red", "error": "yellow", "not tried": "default"}


@dataclass(frozen=True)
class Row:
    """One exercise of one student; without an `exercise` it tells of the notebook itself."""

    student: str
    chapter: str
    exercise: str
    judged: Judged
    notebook: str

    def cells(self) -> tuple[str, ...]:
        """Return it as `COLUMNS` has it, as text that commands neither terminal nor spreadsheet."""
        judged = self.judged
        seconds = f"{judged.seconds:.1f}"
        texts = (self.student, self.chapter, self.exercise, judged.verdict, judged.probe)
        return unformulated(tuple(map(harmless, (*texts, seconds, judged.note, self.notebook))))


class CSV:
    """Writes rows as they come, so that an interrupted collection keeps what it had (RFC 4180)."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        self._writer.writerows(row.cells() for row in rows)
        self._file.flush()


def summary(rows: Sequence[Row]) -> Table:
    """Return a line a student: passed of all in each chapter, in all, and what went wrong.

    An exercise that was handed in twice counts once, by the better verdict.
    """
    chapters = sorted({row.chapter for row in rows if row.exercise})
    table = Table("student", *chapters, *RANKED, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for student in sorted({row.student for row in rows}):
        best = _best([row for row in rows if row.student == student])
        scores = [_score([best[key] for key in best if key[0] == one]) for one in chapters]
        counts = Counter(best.values())
        shown = [_count(counts[verdict], verdict) for verdict in RANKED]
        table.add_row(Text(harmless(student)), *scores, *shown)
    return table


def _best(rows: Sequence[Row]) -> dict[tuple[str, str], Verdict]:
    found: dict[tuple[str, str], Verdict] = {}
    for row in rows:
        # A row about a notebook stands for itself: nothing else tells what went wrong there.
        key = (row.chapter, row.exercise) if row.exercise else ("", row.notebook)
        verdicts = (row.judged.verdict, found.get(key, row.judged.verdict))
        found[key] = min(verdicts, key=RANKED.index)
    return found


def _score(verdicts: Sequence[Verdict]) -> str:
    return f"{verdicts.count('passed')}/{len(verdicts)}" if verdicts else "-"


def _count(number: int, verdict: Verdict) -> Text:
    return Text(str(number), _COLOURS[verdict]) if number else Text("-")
