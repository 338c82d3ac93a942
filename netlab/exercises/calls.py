"""How a learner's code is called in the child process, and how what it does is put into words."""

from __future__ import annotations

import inspect
import io
import os
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, Self

from netlab.lab.leftovers import baseline, leftovers

PRINTED_CHARACTERS = 2_000
"""of what the code prints, as much is kept"""
LINGER_S = 0.3
"""seconds in which a thread that is about to end is not yet left behind"""

Function = Callable[..., Any]
Report = Callable[..., None]
"""`report(event, value)`: tells the examiner what happened"""


class Printed(io.TextIOBase):
    """Standard output that keeps only its beginning, so that a flood of it harms nobody.

    It is kept in a file: the examiner can read it even if this process is killed.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._room = PRINTED_CHARACTERS
        self._lock = threading.Lock()  # guards the room: threads print, too

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        with self._lock:
            kept, rest = text[: self._room], text[self._room :]
            if rest and self._room >= 0:
                kept += "\n… and more, which is not shown"
                self._room = -1
            elif self._room < 0:
                kept = ""
            else:
                self._room -= len(kept)
            if kept:
                os.write(self._file, kept.encode(errors="backslashreplace"))
        return len(text)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self


def result(function: Function, *arguments: Any) -> Any:
    """Call the code and return its result; a coroutine function is run to its end in a new loop.

    Raises:
        LeftTasks: the coroutine returned while tasks that it had started still ran.
    """
    if not inspect.iscoroutinefunction(function):
        return function(*arguments)
    import asyncio

    async def to_the_end() -> Any:
        value = await function(*arguments)
        left = [t.get_coro() for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        if left:
            names = sorted(getattr(coro, "__qualname__", "a task") for coro in left)
            raise LeftTasks(f"it returned while its tasks still ran: {', '.join(names)}")
        return value

    return asyncio.run(to_the_end())


def tidily(report: Report, function: Function, *arguments: Any) -> Any:
    """Return what `result` does; report, as `behind`, threads, sockets and processes it left.

    No thread or socket of the examiner's own may come into being meanwhile.
    """
    before = baseline()
    try:
        return result(function, *arguments)
    finally:
        left = leftovers(since=before, timeout_s=LINGER_S)
        if left:
            report("behind", str(left))


class LeftTasks(Exception):
    """A coroutine returned before its own tasks had ended."""


class Opaque(str):
    """What stands for a value that cannot leave its process: its repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def plain(value: Any) -> Any:
    """Return the value as it can be sent: built-in types as they are, others by their repr."""
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(plain(one) for one in value)
    if type(value) is dict:
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, int | str | bytes | bytearray) and type(value).__module__ != "__main__":
        return value  # members of socket.AddressFamily, for instance
    try:
        return Opaque(repr(value)[:400])
    except Exception as error:
        return Opaque(f"a {type(value).__name__} whose repr raises {type(error).__name__}")


Where = tuple[str, int, int]
"""file, line in it, and line of the function, counted from 1"""


def describe(function: Any, error: BaseException) -> tuple[str, str, Where | None]:
    """Return the error's type, its text, and where in the learner's code it came up."""
    if isinstance(error, SystemExit):
        return "SystemExit", f"your code called sys.exit({error.code!r})", None
    if isinstance(error, MemoryError):
        return "MemoryError", "your code used more memory than the examiner lets it", None
    if isinstance(error, SyntaxError) and error.filename:
        return type(error).__name__, f"{error.msg}, in line {error.lineno}", None
    try:
        text = str(error)[:400]
    except Exception:
        text = "its text cannot be had"
    return type(error).__name__, text, _where(function, error)


def _where(function: Any, error: BaseException) -> Where | None:
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code is code:
            return code.co_filename, line, line - code.co_firstlineno + 1
    return None
