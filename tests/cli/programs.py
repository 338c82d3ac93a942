"""The command in a process of its own, behind pipes or behind a terminal; every wait ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pytest

from .screen import Screen

ROOT = Path(__file__).parents[2]
DEADLINE_S = 20.0
"""seconds until a wait is given up: far more than any takes on a busy machine"""
PROMISED_S = 4.0
"""what is promised within two seconds, on a machine that has other things to do"""
AT_ONCE_S = 5.0
"""an end that needs no key and no deadline, on such a machine; a hang is `DEADLINE_S`"""


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without what would change the command's behaviour."""
    dropped = ("JUPYTERHUB_", "PROMPT_TOOLKIT_", "NO_COLOR", "PYTHONIOENCODING")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "PYTHONWARNINGS": "error::ResourceWarning", **changes}


def tool(name: str, package: str) -> str:
    """Return the path of a program that is not ours; in CI it must be there."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing: install {package}")
        pytest.skip(f"install {package}")
    return path


class Program:
    """A process behind three pipes. Leaving its context kills it, should it still run."""

    def __init__(self, command: list[str], **env: str) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(**env),
        )
        self._partial: dict[IO[bytes], bytes] = {}

    def line(self, timeout_s: float = DEADLINE_S) -> str:
        """Return the next line of stdout; "" at its end."""
        return self._line(self._pipe(self.process.stdout), timeout_s)

    def wait_line(self, ending: str) -> str:
        """Pass over lines of stdout until one ends so, and return it."""
        while line := self.line():
            if line.rstrip("\r\n").endswith(ending):
                return line
        raise EOFError(f"stdout ended without a line that ends in {ending!r}")

    def error_line(self, timeout_s: float = DEADLINE_S) -> str:
        """Return the next line of stderr; "" at its end."""
        return self._line(self._pipe(self.process.stderr), timeout_s)

    def write(self, text: str | bytes) -> None:
        """Write to stdin."""
        pipe = self._pipe(self.process.stdin)
        pipe.write(text.encode() if isinstance(text, str) else text)
        pipe.flush()

    def end_input(self) -> None:
        """Close stdin."""
        self._pipe(self.process.stdin).close()

    def kill(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout_s: float = DEADLINE_S) -> tuple[int, list[str], list[str]]:
        """Wait for its end; return exit code and the lines left on stdout and stderr."""
        out = self._rest(self._pipe(self.process.stdout))
        err = self._rest(self._pipe(self.process.stderr))
        return self.process.wait(timeout_s), out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                self._pipe(pipe).close()
            except BrokenPipeError:
                pass

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    def _line(self, pipe: IO[bytes], timeout_s: float) -> str:
        until = time.monotonic() + timeout_s
        partial = self._partial.pop(pipe, b"")
        while b"\n" not in partial:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise TimeoutError(f"no line within {timeout_s} s; so far: {partial!r}")
            data = os.read(pipe.fileno(), 65_536)
            if not data:
                break
            partial += data
        line, newline, rest = partial.partition(b"\n")
        if rest:
            self._partial[pipe] = rest
        return (line + newline).decode()

    def _rest(self, pipe: IO[bytes]) -> list[str]:
        lines = []
        while line := self._line(pipe, DEADLINE_S):
            lines.append(line.rstrip("\n"))
        return lines


def netlab(*arguments: str, **env: str) -> Program:
    """Start the command."""
    return Program([sys.executable, "-m", "netlab", *arguments], **env)


def netlab_once(*arguments: str, stdin: str = "", **env: str) -> tuple[int, list[str], list[str]]:
    """Run the command to its end; return exit code and the lines of stdout and stderr."""
    with netlab(*arguments, **env) as program:
        program.write(stdin)
        program.end_input()
        return program.end()


@contextmanager
def serving(*flags: str) -> Iterator[tuple[Program, str, int]]:
    """Run `netlab serve tcp_threads --service echo` and yield it with its host and port."""
    with netlab("serve", "tcp_threads", "--service", "echo", *flags) as program:
        listening, at, address = program.line().split()
        assert (listening, at) == ("listening", "on"), address
        host, _, port = address.rpartition(":")
        yield program, host.strip("[]"), int(port)


# A process whose controlling terminal is its stdin, so that Ctrl-C in cooked mode reaches it.
_AT_TERMINAL = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = ["netlab", *sys.argv[1:]]
runpy.run_module("netlab", run_name="__main__")
"""


class Terminal:
    """The command at a terminal of its own, whose screen can be read."""

    def __init__(self, *arguments: str, rows: int = 24, columns: int = 80) -> None:
        self.screen = Screen(rows, columns)
        self.raw = b""
        """every byte the command wrote to its terminal"""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _AT_TERMINAL, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment(TERM="xterm-256color", LC_ALL="C.UTF-8"),
            start_new_session=True,
        )
        os.close(slave)

    def press(self, keys: str) -> None:
        """Press keys: `\\r` is Enter, `\\x03` Ctrl-C, `\\x04` Ctrl-D."""
        os.write(self._master, keys.encode())

    def wait_for(
        self, what: Callable[[list[str]], bool] | str, timeout_s: float = DEADLINE_S
    ) -> list[str]:
        """Wait until the screen's lines are so, or one of them is `what`, and return them."""
        until = time.monotonic() + timeout_s
        while True:
            lines = self.screen.lines()
            if (what in lines) if isinstance(what, str) else what(lines):
                return lines
            left = until - time.monotonic()
            if left <= 0 or not self._read(left):
                raise TimeoutError(f"never seen: {what!r}; the screen:\n" + "\n".join(lines))

    def end(self, timeout_s: float = DEADLINE_S) -> tuple[int, list[str]]:
        """Wait for the end; return exit code and screen."""
        until = time.monotonic() + timeout_s
        while self._read(max(0.0, until - time.monotonic())):
            pass
        return self.process.wait(max(0.1, until - time.monotonic())), self.screen.lines()

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._master], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self.raw += data
        self.screen.feed(data)
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
