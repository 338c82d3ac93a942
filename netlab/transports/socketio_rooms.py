"""Socket.IO: events over HTTP polls or a WebSocket, whichever gets through, on ASGI and uvicorn.

A reader's way through it, from the wire to the service and back::

    asgi_server     uvicorn in our loop: HTTP and WebSocket frames
    SocketIOServer  may this page connect at all? pages, life and end
    socketio_guard  Engine.IO: events are taken out, the rest goes to the library
    socketio_hub    Socket.IO: packets become requests, the Switchboard calls the service
    Session.post    what the service answers, into the queue that the library sends from
"""

from __future__ import annotations

import socket
import ssl as ssl_module
from collections.abc import Sequence
from typing import Any

from netlab.core.chat import ChatService
from netlab.core.classroom import ClassroomService
from netlab.core.errors import LocalProtocolError
from netlab.core.json_codec import Json
from netlab.core.limits import LIBRARY_PINGS, Limits
from netlab.core.service import Service
from netlab.transports import access
from netlab.transports.access import Access
from netlab.transports.asgi_server import AsgiServer
from netlab.transports.async_server import STOP_GRACE_S, AsyncServer
from netlab.transports.clock import Clock
from netlab.transports.services import make_service
from netlab.transports.socketio_client import SocketIOClient as SocketIOClient
from netlab.transports.socketio_guard import Guard, respond
from netlab.transports.socketio_hub import Hub
from netlab.transports.socketio_packets import Event
from netlab.transports.socketio_vendor import CDN_URL, vendored
from netlab.transports.teacher import TeacherDesk
from netlab.transports.web import Door, Page, allowed_origin, answer, page, page_refusal


class SocketIOServer(AsyncServer):
    """Carries a service over Socket.IO. Use `async with`, or await `start` and `stop`.

    In a notebook, `netlab.lab.background` runs it in a loop of its own. `GET /` is a chat page.

    Args:
        service, host, port, limits, secret, clock: as `TCPServer`. A service of texts, such as
            `EchoService`, has no events and is refused.
        origins: pages of other servers that may connect, such as `"https://example.org"`.
        hosts: names under which this server is known, besides loopback names and IP addresses.
        token: what who wants to come in must show, see `netlab.transports.access`; None: nothing.
        teacher_token: what opens the teacher's page, `/teacher`, see `netlab.transports.teacher`;
            None: there is no such page. The service is `ClassroomService` then.
        ping_seconds: seconds between two of the library's pings.
        ping_timeout_seconds: seconds that a client may take to answer one.
        ssl: makes it `https:`.

    Raises:
        LocalProtocolError: the service speaks no JSON, or a teacher could do nothing in it.
        ValueError: an origin, a host or a token that is none, or one token for both.
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
        teacher_token: str | None = None,
        ping_seconds: float = 25,
        ping_timeout_seconds: float = 20,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        name = service.__name__ if isinstance(service, type) else type(service).__name__
        if not isinstance(service.codec, Json):
            raise LocalProtocolError(
                f"SocketIOServer cannot carry {name}: Socket.IO carries events with fields, and "
                f"{name} speaks lines of text. Serve ChatService here, or {name} over TCP, UDP "
                "or WebSocket"
            )
        service = make_service(service, limits, secret)
        super().__init__(service, LIBRARY_PINGS, host, port, clock, Event.from_json)
        self._door = Door(origins, hosts)
        self._access = None if token is None else Access(token)
        self._is_secure = ssl is not None
        if token is not None and token == teacher_token:
            raise ValueError("teacher_token is a secret among those who have token: another one")
        self.teacher = self._desk(teacher_token)
        self._hub = Hub(
            self.switchboard,
            self._page_may_connect,
            ping_seconds=ping_seconds,
            ping_timeout_seconds=ping_timeout_seconds,
        )
        self._guard = Guard(self._hub)
        self._http = AsgiServer(
            self._app,
            max_message_bytes=self._hub.max_body_bytes,
            outbox_bytes=service.limits.outbox_bytes,
            ssl=ssl,
        )

    def _desk(self, token: str | None) -> TeacherDesk | None:
        if token is None:
            return None
        if not isinstance(self.service, ClassroomService):
            raise LocalProtocolError(
                f"{type(self.service).__name__} knows no teacher, so teacher_token= opens nothing; "
                "serve netlab.core.classroom.ClassroomService"
            )
        return TeacherDesk(self.switchboard, token, secure=self._is_secure)

    # ------------------------------------------------------------ life

    async def _open(self, listener: socket.socket) -> None:
        await self._http.start(listener)

    async def _refuse_newcomers(self) -> None:
        self._hub.closed = True  # who is here may still poll for what is left

    async def _end_clients(self) -> None:
        await self._hub.end_sessions("server_stopping", STOP_GRACE_S)
        await self._http.stop()
        await self._hub.end_tasks()

    # ------------------------------------------------------------ who asks for what

    async def _app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer a request: the ASGI application."""
        headers = _headers(scope)
        if refusal := self._door.refusal(headers["host"], headers["origin"]):
            await respond(answer(403, refusal), scope, send)
        elif self.teacher is not None and self.teacher.is_for_me(scope["path"]):
            await respond(await self.teacher(scope, headers, receive), scope, send)
        elif (found := self._at_the_gate(scope, headers)) is not None:
            await respond(found, scope, send)
        elif _is_socketio(scope["path"]):
            if refusal := page_refusal(headers["origin"], headers["sec-fetch-site"]):
                await respond(answer(403, refusal), scope, send)
            else:
                await self._guard(scope, receive, send)
        else:
            await respond(_page(scope), scope, send)

    def _at_the_gate(self, scope: dict[str, Any], headers: access.Headers) -> Page | None:
        """Return what to answer to who must show a token first, or has just done so by a link."""
        if self._access is None:
            return None
        query = scope["query_string"].decode("latin-1")
        is_page = scope["type"] == "http" and not _is_socketio(scope["path"])
        if not self._access.admits(query, headers):
            return access.refusal(query, headers, what="the class", wants_page=is_page)
        is_link = is_page and scope["path"] == "/"
        return self._access.welcome(query, secure=self._is_secure) if is_link else None

    def _page_may_connect(self, origin: str, environ: dict[str, Any]) -> bool:
        """Say so for the library, which then sends the headers of CORS.

        The library's own check compares schemes as well, and refuses the page of a server behind
        a proxy for https that sends no X-Forwarded-Proto, as JupyterHub's may be.
        """
        return allowed_origin(origin, environ.get("HTTP_HOST"), origins=self._door.origins)


def _headers(scope: dict[str, Any]) -> access.Headers:
    """Return those headers of a request that say who may come in."""
    wanted = ("host", "origin", "sec-fetch-site", "content-type", *access.HEADERS)
    headers: dict[str, list[str]] = {name: [] for name in wanted}
    for name, value in scope["headers"]:  # in lower case (ASGI)
        if (text := name.decode("latin-1")) in headers:
            headers[text].append(value.decode("latin-1"))
    return headers


def _is_socketio(path: str) -> bool:
    return path.startswith("/socket.io/") or path == "/socket.io"


def _page(scope: dict[str, Any]) -> Page:
    if scope["type"] == "websocket":
        return answer(404, "Socket.IO is at /socket.io/ here.")
    if scope["method"] not in ("GET", "HEAD"):
        return answer(405, "Pages are read with GET.")
    path = scope["path"]
    found = vendored(path) or page(path, transport="socketio", script_sources=[CDN_URL])
    return found or answer(404, "There is no such page here.")
