"""HTTP/1.1: heads line by line, bodies by their length or their chunks (RFC 9112).

A response's body cannot be understood without its request (RFC 9112, 6.3), and after an upgrade
both sides speak another protocol: an `Exchange` is what the two directions know of each other.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from netlab.lab.dissect_engineio import EngineIO, is_likely
from netlab.lab.dissect_fields import Cursor, Dissection, Parser, as_text
from netlab.lab.dissect_frames import Unknown
from netlab.lab.dissect_websocket import WebSocket
from netlab.lab.labels import count, visible
from netlab.lab.recording import Direction

MAX_HEAD_BYTES = 65_536
MAX_LINE_BYTES = 8192  # of a chunk's first line, and of all trailers
BLOCK_BYTES = 65_536  # a body that lasts until the connection closes is shown in such blocks
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP/1\.[01])\r?\n")
_STATUS = re.compile(rb"(HTTP/1\.[01]) (\d{3})(?: ([^\r\n]*))?\r?\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\r?\n", re.DOTALL)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,255}\r?\n")
# These differ from run to run, or from machine to machine.
_VARYING = {
    "date",
    "server",
    "user-agent",
    "accept-encoding",
    "set-cookie",
    "cookie",
    "sec-websocket-key",
    "sec-websocket-accept",
}
_CACHE_BUSTER = re.compile(r"([?&]t=)[^& ]*")


@dataclass
class Exchange:
    """What the two directions of a connection know of each other."""

    requests: deque[tuple[str, str]] = field(default_factory=deque)
    """Method and target of those that have no answer yet."""
    upgraded: bool = False
    engineio: bool = False


class HTTP:
    """Requests, or responses, one after the other, and what comes after an upgrade."""

    def __init__(self, exchange: Exchange | None = None, direction: Direction | None = None):
        self.successor: Parser | None = None
        self._exchange = exchange or Exchange()
        self._direction = direction
        self._searched = 0
        self._body = 0  # bytes of a body of known length
        self._chunked = self._until_close = False
        self._may_switch = False  # the request asked for a WebSocket; did the server agree?
        self._is_engineio = False

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        if self._body or self._until_close:
            return self._plain_body(buffer, at, base, ended)
        if self._chunked:
            return self._chunk(buffer, at, base, ended)
        if self._may_switch:
            # A head begins with the letters of a method, which no frame of a new message does.
            self._may_switch = False
            if self._exchange.upgraded or not 65 <= buffer[at] <= 90:
                self.successor = self._websocket()
                return self.successor.next(buffer, at, base, ended)
        return self._head(buffer, at, base, ended)

    def _websocket(self) -> WebSocket:
        return WebSocket(self._direction, engineio=self._exchange.engineio or None)

    def _give_up(
        self, buffer: bytearray, at: int, base: int, ended: bool, why: str
    ) -> Dissection | None:
        self.successor = Unknown(why)
        return self.successor.next(buffer, at, base, ended)

    def _head(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        found = _HEAD_END.search(buffer, max(at, self._searched - base), at + MAX_HEAD_BYTES)
        if found is None:
            if len(buffer) - at >= MAX_HEAD_BYTES:
                why = f"an HTTP head of more than {count(MAX_HEAD_BYTES)}"
                return self._give_up(buffer, at, base, ended, why)
            if not ended:
                self._searched = max(base + at, base + len(buffer) - 4)
                return None
        data = bytes(buffer[at : found.end() if found else len(buffer)])
        cursor = Cursor(data, base + at)
        start = _REQUEST.match(data) or _STATUS.match(data)
        if start is None:
            why = "HTTP was expected, and this is no head"
            return self._give_up(buffer, at, base, ended, why)
        is_request = start.re is _REQUEST
        first = _start_line(cursor, start.groups(b""), is_request)
        headers = _headers(cursor)
        missing = "" if found else "the empty line at the end of the head"
        name = "request" if is_request else "response"
        if found:
            words = [start[index].decode("latin-1") for index in (1, 2)]
            follow = self._after_request if is_request else self._after_response
            follow(words[0], words[1], headers)
        if self.successor or self._may_switch:
            name = f"upgrade {name}"
        extra = f"; incomplete, missing: {missing}" if missing else ""
        return Dissection(
            "HTTP",
            name,
            f"{first}, {len(headers)} header{'' if len(headers) == 1 else 's'}{extra}",
            cursor.start,
            data,
            tuple(cursor.fields),
            missing,
            word=_CACHE_BUSTER.sub(r"\1<t>", first),
        )

    def _after_request(self, method: str, target: str, headers: dict[str, str]) -> None:
        self._exchange.requests.append((method, target))
        eio = "EIO=4" in target
        self._is_engineio = eio and method == "POST"
        self._exchange.engineio |= eio
        self._may_switch = "websocket" in headers.get("upgrade", "").lower()
        self._set_body(headers, none_without_length=True)

    def _after_response(self, version: str, status: str, headers: dict[str, str]) -> None:
        requests = self._exchange.requests
        method, target = requests[0] if requests else ("", "")
        if not status.startswith("1") or status == "101":
            requests.clear() if status == "101" else requests and requests.popleft()
        self._is_engineio = "EIO=4" in target and method == "GET" and status == "200"
        if status == "101":
            self._exchange.upgraded = True
            self.successor = self._websocket()
        elif not (status[0] == "1" or status in ("204", "304") or method == "HEAD"):
            self._set_body(headers, none_without_length=False)

    def _set_body(self, headers: dict[str, str], *, none_without_length: bool) -> None:
        length = headers.get("content-length", "")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            self._chunked = True
        elif length.isascii() and length.isdecimal() and len(length) < 19:
            self._body = int(length)
        else:
            self._until_close = not none_without_length

    def _plain_body(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        there, wanted = len(buffer) - at, self._body or BLOCK_BYTES
        if there < wanted and not ended:
            return None
        data = bytes(buffer[at : at + wanted])
        cursor = Cursor(data, base + at)
        missing = count(wanted - there) + " of the body" if self._body > there else ""
        self._body = 0
        cursor.rest("body", as_text(data))
        return self._body_found(cursor, data, base + at, missing)

    def _chunk(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        head = _CHUNK_LINE.match(buffer, at)
        if head is None:
            if buffer.find(b"\n", at) < 0 and not ended and len(buffer) - at <= MAX_LINE_BYTES:
                return None
            return self._give_up(buffer, at, base, ended, "the size of a chunk was expected here")
        size = int(head[1], 16)
        if size:
            end = head.end() + size
            ending = 1 if buffer[end : end + 1] == b"\n" else 2
            end += ending
        else:  # the last chunk: trailers may follow, then an empty line
            close = _HEAD_END.search(buffer, head.end() - len(head[0].lstrip(b"0")))
            end = close.end() if close else len(buffer) + 1
            if end - at > MAX_LINE_BYTES:
                return self._give_up(buffer, at, base, ended, "the trailers do not end")
        if end > len(buffer) and not ended:
            return None
        data = bytes(buffer[at:end])
        cursor = Cursor(data, base + at)
        cursor.take(len(head[0]), "chunk size", f"{size:,}", "in hexadecimal")
        body = cursor.take(size, "chunk", as_text) if size else b""
        place = cursor.start + len(head[0])
        self._chunked = bool(size)
        if not size:
            cursor.rest("end of the chunks", "CR LF")
        elif not cursor.missing:
            cursor.take(ending, "chunk end", "CR LF" if ending == 2 else "LF")
        missing = cursor.missing or ("the empty line" if end > len(buffer) else "")
        return self._body_found(cursor, body, place, missing)

    def _body_found(self, cursor: Cursor, body: bytes, place: int, missing: str) -> Dissection:
        inner: tuple[Dissection, ...] = ()
        if body and not missing and (self._is_engineio or is_likely(body)):
            inner = EngineIO().payload(body, place)
        name = "chunk" if cursor.fields[0].name == "chunk size" else "body"
        summary = f"{count(len(body))}: {as_text(body, 60)}" if body else "end of the chunks"
        if missing:
            summary += f"; incomplete, missing: {missing}"
        fields = tuple(cursor.fields)
        word = "" if body else "last chunk"
        return Dissection(
            "HTTP", name, summary, cursor.start, cursor.data, fields, missing, body, word,
            inner=inner,
        )  # fmt: skip


def _start_line(cursor: Cursor, parts: tuple[bytes, ...], is_request: bool) -> str:
    """Name the parts of the first line, each with the blank or line end after it."""
    names = ("method", "target", "version") if is_request else ("version", "status", "reason")
    line_end = cursor.data.index(b"\n") + 1
    shown = []
    for number, (name, part) in enumerate(zip(names, parts, strict=True)):
        size = line_end - cursor.at if number == 2 else len(part) + 1
        text = visible(part.decode("latin-1"))
        if size and cursor.at < line_end:
            steady = _CACHE_BUSTER.sub(r"\1<t>", text)
            varies = steady if steady != text else ""
            cursor.take(min(size, line_end - cursor.at), name, text, varies=varies)
        shown.append(text)
    return " ".join(filter(None, shown))


def _headers(cursor: Cursor) -> dict[str, str]:
    """Name each header line; return them by their names in small letters."""
    headers: dict[str, str] = {}
    while cursor.left:
        end = cursor.data.find(b"\n", cursor.at) + 1 or len(cursor.data)
        line = cursor.data[cursor.at : end]
        if line in (b"\r\n", b"\n"):
            cursor.take(len(line), "end of the head", "an empty line")
            continue
        found = _HEADER.fullmatch(line)
        if found is None:
            cursor.take(len(line), "header", as_text(line), "not a header line")
            continue
        name, value = found[1].decode("latin-1"), found[2].decode("latin-1")
        varies = f"<{name.lower()}>" if name.lower() in _VARYING else ""
        cursor.take(len(line), name, as_text(found[2])[1:-1] if value else "", varies=varies)
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
