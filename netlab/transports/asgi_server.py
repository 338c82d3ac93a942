"""uvicorn as a guest: in our event loop, on our socket, without signals and logging of its own.

As a program of its own uvicorn takes over SIGINT and SIGTERM, logs requests with their query
strings, and waits for clients that never end. In a notebook's kernel none of that is wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl as ssl_module
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import State

from netlab.transports.async_server import FAIR_SHARE
from netlab.transports.calendar import LINGER_S
from netlab.transports.tls import HANDSHAKE_S
from netlab.transports.write_buffer import end, reset, unsent_bytes

REQUEST_S = 20.0
"""seconds that a request may take from its first byte to the last of its body, and a new connection
until its first one is complete"""
MAX_FRAGMENTS = 16_384
"""frames that one WebSocket message may come in: empty ones cost memory and count no bytes"""
PROTOCOL = "netlab.protocol"
"""in `scope["state"]` of a request: the protocol object, which has `transport` and `on_lost`"""
_TICK_S = 1.0  # uvicorn renews its Date header; by itself it looks ten times a second

# Never below WARNING, whatever the program sets: there are paths, sids and frames in the rest.
quiet = logging.getLogger("netlab.transports.http")
quiet.setLevel(logging.WARNING)
# Clients' faults that uvicorn has dealt with (it closes with 1007), and no fault at all: an answer
# of our own to a request for a WebSocket.
_NO_NEWS = ("Invalid UTF-8 sequence", "ASGI callable returned without completing handshake")
quiet.addFilter(lambda record: not record.getMessage().startswith(_NO_NEWS))


class _State(ServerState):
    """What uvicorn's connections share."""

    stopping = False


class _Http(H11Protocol):
    on_lost: Callable[[], None] | None = None

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # ASGI has a place for what an application wants to find with each request: the state.
        super().__init__(config, server_state, {**app_state, PROTOCOL: self}, _loop)
        self.logger = quiet
        self.access_log = False
        self._patience: asyncio.TimerHandle | None = None
        self._has_asked = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.sock = transport.get_extra_info("socket")
        if isinstance(self.server_state, _State) and self.server_state.stopping:
            transport.abort()  # accepted a moment before the listener was closed
        self._watch_the_clock()

    # uvicorn itself waits for ever for a request that comes in byte by byte ("slowloris").

    def data_received(self, data: bytes) -> None:
        """Pass it on, and see whether the request is complete."""
        super().data_received(data)
        self._watch_the_clock()

    def on_response_complete(self) -> None:
        """Pass it on, and see whether the next request has begun."""
        super().on_response_complete()
        self._watch_the_clock()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Pass it on; from here on another protocol has the connection."""
        super().handle_websocket_upgrade(event)
        self._stop_the_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        super().connection_lost(exc)
        self._stop_the_clock()

    def _watch_the_clock(self) -> None:
        state = self.conn.their_state
        self._has_asked = self._has_asked or state is not h11.IDLE
        begun = state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        if self.transport.get_protocol() is not self or not (begun or not self._has_asked):
            self._stop_the_clock()
        elif self._patience is None:
            self._patience = self.loop.call_later(REQUEST_S, self._out_of_time)

    def _stop_the_clock(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _out_of_time(self) -> None:
        if self.conn.trailing_data[0] and self.conn.our_state is h11.IDLE:
            # RFC 9110, 15.5.9: with "close", since we do not wait on.
            self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        self.transport.close()


class _WebSocket(WebSocketsSansIOProtocol):
    on_lost: Callable[[], None] | None = None
    on_text: Callable[[bytes], bool] | None = None
    """shown a text message before the application; true: it has taken it"""
    _shown = _answered_bytes = 0

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, PROTOCOL: self}, _loop)
        self.logger = self.conn.logger = quiet
        self.conn.debug = False  # it would log every frame
        self._limit = config.outbox_bytes if isinstance(config, _Config) else 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.sock = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        """Pass it on; another turn begins. End what costs memory without saying anything."""
        self._shown = self._answered_bytes = 0
        waiting = unsent_bytes(self.transport)
        super().data_received(data)
        # Most messages are sent elsewhere: what else has come to wait here are pongs.
        now_waiting = unsent_bytes(self.transport) - self._answered_bytes
        too_slow = self._limit and now_waiting > max(waiting, self._limit)
        if too_slow or len(self.frames) > MAX_FRAGMENTS:
            reset(self.transport)

    def send_receive_event_to_app(self) -> None:
        """Show a message to `on_text`, unless earlier ones wait for the application.

        By its queue each message costs a task's wake-up, and two system calls to stop reading and
        to begin again. `FAIR_SHARE` messages go without it, then others have their turn.
        """
        if (
            self.on_text is not None
            and self.curr_msg_data_type == "text"
            and self._shown < FAIR_SHARE
            and self.queue.empty()
            and not self.is_shut()
        ):
            self._shown += 1
            data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
            waiting = unsent_bytes(self.transport)
            taken = self.on_text(data)
            self._answered_bytes += unsent_bytes(self.transport) - waiting
            if taken:
                self.frames = []
                return
        super().send_receive_event_to_app()

    def is_shut(self) -> bool:
        """Say whether nothing may be sent any more: a close frame was, or the connection is lost.

        "After sending a control frame indicating the connection should be closed, a peer does not
        send any further data" (RFC 6455, 1.4).
        """
        return self.conn.state is not State.OPEN or self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application; uvicorn alone would tell it only when it asks for a message."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()


class _Config(uvicorn.Config):
    context: ssl_module.SSLContext | None = None
    outbox_bytes = 0

    def configure_logging(self) -> None:
        """Leave the program's logging as it is."""

    def load(self) -> None:
        """Take our context: uvicorn would make one itself, of names of files."""
        super().load()
        self.ssl = self.context


class AsgiServer(uvicorn.Server):
    """An ASGI application on a socket that listens already.

    Args:
        app: the application.
        max_message_bytes: longest WebSocket message; a longer one closes with 1009.
        outbox_bytes: bytes of pongs that may wait for a client that does not read; 0 = unlimited.
        ssl: makes it `https:`.
    """

    def __init__(
        self,
        app: Any,
        *,
        max_message_bytes: int,
        outbox_bytes: int = 0,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        config = _Config(
            app,
            http=_Http,
            ws=_WebSocket,
            ws_max_size=max_message_bytes,
            ws_ping_interval=None,  # the application asks for signs of life
            ws_per_message_deflate=False,  # memory for each connection, and a way to send bombs
            interface="asgi3",
            lifespan="off",
            log_config=None,
            proxy_headers=False,  # anybody on this machine can send X-Forwarded-For
            server_header=False,
            # More than a ping interval: a poll should not meet a connection that is just closed.
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
        )
        config.context = ssl
        config.outbox_bytes = outbox_bytes
        super().__init__(config)
        self.server_state: _State = _State()
        self._ready: asyncio.Future[None]
        self._stop_asked = asyncio.Event()

    async def start(self, listener: socket.socket) -> None:
        """Serve on the socket; when this returns, connections are accepted.

        Raises: what keeps the server from starting.
        """
        self._ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self.serve([listener]), name="netlab-uvicorn")
        await asyncio.wait([self._task, self._ready], return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            self._task.result()

    async def stop(self) -> None:
        """Close the socket and all connections, at once."""
        self.should_exit = True
        self._stop_asked.set()
        await self._task

    # ------------------------------------------------------------ where uvicorn lets us in

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program whose guest this is."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, as uvicorn does, but do not wait a minute for a TLS handshake."""
        if self.config.ssl is None:
            await super().startup(sockets)
        else:
            loop = asyncio.get_running_loop()
            self.servers = [
                await loop.create_server(
                    self._make_protocol,
                    sock=sock,
                    backlog=self.config.backlog,
                    ssl=self.config.ssl,
                    ssl_handshake_timeout=HANDSHAKE_S,
                    ssl_shutdown_timeout=LINGER_S,
                )
                for sock in sockets or ()
            ]
            self.started = True
        self._ready.set_result(None)

    def _make_protocol(self) -> asyncio.Protocol:
        return _Http(self.config, self.server_state, self.lifespan.state)

    async def main_loop(self) -> None:
        """Wait for `stop`."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stop_asked.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything; who had to be told something was told before."""
        self.server_state.stopping = True
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            assert isinstance(connection, _Http | _WebSocket)
            end(connection.transport, connection.sock)
        await super().shutdown(sockets)
