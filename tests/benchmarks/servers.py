"""The servers that are measured, each a process on a core of its own, where there are two."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.wires import Datagrams, Lines, SocketIO, WebSocket, Wire

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).parent / "peers"
PACKAGES = ROOT / "tests" / "foreign"
START_S, END_S = 30.0, 10.0
IDLE_S = 0.001
"""processor time in 50 ms, of a server that has nothing to do"""
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Contender:
    """One server that is measured.

    Args:
        name: ours as in `netlab serve`; a peer after what it is made of.
        wire: what it speaks.
        peer: its file in `peers`; "" for ours.
        package: of npm, that it needs.
        profiled: ours only: it prints a profile when it ends.
    """

    name: str
    wire: Wire
    peer: str = ""
    package: str = ""
    profiled: bool = False

    def missing(self) -> str | None:
        """Return why it cannot run here; None: it can."""
        if not self.package:
            return None
        if shutil.which("node") is None:
            return "Node is not installed"
        if not (PACKAGES / "node_modules" / self.package).is_dir():
            return f"npm's {self.package} is not installed: run `make foreign`"
        return None

    def command(self, members: int) -> list[str]:
        if self.package:
            return ["node", str(PEERS / self.peer), str(PACKAGES / "package.json")]
        if self.peer:
            return [sys.executable, str(PEERS / self.peer)]
        ours = [sys.executable, "-m", "tests.benchmarks.ours", self.name]
        return [*ours, "--members", str(members), *(["--profile"] if self.profiled else [])]


NULL = Contender("no server", Lines(), "null.py")
STREAMS = Contender("asyncio streams", Lines(), "streams.py")
UVLOOP = Contender("uvloop + msgspec", Lines(), "uvloop_msgspec.py")
WEBSOCKETS = Contender("websockets", WebSocket(), "websockets_broadcast.py")
NODE_WS = Contender("Node ws", WebSocket(), "ws.mjs", "ws")
PYTHON_SOCKETIO = Contender("python-socketio", SocketIO(), "socketio_uvicorn.py")
NODE_SOCKETIO = Contender("Node socket.io", SocketIO(), "socketio.mjs", "socket.io")
DATAGRAMS = Contender("DatagramProtocol", Datagrams(), "datagrams.py")

# Whoever is compared stands beside each other, so that the machine treats them alike.
CONTENDERS = (
    NULL,
    Contender("tcp_threads", Lines()),
    Contender("tcp_pool", Lines()),
    Contender("tcp_selectors", Lines()),
    STREAMS,
    Contender("tcp_asyncio", Lines()),
    UVLOOP,
    WEBSOCKETS,
    Contender("websocket", WebSocket()),
    NODE_WS,
    PYTHON_SOCKETIO,
    Contender("socketio", SocketIO()),
    NODE_SOCKETIO,
    DATAGRAMS,
    Contender("udp", Datagrams()),
)


def cores() -> tuple[int, int]:
    """Return the core for the server and the one for the load; the same where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


def port_told(process: subprocess.Popen[bytes]) -> int | None:
    """Return the port that a server's process names when it is ready; None: it did not start."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline().decode() if ready else ""
    found = re.search(r"listening on 127\.0\.0\.1:(\d+)", line)
    return int(found[1]) if found else None


class Running:
    """A contender's process. Use it as a context manager.

    Args:
        contender: which.
        core: the one core that it may use.
        members: clients that will come at the same time, at most.
    """

    def __init__(self, contender: Contender, core: int, members: int) -> None:
        self.contender = contender
        self._process = subprocess.Popen(
            contender.command(members),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
        self._proc = Path("/proc") / str(self._process.pid)

    def __enter__(self) -> Self:
        try:
            self.address = ("127.0.0.1", self._port())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        said = self._end()[1]
        if "Traceback" in said and kind is None:
            raise RuntimeError(f"{self.contender.name} failed:\n{said[-2000:]}")

    def cpu_s(self) -> float:
        """Return the processor time that it has used, in seconds."""
        # clock_getcpuclockid(3) makes the number of a process's clock like this on Linux.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def memory_bytes(self) -> int:
        """Return what it has in memory (resident set), without what the kernel keeps for it."""
        return int((self._proc / "statm").read_text().split()[1]) * _PAGE

    def wait_ended(self, timeout_s: float) -> None:
        """Wait for its end, if it comes within that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def _port(self) -> int:
        port = port_told(self._process)
        if port is None:
            raise RuntimeError(f"{self.contender.name} did not start: {self._end()}")
        return port

    def end(self) -> str:
        """End it; return what it has said to stdout since it was ready."""
        return self._end()[0]

    def _end(self) -> tuple[str, str]:
        """End it; return what was left to read of stdout and stderr."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        if self._process.stdout is None or self._process.stdout.closed:
            return "", ""
        try:
            told, said = self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            told, said = self._process.communicate(timeout=END_S)
        return told.decode("utf-8", "replace"), said.decode("utf-8", "replace")


def wait_quiet(server: Running, timeout_s: float = 2.0) -> None:
    """Wait until a server has done what it had to do when its clients came."""
    deadline = time.monotonic() + timeout_s
    before = server.cpu_s()
    while time.monotonic() < deadline:
        server.wait_ended(0.05)
        now = server.cpu_s()
        if now - before < IDLE_S:
            return
        before = now
