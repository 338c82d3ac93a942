"""One client of the Socket.IO server: its outbox, and how it ends.

The way of a reply: `Session.post` puts one packet, the same object for every receiver, into the
queue that the Engine.IO library reads; the library's writer (WebSocket) or the next poll (HTTP)
takes it from there. No task is made for a receiver. Everything that knows of that queue is in
`Session.post` and `Outbox`: a faster way out, frames written straight to an upgraded connection,
would be another branch in `post`, with the same limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

from netlab.core.service import ClientId
from netlab.transports.calendar import LINGER_S
from netlab.transports.socketio_packets import DISCONNECT, Event, SizedPacket, acknowledgement

COME_BACK = frozenset({"server_stopping", "internal_error"})
"""codes of `closing` after which a client does well to try again. After all others it hears the
packet DISCONNECT, upon which the official clients do not: two pages that resume the same seat
would otherwise take it from each other for ever."""
CONNECT_TIMEOUT_S = 20.0
"""seconds that a session may take to send CONNECT; until then it is nobody's"""
LINK = "netlab.link"
"""in the scope of a request: its `Link`"""
MOST_IN_A_LOT = 16
"""packets in one answer to a poll: the official Python client takes more for an attack, and goes"""
_SMALL = 16  # bytes of the library's own packets: pings, NOOP


class Outbox(asyncio.Queue[Any]):
    """The queue between us and the library, counting bytes: what waits, and what was just taken.

    The library takes all that waits in one go and then sends it; only when it asks for more was
    the last lot taken from its hands. (`_init`, `_put` and `_get` are asyncio's hooks for this.)
    """

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._waiting = 0
        self._taken = 0
        self._lot = 0
        self._delivered = asyncio.Event()

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._waiting += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self._waiting -= _size(item)
        self._taken += _size(item)
        return item

    async def get(self) -> Any:
        """Wait for the first packet of a lot; everything taken before is on its way."""
        self.delivered()
        self._lot = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """Return another packet, if there is one and the lot is not full."""
        if self._lot >= MOST_IN_A_LOT:
            raise asyncio.QueueEmpty
        self._lot += 1
        return super().get_nowait()

    def delivered(self) -> None:
        """Take note that everything taken so far is on its way."""
        self._taken = 0
        self._delivered.set()

    def clear(self) -> None:
        """Throw away what waits, and tell the library that this is the end."""
        while not self.empty():
            self._lot = 0
            self.get_nowait()
        self.put_nowait(None)
        self.delivered()

    async def wait_delivered(self) -> None:
        """Wait until something more is on its way."""
        self._delivered.clear()
        await self._delivered.wait()

    @property
    def bytes(self) -> int:
        return self._waiting + self._taken


def _size(packet: Any) -> int:
    return 0 if packet is None else getattr(packet, "size_bytes", _SMALL)


class Session:
    """One Engine.IO session; a client of the service from its Socket.IO CONNECT on.

    Args:
        engine: the Engine.IO server.
        eio_sid: the session's id there. Whoever knows it can speak for the client: it stays here.
        peer: the client's address, for statistics.
        outbox_limit: bytes that may wait for the client; 0 = unlimited.
    """

    id: ClientId

    def __init__(self, engine: Any, eio_sid: str, peer: str, outbox_limit: int) -> None:
        self.peer = peer
        self.reason = ""
        self.connected = False
        """its CONNECT was accepted, and it has not taken it back"""
        self.hello = ""
        """the JSON of the `auth` that its CONNECT carries"""
        self.attachments = 0
        """binary messages that are still to come and to be thrown away"""
        self.polling: asyncio.Transport | None = None
        """the TCP connection of the GET that waits for packets, or is being answered"""
        self.websocket: asyncio.Transport | None = None
        """the TCP connection it was upgraded to"""
        self.probing = False
        """a WebSocket is open that may become it"""
        self.socket = engine.sockets[eio_sid]
        self._engine = engine
        self._outbox: Outbox = self.socket.queue
        self._limit = outbox_limit
        self._finishing = False
        self._dead = False
        self.is_lost = False
        """nobody is there any more to read what waits"""
        self._ack = ""
        self._refusal: Event | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._impatience: asyncio.TimerHandle | None = None

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait for the client."""
        waiting = self._outbox.bytes
        if self.websocket is not None:
            waiting += self.websocket.get_write_buffer_size()
        return waiting

    def expect_connect(self) -> None:
        """Give it some time to send CONNECT."""
        loop = asyncio.get_running_loop()
        self._impatience = loop.call_later(CONNECT_TIMEOUT_S, self.abort, "no_connect")

    def connect(self) -> None:
        """Take note of CONNECT."""
        self.connected, self.hello = True, ""
        if self._impatience is not None:
            self._impatience.cancel()

    # ------------------------------------------------------------ what goes out

    def post(self, frame: bytes) -> None:
        """Send an event or keep it; a client that has too much waiting is dropped."""
        assert isinstance(frame, Event)
        if self._ack:
            if frame.name == b"error":
                self._refusal = frame  # goes out in the acknowledgement instead
                return
            if frame.name == b"closing":  # after `bye`; nothing can follow it
                self.acknowledge()
        self._send(frame.packet)

    def send_raw(self, packet: str) -> None:
        """Send a packet of Socket.IO's own."""
        self._send(SizedPacket(packet))

    def expect_ack(self, ack: str) -> None:
        """From here to `acknowledge`, refusals go into the acknowledgement with this number."""
        self._ack, self._refusal = ack, None

    def acknowledge(self) -> None:
        """Send the acknowledgement, if one is asked for."""
        if ack := self._ack:
            self._ack = ""
            self._send(acknowledgement(ack, self._refusal).packet)

    def _send(self, packet: SizedPacket) -> None:
        if self._finishing:
            return
        waiting = self.outbox_bytes
        if self._limit and waiting and waiting + packet.size_bytes > self._limit:
            self.abort("slow_reader")
            return
        self._outbox.put_nowait(packet)

    async def wait_for_room(self) -> None:
        """Wait while its own answers pile up: who reads no more from it lets it feel that."""
        while self._limit and self._outbox.bytes > self._limit // 2 and not self.is_lost:
            await self._outbox.wait_delivered()

    def delivered(self) -> None:
        """Take note that the client has what was taken from the outbox."""
        self._outbox.delivered()

    # ------------------------------------------------------------ how it ends

    @property
    def finished(self) -> bool:
        """`closing` is the last thing that was sent, and it is on its way."""
        return self._finishing and not self._outbox.bytes

    def finish(self, reason: str) -> None:
        """Bring out what waits, then end it."""
        if self._finishing:
            return
        if reason not in COME_BACK:
            self._outbox.put_nowait(SizedPacket(DISCONNECT))
        self._finishing = True
        self.reason = self.reason or reason
        self._outbox.put_nowait(None)  # the library closes the WebSocket here
        self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self.abort, "lingered")

    def abort(self, reason: str) -> None:
        """End it now, whatever waits."""
        if self._dead:
            return
        self._dead = self._finishing = self.is_lost = True
        self.reason = self.reason or reason
        self._outbox.clear()
        for transport in (self.polling, self.websocket):
            if transport is not None:
                reset(transport)
        self._engine.start_background_task(self.close)

    def lost(self) -> None:
        """Take note that the connection is gone: nobody will read what waits."""
        self.is_lost = True
        self._outbox.delivered()

    async def close(self) -> None:
        """Tell the library that it is over, which tells everybody else."""
        await self.socket.close(wait=False, abort=True)

    def ended(self) -> None:
        """Take note that the library has ended the session."""
        self._dead = self._finishing = self.is_lost = True
        # Polls and writers that still wait for packets come to an end; the library's own last
        # packet, if it sends one, was queued before.
        loop = asyncio.get_running_loop()
        loop.call_soon(self._outbox.put_nowait, None)
        self._outbox.delivered()
        for timer in (self._lingering, self._impatience):
            if timer is not None:
                timer.cancel()
        if self.websocket is not None:
            # A client that reads nothing would keep its connection open for ever.
            loop.call_later(LINGER_S, reset, self.websocket)


class Link:
    """A request, and the session that it belongs to, or that began with it."""

    def __init__(self, protocol: Any, session: Session | None) -> None:
        self.protocol = protocol
        self.session = session
        self.problem = ""
        """why this WebSocket is no upgrade"""


def reset(transport: asyncio.Transport) -> None:
    """Close a TCP connection with RST, so that the kernel frees what it holds for the client."""
    sock = transport.get_extra_info("socket")
    if not transport.is_closing() or transport.get_write_buffer_size():
        with contextlib.suppress(OSError, ValueError):  # it is closed (uvloop: ValueError)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
