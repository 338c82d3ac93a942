"""UDP servers for the red team of chapter 07: which of them could keep a war going?

`ask TEXT` is answered with `answer TEXT`, and nothing else with anything.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

from netlab.exercises.calls import Function, Report
from netlab.exercises.judges import verdict

MAX_BYTES = 65_535
SLOW_S = 0.2
"""seconds that a slow answer takes"""


class CautiousServer:
    """Correct: only a question is answered, and nothing ends it but `stop`."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.address = self._sock.getsockname()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="netlab-cautious", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; it may have ended already."""
        self._stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.address)
        self._thread.join()
        self._sock.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            data, sender = self._sock.recvfrom(MAX_BYTES)
            reply = self.answer(data)
            if reply is None:
                return
            if reply and not self._stopping.is_set():
                self._sock.sendto(reply, sender)

    def answer(self, data: bytes) -> bytes | None:
        """Return what is sent back; b'' is nothing, and None ends the server."""
        kind, _, text = data.partition(b" ")
        return b"answer " + text if kind == b"ask" else b""


class SlowServer(CautiousServer):
    """Correct: it thinks before it answers."""

    def answer(self, data: bytes) -> bytes | None:
        """Take some time for a question."""
        reply = super().answer(data)
        if reply:
            self._stopping.wait(SLOW_S)
        return reply


class PoliteServer(CautiousServer):
    """Answers answers, too: two of them never stop."""

    def answer(self, data: bytes) -> bytes | None:
        """Answer a question, or an answer with one that is longer."""
        if data.startswith(b"answer "):
            return b"answer " + data
        return super().answer(data)


class FragileServer(CautiousServer):
    """Takes everything for text: the first datagram that is none is its last."""

    def answer(self, data: bytes) -> bytes | None:
        """Answer a question, as long as it is UTF-8."""
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
        return super().answer(data)


def judge_warring(function: Function, report: Report, make: type[CautiousServer]) -> None:
    """Call the function with what starts a server; report what it asserted, or None.

    Those that the function has not stopped are stopped afterwards.
    """
    made: list[CautiousServer] = []

    def start_server() -> CautiousServer:
        made.append(make())
        return made[-1]

    try:
        report("answer", verdict(function, start_server))
    finally:
        for server in made:
            server.stop()
