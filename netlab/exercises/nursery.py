"""The examiner's end of the nursery: one warm interpreter a check, and a fork of it a probe."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from multiprocessing.connection import Connection, Listener, Pipe
from multiprocessing.reduction import send_handle
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from netlab.exercises.child import CAN_FORK, Ended

START_S = 20.0
"""seconds that an interpreter may take to start (a busy machine is no fault of the code)"""
END_S = 10.0
"""seconds that the nursery may take to clean up"""
USUAL = (
    "concurrent.futures.thread",
    "encodings.idna",  # whoever passes a host name to a socket needs it
    "encodings.latin_1",
    "importlib.util",
    "netlab.exercises.subjects",  # code that comes as a file
    "queue",
    "resource",
    "termios",
)
"""what nearly all code will import: once here, and not again in each process"""
_ENVIRONMENT = {
    # Each of glibc's arenas reserves 64 MiB of address space, which is what we limit.
    "MALLOC_ARENA_MAX": "2",
}

Channel: TypeAlias = "Connection[Any, Any]"


class Nursery:
    """Starts a process for each probe; leaving it ends them all.

    Args:
        modules: what the probes will import; loaded once, before the first of them.
    """

    def __init__(self, modules: Iterable[str] = ()) -> None:
        self._modules = sorted({*modules, *USUAL})
        self._process: subprocess.Popen[str] | None = None
        self._control: Channel | None = None
        self._printed: Path | None = None
        self.pid: int | None = None
        """the process of the last `start`; None where it is not known"""

    def __enter__(self) -> Self:
        self._key = secrets.token_bytes(16)
        # By UNIX socket, where there are such: over TCP each message would wait 40 ms for the
        # acknowledgement of the one before (Nagle's algorithm, which cannot be switched off here).
        unix = hasattr(socket, "AF_UNIX") and CAN_FORK
        self._listener = Listener(None, "AF_UNIX" if unix else "AF_INET", authkey=self._key)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._stop()
        self._listener.close()

    def start(self, job: bytes) -> Channel:
        """Run a job (`run, function, arguments`, pickled) in a new process."""
        if self._process is None:
            self.launch()
        handle, path = tempfile.mkstemp(prefix="netlab-printed-")
        os.close(handle)
        self._printed = Path(path)
        assert self._control is not None
        self._control.send(("start", path))
        channel = self._hand_over() if CAN_FORK else self._accept()
        with contextlib.suppress(OSError):
            channel.send_bytes(job)
        return channel

    def end(self, grace_s: float = 0.0) -> tuple[Ended, str]:
        """End the process of the last `start`; return how it ended, and what it has printed."""
        try:
            if CAN_FORK:
                assert self._control is not None
                self._control.send(("end", grace_s))
                if not self._control.poll(END_S + grace_s):
                    raise EOFError
                ended: Ended = self._control.recv()
            else:
                ended = self._end_single(grace_s)
        except (EOFError, OSError):  # the code has found a way to kill the nursery, too
            self._stop()
            ended = Ended(None, 0)
        return ended, self._read_printed()

    def _read_printed(self) -> str:
        path, self._printed = self._printed, None
        if path is None:
            return ""
        text = ""
        with contextlib.suppress(OSError):
            text = path.read_text("utf-8", errors="replace")
        with contextlib.suppress(OSError):
            path.unlink()
        return text

    def _end_single(self, grace_s: float) -> Ended:
        assert self._process is not None
        try:
            status: int | None = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            status = None
        self._stop()
        return Ended(status, 0)

    def launch(self) -> None:
        """Start the interpreter now, and not with the first probe."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from netlab.exercises.child import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(f"{self._key.hex()} {json.dumps(self._listener.address)}\n")
        self._control = self._accept()
        self._control.send(self._modules)
        if not self._control.poll(START_S):
            raise _no_start()
        self._control.recv()

    def _hand_over(self) -> Channel:
        """Give the nursery one end of a new channel, for its next fork; return the other."""
        assert self._process is not None
        assert self._control is not None
        ours, theirs = Pipe()
        with theirs:
            send_handle(self._control, theirs.fileno(), self._process.pid)
            if not self._control.poll(START_S):
                ours.close()
                self._stop()
                raise _no_start()
            self.pid = self._control.recv()
        return ours

    def _accept(self) -> Channel:
        # Listener has no timeout of its own; a child that dies before it calls must not hang us.
        inner: socket.socket = self._listener._listener._socket  # type: ignore[attr-defined]
        inner.settimeout(START_S)
        try:
            return self._listener.accept()
        except TimeoutError:
            self._stop()
            raise _no_start() from None

    def _stop(self) -> None:
        """End the nursery; it ends its probe when we hang up."""
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(END_S if CAN_FORK else 0.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._read_printed()


def _no_start() -> RuntimeError:
    return RuntimeError("a fresh Python did not start: run `netlab doctor`")
