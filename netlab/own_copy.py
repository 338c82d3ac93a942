"""The learner's own copy of the course: notebooks to write in, that `git pull` does not touch.

The outputs stay behind: running the cells makes them. Beside the notebooks stands
`.netlab-course.json`, which says what each was when it was copied. So a later copy can tell a
chapter that the learner has changed from one that only the course has.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netlab.terminal import CommandFailed, harmless

FOLDER = "my-course"
RECORD = ".netlab-course.json"


@dataclass
class Copied:
    """What a copy has done, by the names of the notebooks."""

    added: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """changed in the course, but by the learner as well"""


def copy(checkout: Path, folder: Path) -> Copied:
    """Copy the chapters that are new to `folder`; renew those that only the course has changed.

    Raises:
        OSError: something cannot be read or written.
        CommandFailed: the record of earlier copies is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    done = Copied()
    for source in chapters(checkout):
        data = source.read_bytes()
        fresh = without_outputs(data)
        mine = folder / source.name
        before = record.get(source.name)
        if not mine.exists():
            done.added.append(source.name)
        elif before is not None and before["file"] == _digest(data):
            continue
        elif before is None or _digest_of_cells(mine) != before["cells"]:
            if mine.read_bytes() != fresh:
                done.kept.append(source.name)
                continue
        else:
            done.renewed.append(source.name)
        put(mine, fresh)
        record[source.name] = {"file": _digest(data), "cells": _digest_of_cells(source)}
    put(folder / RECORD, json.dumps({"chapters": record}, indent=1).encode())
    return done


def reset(checkout: Path, folder: Path, chapter: str) -> tuple[Path, Path | None]:
    """Put a fresh chapter into the copy; return its path, and where the learner's own is now.

    Raises:
        CommandFailed: no such chapter, or none of this copy.
        OSError: something cannot be read or written.
    """
    source = find(checkout, chapter)
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    mine, data = folder / source.name, source.read_bytes()
    fresh = without_outputs(data)
    aside = None
    if mine.exists() and mine.read_bytes() != fresh:
        aside = put_aside(mine, "mine")
    put(mine, fresh)
    record[source.name] = {"file": _digest(data), "cells": _digest_of_cells(source)}
    put(folder / RECORD, json.dumps({"chapters": record}, indent=1).encode())
    return mine, aside


def without_outputs(notebook: bytes) -> bytes:
    """Return a notebook's file without what running it has left: outputs, counts, widgets' states.

    A learner is to guess what a cell shows, and cannot where it stands below it already.
    """
    found: dict[str, Any] = json.loads(notebook)
    for cell in found["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
            cell.get("metadata", {}).pop("execution", None)
    found.get("metadata", {}).pop("widgets", None)
    return (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()


def chapters(checkout: Path) -> list[Path]:
    """Return the course's notebooks in the order of their names."""
    return sorted((checkout / "notebooks").glob("*.ipynb"))


def find(checkout: Path, chapter: str) -> Path:
    """Return the notebook of a chapter: by number ("03", "3"), by name, or by file name.

    Raises:
        CommandFailed: there is none, or there are several.
    """
    wanted = Path(chapter).name.removesuffix(".ipynb")
    wanted = wanted.zfill(2) if wanted.isdecimal() else wanted
    known = chapters(checkout)
    found = [path for path in known if path.stem == wanted]
    found = found or [path for path in known if wanted and path.stem.startswith(wanted)]
    if len(found) != 1:
        names = ", ".join(path.stem for path in known)
        what = "no chapter is" if not found else "several chapters are"
        raise CommandFailed(f"{what} called {harmless(chapter)!r}; there are: {names}", 2)
    return found[0]


def put(path: Path, data: bytes) -> None:
    """Write a file at once: whoever reads it meanwhile finds the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def put_aside(path: Path, word: str) -> Path:
    """Rename a file so that its name says what it was; nothing that stands there is overwritten.

    `03_endings.ipynb` becomes `03_endings.mine.ipynb`, the next one `03_endings.mine-2.ipynb`.
    """
    for name in _names_beside(path, word):
        aside = path.with_name(name)
        try:
            aside.touch(exist_ok=False)  # it is ours from now on
        except FileExistsError:
            continue
        return path.replace(aside)
    raise AssertionError("never: the names do not end")


def _names_beside(path: Path, word: str) -> Iterator[str]:
    for number in itertools.count(1):
        yield f"{path.stem}.{word}{'' if number == 1 else f'-{number}'}{path.suffix}"


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest_of_cells(path: Path) -> str:
    """Return a digest of what a person writes; running cells, which makes outputs, changes nothing.

    A notebook that cannot be read has one of its own: it is no version of ours.
    """
    data = path.read_bytes()
    try:
        cells: list[dict[str, Any]] = json.loads(data)["cells"]
        written = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "unreadable " + _digest(data)
    while written and not written[-1][1].strip():  # JupyterLab adds an empty cell at the end
        written.pop()
    return _digest(json.dumps(written).encode())


def _read_record(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / RECORD
    try:
        found = json.loads(path.read_bytes())["chapters"]
        is_digest: Callable[[str], object] = re.compile(r"[0-9a-z ]+").fullmatch
        for entry in found.values():
            if not (is_digest(entry["file"]) and is_digest(entry["cells"])):
                raise ValueError(entry)
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CommandFailed(
            f"{harmless(str(path))} is damaged; delete it: your notebooks stay as they are, and "
            "those that differ from the course are taken for yours"
        ) from None
    return dict(found)
