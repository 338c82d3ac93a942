"""The teacher's page of a class: who is here, mute, send away. An ASGI application.

A second token opens it (`netlab.transports.access`), so that it is no secret among those who have
the first. It asks over HTTP: the vocabulary of the chat stays as it is, and no client can say what
only the teacher may.

    GET  /teacher          the page; everything else is below it
    GET  /teacher/people   who is here, as JSON
    POST /teacher/act      {"action": "kick" | "mute" | "unmute", "client_id": "…"}
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any, Literal

import msgspec

from netlab.core.classroom import ClassroomService, Person
from netlab.core.errors import Refused
from netlab.core.sends import Send
from netlab.transports.access import Access, Headers, refusal
from netlab.transports.switchboard import Switchboard
from netlab.transports.web import Page, answer, page, page_headers, page_refusal

PATH = "/teacher"
MAX_BODY_BYTES = 1_024
_JSON = ["application/json"]
_FILES = {
    "": ("teacher.html", "text/html; charset=utf-8"),
    "/teacher.js": ("teacher.js", "text/javascript; charset=utf-8"),
    "/teacher.css": ("teacher.css", "text/css; charset=utf-8"),
}


class _Act(msgspec.Struct, frozen=True):
    """What the page asks for."""

    action: Literal["kick", "mute", "unmute"]
    client_id: str


class _State(msgspec.Struct, frozen=True):
    """What the page shows."""

    people: Sequence[Person]
    join_link: str
    has_qr_code: bool


class TeacherDesk:
    """Answers all that is asked below `/teacher`.

    Args:
        switchboard: of the server; its service is a `ClassroomService`.
        token: what opens the page.
        secure: the server speaks TLS.

    Raises:
        ValueError: the token cannot be one.
    """

    def __init__(self, switchboard: Switchboard, token: str, *, secure: bool) -> None:
        assert isinstance(switchboard.service, ClassroomService)  # the server has looked
        self._switchboard = switchboard
        self._class = switchboard.service
        self._access = Access(token, "teacher")
        self._is_secure = secure
        self._join_link = self._qr_code = ""

    def invite(self, join_link: str, qr_code: str | None) -> None:
        """Show on the page how to join.

        Args:
            join_link: the link with the token of the class.
            qr_code: the same as a QR code, an SVG; None: there is none.
        """
        self._join_link, self._qr_code = join_link, qr_code or ""

    def is_for_me(self, path: str) -> bool:
        """Tell whether a path is one of its."""
        return path == PATH or path.startswith(f"{PATH}/")

    async def __call__(
        self,
        scope: dict[str, Any],
        headers: Headers,
        receive: Callable[[], Awaitable[dict[str, Any]]],
    ) -> Page:
        """Return the answer to a request, of which `Host` and `Origin` are checked already."""
        if scope["type"] == "websocket":
            return answer(404, "There is no WebSocket here.")
        path, query = scope["path"].removeprefix(PATH), scope["query_string"].decode("latin-1")
        method = scope["method"]
        if not self._access.admits(query, headers):
            is_page = method == "GET" and not path
            return refusal(query, headers, what="the teacher's page", wants_page=is_page)
        if path and (problem := page_refusal(headers["origin"], headers["sec-fetch-site"])):
            return answer(403, problem)
        if path == "/act":
            return await self._act(method, headers, receive)
        if method not in ("GET", "HEAD"):
            return answer(405, "Pages are read with GET.")
        way_on = self._access.welcome(query, page="teacher", secure=self._is_secure)
        return way_on if way_on and not path else self._read(path)

    def _read(self, path: str) -> Page:
        if path == "/people":
            return self._people()
        if path == "/join.svg" and self._qr_code:
            return _page("image/svg+xml", self._qr_code.encode())
        if path in ("/chat.css", "/icon.svg") and (shared := page(path)):
            return shared  # the class's own is behind another token
        if path not in _FILES:
            return answer(404, "There is no such page here.")
        name, content_type = _FILES[path]
        body = resources.files(__package__).joinpath("class_pages", name).read_bytes()
        return _page(content_type, body)

    def _people(self) -> Page:
        found = self._switchboard.ask(self._class.people)
        people = [replace(one, peer=_host(one.peer)) for one in found]
        state = _State(people, self._join_link, bool(self._qr_code))
        return _page("application/json", msgspec.json.encode(state))

    async def _act(
        self, method: str, headers: Headers, receive: Callable[[], Awaitable[dict[str, Any]]]
    ) -> Page:
        if method != "POST":
            return answer(405, "Something is done with POST.")
        # A form of another page can send no JSON without asking first (Fetch, "CORS-safelisted").
        if [one.partition(";")[0].strip() for one in headers["content-type"]] != _JSON:
            return answer(415, "The body is JSON: Content-Type: application/json.")
        body = await _read_body(receive)
        if body is None:
            return answer(413, f"The body has more than {MAX_BODY_BYTES:,} bytes, or ended early.")
        try:
            asked = msgspec.json.decode(body, type=_Act)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return answer(
                400, 'It looks like {"action": "kick", "mute" or "unmute", "client_id": "…"}.'
            )
        try:
            self._switchboard.act(lambda now: self._done(asked, now))
        except Refused as error:
            return answer(404, f"{error}.")
        return self._people()

    def _done(self, asked: _Act, now: float) -> list[Send]:
        if asked.action == "kick":
            return self._class.kick(asked.client_id, now)
        return self._class.mute(asked.client_id, muted=asked.action == "mute")


def _host(peer: str) -> str:
    """Return the address of a peer, which is written as Python writes (host, port)."""
    match = re.fullmatch(r"\('([^']+)', \d+\)", peer)
    return match[1] if match else peer


def _page(content_type: str, body: bytes) -> Page:
    headers = {"Content-Type": content_type, "Content-Length": str(len(body)), **page_headers()}
    return Page(200, headers, body)


async def _read_body(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes | None:
    """Return a request's body; None: it is too long, or was not sent to its end."""
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
        if part["type"] == "http.disconnect" or len(body) > MAX_BODY_BYTES:
            return None
    return body
