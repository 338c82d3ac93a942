"""A program with pipes: say something to it, wait for something from it."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

PATIENCE_S = 10.0
# A proxy that the machine may have is not for its own programs.
_NO_PROXY = {"no_proxy": "*", "NO_PROXY": "*"}


class Program:
    """Runs a program; a thread collects what it prints, on stdout and stderr, as it comes."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_NO_PROXY},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._changed = threading.Condition()  # guards what follows
        self._text = ""
        self._taken = 0
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="netlab-test-program", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # frames are no text
        while data := os.read(self._stdout.fileno(), 65_536):
            with self._changed:
                self._text += decoder.decode(data).replace("\r\n", "\n")
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def say(self, line: str) -> None:
        """Type a line."""
        self._stdin.write(f"{line}\n".encode())
        self._stdin.flush()

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed what matches, after what was expected before."""
        regex = re.compile(pattern, re.MULTILINE)
        with self._changed:
            found = None
            while (found := regex.search(self._text, self._taken)) is None:
                if self._ended or not self._changed.wait(PATIENCE_S):
                    raise AssertionError(f"no {pattern!r} came; what came: {self._text!r}")
            self._taken = found.end()
            return found

    def rest(self) -> str:
        """Wait for its end; return what it printed after what was expected."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, PATIENCE_S), "it still runs"
            return self._text[self._taken :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join()
        self._stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
