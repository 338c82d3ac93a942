"""`netlab serve` in a process of its own, watched from outside: memory, descriptors, log."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.benchmarks.servers import port_told
from tests.benchmarks.wires import Datagrams, Lines, SocketIO, WebSocket, Wire

ROOT = Path(__file__).resolve().parents[2]
END_S = 20.0
WIRES: dict[str, Wire] = {
    "tcp_threads": Lines(),
    "tcp_pool": Lines(),
    "tcp_selectors": Lines(),
    "tcp_asyncio": Lines(),
    "udp": Datagrams(),
    "websocket": WebSocket(),
    "socketio": SocketIO(),
}
"""every transport, and how the load speaks to it"""
_BAD = re.compile(r"Traceback|ERROR|CRITICAL|Exception|was destroyed|never awaited|ResourceWarning")
"""what no log may hold, whatever clients do; a warning is no fault"""


@dataclass(frozen=True)
class Reading:
    """A server's process at one moment."""

    second: float
    """since the load began"""
    memory_bytes: int
    """resident, without what the kernel keeps for its sockets"""
    descriptors: int
    threads: int


class Server:
    """One transport, served as a user would serve it. Use it as a context manager.

    Args:
        transport: as in `netlab serve`.
        flags: more of `netlab serve`.
        port: 0 = any free one.

    Raises:
        RuntimeError: on entering, if it does not start; on leaving, if its log holds a fault or it
            did not end by itself when it was told to.
    """

    def __init__(self, transport: str, *flags: str, port: int = 0) -> None:
        self.transport = transport
        self.wire = WIRES[transport]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads fills up
        command = [sys.executable, "-m", "netlab", "serve", transport, "--port", str(port), *flags]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, cwd=ROOT
        )
        self.pid = self._process.pid
        self._watched = psutil.Process(self.pid)
        self._wanted_code = 0

    def __enter__(self) -> Self:
        try:
            self.address = ("127.0.0.1", self._port())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()
        faults, code = self.faults(), self._process.returncode
        self.close()
        if kind is None and (faults or code != self._wanted_code):
            text = "\n".join(faults)
            raise RuntimeError(f"{self.transport} ended with {code}; its log says:\n{text}")

    def read(self, second: float = 0.0) -> Reading:
        """Look at the process now. Raises psutil.NoSuchProcess: it is gone."""
        one = self._watched
        with one.oneshot():
            return Reading(second, one.memory_info().rss, one.num_fds(), one.num_threads())

    def cpu_s(self) -> float:
        """Return the processor time that it has used, in seconds."""
        return sum(self._watched.cpu_times()[:2])

    def running(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        """Return what it has written to stderr."""
        # pread: the child writes through the same open file, and so through the same position.
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "replace")

    def faults(self) -> list[str]:
        """Return what the log holds and should not: the first such line with the 30 after it."""
        lines = self.log().splitlines()
        found = [number for number, line in enumerate(lines) if _BAD.search(line)]
        return lines[found[0] : found[0] + 31] if found else []

    def stop(self) -> None:
        """Ask it to end (SIGTERM); end it (SIGKILL) if it does not."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._reap()

    def close(self) -> None:
        """End it, and forget its log."""
        self.stop()
        self._log.close()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL): it can do nothing more, not even say so."""
        self._wanted_code = -signal.SIGKILL
        self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.wait(END_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _port(self) -> int:
        port = port_told(self._process)
        if port is None:
            raise RuntimeError(f"{self.transport} did not start: {self.faults()}")
        return port


def wait_back(server: Server, start: Reading, timeout_s: float) -> Reading:
    """Wait until a server has no more descriptors and threads than at the start.

    Returns the last reading, which has more if they are still there after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        now = server.read()
        back = now.descriptors <= start.descriptors and now.threads <= start.threads
        if back or time.monotonic() >= deadline:
            return now
        select.select([], [], [], 0.05)
