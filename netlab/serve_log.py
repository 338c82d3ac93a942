"""A server's log on stderr, which never makes the server wait.

Somebody may have stopped the terminal (Ctrl-S), or read nothing of the pipe that stderr is. Then
a plain handler would block whoever logs, and with it everybody who waits for the same lock.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading

from netlab.terminal import harmless

KEPT_LINES = 1_000
"""lines that may wait to be written; more are left out, and their number is told"""


class OneLine(logging.Formatter):
    """Nothing that a client sent starts a line of its own in the log, or commands the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        return harmless(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """Return a traceback, each line indented: an error's text may be what a client sent."""
        text = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(f"    {harmless(line)}" for line in text.splitlines())


class StderrLog(logging.Handler):
    """Writes lines to stderr from a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._lines: queue.Queue[str | None] = queue.Queue(KEPT_LINES)
        self._left_out = 0  # guarded by the handler's own lock, as all of `emit` is
        # Not through sys.stderr: its lock, held while it waits, would trouble Python's end.
        self._fd = sys.stderr.fileno()
        self._thread = threading.Thread(target=self._write, name="netlab-serve-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line for the thread that writes it."""
        try:
            if self._left_out:
                self._lines.put_nowait(f"({self._left_out} lines left out: nobody read them)")
                self._left_out = 0
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._left_out += 1

    def end(self, last_line: str, timeout_s: float) -> None:
        """Write a last line, if what waits before it goes out within `timeout_s` seconds."""
        try:
            self._lines.put_nowait(last_line)
            self._lines.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            data = memoryview(f"{line}\n".encode(errors="backslashreplace"))
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:  # nobody is there to read it
                continue
