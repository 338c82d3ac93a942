"""How the load generator speaks: a request as the bytes of each wire, and the way in.

Nothing here reads a reply. Each request carries `MARK`, one byte that stands in its answer exactly
once, whatever wire and server; so a client's deliveries are counted without taking them apart.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Generator
from typing import Any, Protocol

MARK = b"|"
Steps = Generator[tuple[bytes, bytes], bytes, None]
"""yields what to send and what has to stand in the answer; is sent the answer"""
_HELLO_BYTES = 1_000  # more than a server wants before it answers an address with a cookie
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Wire(Protocol):
    """One way to put a request on the wire."""

    kind: int
    """of socket: SOCK_STREAM or SOCK_DGRAM"""

    def enter(self) -> Steps:
        """Take the steps from connecting to the first request."""

    def request(self, wire_type: str, **fields: str) -> bytes:
        """Return the bytes of a request."""


class Lines:
    """A JSON object a line, over TCP."""

    kind = socket.SOCK_STREAM

    def enter(self) -> Steps:
        yield from ()

    def request(self, wire_type: str, **fields: str) -> bytes:
        return _json(wire_type, fields) + b"\n"


class Datagrams:
    """A JSON object a datagram; `hello` first, again with a cookie where one comes."""

    kind = socket.SOCK_DGRAM

    def enter(self) -> Steps:
        answer = yield self.request("hello", pad="x" * _HELLO_BYTES), b"}"
        if cookie := json.loads(answer).get("cookie"):
            yield self.request("hello", cookie=cookie), b"welcome"

    def request(self, wire_type: str, **fields: str) -> bytes:
        return _json(wire_type, fields)


class WebSocket:
    """A JSON object a text message."""

    kind = socket.SOCK_STREAM

    def enter(self) -> Steps:
        yield _UPGRADE.format(path="/").encode(), b"\r\n\r\n"

    def request(self, wire_type: str, **fields: str) -> bytes:
        return frame(_json(wire_type, fields))


class SocketIO:
    """An event, over Engine.IO over WebSocket from the start: no polling comes before it."""

    kind = socket.SOCK_STREAM

    def enter(self) -> Steps:
        path = "/socket.io/?EIO=4&transport=websocket"
        yield _UPGRADE.format(path=path).encode(), b'"pingInterval"'
        yield frame(b"40"), b'40{"sid"'

    def request(self, wire_type: str, **fields: str) -> bytes:
        return frame(b"42" + _dumps([wire_type, fields]))


def frame(text: bytes) -> bytes:
    """Return a text message as a client sends it (RFC 6455, 5.2), masked with zeros.

    The server unmasks as ever; to the generator the mask costs nothing.
    """
    size = len(text)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    else:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return head + bytes(4) + text


def _json(wire_type: str, fields: dict[str, str]) -> bytes:
    return _dumps({"type": wire_type, **fields})


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
