"""Event loops for the red team of chapter 06: some rest, some go round and round."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

from netlab.exercises.calls import Function, Report
from netlab.exercises.judges import verdict

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class CountedServer:
    """A correct echo loop in a thread of its own, which counts its rounds."""

    timeout_s: float | None = None
    """seconds after which it goes round even if nothing has happened"""

    def __init__(self) -> None:
        self.rounds = 0
        """how often it has gone round"""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="netlab-counted", daemon=True)
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
        self._wake.close()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, READ)
            selector.register(self._woken, READ)
            while self._round(selector):
                self.rounds += 1
            for key in list(selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()

    def _round(self, selector: selectors.BaseSelector) -> bool:
        for key, events in selector.select(self.timeout_s):
            if key.fileobj is self._woken:
                return False
            if key.fileobj is self._listener:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                unsent = bytearray()
                selector.register(sock, self._interest(unsent), unsent)
            else:
                self._serve(selector, key, events)
        return True

    def _interest(self, unsent: bytearray) -> int:
        return READ | (WRITE if unsent else 0)

    def _serve(
        self, selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int
    ) -> None:
        assert isinstance(key.fileobj, socket.socket)
        try:
            if events & READ:
                data = key.fileobj.recv(65_536)
                key.data.extend(data)
                if not data:
                    return self._ended(selector, key.fileobj)
            if events & WRITE:
                del key.data[: key.fileobj.send(key.data)]
        except BlockingIOError:
            return None
        except OSError:
            return self._ended(selector, key.fileobj)
        selector.modify(key.fileobj, self._interest(key.data), key.data)
        return None

    def _ended(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        selector.unregister(sock)
        sock.close()


class PunctualServer(CountedServer):
    """Correct: it looks at the clock fifty times in a second."""

    timeout_s = 0.02


class FaithfulServer(CountedServer):
    """Goes on watching who has left: the end of a stream is always ready."""

    def _ended(self, selector: selectors.BaseSelector, sock: socket.socket) -> None:
        """Say goodbye, and forget to take the socket out."""
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)


class EagerServer(CountedServer):
    """Asks for every client, always, whether there is room to write: nearly always there is."""

    def _interest(self, unsent: bytearray) -> int:
        return READ | WRITE


def judge_counted(function: Function, report: Report, make: type[CountedServer]) -> None:
    """Call the function with what starts a server; report if it asserted, and how many it started.

    Those that the function has not stopped are stopped afterwards.
    """
    made: list[CountedServer] = []

    def start_server() -> CountedServer:
        made.append(make())
        return made[-1]

    try:
        report("answer", verdict(function, start_server))
    finally:
        for server in made:
            server.stop()
