"""A stream of bytes, as it comes: which protocol it is, and what is complete so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from netlab.lab.dissect_engineio import EngineIO, is_likely, is_likely_prefix
from netlab.lab.dissect_fields import Dissection, Parser
from netlab.lab.dissect_frames import LengthPrefixed, Lines, Unknown
from netlab.lab.dissect_http import HTTP, METHODS, Exchange
from netlab.lab.dissect_tls import TLS, is_tls
from netlab.lab.dissect_websocket import WebSocket
from netlab.lab.recording import Direction

SNIFF_BYTES = 8192  # a first line longer than this is no HTTP
_REQUEST_LINE = re.compile(rb"[^\n]* HTTP/1\.[01]\r?\n")

PROTOCOLS: dict[str, Callable[[Exchange, Direction | None], Parser]] = {
    "lines": lambda exchange, direction: Lines(),
    "length-prefixed": lambda exchange, direction: LengthPrefixed(),
    "http": HTTP,
    "websocket": lambda exchange, direction: WebSocket(direction),
    "engineio": lambda exchange, direction: EngineIO(),
    "socketio": lambda exchange, direction: EngineIO(engine=False),
    "tls": lambda exchange, direction: TLS(),
    "bytes": lambda exchange, direction: Unknown(),
}


def check_protocol(protocol: str | None) -> None:
    """Raises ValueError: there is no such protocol; the message lists those that there are."""
    if protocol is not None and protocol not in PROTOCOLS:
        raise ValueError(
            f"protocol {protocol!r} is not known here; it is one of {', '.join(PROTOCOLS)}, "
            "or None to find out from the bytes"
        )


class Dissector:
    """Dissects one direction of a connection, as its bytes come in pieces of any size.

    Where "websocket" is asked for, the HTTP that a connection begins with is dissected, too.

    Args:
        protocol: one of `PROTOCOLS`; None finds out from the first bytes.
        direction: who sends; without it nobody is blamed for a mask or the lack of one.
        exchange: shared by the two directions of a connection, see `Conversation`.

    Raises:
        ValueError: no such protocol.
    """

    def __init__(
        self,
        protocol: str | None = None,
        direction: Direction | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        check_protocol(protocol)
        self._protocol = protocol
        self._direction = direction
        self._exchange = exchange or Exchange()
        self._parser: Parser | None = None
        self._buffer = bytearray()
        self._base = 0  # number of the buffer's first byte in the stream

    def feed(self, data: bytes | bytearray | memoryview) -> list[Dissection]:
        """Take the next bytes; return what they have completed."""
        self._buffer += data
        return list(self._take(ended=False))

    def end(self) -> list[Dissection]:
        """Take note that no more bytes come; return what was left, as incomplete."""
        return list(self._take(ended=True))

    def _take(self, *, ended: bool) -> Iterator[Dissection]:
        at = 0
        while at < len(self._buffer):
            self._parser = self._parser or self._choose(ended)
            if self._parser is None:
                break
            found = self._parser.next(self._buffer, at, self._base, ended)
            self._parser = self._parser.successor or self._parser
            if found is None:
                break
            at += len(found.data)
            yield found
        del self._buffer[:at]
        self._base += at

    def _choose(self, ended: bool) -> Parser | None:
        protocol = self._protocol or sniff(self._buffer, ended)
        if protocol == "websocket":  # a connection begins with HTTP, unless that is cut off
            http = _sniff_http(self._buffer, ended)
            protocol = None if http == "?" else http or protocol
        return PROTOCOLS[protocol](self._exchange, self._direction) if protocol else None


class Conversation:
    """Dissects both directions of one connection, each knowing what the other has said.

    An answer to HEAD has no body whatever its head says, and after the server has answered 101
    both sides speak WebSocket.
    """

    def __init__(self, protocol: str | None = None) -> None:
        exchange = Exchange()
        self._sides = {one: Dissector(protocol, one, exchange) for one in Direction}

    def feed(self, direction: Direction | str, data: bytes) -> list[Dissection]:
        """Take the next bytes of one direction; return what they have completed."""
        return self._sides[Direction(direction)].feed(data)

    def end(self, direction: Direction | str) -> list[Dissection]:
        """Take note that no more bytes come this way; return what was left."""
        return self._sides[Direction(direction)].end()


def sniff(data: bytes | bytearray, ended: bool) -> str | None:
    """Return which protocol begins so; None: that depends on what comes next.

    An answer never changes when more bytes come. In doubt it is lines.
    """
    first = data[0]
    if is_tls(data, 0):
        return "tls" if len(data) >= 5 or ended else None
    if http := _sniff_http(data, ended):
        return http if http != "?" else None
    if first == 0:  # text has no zero, and so long a frame is not sent
        return "length-prefixed"
    if first in (0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8A, 0xC1):
        return "websocket"
    if 0x30 <= first <= 0x36:
        return _sniff_engineio(data, ended)
    is_text = first in b"\t\r\n" or (0x20 <= first < 0xF8 and first != 0x7F)
    return "lines" if is_text else "bytes"


def _sniff_http(data: bytes | bytearray, ended: bool) -> str:
    """Return "http", "?" if it may still become that, or nothing."""
    starts = [b"HTTP/1.", *(method.encode() + b" " for method in METHODS)]
    if not any(data.startswith(start[: len(data)]) for start in starts):
        return ""
    if len(data) >= 7 and data.startswith(b"HTTP/1."):
        return "http"
    if data.find(b"\n", 0, SNIFF_BYTES) >= 0:
        return "http" if _REQUEST_LINE.match(data) else ""
    return "" if ended or len(data) >= SNIFF_BYTES else "?"


def _sniff_engineio(data: bytes | bytearray, ended: bool) -> str | None:
    if is_likely_prefix(bytes(data[:64])):
        return "engineio"
    newline, separator = data.find(b"\n", 0, 64), data.find(b"\x1e", 0, 64)
    if separator >= 0 and (newline < 0 or separator < newline):
        return "engineio"
    if newline >= 0 or len(data) >= 64:
        return "lines"
    if not ended:
        return None
    return "engineio" if is_likely(bytes(data)) else "lines"
