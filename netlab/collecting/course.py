"""What was handed out: the course's own notebooks, for the exercises that nobody has touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netlab.collecting.notebook import Definitions, read_cells, stubs
from netlab.exercises import registry


@dataclass(frozen=True)
class Course:
    """The names of the notebooks, and what is defined beside each check of theirs."""

    stems: tuple[str, ...]
    stubs: dict[str, Definitions]

    @property
    def chapters(self) -> tuple[str, ...]:
        """The chapters that have exercises, as two digits."""
        return tuple(dict.fromkeys(sorted(one.partition(".")[0] for one in self.stubs)))

    def asks(self, stem: str, chapter: str, only: Sequence[str]) -> bool:
        """Can a notebook of this name hold answers to what is asked?

        Not the course's appendix, nor what tells by its name that it is of another chapter.
        """
        if chapter:
            return not only or chapter in only
        return stem not in self.stems

    def exercises(self, chapter: str) -> list[str]:
        """Return the ids of a chapter's exercises, in order."""
        return [one.id for one in registry.all() if one.chapter == chapter]


def read_course(checkout: Path) -> Course:
    """Return the course in a checkout (or in a copy made by `netlab release`).

    Raises:
        NoNotebook: a notebook of the course is damaged.
    """
    paths = sorted(Path(checkout, "notebooks").glob("*.ipynb"))
    found: dict[str, Definitions] = {}
    for path in paths:
        found |= stubs(read_cells(path))
    return Course(tuple(path.stem for path in paths), found)
