"""A relay that does what a tap does, but for recording: what a tap is measured against.

The same structure: one thread, the same poller, reads of the same size, what one side could not
take yet is kept, and until it is gone nothing more is read from the other.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any, Self

from netlab.lab.pipe import READ_BYTES
from netlab.lab.polling import make_poller


class Side:
    """One of the two sockets of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pending = b""
        self.ended = False
        self.other: Side


class Relay:
    """Passes on between its clients and the server at `target`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()
        self._bell, self._rope = socket.socketpair()
        self._poller = make_poller()
        self._poller.watch(self._listener, None, read=True, write=False)
        self._poller.watch(self._bell, self._bell, read=True, write=False)
        self._open: set[Side] = set()
        self._thread = threading.Thread(target=self._run, name="netlab-bench-relay")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._rope.close()
        self._thread.join()
        for side in self._open:
            side.sock.close()
        self._listener.close()
        self._bell.close()
        self._poller.close()

    def _run(self) -> None:
        while True:
            for one in self._poller.poll(None):
                if one.owner is self._bell:
                    return
                if one.owner is None:
                    self._accept()
                elif one.owner in self._open:
                    self._handle(one.owner, one)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        sides = Side(client), Side(socket.create_connection(self._target))
        sides[0].other, sides[1].other = sides[1], sides[0]
        for side in sides:
            side.sock.setblocking(False)
            side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(side)
            self._watch(side)

    def _handle(self, side: Side, ready: Any) -> None:
        if ready.write:
            self._write(side)
        if ready.read and not side.other.pending:
            with contextlib.suppress(BlockingIOError):
                data = side.sock.recv(READ_BYTES)
                if data:
                    side.other.pending = data
                    self._write(side.other)
                else:
                    side.ended = True
                    side.other.sock.shutdown(socket.SHUT_WR)
        if side.ended and side.other.ended:
            for one in (side, side.other):
                self._poller.forget(one.sock)
                one.sock.close()
                self._open.discard(one)
        else:
            self._watch(side)
            self._watch(side.other)

    def _write(self, side: Side) -> None:
        with contextlib.suppress(BlockingIOError):
            side.pending = side.pending[side.sock.send(side.pending) :]

    def _watch(self, side: Side) -> None:
        read = not side.ended and not side.other.pending
        if not read and not side.pending:
            self._poller.forget(side.sock)
        else:
            self._poller.watch(side.sock, side, read=read, write=bool(side.pending))
