"""A connection that threads share: anybody may post to it, nobody waits for its client.

Posting never blocks: what the kernel does not take at once waits in the outbox, and a writer
thread, started when it is first needed, brings it out. A client whose outbox is full is dropped.
Where a method says "locked", its caller holds the switchboard's lock.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Protocol

from netlab.core.service import ClientId, Service
from netlab.transports.calendar import Calendar
from netlab.transports.switchboard import Switchboard
from netlab.transports.tls_socket import Stream

_DONT_WAIT: int | None = getattr(socket, "MSG_DONTWAIT", None)  # Windows has none
WRITE_BYTES = 65_536
"""most bytes that a writer hands to the kernel at once"""
_WRITER_LOOKS_UP = struct.pack("ll", 0, 200_000)
"""0.2 s, as a `struct timeval`: how long a writer may be blocked before it sees an `abort`"""
_ABORT_HOW = socket.SHUT_RD if _DONT_WAIT is not None else socket.SHUT_RDWR


class ThreadedServer(Protocol):
    """What a connection needs of its server."""

    service: Service
    switchboard: Switchboard
    calendar: Calendar

    def start_thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Start a thread named `netlab-…`. Raises RuntimeError when there can be no more."""


class ThreadedConnection:
    """One client's socket and its outbox.

    Args:
        sock: the connected socket, in blocking mode.
        server: starts the writer thread, and aborts a connection that lingers too long.
    """

    id: ClientId

    def __init__(self, sock: Stream, server: ThreadedServer) -> None:
        self.sock = sock
        self.reason = ""
        self._server = server
        self._limit = server.service.limits.outbox_bytes
        if _DONT_WAIT is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _WRITER_LOOKS_UP)
        self._outbox = bytearray()  # a queue of frames would cost many times tiny frames' bytes
        self._drained = threading.Condition(server.switchboard.lock)
        self._writer: threading.Thread | None = None
        self._finishing = False
        self.dead = False
        """aborted: nothing more goes in or out"""

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait because the client does not read them."""
        return len(self._outbox)

    def post(self, frame: bytes) -> None:
        """Send a frame or keep it for the writer (locked)."""
        if self._finishing or self.dead:
            return
        rest = memoryview(frame)
        if not self._outbox:
            rest = self._send_at_once(rest)
        if not rest:
            return
        if self._limit and len(self._outbox) + len(rest) > self._limit:
            self.abort("slow_reader")
            return
        self._outbox += rest
        if self._writer is None:
            try:
                self._writer = self._server.start_thread(self._write, f"writer-{self.id[:8]}")
            except RuntimeError:  # no more threads: this client pays, not whoever spoke to it
                self.abort("no_thread")

    def finish(self, reason: str) -> None:
        """Bring out what waits, then send FIN (locked)."""
        if self._finishing or self.dead:
            return
        self._finishing = True
        self.reason = self.reason or reason
        if not self._outbox:
            self._send_fin()
        self._server.calendar.abort_later(self)

    def abort(self, reason: str) -> None:
        """End it now, whatever waits (locked). Whoever is blocked on the socket wakes up."""
        if self.dead:
            return
        self.dead = True
        self.reason = self.reason or reason
        self._outbox.clear()
        with contextlib.suppress(OSError):
            # Linger on, 0 s: close sends RST and frees what the kernel still holds for the client.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            # close() would not wake a thread that is blocked in recv; shutdown() does. Not SHUT_WR:
            # its FIN would tell the client, if it reads up to there before the reset comes, that
            # this was an orderly end. A blocked writer looks up by itself.
            self.sock.shutdown(_ABORT_HOW)
        self._drained.notify_all()

    def wait_for_room(self) -> None:
        """Block the client's reader while its own answers pile up: so it feels TCP's pressure."""
        if not self._limit or self.outbox_bytes <= self._limit // 2:
            return
        with self._drained:
            self._drained.wait_for(
                lambda: self.outbox_bytes <= self._limit // 2 or self._finishing or self.dead
            )

    def close(self) -> None:
        """Wait until what was posted is out, or the linger time is over; then close the socket."""
        with self._drained:
            self.finish("left")
            self._drained.wait_for(lambda: not self._outbox or self.dead)
            writer = self._writer
        if writer is not None:
            writer.join()
        self.sock.close()

    def _send_at_once(self, data: memoryview) -> memoryview:
        """Send as much as the kernel takes without waiting, and return the rest."""
        if _DONT_WAIT is None:
            return data
        try:
            return data[self.sock.send(data, _DONT_WAIT) :]
        except BlockingIOError:
            return data
        except OSError:
            self.abort("reset")
            return data[:0]

    def _write(self) -> None:
        while True:
            with self._drained:
                if not self._outbox or self.dead:
                    self._writer = None
                    if self._finishing:
                        self._send_fin()
                    self._drained.notify_all()
                    return
                data = bytes(self._outbox[:WRITE_BYTES])
            try:
                sent = self.sock.send(data)  # may block, without the lock
            except BlockingIOError:  # for `_WRITER_LOOKS_UP`
                continue
            except OSError:
                with self._drained:
                    self.abort("reset")
                continue
            with self._drained:
                if not self.dead:
                    del self._outbox[:sent]
                    self._drained.notify_all()

    def _send_fin(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
