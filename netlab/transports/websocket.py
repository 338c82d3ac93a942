"""WebSocket (RFC 6455) on asyncio: one JSON object a text message, and the chat page at `GET /`.

The `websockets` library does the handshake, frames, pings and the closing handshake. Three things
are done here in a way of our own:

- A message to many is made a frame once, and the same bytes are written to each connection. A
  server's frames are not masked (5.1), so they are the same for everybody.
- What a client does not read waits in its transport's write buffer; above `limits.outbox_bytes` it
  is dropped. Nobody ever waits for it: with `await member.send(...)` a member that does not read
  stops the sender's own handler, and then it is the sender whose pongs are not read any more.
- The last message is `closing`, then comes the close frame with a code of `CLOSE_CODES`.

A message must be UTF-8 text; a binary message (5.6) is taken as the same thing. What is no UTF-8
closes the connection with 1007 if it came as text (8.1), and is an `error` if it came as binary.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import socket
import ssl as ssl_module
import weakref
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from netlab.core.chat import ChatService
from netlab.core.errors import RemoteProtocolError
from netlab.core.limits import LIBRARY_PINGS
from netlab.core.messages import AnyRequest
from netlab.core.service import Limits, Service
from netlab.transports import access
from netlab.transports.access import Access
from netlab.transports.addresses import BACKLOG
from netlab.transports.async_server import FAIR_SHARE, STOP_GRACE_S, AsyncServer, Listener
from netlab.transports.calendar import LINGER_S
from netlab.transports.clock import Clock
from netlab.transports.gathering import Rounds
from netlab.transports.services import make_service
from netlab.transports.tls import HANDSHAKE_S
from netlab.transports.web import Door, Page, answer, page
from netlab.transports.websocket_client import WebSocketClient as WebSocketClient
from netlab.transports.websocket_connection import CLOSE_CODES as CLOSE_CODES
from netlab.transports.websocket_connection import (
    Connection,
    PromptConnection,
    abort,
    encode_text,
    fileno,
    why,
)

log = logging.getLogger("netlab.transports.websocket")
# Below WARNING the library logs headers and messages, and in them cookies and secrets: never.
_library_log = logging.getLogger("netlab.transports.websocket.library")
_library_log.setLevel(logging.WARNING)

OPEN_TIMEOUT_S = 10
"""seconds that a client may take from connecting to the end of its handshake"""


class WebSocketServer(AsyncServer):
    """Carries a service over WebSocket. Use `async with`, or await `start` and `stop`.

    In a notebook, `netlab.lab.background` runs it in a loop of its own.

    Args:
        service, host, port, limits, secret, clock: as `TCPServer`. Of the limits, `max_frame_bytes`
            is that of a message, whatever number of frames it comes in; a longer one closes the
            connection with 1009.
        origins: pages of other servers that may connect, such as `"https://example.org"`; see
            `netlab.transports.web`.
        hosts: names of this server, besides loopback names and IP addresses.
        token: what who wants to come in must show, see `netlab.transports.access`; None: nothing.
        compression: accept permessage-deflate (RFC 7692) where a client offers it. It costs each
            client some hundred kilobytes of memory, and each receiver of a message its own
            compression of it; off, therefore.
        ping_interval_s: seconds between the library's pings (5.5.2); None: none are sent.
        ping_timeout_s: seconds that a pong may take; a client from which none came by then is
            closed with 1011. None: it may take for ever.
        ssl: makes it `wss:`; asyncio drops who fails in the handshake, or is not done with it
            within `HANDSHAKE_S` seconds, and logs that in debug mode only.

    Raises:
        ValueError: an origin, a host or a token that is none.
    """

    def __init__(
        self,
        service: Service | type[Service] = ChatService,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        secret: bytes | None = None,
        clock: Clock | None = None,
        origins: Sequence[str] = (),
        hosts: Sequence[str] = (),
        token: str | None = None,
        compression: bool = False,
        ping_interval_s: float | None = 20,
        ping_timeout_s: float | None = 20,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        service = make_service(service, limits, secret)
        encode = bytes if compression else encode_text
        super().__init__(service, LIBRARY_PINGS, host, port, clock, encode)
        self.door = Door(origins, hosts)
        self._access = None if token is None else Access(token)
        self._compress = compression
        self._rounds = Rounds()
        self._pings = (ping_interval_s, ping_timeout_s)
        self._ssl = ssl
        # All connections, those too that have not said yet what they want.
        self._websockets: weakref.WeakSet[ServerConnection] = weakref.WeakSet()

    # ------------------------------------------------------------ life

    async def _open(self, listener: Listener) -> None:
        self._listener = listener
        outbox, (interval_s, timeout_s) = self.service.limits.outbox_bytes, self._pings
        self._server: Server = await serve(
            self._serve,
            sock=listener,
            backlog=BACKLOG,
            ssl=self._ssl,
            ssl_handshake_timeout=None if self._ssl is None else HANDSHAKE_S,
            ssl_shutdown_timeout=None if self._ssl is None else LINGER_S,
            process_request=self._process_request,
            create_connection=self._create_connection,  # type: ignore[arg-type]
            compression="deflate" if self._compress else None,
            max_size=self.service.limits.max_frame_bytes or None,
            # `drain` waits above the first of these, until there is less than the second.
            write_limit=(outbox // 2, outbox // 4) if outbox else 2**20,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=LINGER_S,
            ping_interval=interval_s,
            ping_timeout=timeout_s,
            server_header=None,
            logger=_library_log,
        )

    async def _refuse_newcomers(self) -> None:
        # asyncio closes a server at once, and clients that it has just accepted stay open and
        # nobody's. So first accept no more, then let those be handed over.
        with contextlib.suppress(NotImplementedError, RuntimeError):
            asyncio.get_running_loop().remove_reader(self._listener)
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close(close_connections=False)

    async def _end_clients(self) -> None:
        for websocket in self._websockets:
            if websocket.state is State.CONNECTING:
                abort(websocket)
        if self._ssl is not None:
            self._hang_up_in_the_handshake()
        try:
            async with asyncio.timeout(STOP_GRACE_S):
                await self._server.wait_closed()
        except TimeoutError:
            for websocket in self._websockets:
                abort(websocket)
            await self._server.wait_closed()

    def _hang_up_in_the_handshake(self) -> None:
        # A connection whose TLS handshake goes on is in no list, and since Python 3.12 a server
        # waits for it (asyncio, Server.wait_closed).
        made = {fileno(websocket) for websocket in self._websockets}
        for sock in tuple(self._listener.accepted):
            if sock.fileno() not in made:
                with contextlib.suppress(OSError):  # it is closed
                    sock.shutdown(socket.SHUT_RDWR)

    # ------------------------------------------------------------ before the handshake

    def _create_connection(self, *args: Any, **options: Any) -> ServerConnection:
        websocket = PromptConnection(*args, **options)
        self._websockets.add(websocket)
        return websocket

    def _process_request(self, _: ServerConnection, request: Request) -> Response | None:
        """Serve a page, or refuse; None: the library goes on with its handshake."""
        headers = request.headers
        refusal = self.door.refusal(headers.get_all("Host"), headers.get_all("Origin"))
        if refusal is not None:
            log.info("refused a request: its Host or its Origin is not allowed")
            return _response(answer(403, refusal))
        is_page = not any("websocket" in value.lower() for value in headers.get_all("Upgrade"))
        method = getattr(request, "method", "GET")  # earlier versions know no other
        if (at_the_gate := self._at_the_gate(request, is_page=is_page)) is not None:
            return _response(at_the_gate, head=method == "HEAD")
        if self._stopping:
            return _response(answer(503, "The server is stopping."))
        if not is_page:
            return None
        if method not in ("GET", "HEAD"):
            return None  # and refuses it: 405
        found = page(request.path) or answer(404, "There is nothing here; the page is at /.")
        return _response(found, head=method == "HEAD")

    def _at_the_gate(self, request: Request, *, is_page: bool) -> Page | None:
        """Return what to answer to who must show a token first, or has just done so by a link."""
        if self._access is None:
            return None
        path, _, query = request.path.partition("?")
        headers = {name: request.headers.get_all(name) for name in access.HEADERS}
        if not self._access.admits(query, headers):
            log.info("refused a request: it shows no token, or a wrong one")
            return access.refusal(query, headers, what="the class", wants_page=is_page)
        is_link = is_page and path == "/"
        return self._access.welcome(query, secure=self._ssl is not None) if is_link else None

    # ------------------------------------------------------------ serving one client

    async def _serve(self, websocket: ServerConnection) -> None:
        limit = self.service.limits.outbox_bytes
        assert isinstance(websocket, PromptConnection)  # `_create_connection` makes no others
        connection = Connection(websocket, limit, self._rounds, compress=self._compress)
        peer = websocket.remote_address  # None where it was gone at once
        self.switchboard.connect(connection, str(peer[:2]) if peer else "")
        reason = "reset"
        try:
            await self._receive(connection, websocket)
        except ConnectionClosed as end:
            reason = why(end)
        except ConnectionError:
            pass  # reset while it was held up: nobody was reading from it
        finally:
            connection.ended()
            self.switchboard.disconnect(connection.id, connection.reason or reason)

    async def _receive(self, connection: Connection, websocket: ServerConnection) -> None:
        """Pass on what the client says. Raises ConnectionClosed at the end."""
        turns = 0
        while True:
            frame = await websocket.recv()
            message: AnyRequest | RemoteProtocolError
            try:
                message = self.service.codec.decode_request(frame, bare_text=False)
            except RemoteProtocolError as error:
                message = error
            self.switchboard.receive(connection.id, message)
            turns += 1
            if turns % FAIR_SHARE == 0:
                await asyncio.sleep(0)  # thousands may have come at once: let others have a turn
            if connection.must_wait:
                await connection.wait_for_room()


def _response(found: Page, *, head: bool = False) -> Response:
    headers = Headers({**found.headers, "Connection": "close"})
    phrase = http.HTTPStatus(found.status).phrase
    return Response(found.status, phrase, headers, b"" if head else found.body)
