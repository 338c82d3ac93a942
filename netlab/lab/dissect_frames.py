r"""Frames of the simplest kind: lines, length-prefixed frames, and bytes that nobody knows.

A line ends with ``\n``; a ``\r`` before it belongs to the end, as telnet sends it. A
length-prefixed frame has its length before it, in four bytes, big-endian.
"""

from __future__ import annotations

from netlab.lab.dissect_fields import Cursor, Dissection, Parser, as_hex, as_text, is_utf8
from netlab.lab.labels import count

PREFIX_BYTES = 4
BLOCK_BYTES = 4096  # bytes of an unknown protocol are shown in blocks of this size


class Lines:
    """Lines of text."""

    successor: Parser | None = None

    def __init__(self) -> None:
        self._searched = 0  # up to this byte of the stream there is no newline

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        end = buffer.find(b"\n", max(at, self._searched - base)) + 1
        if not end and not ended:
            self._searched = base + len(buffer)
            return None
        data = bytes(buffer[at : end or len(buffer)])
        return line(data, base + at)


def line(data: bytes, start: int) -> Dissection:
    cursor = Cursor(data, start)
    body = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    note = "" if is_utf8(body) else "not valid UTF-8"
    cursor.take(len(body), "text", as_text(body), note)
    ending = data[len(body) :]
    cursor.rest("line end", "CR LF" if len(ending) == 2 else "LF")
    missing = "" if ending else "the newline"
    summary = f"{as_text(body, 60)}, {count(len(data))}"
    return _frame("Lines", "line", summary, cursor, missing, data)


class LengthPrefixed:
    """Frames of any bytes, each behind its length."""

    successor: Parser | None = None

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        there = len(buffer) - at
        size = PREFIX_BYTES
        if there >= PREFIX_BYTES:
            size += int.from_bytes(buffer[at : at + PREFIX_BYTES])
        if there < size and not ended:
            return None
        if there < PREFIX_BYTES and ended:
            size = PREFIX_BYTES
        cursor = Cursor(bytes(buffer[at : at + size]), base + at)
        length = cursor.number(PREFIX_BYTES, "length", lambda number: f"{number:,}")
        payload = b""
        if not cursor.missing and length:
            payload = cursor.take(length, "frame", as_text)
        summary = f"{as_text(payload, 60)}, {count(length)} after the length"
        return _frame("Length-prefixed", "frame", summary, cursor, cursor.missing, payload)


class Unknown:
    """Bytes of a protocol that is not known here."""

    successor: Parser | None = None

    def __init__(self, note: str = "") -> None:
        self._note = note

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        size = min(BLOCK_BYTES, len(buffer) - at)
        if size < BLOCK_BYTES and not ended:
            return None
        cursor = Cursor(bytes(buffer[at : at + size]), base + at)
        cursor.rest("data", as_hex(cursor.data), self._note)
        summary = f"{count(size)}{': ' if self._note else ''}{self._note}"
        return _frame("Bytes", "bytes", summary, cursor, "", cursor.data)


def _frame(
    protocol: str, name: str, summary: str, cursor: Cursor, missing: str, payload: bytes
) -> Dissection:
    return Dissection(
        protocol,
        name,
        f"{summary}; incomplete, missing: {missing}" if missing else summary,
        cursor.start,
        cursor.data,
        tuple(cursor.fields),
        missing,
        payload,
    )
