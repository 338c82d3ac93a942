"""One direction of a connection through a fault proxy, and how far it has come."""

from __future__ import annotations

import socket
from typing import Protocol

from netlab.lab.chaos_stream import Act, Stream
from netlab.lab.polling import Ready
from netlab.lab.recording import Direction


class Carrier(Protocol):
    """The connection that a direction belongs to."""

    connected: bool

    def handle(self, way: Way, ready: Ready) -> None: ...


class Way:
    """One direction: bytes from `source` through `stream` to `sink`."""

    def __init__(self, pipe: Carrier, direction: Direction, stream: Stream) -> None:
        self.pipe = pipe
        self.direction = direction
        self.stream = stream
        self.source: socket.socket
        self.sink: socket.socket
        self.opposite: Way
        self.eof = False  # nothing more will come from the source
        self.finished = False  # FIN was sent to the sink, or nobody is there any more
        self.discards = False  # what still comes is read and thrown away
        self.hung_up = False  # both FINs have passed on the source; it may not be read yet
        self.pending = memoryview(b"")  # to be written as soon as the sink takes it
        self.written = 0
        self.act: Act | None = None  # to be done when the receiver has taken what went before
        self.asked_since_s: float | None = None
        self.ask_again_s: float | None = None

    @property
    def due_s(self) -> float | None:
        """When this direction has something to do, without an event of a socket."""
        if self.finished or self.pending or not self.pipe.connected:
            return None
        return self.ask_again_s if self.act is not None else self.stream.due_s

    @property
    def may_read(self) -> bool:
        return not self.eof and (self.discards or self.stream.wants)

    def handle(self, ready: Ready) -> None:
        """Do what the source (which is also the other direction's sink) is ready for."""
        self.pipe.handle(self, ready)
