"""A connection of a server with one thread: nothing here ever waits.

What the kernel does not take at once waits in the outbox until the selector says that there is
room again. What a client asked and was not answered yet waits in `requests`. Where a method says
"locked", its caller holds the switchboard's lock.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable

from netlab.core.errors import RemoteProtocolError
from netlab.core.messages import AnyRequest
from netlab.core.service import ClientId
from netlab.core.stream import RequestStream
from netlab.transports.calendar import Calendar
from netlab.transports.tls_socket import Stream, TLSSocket

RECV_BYTES = 16_384
"""bytes read from one client before the others have their turn"""


class NonblockingConnection:
    """One client's socket, its outbox, and what it said that waits for its turn.

    Args:
        sock: the connected socket; made non-blocking here.
        stream: makes messages of what the client sends.
        outbox_limit: bytes that may wait for a client that does not read; 0 = unlimited.
        calendar: aborts a connection that lingers too long.
        changed: told, locked or not, that `interest` may be another now.
    """

    id: ClientId

    def __init__(
        self,
        sock: Stream,
        stream: RequestStream,
        outbox_limit: int,
        calendar: Calendar,
        changed: Callable[[NonblockingConnection], None],
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.reason = ""
        self.requests: deque[AnyRequest | RemoteProtocolError] = deque()
        self.at_end = False
        """the client has sent its last byte"""
        self.dead = False
        """aborted: nothing more goes in or out"""
        self._stream = stream
        self._limit = outbox_limit
        self._calendar = calendar
        self._changed = changed
        self._outbox = bytearray()
        self._finishing = False

    # ------------------------------------------------------------ what the switchboard calls

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait because the client does not read them."""
        return len(self._outbox)

    def post(self, frame: bytes) -> None:
        """Send a frame, or keep what the kernel does not take (locked)."""
        if self._finishing or self.dead:
            return
        sent = 0 if self._outbox else self._send(frame)
        if sent == len(frame) or self.dead:
            return
        if self._limit and len(self._outbox) + len(frame) - sent > self._limit:
            self.abort("slow_reader")
            return
        self._outbox += memoryview(frame)[sent:]
        self._changed(self)

    def finish(self, reason: str) -> None:
        """Bring out what waits, then send FIN (locked)."""
        if self._finishing or self.dead:
            return
        self._finishing = True
        self.reason = self.reason or reason
        self.requests.clear()
        if not self._outbox:
            self._send_fin()
        self._calendar.abort_later(self)
        self._changed(self)

    def abort(self, reason: str) -> None:
        """End it now, whatever waits (locked)."""
        if self.dead:
            return
        self.dead = True
        self.reason = self.reason or reason
        self.requests.clear()
        self._outbox.clear()
        with contextlib.suppress(OSError):
            # Linger on, 0 s: close sends RST and frees what the kernel still holds for the client.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._changed(self)

    # ------------------------------------------------------------ what the selector's thread calls

    @property
    def must_wait(self) -> bool:
        """True while the client's own answers pile up, so that it feels TCP's pressure."""
        return bool(self._limit) and len(self._outbox) > self._limit // 2

    @property
    def over(self) -> bool:
        """Both directions are done: the socket can be closed."""
        return self.dead or (self.at_end and self._finishing and not self._outbox)

    @property
    def interest(self) -> int:
        """The events to wait for. Room to write is there nearly always: ask for it only in need."""
        events = 0
        if not (self.at_end or self.requests or self.must_wait):
            events |= selectors.EVENT_READ
        if self._outbox:
            events |= selectors.EVENT_WRITE
        return events

    def read(self) -> None:
        """Take in what has come (locked)."""
        try:
            data = self.sock.recv(RECV_BYTES)
        except BlockingIOError:
            return  # select(2), BUGS: a socket reported as ready may block all the same
        except OSError:
            self.abort("reset")
            return
        self.at_end = not data or (isinstance(self.sock, TLSSocket) and self.sock.ended)
        if not self._finishing:  # else it is read to reach the client's FIN, and thrown away
            self.requests.extend(self._stream.feed(data))
            if self.at_end:
                self.requests.extend(self._stream.end())
        self._changed(self)

    def write(self) -> None:
        """Bring out what waits, as much as the kernel takes (locked)."""
        if not self._outbox:
            return
        sent = self._send(self._outbox)
        del self._outbox[:sent]
        if self._finishing and not self._outbox:
            self._send_fin()
        self._changed(self)

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.abort("reset")
            return 0

    def _send_fin(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
