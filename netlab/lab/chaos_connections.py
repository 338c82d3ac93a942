"""All connections through a fault proxy for TCP (or UNIX sockets): accepting and keeping them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

from netlab.lab.addresses import UNIX
from netlab.lab.chaos_loop import log
from netlab.lab.chaos_parts import Parts
from netlab.lab.chaos_stream import Stream
from netlab.lab.chaos_taken import Kernel
from netlab.lab.chaos_tcp import ChaosPipe
from netlab.lab.polling import Ready
from netlab.lab.recording import Direction

TRY_AGAIN_S = 0.1
"""seconds until accepting is tried again when there were no file descriptors left"""


class TCPEngine:
    """Accepts connections and carries them to the target."""

    def __init__(self, listener: socket.socket, target: Any, parts: Parts) -> None:
        self._listener = listener
        self._target = target
        self._parts = parts
        self._kernel = Kernel()
        self._pipes: dict[int, ChaosPipe] = {}
        self._count = 0
        self._accept_again_s: float | None = None
        listener.setblocking(False)
        parts.poller.watch(listener, self, read=True, write=False)

    @property
    def due_s(self) -> float | None:
        dues = [pipe.due_s for pipe in self._pipes.values() if not pipe.closed]
        dues.append(self._accept_again_s)
        return min((due for due in dues if due is not None), default=None)

    def handle(self, ready: Ready) -> None:
        """Accept all who wait."""
        self._forget_closed()
        while True:
            try:
                client, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("the fault proxy could not accept a connection: %s", error)
                if error.errno in (errno.EMFILE, errno.ENFILE):  # it would be ready again at once
                    self._parts.poller.forget(self._listener)
                    self._accept_again_s = self._parts.clock() + TRY_AGAIN_S
                return
            try:
                server = socket.socket(self._target[0], socket.SOCK_STREAM)
            except OSError as error:
                log.warning("the fault proxy has no socket to reach the server: %s", error)
                client.close()
                continue
            self._open(client, address, server)

    def work(self, now_s: float) -> None:
        if self._accept_again_s is not None and now_s >= self._accept_again_s:
            self._accept_again_s = None
            self._parts.poller.watch(self._listener, self, read=True, write=False)
        for pipe in self._pipes.values():
            due_s = pipe.due_s
            if due_s is not None and due_s <= now_s:
                pipe.work(now_s)
        self._forget_closed()

    def apply(self, now_s: float) -> None:
        """The rules have changed."""
        for number, pipe in self._pipes.items():
            pipe.set({way: self._parts.faults_for(way, number) for way in Direction}, now_s)

    def release(self, direction: Direction | None, connection: int | None, now_s: float) -> None:
        """End stalls."""
        for number, pipe in self._pipes.items():
            if connection in (None, number):
                pipe.release(direction, now_s)

    def outstanding(self) -> Iterator[str]:
        for pipe in self._pipes.values():
            yield from pipe.outstanding()

    def close(self) -> None:
        for pipe in self._pipes.values():
            pipe.close()
        self._parts.poller.forget(self._listener)
        self._listener.close()
        self._kernel.close()

    def _open(self, client: socket.socket, address: Any, server: socket.socket) -> None:
        self._count += 1
        number, key = self._count, f"c{self._count}"
        self._parts.admitted(key, address)
        up, down = (
            Stream(
                self._parts.faults_for(direction, number),
                seed=self._parts.seed,
                connection=number,
                direction=direction,
            )
            for direction in Direction
        )
        pipe = ChaosPipe(key, client, server, (up, down), self._parts, self._kernel)
        self._pipes[number] = pipe
        pipe.connect(self._target[1])
        if not pipe.closed and server.family != UNIX:
            for recording in (self._parts.received, self._parts.passed_on):
                recording.note_port(server.getsockname()[1], key)

    def _forget_closed(self) -> None:
        for number in [number for number, pipe in self._pipes.items() if pipe.closed]:
            del self._pipes[number]
