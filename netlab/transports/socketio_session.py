"""One client of the Socket.IO server: its outbox, and how it ends.

The way of a reply: it is one `Event`, the same object for every receiver. Where the session is a
WebSocket and the library has nothing of its own to send, `Session._send` gathers the event's frame
and writes it straight to the connection, past library and ASGI: that is `Gathering`, as for plain
WebSocket. Else, on polls, during the upgrade, behind a ping that waits, the event's packet goes
into the queue that the library reads (`Outbox`): its writer or the next poll takes it from there.
What is in the queue is older than what is written past it, so the order is kept; the limit is one
for both ways. No task is made for a receiver.
"""

from __future__ import annotations

import asyncio
from typing import Any

from netlab.core.service import ClientId
from netlab.transports.calendar import LINGER_S
from netlab.transports.gathering import Gathering, Rounds
from netlab.transports.socketio_outbox import Outbox
from netlab.transports.socketio_packets import DISCONNECT, Event, SizedPacket, acknowledgement
from netlab.transports.write_buffer import FRAME_COST, reset_unless_done

COME_BACK = frozenset({"server_stopping", "internal_error"})
"""codes of `closing` after which a client does well to try again. After all others it hears the
packet DISCONNECT, upon which the official clients do not: two pages that resume the same seat
would otherwise take it from each other for ever."""
CONNECT_TIMEOUT_S = 20.0
"""seconds that a session may take to send CONNECT; until then it is nobody's"""
MESSAGE = b"4"
"""the Engine.IO packet around a Socket.IO packet"""
LINK = "netlab.link"
"""in the scope of a request: its `Link`"""


class Session:
    """One Engine.IO session; a client of the service from its Socket.IO CONNECT on.

    Args:
        engine: the Engine.IO server.
        eio_sid: the session's id there. Whoever knows it can speak for the client: it stays here.
        peer: the client's address, for statistics.
        outbox_limit: bytes that may wait for the client; 0 = unlimited.
        rounds: those of the server.
    """

    id: ClientId

    def __init__(
        self, engine: Any, eio_sid: str, peer: str, outbox_limit: int, rounds: Rounds
    ) -> None:
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
        self._rounds = rounds
        self._direct: Gathering | None = None
        self._writable: asyncio.Event | None = None
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
        return self._outbox.bytes + self._written_bytes

    @property
    def _written_bytes(self) -> int:
        return 0 if self._direct is None else self._direct.waiting_bytes

    def upgraded(self, protocol: Any) -> None:
        """Take note that it is a WebSocket from now on, and whose."""
        self.websocket = transport = protocol.transport
        self._writable = protocol.writable
        protocol.on_lost = self.lost
        self._direct = Gathering(
            self._rounds, transport, self._limit, protocol.is_shut, self._overflow
        )

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
        self._send(frame)

    def send_raw(self, packet: str) -> None:
        """Send a packet of Socket.IO's own."""
        self._send(Event(MESSAGE + packet.encode()))

    def expect_ack(self, ack: str) -> None:
        """From here to `acknowledge`, refusals go into the acknowledgement with this number."""
        self._ack, self._refusal = ack, None

    def acknowledge(self) -> None:
        """Send the acknowledgement, if one is asked for."""
        if ack := self._ack:
            self._ack = ""
            self._send(acknowledgement(ack, self._refusal))

    def _send(self, event: Event) -> None:
        if self._finishing:
            return
        if self._direct is not None and self._outbox.idle:
            self._direct.post(event.frame)
            return
        if self._direct is not None:
            self._direct.flush()  # the library writes by itself; and what it writes is newer
        if self._limit and self.outbox_bytes:
            written = 0 if self._direct is None else self._direct.cost
            cost = self._outbox.cost + written + len(event) + FRAME_COST
            if cost > self._limit:
                self._overflow()
                return
        self._outbox.put_nowait(event.packet)

    def _overflow(self) -> None:
        self.abort("slow_reader")

    @property
    def must_wait(self) -> bool:
        """Its own answers pile up."""
        if self._limit and 2 * self._outbox.cost > self._limit:
            return True
        return self._direct is not None and self._direct.must_wait

    async def wait_for_room(self) -> None:
        """Wait while its own answers pile up: who reads no more from it lets it feel that."""
        while self._limit and self._outbox.cost > self._limit // 2 and not self.is_lost:
            await self._outbox.wait_delivered()
        if self._direct is not None and self._writable is not None and not self.is_lost:
            await self._direct.wait_for_room(self._drain)

    async def _drain(self) -> None:
        if self._writable is not None:
            await self._writable.wait()

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
        if self._direct is not None:
            self._direct.flush()
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
        if self._direct is not None:
            self._direct.clear()
        for transport in (self.polling, self.websocket):
            if transport is not None:
                reset_unless_done(transport)
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
            loop.call_later(LINGER_S, reset_unless_done, self.websocket)


class Link:
    """A request, and the session that it belongs to, or that began with it."""

    def __init__(self, protocol: Any, session: Session | None) -> None:
        self.protocol = protocol
        self.session = session
        self.problem = ""
        """why this WebSocket is no upgrade"""
