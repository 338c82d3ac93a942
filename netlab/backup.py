"""A learner's work in one zip file: notebooks and progress; and back again, with care.

A zip may come from anywhere. Everything in it is looked at before anything is written: names that
lead elsewhere, links, what is too large, and what no backup holds are refused.
"""

from __future__ import annotations

import itertools
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath

from netlab.own_copy import put, put_aside
from netlab.terminal import CommandFailed, harmless

NOTEBOOKS = "notebooks"
"""the folder in the zip that has what is in the learner's own"""
PROGRESS = "progress.json"
MAX_FILES = 2_000
MAX_FILE_BYTES = 64 * 1024**2
MAX_BYTES = 512 * 1024**2
"""of all files together, unpacked"""
_CHUNK_BYTES = 64 * 1024
_OURS = "netlab-backup-"
_NOT_KEPT = {".ipynb_checkpoints", "__pycache__", ".hypothesis"}


@dataclass
class Restored:
    """What came out of a backup, by names below the learner's folder."""

    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)
    """what stood there and differed, and what it is called now"""


def free_name(folder: Path, today: date) -> Path:
    """Return a name for a new backup that nothing in `folder` has."""
    for number in itertools.count(1):
        suffix = "" if number == 1 else f"-{number}"
        path = folder / f"{_OURS}{today.isoformat()}{suffix}.zip"
        if not path.exists():
            return path
    raise AssertionError("never: the names do not end")


def pack(target: Path, folder: Path, progress: Path) -> list[str]:
    """Write the backup, a new file; return the names of what is in it.

    Raises:
        CommandFailed: there is nothing to keep, or more than a backup may hold.
        FileExistsError: the file is there already; OSError: it cannot be written, or one not read.
    """
    found = {f"{NOTEBOOKS}/{path.relative_to(folder).as_posix()}": path for path in _files(folder)}
    if progress.is_file():
        found[PROGRESS] = progress
    if not found:
        raise CommandFailed(f"there is nothing to keep: no file in {harmless(str(folder))}", 2)
    _check_sizes({name: path.stat().st_size for name, path in found.items()})
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, path in found.items():
                archive.write(path, name)
    except FileExistsError:
        raise
    except BaseException:
        target.unlink(missing_ok=True)  # half a backup is none
        raise
    return list(found)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        older = path.name.startswith(_OURS) and path.suffix == ".zip"
        passed = path.is_symlink() or older or _NOT_KEPT.intersection(inside)
        if path.is_file() and not passed:
            yield path


def unpack(source: Path, folder: Path, progress: Path) -> Restored:
    """Put a backup's files where they belong. What differs there is kept beside.

    Raises:
        CommandFailed: it is no backup, damaged, or not to be trusted; nothing was written.
        OSError: the file cannot be read, or another not written.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            places = {entry.filename: _place(entry, folder, progress) for entry in entries}
            if len(places) < len(entries):
                raise _refused(source, "it has two files of one name")
            _check_sizes({entry.filename: entry.file_size for entry in entries})
            contents = {entry.filename: _read(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refused(source, f"it is no zip file, or damaged: {error}") from None
    if not contents:
        raise _refused(source, "it is empty")
    _check_progress(source, contents.get(PROGRESS))
    return _write(contents, places)


def _write(contents: dict[str, bytes], places: dict[str, Path]) -> Restored:
    done = Restored()
    for name, data in contents.items():
        path = places[name]
        if path.is_file() and path.read_bytes() == data:
            done.same.append(name)
            continue
        if path.exists():
            done.aside.append((name, put_aside(path, "before-restore").name))
        put(path, data)
        done.written.append(name)
    return done


def _place(entry: zipfile.ZipInfo, folder: Path, progress: Path) -> Path:
    """Return where a file of the zip belongs. Raises: CommandFailed: nowhere."""
    name = entry.filename
    parts = PurePosixPath(name).parts
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise CommandFailed(f"{harmless(name)!r} is a link; a backup has none. Nothing was written")
    if name == PROGRESS:
        return progress
    strange = "\\" in name or ":" in name or "\0" in name or ".." in parts
    if strange or len(parts) < 2 or parts[0] != NOTEBOOKS:
        raise CommandFailed(
            f"{harmless(name)!r} is not of a backup: there is {PROGRESS}, and what is in "
            f"{NOTEBOOKS}/. Nothing was written"
        )
    path = folder.joinpath(*parts[1:])
    if not path.resolve().is_relative_to(folder.resolve()):  # a link of the learner's own
        raise CommandFailed(
            f"{harmless(name)!r} would be written outside of {harmless(str(folder))}. Nothing was "
            "written"
        )
    return path


def _check_sizes(sizes: dict[str, int]) -> None:
    if len(sizes) > MAX_FILES:
        raise CommandFailed(f"{len(sizes):,} files are too many: up to {MAX_FILES:,} are kept")
    for name, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise CommandFailed(
                f"{harmless(name)} has {size:,} bytes; up to {MAX_FILE_BYTES:,} are kept. Clear "
                "its outputs, or take it away"
            )
    if sum(sizes.values()) > MAX_BYTES:
        raise CommandFailed(f"{sum(sizes.values()):,} bytes are too many: up to {MAX_BYTES:,}")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read a file of the zip, but never more than it has said that it has: a zip may lie."""
    data = bytearray()
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK_BYTES):
            data += chunk
            if len(data) > entry.file_size:
                raise zipfile.BadZipFile(f"{harmless(entry.filename)} is longer than it says")
    return bytes(data)


def _check_progress(source: Path, data: bytes | None) -> None:
    from netlab.exercises import ledger

    if data is not None:
        try:
            ledger.parse(data, PROGRESS)
        except ledger.Unreadable as error:
            raise _refused(source, harmless(str(error))) from None


def _refused(source: Path, why: str) -> CommandFailed:
    return CommandFailed(f"{harmless(str(source))} is not restored: {why}. Nothing was written")
