"""What a dissector answers: named fields, each with the bytes, or the bits, that it stands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from netlab.lab.labels import ELLIPSIS, count, visible

TEXT_CHARS = 200  # of a text, how many a value shows
HEX_BYTES = 32


@dataclass(frozen=True, slots=True)
class Field:
    """One named part of what was dissected."""

    name: str
    value: str
    start: int
    """Number of its first byte, counted from the beginning of the stream."""
    end: int
    """Number of the first byte after it."""
    bits: tuple[int, int] | None = None
    """Its first and last bit in that byte. Bit 0 is the highest, as the figures in RFCs count."""
    note: str = ""
    varies: str = ""
    """What a diagram draws in its place, for bytes that are random or differ from run to run."""


@dataclass(frozen=True, slots=True)
class Dissection:
    """One frame, packet, line, head or record, taken apart."""

    protocol: str
    name: str
    """What kind of thing it is, in the words of the protocol: ``TEXT``, ``ClientHello``."""
    summary: str
    start: int
    """Where it begins, counted from the beginning of the stream or, within another, of that."""
    data: bytes
    """Its bytes as they were on the wire."""
    fields: tuple[Field, ...]
    missing: str = ""
    """What has not come yet, for an incomplete one."""
    payload: bytes = b""
    """What it carries, unmasked."""
    word: str = ""
    """What a diagram writes before the payload."""
    clear: bytes = b""
    """Its bytes with the payload unmasked; empty if that makes no difference."""
    ids: tuple[str, ...] = ()
    """Identifiers that it brings into the conversation, to be drawn as names."""
    inner: tuple[Dissection, ...] = ()
    """What its payload is in terms of the next protocol."""

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    @property
    def complete(self) -> bool:
        return not self.missing

    def __getitem__(self, name: str) -> Field:
        """Return the first field of that name.

        Raises:
            KeyError: there is none; the message lists those that there are.
        """
        for field in self.fields:
            if field.name == name:
                return field
        known = ", ".join(dict.fromkeys(field.name for field in self.fields))
        raise KeyError(f"no field {name!r} in this {self.protocol} {self.name}; it has: {known}")

    def __contains__(self, name: str) -> bool:
        return any(field.name == name for field in self.fields)

    def wire(self, field: Field) -> bytes:
        """Return the bytes that the field stands in."""
        return self.data[field.start - self.start : field.end - self.start]


class Parser(Protocol):
    """Cuts the beginning of a buffer off, again and again; keeps what later bytes depend on."""

    successor: Parser | None
    """Who takes over after what was just returned, as WebSocket after an HTTP upgrade."""

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        """Dissect what begins at ``buffer[at]``, which is byte ``base + at`` of the stream.

        Return None if it is not complete yet; when `ended` no more will come, and what there is
        is dissected as an incomplete one.
        """
        ...


class Cursor:
    """Walks over bytes and names them. Never fails: what is too short is noted in `missing`."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data = data
        self.start = start
        self.at = 0
        self.fields: list[Field] = []
        self.missing = ""

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(
        self,
        size: int,
        name: str,
        value: str | Callable[[bytes], str] | None = None,
        note: str = "",
        varies: str = "",
    ) -> bytes:
        """Name the next `size` bytes; return them, or those of them that are there."""
        data = self.data[self.at : self.at + size]
        if len(data) < size and not self.missing:
            self.missing = f"{count(size - len(data))} of {name}"
        if data:
            if callable(value):
                value = value(data)
            shown = as_hex(data) if value is None else value
            if len(data) < size:
                note = f"only {len(data):,} of {count(size)}" + (f"; {note}" if note else "")
                shown = as_hex(data) if varies else shown
            place = self.start + self.at
            self.fields.append(
                Field(name, shown, place, place + len(data), note=note, varies=varies)
            )
            self.at += len(data)
        return data

    def number(
        self, size: int, name: str, words: Callable[[int], str] = str, note: str = ""
    ) -> int:
        """Name a big-endian number of `size` bytes; return it (0 if it is not all there)."""

        def value(data: bytes) -> str:
            return words(int.from_bytes(data)) if len(data) == size else as_hex(data)

        data = self.take(size, name, value, note)
        return int.from_bytes(data) if len(data) == size else 0

    def bits(self, *parts: tuple[str, int, str, str]) -> None:
        """Name the bits of the next byte: (name, how many, value, note), the highest first."""
        place, first = self.start + self.at, 0
        for name, size, value, note in parts:
            last = first + size - 1
            self.fields.append(Field(name, value, place, place + 1, (first, last), note))
            first = last + 1
        self.at += 1

    def rest(self, name: str, value: str | None = None, note: str = "", varies: str = "") -> bytes:
        """Name all that is left."""
        return self.take(self.left, name, value, note, varies)


def as_hex(data: bytes, limit: int = HEX_BYTES) -> str:
    """Return ``"0a ff"``, of long data the beginning."""
    if len(data) <= limit:
        return data.hex(" ")
    return f"{data[:limit].hex(' ')} {ELLIPSIS} ({count(len(data))})"


def as_text(data: bytes, limit: int = TEXT_CHARS) -> str:
    """Return text in quotes with its control characters as escapes; what is no UTF-8 as hex."""
    head = data[: 4 * limit + 4]
    cut = len(head) < len(data)
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if not cut or error.start < len(head) - 3:
            return as_hex(data)
        text = head[: error.start].decode()
    if not cut and len(text) <= limit:
        return f'"{visible(text)}"'
    return f'"{visible(text[:limit])}{ELLIPSIS}" ({count(len(data))})'


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
