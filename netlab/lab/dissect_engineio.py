r"""Engine.IO (protocol 4) and, inside it, Socket.IO (protocol 5).

An Engine.IO packet is a digit and its data. In a WebSocket message stands one packet; the body of
a poll holds several with ``\x1e`` between them. A packet of type 4, a message, carries Socket.IO:
another digit, then, each if it is there, ``attachments-``, ``/namespace,``, ``ack id`` and JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from netlab.lab.dissect_fields import (
    TEXT_CHARS,
    Cursor,
    Dissection,
    Parser,
    as_hex,
    as_text,
    is_utf8,
)
from netlab.lab.labels import count

SEPARATOR = b"\x1e"
ENGINE = ("OPEN", "CLOSE", "PING", "PONG", "MESSAGE", "UPGRADE", "NOOP")
SOCKET = ("CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK")
_BINARY = (5, 6)

# What a Socket.IO packet looks like after its type. python-socketio takes 100 digits of an id.
_HEAD = re.compile(
    rb"(?P<attachments>\d{1,10}-)?(?P<namespace>/[^,]*,?)?(?P<id>\d{1,100}(?=$|[^0-9]))?", re.DOTALL
)
# Enough of a packet's beginning that it is unlikely to be anything else.
_LIKELY = re.compile(
    rb'0\{"sid":|[23]probe$|[0-6]$|4[0-6]$|40[{/]|4[0-6](?:\d{1,10}-)?(?:/[^,]*,)?\d*[\[{"]',
    re.DOTALL,
)


def is_likely(data: bytes) -> bool:
    """Whether a whole message, or the body of a poll, looks like Engine.IO."""
    return all(
        _LIKELY.match(one[:512]) or (one[:1] == b"b" and _decoded(one[1:]) is not None)
        for one in data.split(SEPARATOR)
    )


def is_likely_prefix(data: bytes) -> bool:
    """Whether what begins so is Engine.IO, whatever follows."""
    return bool(re.match(rb'0\{"sid":|[23]probe|40[{/]|4[2-6](?:\d{1,10}-)?\[', data))


class EngineIO:
    """Engine.IO packets. Follows the attachments that a Socket.IO packet announces."""

    successor: Parser | None = None

    def __init__(self, *, engine: bool = True) -> None:
        self._engine = engine
        self._due = self._announced = 0  # binary attachments

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        end = buffer.find(SEPARATOR, at)
        if end < 0 and not ended:
            return None
        data = bytes(buffer[at : end + 1 if end >= 0 else len(buffer)])
        return self.packet(data, base + at, polling=True)

    def payload(self, data: bytes, start: int) -> tuple[Dissection, ...]:
        """Dissect the whole body of a poll: packets with separators between them."""
        found = []
        while data:
            end = data.find(SEPARATOR) + 1 or len(data)
            found.append(self.packet(data[:end], start, polling=True))
            data, start = data[end:], start + end
        return tuple(found)

    def packet(self, data: bytes, start: int, *, polling: bool = False) -> Dissection:
        """Dissect one text packet, with the separator after it if there is one."""
        cursor = Cursor(data, start)
        body = data.removesuffix(SEPARATOR) if polling else data
        if polling and self._engine and body[:1] == b"b":
            return self._base64(cursor, body)
        if not self._engine:
            return self._socket(cursor, body, "")
        kind = _digit(body)
        if kind is None:
            return self._unknown(cursor, body, "Engine.IO")
        name = ENGINE[kind]
        cursor.take(1, "Engine.IO type", f"{kind} {name}")
        if name == "MESSAGE" and _is_socketio(body[1:]):
            return self._socket(cursor, body, "MESSAGE ")
        rest = body[1:]
        ids: tuple[str, ...] = ()
        if name == "OPEN":
            cursor.take(len(rest), "handshake", *_json(rest))
            ids = _sids(rest)
        else:
            note = "probes the upgrade" if rest == b"probe" else ""
            cursor.take(len(rest), "data", as_text(rest), note)
        summary = f"{name} {as_text(rest, 60)}" if rest else name
        return _done(cursor, "Engine.IO", name, summary, body, ids)

    def binary(self, data: bytes, start: int) -> Dissection:
        """Dissect a binary WebSocket message: all of it is the data of a message."""
        cursor = Cursor(data, start)
        name, note = self._attachment()
        cursor.rest("data", as_hex(data), note)
        return _done(cursor, "Engine.IO", name, f"binary MESSAGE, {count(len(data))}", data)

    def _base64(self, cursor: Cursor, body: bytes) -> Dissection:
        name, note = self._attachment()
        data = _decoded(body[1:])
        cursor.take(1, "Engine.IO type", "b binary MESSAGE", "in base64")
        shown = "not valid base64" if data is None else as_hex(data)
        cursor.take(len(body) - 1, "data", shown, note)
        summary = f"binary MESSAGE, {count(len(data or b''))} in base64"
        return _done(cursor, "Engine.IO", name, summary, body)

    def _attachment(self) -> tuple[str, str]:
        """Count a binary message: is it one that a Socket.IO packet has announced?"""
        if not self._due:
            return "MESSAGE", ""
        self._due -= 1
        return "attachment", f"attachment {self._announced - self._due} of {self._announced}"

    def _socket(self, cursor: Cursor, body: bytes, before: str) -> Dissection:
        kind = _digit(body[cursor.at :])
        if kind is None:
            return self._unknown(cursor, body, "Socket.IO")
        name = SOCKET[kind]
        cursor.take(1, "Socket.IO type", f"{kind} {name}")
        head = _HEAD.match(body, cursor.at)
        assert head is not None  # every part of it is optional
        if part := head["attachments"]:
            number = int(part[:-1])
            note = "that many binary messages follow" if kind in _BINARY else "not for this type"
            cursor.take(len(part), "attachments", str(number), note)
            self._due = self._announced = number if kind in _BINARY else 0
        summary = f"{before}{name}"
        if part := head["namespace"]:
            cursor.take(len(part), "namespace", as_text(part.removesuffix(b",")))
            summary += f" in {as_text(part.removesuffix(b','), 40)}"
        if part := head["id"]:
            note = "answers that request" if name.endswith("ACK") else "the receiver shall answer"
            cursor.take(len(part), "ack id", part.decode(), note)
            summary += f", ack {part.decode()[:20]}"
        data = body[cursor.at :]
        cursor.take(len(data), "data", *_json(data))
        if data:
            summary += f" {as_text(data, 60)[1:-1] if is_utf8(data) else as_hex(data, 20)}"
        ids = _sids(data) if name == "CONNECT" else ()
        return _done(cursor, "Socket.IO", name, summary, body, ids)

    def _unknown(self, cursor: Cursor, body: bytes, protocol: str) -> Dissection:
        note = f"no {protocol} packet begins so; a digit from 0 to 6 is due"
        cursor.take(len(body) - cursor.at, "data", as_text(body[cursor.at :]), note)
        return _done(cursor, protocol, "unknown", note, body)


def _done(
    cursor: Cursor,
    protocol: str,
    name: str,
    summary: str,
    body: bytes,
    ids: tuple[str, ...] = (),
) -> Dissection:
    cursor.take(len(cursor.data) - len(body), "separator", r"\x1e", "another packet follows")
    fields = tuple(cursor.fields)
    return Dissection(
        protocol, name, summary, cursor.start, cursor.data, fields, payload=body, ids=ids
    )


def _digit(data: bytes) -> int | None:
    return data[0] - 48 if data and 48 <= data[0] <= 54 else None


def _is_socketio(data: bytes) -> bool:
    """Whether the data of a message is Socket.IO; Engine.IO alone may carry any text."""
    if _digit(data) is None:
        return False
    head = _HEAD.match(data, 1)
    assert head is not None
    rest = data[head.end() :]
    return not rest or rest[:1] in b'[{"'


def _json(data: bytes) -> tuple[str, str]:
    """Return how data is shown, and what is to be said about it."""
    if not data:
        return "", ""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return as_text(data), "not valid JSON"
    return (as_text(data)[1:-1] if len(data) <= TEXT_CHARS else as_text(data)), "JSON"


def _sids(data: bytes) -> tuple[str, ...]:
    try:
        sid = json.loads(data)["sid"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ()
    return (sid,) if isinstance(sid, str) and len(sid) > 3 else ()


def _decoded(data: bytes) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
