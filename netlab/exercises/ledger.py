"""The learner's results, in one small file: `progress.json`, in `NETLAB_HOME` or its usual place.

Several kernels may write at the same time: each reads, changes and replaces the file under a lock,
so that no result is lost, and a reader never sees half a file. A result that cannot be kept costs
no check: it is said once, and forgotten.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Literal

State = Literal["passed", "tried", "open"]

LOCK_S = 1.0
"""seconds to wait for another kernel that is writing"""
POLL_S = 0.005
FILE = "progress.json"

_said: set[str] = set()


class Unreadable(ValueError):
    """The file is not one of ours."""


def path() -> Path:
    """Return the file's place: `$NETLAB_HOME`, else `$XDG_DATA_HOME/netlab`, else the usual one.

    Raises:
        RuntimeError: the system does not say where the home folder is.
    """
    if home := os.environ.get("NETLAB_HOME"):
        return Path(home, FILE)
    if data := os.environ.get("XDG_DATA_HOME"):
        return Path(data, "netlab", FILE)
    return Path.home() / ".local" / "share" / "netlab" / FILE


def results(file: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return what is kept of each exercise, by its id: state, tries, first_passed, last_tried.

    Raises:
        Unreadable: the file is damaged.
        OSError: it cannot be read.
    """
    place = file or path()
    try:
        return parse(place.read_bytes(), str(place))
    except FileNotFoundError:
        return {}


def parse(data: bytes, name: str) -> dict[str, dict[str, Any]]:
    """Return what such a file's bytes keep, as `results`; `name` stands in the error.

    Raises:
        Unreadable: it is not one of ours.
    """
    try:
        found = json.loads(data.decode("utf-8"))["exercises"]
        return {str(key): _entry(kept) for key, kept in found.items()}
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name} is damaged: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"{name} is damaged: {type(error).__name__}: {error}") from None


def _entry(kept: dict[str, Any]) -> dict[str, Any]:
    if kept["state"] not in ("passed", "tried"):
        raise ValueError(f"state {kept['state']!r}")
    return {
        "state": kept["state"],
        "tries": int(kept["tries"]),
        "first_passed": kept.get("first_passed"),
        "last_tried": kept.get("last_tried"),
    }


def record(exercise: str, *, passed: bool) -> list[str]:
    """Keep a result; return what the learner should know, mostly nothing. Never raises.

    What has passed once stays passed.
    """
    try:
        place = path()
        place.parent.mkdir(parents=True, exist_ok=True)
        with _lock(place.with_suffix(".lock")):
            notes = []
            try:
                found = results(place)
            except Unreadable:
                aside = place.with_suffix(".damaged.json")
                place.replace(aside)
                found = {}
                notes = _once(f"the record of your results was damaged; it is now {aside.name}")
            _add(found, exercise, passed)
            _replace(place, {"version": 1, "exercises": found})
        return notes
    except (OSError, RuntimeError, ValueError) as error:
        return _once(f"your results are not kept: {type(error).__name__}: {error}")


def _add(found: dict[str, dict[str, Any]], exercise: str, passed: bool) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = found.setdefault(exercise, {"state": "tried", "tries": 0, "first_passed": None})
    kept["tries"] += 1
    kept["last_tried"] = now
    if passed and kept["state"] != "passed":
        kept["state"], kept["first_passed"] = "passed", now


def _replace(place: Path, content: dict[str, Any]) -> None:
    """Write a new file beside it and put that in its place: rename(2) is atomic."""
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".progress-")
    os.close(handle)
    new = Path(name)
    try:
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        new.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


@contextlib.contextmanager
def _lock(place: Path) -> Iterator[None]:
    """Hold the lock; the system lets go of it should this process end.

    Raises:
        TimeoutError: somebody else held it for `LOCK_S` seconds.
    """
    with place.open("a+b") as file:
        until = time.monotonic() + LOCK_S
        while not _take(file.fileno()):
            if time.monotonic() > until:
                raise TimeoutError(f"another program has held {place} for {LOCK_S:g} s")
            Event().wait(POLL_S)
        yield


def _take(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _once(note: str) -> list[str]:
    if note in _said:
        return []
    _said.add(note)
    return [note]


def progress(file: Path | None = None) -> dict[str, dict[str, State]]:
    """Return `{chapter: {exercise: "passed" | "tried" | "open"}}` for all exercises, in order.

    The last chapter is called `trials`, if there are any. A file that cannot be read counts as
    empty.
    """
    from netlab.exercises.registry import all as all_exercises

    try:
        found = results(file)
    except (OSError, RuntimeError, Unreadable):
        found = {}
    chapters: dict[str, dict[str, State]] = {}
    for exercise in all_exercises():
        kept = found.get(exercise.id)
        state: State = kept["state"] if kept else "open"
        chapters.setdefault(exercise.chapter, {})[exercise.name] = state
    return chapters
