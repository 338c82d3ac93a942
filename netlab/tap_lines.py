"""What `netlab tap` says of each event: who, an arrow, and what, in a line a terminal can bear."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.lab.dissect_arrows import frame_label, frame_note
from netlab.lab.dissect_stream import PROTOCOLS, Conversation
from netlab.lab.labels import ELLIPSIS, Names, count, label
from netlab.lab.recording import Chunk, Direction
from netlab.terminal import harmless

FRAMINGS = ("chunks", "auto", *(name for name in PROTOCOLS if name != "bytes"))
"""how bytes can be cut for the lines: as they came, or by a protocol, or by the one they are in"""
MAX_WAITING_BYTES = 1024 * 1024
"""of a frame whose end has not come, before its connection is shown as it comes"""
HEX_BYTES = 512
"""of an event, how many --hex shows"""
ROW_BYTES = 16
WAY_COLUMNS = 14
MIN_COLUMNS = 30
COLORS = {Direction.TO_SERVER: "\x1b[36m", Direction.TO_CLIENT: "\x1b[35m"}
PLAIN = "\x1b[0m"
ENDINGS = {"fin": "FIN", "rst": "RST"}


class TapLines:
    """Makes lines of chunks as they come.

    Args:
        framing: one of `FRAMINGS`.
        columns: how long a line may be.
        hex_dump: whether the bytes follow below.
        color: whether the two directions have each a color.
    """

    def __init__(self, framing: str, *, columns: int, hex_dump: bool, color: bool) -> None:
        self._protocol = None if framing == "auto" else framing
        self._framed = framing != "chunks"
        self._columns = max(MIN_COLUMNS, columns - WAY_COLUMNS - 2)
        self._hex_dump = hex_dump
        self._color = color
        self._talks: dict[str, Conversation] = {}  # of connections that are framed
        self._waiting: dict[tuple[str, Direction], int] = {}
        self._ended: dict[str, set[Direction]] = {}

    def opened(self, key: str, what: str) -> str:
        """Say that somebody has come; `what` says from where."""
        if self._framed:
            self._talks[key] = Conversation(self._protocol)
        return self._line(key, Direction.TO_SERVER, what)

    def lines(self, chunk: Chunk) -> Iterator[str]:
        """Say what has happened, a line for each frame or event."""
        key, way = chunk.connection, chunk.direction
        if chunk.kind == "data":
            yield from self._data(key, way, chunk.data)
        elif chunk.kind == "error":
            yield from self._rest(key, way)
            yield self._line(key, way, f"failed: {chunk.data.decode(errors='replace')}")
            self._end(key, *Direction)
        elif chunk.kind in ENDINGS:
            yield from self._rest(key, way)
            yield self._line(key, way, ENDINGS[chunk.kind])
            self._end(key, *(Direction if chunk.kind == "rst" else [way]))

    def _data(self, key: str, way: Direction, data: bytes) -> Iterator[str]:
        talk = self._talks.get(key)
        if talk is None:
            yield from self._told(key, way, data, label(data, Names(), self._columns))
            return
        waiting = self._waiting.get((key, way), 0) + len(data)
        for frame in talk.feed(way, data):
            waiting -= len(frame.data)
            what = frame_label(frame, Names(), self._columns)
            note = frame_note(frame)
            yield from self._told(key, way, frame.data, f"{what}   ({note})" if note else what)
        self._waiting[key, way] = waiting
        if waiting > MAX_WAITING_BYTES:
            what = f"no frame ends within {count(waiting)}: shown as it comes from here on"
            yield self._line(key, way, f"({what})")
            self._end(key, *Direction)

    def _rest(self, key: str, way: Direction) -> Iterator[str]:
        """Say what had come of a frame when its sender ended."""
        talk = self._talks.get(key)
        for frame in talk.end(way) if talk else ():
            what = frame_label(frame, Names(), self._columns)
            yield from self._told(key, way, frame.data, f"{what}   (incomplete)")

    def _end(self, key: str, *ways: Direction) -> None:
        """Forget a connection when both ways have ended."""
        ended = self._ended.setdefault(key, set())
        ended.update(ways)
        if len(ended) == len(Direction):
            self._talks.pop(key, None)
            del self._ended[key]
            for way in Direction:
                self._waiting.pop((key, way), None)

    def _told(self, key: str, way: Direction, data: bytes, what: str) -> Iterator[str]:
        yield self._line(key, way, what or "(nothing)")
        if self._hex_dump:
            yield from hex_rows(data)

    def _line(self, key: str, way: Direction, what: str) -> str:
        who = f"{key} → server" if way is Direction.TO_SERVER else f"server → {key}"
        who = f"{harmless(who):<{WAY_COLUMNS}}"
        if self._color:
            who = f"{COLORS[way]}{who}{PLAIN}"
        return f"{who}  {harmless(what)}"


def hex_rows(data: bytes) -> Iterator[str]:
    """Yield rows of offset, bytes and the ASCII among them, of the first `HEX_BYTES`."""
    for start in range(0, min(len(data), HEX_BYTES), ROW_BYTES):
        row = data[start : min(start + ROW_BYTES, HEX_BYTES)]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"    {start:08x}  {row.hex(' '):<{3 * ROW_BYTES}} |{text}|"
    if len(data) > HEX_BYTES:
        yield f"    {ELLIPSIS} {count(len(data) - HEX_BYTES)} more"
