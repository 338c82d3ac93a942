"""An asyncio transport's write buffer as a client's outbox: what waits there, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable

FRAME_COST = 256
"""bytes of memory that a waiting frame takes besides its own, roughly; it counts in the limit"""


class WriteBuffer:
    """What was written to a transport and not sent yet, with a limit.

    The limit is one of memory, so each frame counts with `FRAME_COST` bytes besides its own: a
    transport may keep every frame as an object, and tiny ones would take many times their size.

    Args:
        transport: the connection's.
        limit: bytes that may wait, overhead included; 0 = unlimited.
    """

    def __init__(self, transport: asyncio.WriteTransport, limit: int) -> None:
        self._transport = transport
        self._limit = limit
        self._written = 0  # bytes that ever had to wait
        self._ends: deque[int] = deque()  # how many those were when each waiting frame was written

    @property
    def waiting_bytes(self) -> int:
        """Bytes of frames that wait."""
        return unsent_bytes(self._transport)

    @property
    def cost(self) -> int:
        """Those bytes, and what waiting costs beside them."""
        waiting = self.waiting_bytes
        sent = self._written - waiting
        while self._ends and self._ends[0] <= sent:
            self._ends.popleft()
        return waiting + FRAME_COST * len(self._ends)

    def has_room(self, frame: bytes) -> bool:
        """Say whether a frame may be written; if nothing waits, it may."""
        if not self._limit or not self.waiting_bytes:
            return True
        return self.cost + len(frame) + FRAME_COST <= self._limit

    def write(self, frame: bytes, write: Callable[[bytes], None] | None = None) -> None:
        """Write a frame: if nothing waits at once, as far as the kernel takes it.

        Args:
            frame: its bytes.
            write: what writes it, if not the transport as it is.
        """
        waiting = self.waiting_bytes
        if not waiting and self._ends:
            self._ends.clear()
        (write or self._transport.write)(frame)
        added = self.waiting_bytes - waiting
        if added > 0 and self._limit:
            self._written += added
            self._ends.append(self._written)

    async def wait_for_room(self, drain: Callable[[], Awaitable[None]]) -> None:
        """Wait while more than half of the limit is taken, until half of that is sent.

        Whoever reads no more from a client in the meantime lets it feel TCP's pressure.

        Args:
            drain: waits between the marks set with `set_write_buffer_limits`. Raises: as it does.
        """
        if not self._limit or self.cost <= self._limit // 2:
            return
        # The transport's marks are bytes, and how many these are depends on the size of frames.
        enough = self.waiting_bytes // 2
        self._set_marks(enough, enough)
        try:
            await drain()
        finally:
            self.set_marks()

    def set_marks(self) -> None:
        """Let `drain` wait above half of the limit, until there is less than a quarter."""
        if self._limit:
            self._set_marks(self._limit // 2, self._limit // 4)

    def _set_marks(self, high: int, low: int) -> None:
        # Reset while somebody waits: uvloop's transport is gone then, and raises RuntimeError.
        if not self._transport.is_closing():
            self._transport.set_write_buffer_limits(high, low)


def unsent_bytes(transport: asyncio.WriteTransport) -> int:
    """Return how many bytes wait in a transport."""
    try:
        return transport.get_write_buffer_size()
    except AttributeError:  # one for TLS that was closed twice does not know its protocol any more
        return 0


def reset(transport: asyncio.Transport) -> None:
    """Close a TCP connection with RST, whatever waits: the kernel, too, forgets what it holds."""
    try:
        sock = transport.get_extra_info("socket")
    except AttributeError:  # for TLS, closed twice: it ends when it has waited for close_notify
        return
    with contextlib.suppress(OSError, ValueError):  # it is closed (uvloop: ValueError)
        # Linger on, 0 s (socket(7), SO_LINGER).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def end(transport: asyncio.Transport, sock: socket.socket) -> None:
    """Close a connection at once, one too that is being closed.

    Args:
        sock: its socket; a transport for TLS that was closed twice knows of none any more.
    """
    with contextlib.suppress(AttributeError):  # Python 3.11.2, closed twice
        transport.abort()
    with contextlib.suppress(OSError, TypeError):  # it is closed (uvloop: TypeError)
        sock.shutdown(socket.SHUT_RDWR)


def reset_unless_done(transport: asyncio.Transport) -> None:
    """Reset a connection, but for one that was closed in order with nothing left to send.

    A reset would take from its client the last words that it has not read yet.
    """
    if transport.is_closing() and not unsent_bytes(transport):
        with contextlib.suppress(AttributeError):  # as above
            transport.abort()
    else:
        reset(transport)
