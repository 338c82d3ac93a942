"""A process of its own for a learner's code: whatever happens in here, the kernel lives on.

The examiner starts `python -m netlab.exercises.child` (a fresh interpreter, never a fork of the
kernel), writes one line to its standard input (where to call back, and the key), and sends the
code by cloudpickle. Everything the code does is reported back as events.
"""

from __future__ import annotations

import contextlib
import io
import sys
from multiprocessing.connection import Client, Connection
from typing import Any

import cloudpickle

from netlab.exercises.peers import describe

MEMORY_BYTES = 2 * 1024**3
"""address space that the code may use, where the system can limit it"""
PRINTED_CHARACTERS = 2_000
"""of what the code prints, as much is kept"""


class Printed(io.TextIOBase):
    """Standard output that keeps only its beginning, so that a flood of it harms nobody."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        self.text += text[: PRINTED_CHARACTERS - len(self.text)]
        return len(text)


def main() -> None:
    """Call the examiner back, run what it sends, report how it ended."""
    host, port, key = sys.stdin.readline().split()
    with Client((host, int(port)), authkey=bytes.fromhex(key)) as channel:
        _limit_memory()
        printed = Printed()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            event, value = _run(channel)
        channel.send((event, value, printed.text))


def _run(channel: Connection[Any, Any]) -> tuple[str, Any]:
    try:
        run, function, arguments = cloudpickle.loads(channel.recv_bytes())

        def report(event: str, value: object = None) -> None:
            channel.send((event, value, ""))

        run(function, report, *arguments)
    except BaseException as error:
        return "raised", describe(function, error)
    return "ended", None


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
