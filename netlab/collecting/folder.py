"""What was handed in: `FOLDER/STUDENT/….ipynb` (also deeper) and `FOLDER/STUDENT_CHAPTER.ipynb`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HandedIn:
    """A notebook: whose, and of which chapter, as far as its name tells (`""`: it does not)."""

    student: str
    chapter: str
    path: Path


def handed_in(folder: Path, stems: Iterable[str]) -> list[HandedIn]:
    """Return the notebooks in a folder, sorted by student and path.

    Args:
        stems: how the course's own notebooks are called, such as `01_tcp_basics`.

    Links to files elsewhere, hidden files and folders and JupyterLab's checkpoints are left out.
    """
    known = tuple(stems)
    found: list[HandedIn] = []
    for path in _notebooks(folder):
        student, *inner = path.relative_to(folder).parts
        if inner:
            found.append(HandedIn(student, _parts(path.stem, known)[1], path))
        else:
            found.append(HandedIn(*_parts(path.stem, known), path))
    return sorted(found, key=lambda one: (one.student, one.path))


def empty_handed(folder: Path, found: Iterable[HandedIn]) -> list[str]:
    """Return the students whose folder holds no notebook."""
    folders = {one.name for one in folder.iterdir() if one.is_dir() and one.name[0] != "."}
    return sorted(folders - {one.student for one in found})


def _notebooks(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(place, name)
            if (
                path.suffix.lower() == ".ipynb"
                and not name.startswith(".")
                and not path.is_symlink()
            ):
                yield path


def _parts(stem: str, known: tuple[str, ...]) -> tuple[str, str]:
    """Return the student and the chapter of a file's name, the chapter empty if there is none."""
    for one in known:
        head, found, _ = stem.partition(one)
        if found:
            chapter = one[:2] if one[:2].isdecimal() else ""
            return head.strip(" _.-") or stem, chapter
    chapters = {one[:2] for one in known}
    for match in reversed(list(re.finditer(r"(?:^|[ _.-])(\d\d)(?=$|[ _.-])", stem))):
        if match[1] in chapters:
            return stem[: match.start()].strip(" _.-") or stem, match[1]
    return stem, ""
