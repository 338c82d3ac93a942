"""Lines on stdout from a thread of their own: a terminal that was stopped stops no connection."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading

KEPT_LINES = 1_000
"""lines that may wait for a terminal that has been stopped; more are left out and counted"""
LAST_LINES_S = 0.5
"""seconds that the last lines on stdout may take"""


class LinePrinter:
    """Writes lines to stdout. They must be harmless for a terminal; see `netlab.terminal`."""

    def __init__(self, thread_name: str) -> None:
        self.broken = False
        """nobody reads stdout any more"""
        self._lines: queue.Queue[str | None] = queue.Queue(KEPT_LINES)
        self._left_out = 0  # counted by the thread that calls `put` alone
        self._fd = sys.stdout.fileno()
        self._thread = threading.Thread(target=self._write, name=thread_name, daemon=True)

    def start(self, first_lines: list[str]) -> None:
        """Say the first lines, and then what has happened meanwhile."""
        self._first_lines = first_lines
        self._thread.start()

    def put(self, line: str) -> None:
        """Say this soon, or leave it out if too much waits. For one thread."""
        try:
            if self._left_out:
                self._lines.put_nowait(f"({self._left_out:,} lines left out: nobody read them)")
                self._left_out = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._left_out += 1

    def end(self) -> None:
        """Write what waits, if that takes no longer than `LAST_LINES_S`."""
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        if self._thread.ident is not None:  # it was started
            self._thread.join(LAST_LINES_S)

    def _write(self) -> None:
        try:
            for line in self._first_lines:
                self._say(line)
            while (next_line := self._lines.get()) is not None:
                self._say(next_line)
        except OSError:
            self.broken = True
            signal.raise_signal(signal.SIGTERM)  # what `held_signals` waits for

    def _say(self, line: str) -> None:
        # Not through sys.stdout: its lock, held while it waits, would trouble Python's end.
        data = memoryview(f"{line}\n".encode(errors="backslashreplace"))
        while data:
            data = data[os.write(self._fd, data) :]
