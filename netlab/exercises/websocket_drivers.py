"""Drivers for the exercises of chapter 10, and models of the right answers: RFC 6455, 4.2, 5."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from netlab.exercises.calls import Function
from netlab.exercises.shrink import Pieces

LIMIT = 200
"""bytes that a message may have in the cases"""
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KINDS = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong"}

Event = tuple[str, Any]


def client_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes | None = MASK, bits: int = 0
) -> bytes:
    """Return a frame; `mask` None leaves it unmasked, `bits` are the reserved ones (0 to 7)."""
    first = (0x80 if fin else 0) | bits << 4 | opcode
    masked = 0x80 if mask else 0
    if len(payload) < 126:
        head = bytes([first, masked | len(payload)])
    elif len(payload) < 65_536:
        head = bytes([first, masked | 126]) + len(payload).to_bytes(2)
    else:
        head = bytes([first, masked | 127]) + len(payload).to_bytes(8)
    return head + (mask + _unmask(payload, mask) if mask else payload)


def _unmask(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


# ---------------------------------------------------------------- upgrade


def upgrade_rightly(headers: Mapping[str, str]) -> tuple[int, str | None]:
    """Return the status of the answer to these headers, and the accept key."""
    tokens = {token.strip().lower() for token in headers.get("connection", "").split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens:
        return 400, None
    if headers.get("sec-websocket-version") != "13":
        return 426, None
    key = headers.get("sec-websocket-key", "")
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return 400, None
    except binascii.Error:
        return 400, None
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{headers.get('host')}":
        return 403, None
    digest = hashlib.sha1((key + _MAGIC).encode()).digest()  # noqa: S324 - RFC 6455, 4.2.2 wants it
    return 101, base64.b64encode(digest).decode()


# ---------------------------------------------------------------- frames


def encode_rightly(opcode: int, payload: bytes, mask: bytes | None = None) -> bytes:
    """Return the frame; raises ValueError for a control frame that is too long."""
    if opcode >= CLOSE and len(payload) > 125:
        raise ValueError("a control frame has 125 bytes at most")
    return client_frame(opcode, payload, mask=mask)


# ---------------------------------------------------------------- messages


def read(function: Function, case: Pieces) -> Any:
    """Drive a `MessageReader`; return all events."""
    return [event for events in read_promptly(function, case) for event in events]


def read_promptly(function: Function, case: Pieces) -> Any:
    """Drive a `MessageReader`; return the events after each piece."""
    reader: Any = function(LIMIT)
    return [list(reader.feed(piece)) for piece in case]


def read_rightly(case: Pieces) -> list[Event]:
    """Return all events that this stream is."""
    return _Stream(b"".join(case)).events()


def read_rightly_and_promptly(case: Pieces) -> list[list[Event]]:
    """Return the events that each piece adds to those before it."""
    told = [len(read_rightly(case[:number])) for number in range(len(case) + 1)]
    events = read_rightly(case)
    return [events[told[number] : told[number + 1]] for number in range(len(case))]


class _Stream:
    """A model: it has the whole stream before it, and keeps nothing between pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._parts: list[bytes] = []
        self._opcode = 0  # of the message that has begun; 0: none has

    def events(self) -> list[Event]:
        """Return the events up to the first that closes."""
        events: list[Event] = []
        while len(self._data) >= 2:
            event, wanted = self._next()
            if not wanted:
                break
            if event is not None:
                events.append(event)
                if event[0] == "close":
                    break
        return events

    def _next(self) -> tuple[Event | None, bool]:
        """Take a frame off the stream; say what it means, and whether it was all there."""
        first, second = self._data[:2]
        opcode, length, start = first & 0x0F, second & 0x7F, 2
        if problem := self._problem(first, second):
            return ("close", problem), True
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self._data) < start:
                return None, False
            length = int.from_bytes(self._data[2:start])
        if opcode < CLOSE and sum(map(len, self._parts)) + length > LIMIT:
            return ("close", 1009), True
        end = start + 4 + length
        if len(self._data) < end:
            return None, False
        mask, payload = self._data[start : start + 4], self._data[start + 4 : end]
        self._data = self._data[end:]
        return self._meaning(first, _unmask(payload, mask)), True

    def _problem(self, first: int, second: int) -> int:
        opcode = first & 0x0F
        unknown = opcode not in (0, *_KINDS, CLOSE) or first & 0x70
        out_of_place = opcode < CLOSE and (opcode == 0) != bool(self._opcode)
        improper = opcode >= CLOSE and (second & 0x7F > 125 or not first & 0x80)
        return 1002 if unknown or out_of_place or improper or not second & 0x80 else 0

    def _meaning(self, first: int, payload: bytes) -> Event | None:
        opcode = first & 0x0F
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2]) if len(payload) != 1 else 1002
            return "close", code if payload else 1005
        if opcode > CLOSE:
            return _KINDS[opcode], payload
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        if not first & 0x80:
            return None
        kind, message = _KINDS[self._opcode], b"".join(self._parts)
        self._opcode, self._parts = 0, []
        if kind == "binary":
            return kind, message
        try:
            return kind, message.decode()
        except UnicodeDecodeError:
            return "close", 1007
