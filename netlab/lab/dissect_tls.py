"""TLS records and the handshake messages in them, as far as they are in the clear (RFC 8446, 5)."""

from __future__ import annotations

from netlab.lab.dissect_fields import Cursor, Dissection, Parser
from netlab.lab.dissect_frames import Unknown
from netlab.lab.dissect_hello import client_hello, server_hello
from netlab.lab.dissect_tls_names import (
    ALERT_LEVELS,
    ALERTS,
    CONTENT_TYPES,
    HANDSHAKES,
    VERSIONS,
    named,
)
from netlab.lab.labels import count

HEADER_BYTES = 5
MAX_RECORD_BYTES = 2**14 + 2048  # as TLS 1.2 allows for what is encrypted
ENCRYPTED = "<encrypted>"


def is_tls(buffer: bytes | bytearray, at: int) -> bool:
    """Whether a record may begin so; of a header that is cut off what is there must fit."""
    head = buffer[at : at + HEADER_BYTES]
    fits = head[0] in CONTENT_TYPES and (len(head) < 2 or head[1] == 3)
    fits = fits and (len(head) < 3 or head[2] <= 4)
    return fits and (len(head) < 5 or int.from_bytes(head[3:5]) <= MAX_RECORD_BYTES)


class TLS:
    """The records of one direction of a connection."""

    def __init__(self) -> None:
        self.successor: Parser | None = None
        self._encrypted = False  # from ChangeCipherSpec on
        self._unfinished = 0  # bytes of a handshake message that the next record goes on with
        self._unfinished_name = ""

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        if not is_tls(buffer, at):
            self.successor = Unknown("a TLS record was expected, and this is none")
            return self.successor.next(buffer, at, base, ended)
        there = len(buffer) - at
        size = HEADER_BYTES
        if there >= HEADER_BYTES:
            size += int.from_bytes(buffer[at + 3 : at + 5])
        if there < size and not ended:
            return None
        return self._record(Cursor(bytes(buffer[at : at + size]), base + at), size)

    def _record(self, cursor: Cursor, size: int) -> Dissection:
        kind = cursor.data[0]
        cursor.take(1, "content type", f"{kind} {CONTENT_TYPES[kind]}")
        cursor.number(
            2,
            "record version",
            lambda number: named(VERSIONS, number),
            "legacy: kept for old peers",
        )
        length = cursor.number(2, "length", lambda number: f"{number:,}")
        name = CONTENT_TYPES[kind]
        word = f"{name}, {count(length)}"
        if not cursor.missing:
            match kind:
                case 20:
                    self._encrypted = True
                    cursor.take(length, "message")
                    word = name
                case 21 if length == 2 and not self._encrypted:
                    word = self._alert(cursor)
                case 22 if not self._encrypted:
                    name, word = self._handshakes(cursor, length)
                case _:
                    cursor.take(length, "encrypted data", varies=ENCRYPTED)
                    word = f"{name}, encrypted, {count(length)}"
        if len(cursor.data) < size and not cursor.missing:
            cursor.missing = f"{count(size - len(cursor.data))} of the record"
        summary = f"{word}; incomplete, missing: {cursor.missing}" if cursor.missing else word
        return Dissection(
            "TLS", name, summary, cursor.start, cursor.data, tuple(cursor.fields), cursor.missing,
            word=word,
        )  # fmt: skip

    def _alert(self, cursor: Cursor) -> str:
        level = cursor.number(1, "level", lambda number: named(ALERT_LEVELS, number))
        about = cursor.number(1, "description", lambda number: f"{number} {named(ALERTS, number)}")
        return f"Alert, {named(ALERT_LEVELS, level)}: {named(ALERTS, about)}"

    def _handshakes(self, cursor: Cursor, length: int) -> tuple[str, str]:
        """Name the messages in a record: there may be several, and one may go on in the next."""
        words: list[str] = []
        names: list[str] = []
        if self._unfinished:
            size = min(self._unfinished, length)
            self._unfinished -= size
            cursor.take(size, f"more of {self._unfinished_name}", varies="<the rest>")
            words.append(f"more of {self._unfinished_name}, {count(size)}")
            names.append(self._unfinished_name)
        while cursor.left and not cursor.missing:
            inside = cursor.left
            kind = cursor.number(
                1, "handshake type", lambda number: f"{number} {named(HANDSHAKES, number)}"
            )
            name = named(HANDSHAKES, kind)
            if cursor.left < 3:
                cursor.rest("message length", note="goes on in the next record")
                break
            size = cursor.number(3, "message length", lambda number: f"{number:,}")
            here = min(size, inside - 4)
            if here < size:
                self._unfinished, self._unfinished_name = size - here, name
            body = Cursor(cursor.data[cursor.at : cursor.at + here], cursor.start + cursor.at)
            word = name
            if kind in (1, 2):
                hello = client_hello if kind == 1 else server_hello
                word = f"{name}{hello(body)}"
            body.rest("body", varies=f"<{name}>")
            cursor.fields += body.fields
            cursor.at += here
            words.append(f"{word}, the first {count(here)} of {size:,}" if here < size else word)
            names.append(name)
        return names[0] if names else "Handshake", " + ".join(words) or "Handshake"
