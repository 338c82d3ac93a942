"""In front of the Socket.IO library: what clients send is looked at here first.

An ASGI application around the library's. Events are taken out and go to the service; of the rest
only what the library expects is passed on: CONNECT, DISCONNECT, pongs, the upgrade, the end. So
no event reaches a handler that is meant for the library's own (`42["disconnect","x"]` would),
nothing malformed ends in a traceback, and no secret in the library's log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from engineio.packet import Packet

from netlab.core.errors import FrameTooLong, InvalidMessage, InvalidText
from netlab.core.json_codec import short
from netlab.transports.asgi_server import PROTOCOL
from netlab.transports.socketio_hub import Hub
from netlab.transports.socketio_session import LINK, Link, Session
from netlab.transports.web import Page, answer

AsgiReceive = Callable[[], Awaitable[dict[str, Any]]]
AsgiSend = Callable[[dict[str, Any]], Awaitable[None]]

PROBE_TIMEOUT_S = 10.0
"""seconds that a WebSocket may take to show that it is meant as an upgrade"""
_SEPARATOR = "\x1e"  # "between the packets of one HTTP body" (Engine.IO protocol 4)
_EVENT = b"42"  # of which the library sees nothing, whatever is in it
_CONTROL = ("1", "3")  # close, pong: what clients send besides messages


class Guard:
    """The ASGI application for everything below `/socket.io/`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one request, or serve one WebSocket."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        sid = query.get("sid", [""])[0]
        link = Link(scope["state"][PROTOCOL], self._hub.sessions.get(sid))
        scope = {**scope, LINK: link}
        if "j" in query:
            # A <script src> crosses origins without an Origin header.
            refusal = answer(400, "JSONP is not spoken here; poll with GET and POST.")
            await respond(refusal, scope, send)
        elif not sid and (reason := self._hub.full()):
            await respond(answer(503, reason), scope, send)
        elif scope["type"] == "websocket":
            await self._websocket(link, scope, receive, send)
        elif link.session is not None and scope["method"] == "GET":
            await self._poll(link, link.session, scope, receive, send)
        elif link.session is not None and scope["method"] == "POST":
            await self._post(link.session, scope, receive, send)
        else:
            await self._library(scope, receive, send)

    async def _library(self, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend) -> None:
        await self._hub.engine.handle_request(scope, receive, send)

    # ------------------------------------------------------------ HTTP, "long polling"

    async def _poll(
        self,
        link: Link,
        session: Session,
        scope: dict[str, Any],
        receive: AsgiReceive,
        send: AsgiSend,
    ) -> None:
        if session.polling is not None:
            # Packets would go to the one or to the other, and unread answers would add up.
            session.abort("overlapping_polls")
            refusal = answer(400, "Another poll of this session is still open; one at a time.")
            await respond(refusal, scope, send)
            return
        request = await receive()
        session.polling = link.protocol.transport
        watch = asyncio.create_task(_watch(session, receive), name="netlab-poll-watch")
        try:
            await self._library(scope, _replay(request), _drained(send))
        finally:
            watch.cancel()
            session.polling = None
            session.delivered()
        if session.finished:
            await session.close()

    async def _post(
        self, session: Session, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        if not session.socket.upgraded and not session.socket.closed:
            text = await self._read_body(session, scope, receive)
            if isinstance(text, Page):
                await respond(text, scope, send)
                return
            for packet in text.split(_SEPARATOR):
                if (passed := self._filter(session, packet)) and not session.socket.closed:
                    await session.socket.receive(Packet(encoded_packet=passed))
                await session.wait_for_room()
            if session.socket.closed:
                await respond(answer(200, "It is closed."), scope, send)
                return
        # Nothing is left of it, and the library says "ok", with all the headers that belong.
        nothing = {"type": "http.request", "body": b"", "more_body": False}
        await self._library(scope, _replay(nothing), send)

    async def _read_body(
        self, session: Session, scope: dict[str, Any], receive: AsgiReceive
    ) -> str | Page:
        """Return a body's text; a page: what to answer because it cannot be read."""
        limit = self._hub.max_body_bytes
        length = dict(scope["headers"]).get(b"content-length")
        if length is None:
            return answer(411, "A body comes with its Content-Length here.")
        if int(length) > limit:
            self._hub.reject(session, FrameTooLong(limit))
            return answer(
                413, f"A body of {int(length):,} bytes; the limit is {limit:,}. Send less at once."
            )
        body = b""
        more = True
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return answer(400, "The body ended early.")
            body += part.get("body", b"")
            more = part.get("more_body", False)
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            self._hub.reject(session, InvalidText(f"not UTF-8: {error.reason}"))
            return answer(400, "The body is not UTF-8.")

    # ------------------------------------------------------------ WebSocket

    async def _websocket(
        self, link: Link, scope: dict[str, Any], receive: AsgiReceive, send: AsgiSend
    ) -> None:
        session = link.session
        if session is None:
            await self._library(scope, lambda: self._next(link, receive), send)
            return
        if session.probing:
            refusal = answer(400, "Another WebSocket is about to take this session over.")
            await respond(refusal, scope, send)
            return
        session.probing = True
        try:
            await self._library(scope, lambda: self._next(link, receive), send)
        finally:
            session.probing = False
            if not session.socket.upgraded:
                session.socket.upgrading = False  # else its polls would hear NOOP for ever
        if link.problem:
            await send({"type": "websocket.close", "code": 1002, "reason": link.problem})

    async def _next(self, link: Link, receive: AsgiReceive) -> dict[str, Any]:
        """Return the next thing that the library is to know of a WebSocket."""
        while True:
            session = link.session
            if session is None or not session.socket.upgraded:
                return await self._next_probe(link, receive)
            if session.websocket is None:
                session.upgraded(link.protocol)
            # Only while nothing is in the library's hands: an event must not overtake CONNECT.
            link.protocol.on_text = partial(self._take_event, session)
            event = await receive()
            link.protocol.on_text = None
            if event["type"] != "websocket.receive":
                session.lost()
                if event.get("code") == 1009:
                    session.reason = session.reason or FrameTooLong.code
                return event
            text = event.get("text")
            passed = self._filter(session, event["bytes"] if text is None else text)
            if passed is not None:
                return {"type": "websocket.receive", "text": passed}
            await session.wait_for_room()

    def _take_event(self, session: Session, data: bytes) -> bool:
        """Take an event as soon as it is here; anything else goes the library's way, by `_next`."""
        if not data.startswith(_EVENT) or session.must_wait:
            return False
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return False
        self._hub.take(session, text[1:])
        return True

    async def _next_probe(self, link: Link, receive: AsgiReceive) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                event = await receive()
        except TimeoutError:
            link.problem = f"no probe came within {PROBE_TIMEOUT_S:g} s"
        else:
            if event["type"] != "websocket.receive" or event.get("text") in ("2probe", "5"):
                return event
            link.problem = "an upgrade begins with 2probe, then 5"
        return {"type": "websocket.disconnect", "code": 1002}

    # ------------------------------------------------------------ what comes in

    def _filter(self, session: Session, data: str | bytes) -> str | None:
        """Take an Engine.IO packet; return what the library is to see in its place, if anything."""
        if isinstance(data, bytes) or data[:1] == "b":  # b: base64, where HTTP carries bytes
            if session.attachments:
                session.attachments -= 1  # part of a packet that was refused already
            else:
                self._hub.reject(session, _invalid("binary data; a message is JSON text"))
            return None
        if data[:1] == "4":
            passed = self._hub.take(session, data[1:])
            return None if passed is None else "4" + passed
        if data in _CONTROL:
            return data
        what = f"{short(data[:40])}; clients send 1 (close), 3 (pong) and 4 (message)"
        self._hub.reject(session, _invalid(what if data else "an empty packet"))
        return None


def _invalid(what: str) -> InvalidMessage:
    return InvalidMessage("invalid_packet", f"{what} is no Engine.IO packet for this server")


async def respond(page: Page, scope: dict[str, Any], send: AsgiSend) -> None:
    """Send an answer, to a request for a WebSocket too."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"  # an ASGI extension, which uvicorn has
    headers = [(name.lower().encode(), value.encode()) for name, value in page.headers.items()]
    await send({"type": f"{kind}.start", "status": page.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": page.body})


async def _watch(session: Session, receive: AsgiReceive) -> None:
    """End a session whose client goes away while it waits for packets: they would be lost."""
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
        session.abort("left")


def _replay(event: dict[str, Any]) -> AsgiReceive:
    async def receive() -> dict[str, Any]:
        return event

    return receive


def _drained(send: AsgiSend) -> AsgiSend:
    """Return a `send` that returns from the body's end only when the client has read nearly all.

    `send` waits before it writes, not after; so the end is sent by itself.
    """

    async def send_drained(event: dict[str, Any]) -> None:
        if event["type"] != "http.response.body":
            await send(event)
            return
        await send({**event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return send_drained
