"""Between the Socket.IO library and the service: sessions come and go, events come in.

The library (python-socketio) speaks Engine.IO and keeps the sessions: handshake, polls, upgrade,
pings, CONNECT. The service decides who hears what, as everywhere in this package: the library's
rooms, emits and acknowledgements are not used. So nobody can listen in by entering a room that is
named like somebody's session, and a client's id says nothing of its session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import socketio
from engineio import AsyncServer as EngineServer

from netlab.core.errors import FrameTooLong, InvalidMessage, RemoteProtocolError
from netlab.transports import socketio_packets as packets
from netlab.transports.gathering import Rounds
from netlab.transports.socketio_outbox import Outbox
from netlab.transports.socketio_session import LINK, Link, Session
from netlab.transports.switchboard import Switchboard

# The library logs whole packets, secrets and private messages among them, at INFO, and session
# ids above that. What is worth reading of it here comes with a traceback.
_log = logging.getLogger("netlab.transports.socketio_rooms.library")
_log.setLevel(logging.ERROR)
_log.addFilter(lambda record: record.exc_info is not None)

UNCONNECTED = 100
"""sessions that there may be besides those of `limits.max_clients` clients"""
_SPARE_BYTES = 1_024  # so that a frame a little too long hears `error`; a longer one is cut off
_UNLIMITED = 2**40
_REASONS = {"client disconnect": "left", "transport close": "left"}


class _Engine(EngineServer):  # type: ignore[misc]  # the library has no types
    """Engine.IO with queues that count bytes, and tasks that somebody owns."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tasks: set[asyncio.Task[Any]] = set()

    def create_queue(self, *args: Any, **options: Any) -> Outbox:
        return Outbox(*args, **options)

    def start_background_task(self, target: Any, *args: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(target(*args, **options), name="netlab-engineio")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class _Library(socketio.AsyncServer):  # type: ignore[misc]
    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine


class Hub:
    """The library, its sessions, and what is said on them.

    Args:
        switchboard: where clients and what they say are reported.
        page_may_connect: given an Origin header and the request (WSGI), may that page connect?
        ping_seconds: seconds between two of the library's pings.
        ping_timeout_seconds: seconds that a client may take to answer one.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        page_may_connect: Callable[[str, dict[str, Any]], bool],
        *,
        ping_seconds: float,
        ping_timeout_seconds: float,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        """by Engine.IO's id, which whoever knows it can speak under: it is shown to nobody"""
        self.closed = False
        """no session can begin any more"""
        self._switchboard = switchboard
        self._codec = switchboard.service.codec
        self._limits = switchboard.service.limits
        self._nobody = asyncio.Event()
        self._rounds = Rounds()
        frame_bytes = self._limits.max_frame_bytes
        self.max_body_bytes = frame_bytes + _SPARE_BYTES if frame_bytes else _UNLIMITED
        self._library = _Library(
            async_mode="asgi",
            logger=_log,
            engineio_logger=_log,
            # `welcome` is an event, and before it the client must hear that it is connected.
            always_connect=True,
            cors_allowed_origins=page_may_connect,  # never []: that switches the check off
            cors_credentials=False,  # we set no cookies, so none need come back
            max_http_buffer_size=self.max_body_bytes,
            http_compression=False,
            ping_interval=ping_seconds,
            ping_timeout=ping_timeout_seconds,
        )
        self.engine: _Engine = self._library.eio
        self._library_connect = self.engine.handlers["connect"]
        self._library_disconnect = self.engine.handlers["disconnect"]
        self.engine.on("connect", self._began)
        self.engine.on("disconnect", self._ended)
        self._library.on("connect", self._connected)
        self._library.on("disconnect", self._disconnected)

    # ------------------------------------------------------------ for the server

    def full(self) -> str | None:
        """Return why no session can begin now; None: one can."""
        if self.closed:
            return "The server is stopping."
        most = self._limits.max_clients
        if most and len(self.sessions) >= most + UNCONNECTED:
            return "Too many sessions are open; try again later."
        return None

    async def end_sessions(self, reason: str, timeout_s: float) -> None:
        """Wait until all sessions have ended, `timeout_s` seconds at most; end what is left."""
        if not self.sessions:
            return
        self._nobody.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._nobody.wait()
        except TimeoutError:
            for session in tuple(self.sessions.values()):
                session.abort(reason)

    async def end_tasks(self) -> None:
        """End the library's tasks: its pings, its monitor."""
        while tasks := tuple(self.engine.tasks):  # what ends may begin another
            for task in tasks:
                task.cancel()
            # Where the library swallows that, the task goes on: then it is asked again.
            await asyncio.wait(tasks, timeout=0.1)

    # ------------------------------------------------------------ sessions come and go

    async def _began(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        scope = environ["asgi.scope"]
        link: Link = scope[LINK]
        peer = str(tuple(scope["client"] or ()))
        session = Session(self.engine, eio_sid, peer, self._limits.outbox_bytes, self._rounds)
        self.sessions[eio_sid] = link.session = session
        session.expect_connect()
        # Not the request's headers: nobody needs them, and they would be kept.
        return await self._library_connect(eio_sid, {"netlab.session": session})

    async def _ended(self, eio_sid: str, reason: str) -> None:
        await self._library_disconnect(eio_sid, reason)
        self.sessions.pop(eio_sid).ended()
        self.engine.sockets.pop(eio_sid, None)
        if not self.sessions:
            self._nobody.set()

    async def _connected(self, sid: str, environ: dict[str, Any], auth: object = None) -> None:
        session: Session = environ["netlab.session"]
        problem = hello = None
        try:
            hello = packets.parse_hello(session.hello, self._codec)
        except RemoteProtocolError as error:
            problem = error
        session.connect()
        self._switchboard.connect(session, session.peer, hello)
        if problem is not None:
            self._switchboard.receive(session.id, problem)

    async def _disconnected(self, sid: str, reason: str) -> None:
        session: Session = self._library.get_environ(sid)["netlab.session"]
        session.connected = False
        if reason == "transport close" and not session.is_lost:
            reason = "ping timeout"  # the library has two clocks, and names only one of them so
        reason = session.reason or _REASONS.get(reason, reason.replace(" ", "_"))
        self._switchboard.disconnect(session.id, reason)
        session.expect_connect()  # another one, unless the session ends as well

    # ------------------------------------------------------------ what clients send

    def take(self, session: Session, text: str) -> str | None:
        """Take a Socket.IO packet; return what the library is to see in its place, if anything."""
        try:
            limit = self._limits.max_frame_bytes
            if limit and (len(text) > limit or len(text.encode()) > limit):
                raise FrameTooLong(limit)
            packet = packets.parse_packet(text)
        except RemoteProtocolError as error:
            self.reject(session, error)
            return None
        session.attachments = packet.attachments
        if packet.kind == packets.CONNECT:
            return self._take_connect(session, packet)
        if not session.connected:
            self._not_connected(session)
            return None
        if packet.kind == packets.DISCONNECT and packet.namespace == "/":
            return packets.DISCONNECT
        session.expect_ack(packet.wanted_ack)
        self._switchboard.receive(session.id, self._read(packet))
        session.acknowledge()
        return None

    def _take_connect(self, session: Session, packet: packets.ClientPacket) -> str | None:
        if packet.namespace != "/":
            text = "there is one namespace here, /"
            session.send_raw(packets.connect_error(packet.namespace, text))
        elif session.connected:
            self.reject(session, InvalidMessage("invalid_packet", "you are connected already"))
        else:
            session.hello = packet.payload  # the library need not see it
            return packets.CONNECT
        return None

    def _read(self, packet: packets.ClientPacket) -> Any:
        """Return the request in a packet, or what is wrong with it."""
        try:
            return packets.parse_event(packet, self._codec)
        except RemoteProtocolError as error:
            return error

    def reject(self, session: Session, error: RemoteProtocolError) -> None:
        """Take note of a client's mistake."""
        if session.connected:
            self._switchboard.receive(session.id, error)
        else:
            self._not_connected(session)

    def _not_connected(self, session: Session) -> None:
        text = "you are not connected: send the packet CONNECT, 40, before anything else"
        session.send_raw(packets.connect_error("/", text))
