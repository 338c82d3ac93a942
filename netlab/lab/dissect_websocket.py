"""WebSocket frames, each bit named (RFC 6455, 5.2), and the messages that they are parts of."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from netlab.lab.dissect_engineio import EngineIO, is_likely
from netlab.lab.dissect_fields import Cursor, Dissection, Parser, as_hex, as_text, is_utf8
from netlab.lab.labels import count
from netlab.lab.recording import Direction

OPCODES = {0: "CONTINUATION", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}
CLOSE_CODES = {  # RFC 6455, 7.4.1, and IANA's registry
    1000: "normal closure",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status received; must not be on the wire",
    1006: "abnormal closure; must not be on the wire",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS handshake failed; must not be on the wire",
}
MAX_MESSAGE_BYTES = 1024 * 1024  # of a fragmented or compressed message, how much is put together
NONCE_BYTES = 4  # of the pings that the `websockets` package sends by itself
NONCE = "<nonce>"


class WebSocket:
    """The frames of one direction of a connection."""

    successor: Parser | None = None

    def __init__(self, direction: Direction | None = None, *, engineio: bool | None = None) -> None:
        self._direction = direction
        self._is_engineio = engineio  # None: look at the first message
        self._engineio = EngineIO()
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        # The message of which fragments have come: its opcode (0: none), RSV1, its bytes so far.
        self._opcode = 0
        self._compressed = False
        self._message = bytearray()
        self._cut = False  # it is too long to be put together

    def next(self, buffer: bytearray, at: int, base: int, ended: bool) -> Dissection | None:
        size = frame_bytes(buffer, at)
        if not ended and (size is None or len(buffer) - at < size):
            return None
        data = bytes(buffer[at:] if size is None else buffer[at : at + size])
        return self._frame(Cursor(data, base + at))

    def _frame(self, cursor: Cursor) -> Dissection:
        data, start = cursor.data, cursor.start
        first = data[0]
        opcode, fin = first & 15, first >> 7
        name = OPCODES.get(opcode, f"opcode {opcode}")
        faults = self._faults(first)
        cursor.bits(
            ("FIN", 1, str(fin), "the last frame of its message" if fin else "more will follow"),
            ("RSV1", 1, str(first >> 6 & 1), self._rsv1(first)),
            ("RSV2", 1, str(first >> 5 & 1), "reserved"),
            ("RSV3", 1, str(first >> 4 & 1), "reserved"),
            ("opcode", 4, f"{opcode} {name}", "" if opcode in OPCODES else "reserved"),
        )
        masked, length = self._length(cursor, faults, opcode)
        mask = b""
        if masked and not cursor.missing:
            mask = cursor.take(4, "masking key", varies="<mask>")
        wire = data[cursor.at : cursor.at + length] if not cursor.missing else b""
        payload = unmask(wire, mask) if len(mask) == 4 or not masked else b""
        head = cursor.at
        self._payload(cursor, opcode, payload, length)
        carried = self._carried(first, payload, start + head, not cursor.missing)
        kind = name if fin or opcode >= 8 else f"{name} (first part)"
        if opcode == 0:
            kind = "CONTINUATION (last part)" if fin else "CONTINUATION"
        summary = f"{kind}, {'masked, ' if masked else ''}{count(length)}"
        if carried.text:
            summary += f": {carried.text}"
        summary = "; ".join([summary, *faults])
        if cursor.missing:
            summary += f"; incomplete, missing: {cursor.missing}"
        return Dissection(
            "WebSocket",
            name,
            summary,
            start,
            data,
            tuple(cursor.fields),
            cursor.missing,
            carried.payload,
            carried.word,
            data[:head] + payload if mask else b"",
            inner=carried.inner,
        )

    def _length(self, cursor: Cursor, faults: list[str], opcode: int) -> tuple[bool, int]:
        """Name MASK and the length in its 7, 7 + 16 or 7 + 64 bits; return both."""
        if not cursor.left:
            cursor.missing = "MASK and the length"
            return False, 0
        masked, length = bool(cursor.data[cursor.at] >> 7), cursor.data[cursor.at] & 127
        self._check_mask(masked, faults)
        note = {126: "the length is in the next 2 bytes", 127: "the length is in the next 8 bytes"}
        cursor.bits(
            ("MASK", 1, str(int(masked)), "a masking key follows" if masked else "not masked"),
            ("length", 7, str(length), note.get(length, "bytes of payload")),
        )
        if length < 126:
            return masked, length
        size = 2 if length == 126 else 8
        if opcode >= 8:
            faults.append("a control frame may carry 125 bytes at most (RFC 6455, 5.5)")
        extended = cursor.number(size, "extended length", lambda number: f"{number:,}")
        if not cursor.missing and extended < (126 if size == 2 else 65_536):
            faults.append("the length must use the fewest bytes (RFC 6455, 5.2)")
        return masked, extended

    def _check_mask(self, masked: bool, faults: list[str]) -> None:
        if self._direction is Direction.TO_SERVER and not masked:
            faults.append("a client must mask what it sends (RFC 6455, 5.1)")
        if self._direction is Direction.TO_CLIENT and masked:
            faults.append("a server must not mask what it sends (RFC 6455, 5.1)")

    def _faults(self, first: int) -> list[str]:
        """Return what is wrong with the first byte, at this place of the stream."""
        faults, opcode, fin = [], first & 15, first >> 7
        if first & 0b0011_0000 or (first & 0b0100_0000 and opcode not in (1, 2)):
            faults.append("a reserved bit is set that nobody has negotiated (RFC 6455, 5.2)")
        if opcode not in OPCODES:
            faults.append("a reserved opcode (RFC 6455, 5.2)")
        if opcode >= 8 and not fin:
            faults.append("a control frame must not be fragmented (RFC 6455, 5.5)")
        if opcode == 0 and not self._opcode:
            faults.append("a continuation, but no message has begun (RFC 6455, 5.4)")
        if opcode in (1, 2) and self._opcode:
            faults.append("a new message inside a fragmented one (RFC 6455, 5.4)")
        return faults

    def _rsv1(self, first: int) -> str:
        if first & 0b0100_0000 and first & 15 in (1, 2):
            return "compressed: permessage-deflate (RFC 7692)"
        return "reserved"

    def _payload(self, cursor: Cursor, opcode: int, payload: bytes, length: int) -> None:
        if cursor.missing or not length:
            return
        if opcode != 8:
            value = as_text(payload) if opcode != 2 else as_hex(payload)
            varies = NONCE if _is_nonce(opcode, payload) else ""
            cursor.take(length, "payload", value, varies=varies)
        elif length == 1:
            cursor.take(1, "payload", note="a close code has 2 bytes (RFC 6455, 5.5.1)")
        else:
            code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 0
            cursor.take(2, "close code", str(code), close_words(code))
            note = "" if is_utf8(payload[2:]) else "not valid UTF-8"
            cursor.take(length - 2, "reason", as_text(payload[2:]), note)

    def _carried(self, first: int, payload: bytes, place: int, complete: bool) -> Carried:
        """Say what a frame carries; follow the message that it is a part of."""
        opcode, fin = first & 15, bool(first >> 7)
        if opcode == 8:
            return _close(payload)
        if opcode > 2:
            name = OPCODES.get(opcode, f"opcode {opcode}")
            if _is_nonce(opcode, payload):
                return Carried(as_text(payload), f"{name} {NONCE}")
            return Carried(as_text(payload, 60) if payload else "", name, payload)
        word = OPCODES[opcode] + ("" if fin else ", FIN=0,")
        if opcode:
            self._message.clear()
            self._opcode, self._compressed = opcode, bool(first & 0b0100_0000)
            self._cut = False
        kind = self._opcode
        self._cut |= len(self._message) > MAX_MESSAGE_BYTES
        if not self._cut:
            self._message += payload
        whole = bytes(self._message)
        text = as_text(payload, 60) if kind == 1 else as_hex(payload, 20)
        if not fin or not complete or self._cut:
            return Carried("compressed" if self._compressed else text, word, payload)
        self._opcode = 0
        self._message.clear()
        note = "" if opcode else "the message"
        if self._compressed:
            inflated = self._inflated(whole)
            if inflated is None:
                return Carried("compressed; what it depends on is not here", word, payload)
            whole, note = inflated, "inflated"
            payload = whole
        if note:
            text = f"{note}: {as_text(whole, 60) if kind == 1 else as_hex(whole, 20)}"
            place = 0
        if kind == 1 and not is_utf8(whole):
            text += "; not valid UTF-8, to be closed with 1007 (RFC 6455, 8.1)"
        return Carried(text, word, payload, self._inside(whole, kind, place))

    def _inside(self, message: bytes, kind: int, place: int) -> tuple[Dissection, ...]:
        if self._is_engineio is None and message and kind == 1:
            self._is_engineio = is_likely(message)
        if not self._is_engineio or not message:
            return ()
        packet = self._engineio.packet if kind == 1 else self._engineio.binary
        return (packet(message, place),)

    def _inflated(self, message: bytes) -> bytes | None:
        """Return a compressed message in the clear (RFC 7692, 7.2.2), up to a limit."""
        try:
            found = self._inflate.decompress(message + b"\x00\x00\xff\xff", MAX_MESSAGE_BYTES)
        except zlib.error:
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return None
        if self._inflate.unconsumed_tail or self._inflate.eof:
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        return found


@dataclass(frozen=True, slots=True)
class Carried:
    """What a frame carries: in words, for a diagram, as bytes, and in the next protocol."""

    text: str
    word: str
    payload: bytes = b""
    inner: tuple[Dissection, ...] = ()


def _is_nonce(opcode: int, payload: bytes) -> bool:
    return opcode in (9, 10) and len(payload) == NONCE_BYTES


def _close(payload: bytes) -> Carried:
    if len(payload) < 2:
        return Carried("", "CLOSE")
    code = int.from_bytes(payload[:2])
    reason = f" {as_text(payload[2:])}" if len(payload) > 2 else ""
    return Carried(f"{code} {close_words(code)}{reason}", f"CLOSE {code}{reason}")


def frame_bytes(buffer: bytes | bytearray, at: int) -> int | None:
    """Return how long the frame at ``buffer[at]`` is with its header; None: too early to say."""
    if len(buffer) - at < 2:
        return None
    length = buffer[at + 1] & 127
    extended = {126: 2, 127: 8}.get(length, 0)
    if len(buffer) - at < 2 + extended:
        return None
    if extended:
        length = int.from_bytes(buffer[at + 2 : at + 2 + extended])
    return 2 + extended + (4 if buffer[at + 1] >> 7 else 0) + length


def unmask(data: bytes, mask: bytes) -> bytes:
    """XOR each byte with the byte of the mask that is its turn (RFC 6455, 5.3)."""
    if not mask or not data:
        return data
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))


def close_words(code: int) -> str:
    if 3000 <= code <= 3999:
        return "registered for a library"
    if 4000 <= code <= 4999:
        return "private use"
    return CLOSE_CODES.get(code, "reserved")
