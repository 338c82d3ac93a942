"""From chunks, which differ from run to run, to arrows, which do not.

A diagram that is compared with an earlier one may not depend on chance. Chance is in the cuts
between chunks, in the times, in the ports, and in the order in which a server's answers to
*different* clients pass. So: bytes are joined and cut again into frames, times and ports are not
drawn, and what the server sends between two events that come from clients is sorted by the name of
the client. The order within one connection, and of the clients' events, is the one recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, get_args

from netlab.lab.dissect_arrows import is_keepalive, streams
from netlab.lab.dissect_fields import Dissection
from netlab.lab.recording import Chunk, Direction

Cut = Callable[[bytes], Iterable[bytes]]
Protocol = Literal[
    "auto", "http", "websocket", "engineio", "socketio", "tls", "length-prefixed", "bytes"
]
Framing = Literal["lines", "whole", "datagrams"] | Protocol | Cut


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame, or the part of it that one chunk carried; `begins` and `ends` say if it is torn."""

    data: bytes
    begins: bool = True
    ends: bool = True
    whole: Dissection | None = None
    """The whole frame, where its protocol is known."""
    offset: int = 0
    """Where in the frame it begins."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow of a ladder diagram: a frame, a chunk with the frames in it, or an event."""

    connection: str
    direction: Direction
    kind: str
    """A `Kind`, or what a proxy has done to a datagram: "lost"."""
    pieces: tuple[Piece, ...] = ()
    note: str = ""

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


FRAMINGS = ("lines", "whole", "datagrams", "auto", *get_args(Protocol)[1:])


def check_framing(framing: Framing) -> None:
    """Raises ValueError: there is no such framing; the message lists those that there are."""
    if not callable(framing) and framing not in FRAMINGS:
        raise ValueError(
            f"framing {framing!r} is not known; it is one of {', '.join(FRAMINGS)}, or a function"
        )


def arrows(
    recording: Iterable[Chunk], framing: Framing, *, chunks: bool, heartbeats: bool
) -> list[Arrow]:
    """Return the arrows of a recording, in an order that repeats."""
    events = [chunk for chunk in recording if chunk.kind != "data" or chunk.data]
    pieces: dict[int, list[Piece]] = {}
    for run, frames in _framed(events, framing):
        cut = _cut(frames, [len(events[index].data) for index in run])
        pieces.update(zip(run, cut, strict=True))
        if not chunks:
            _join(pieces, run, at_first=framing == "whole")
    drawn = []
    for index, event in enumerate(events):
        # A proxy may say what it has done to a chunk: "late", "again".
        arrow = Arrow(event.connection, event.direction, event.kind, note=event.note)
        if event.kind != "data":
            what = (Piece(event.data),) if event.data else ()
            drawn.append(replace(arrow, pieces=what))
            continue
        shown = [one for one in pieces[index] if heartbeats or not _is_sign_of_life(one)]
        if chunks and shown:
            drawn.append(replace(arrow, pieces=tuple(shown)))
        elif not chunks:
            drawn += [replace(arrow, pieces=(one,)) for one in shown]
    return _sorted_answers(_answers_to_fin(_closed_websockets(drawn)))


def _framed(events: list[Chunk], framing: Framing) -> Iterator[tuple[list[int], list[Piece]]]:
    """Yield the indexes of chunks whose bytes belong together, with the frames in them."""
    if framing == "datagrams":
        yield from (
            ([index], [Piece(one.data)]) for index, one in enumerate(events) if one.kind == "data"
        )
    elif isinstance(framing, str) and framing not in ("lines", "whole"):
        for run, found in streams(events, None if framing == "auto" else framing):
            yield run, [Piece(one.data, ends=one.complete, whole=one) for one in found]
    else:
        for run in _runs(events):
            yield run, list(_frames(b"".join(events[index].data for index in run), framing))


def _is_sign_of_life(piece: Piece) -> bool:
    if piece.whole is None:
        return is_heartbeat(piece.data)
    return is_keepalive(piece.whole) or is_heartbeat(piece.whole.payload)


def name_order(name: str) -> tuple[object, ...]:
    """Sort key for names: c2 comes before c10."""
    parts = re.split(r"(\d+)", name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def is_heartbeat(frame: bytes) -> bool:
    """Whether a frame is a sign of life: a heartbeat, or a ping or pong with ``ref: heartbeat``."""
    if b"heartbeat" not in frame:
        return False
    try:
        message = json.loads(frame)
    except ValueError:
        return False
    if not isinstance(message, dict):
        return False
    kind = message.get("type")
    return kind == "heartbeat" or (kind in ("ping", "pong") and message.get("ref") == "heartbeat")


def _runs(events: list[Chunk]) -> Iterator[list[int]]:
    """Yield the indexes of chunks whose bytes belong together.

    They go one way on one connection, and nothing comes between: neither data the other way nor
    an event. What is left unterminated at the end of a run is drawn as it is.
    """
    open_runs: dict[str, list[int]] = {}
    for index, event in enumerate(events):
        run = open_runs.get(event.connection)
        if run and (event.kind != "data" or events[run[0]].direction != event.direction):
            yield open_runs.pop(event.connection)
        if event.kind == "data":
            open_runs.setdefault(event.connection, []).append(index)
    yield from open_runs.values()


def _frames(data: bytes, framing: Framing) -> Iterator[Piece]:
    """Cut the bytes of a run into frames; a rest that is no frame yet does not end."""
    if framing == "whole":
        yield Piece(data)
        return
    found = framing(data) if callable(framing) else lines(data)
    position = 0
    for frame in found:
        if not frame or not data.startswith(frame, position):
            raise ValueError(
                f"framing gave {frame[:40]!r}, which is not what comes at byte {position}; "
                "it must give the bytes of each frame, in order and with its header"
            )
        yield Piece(frame)
        position += len(frame)
    if position < len(data):
        yield Piece(data[position:], ends=False)


def lines(data: bytes) -> Iterator[bytes]:
    """Yield the complete lines of `data`, each with its ``\\n``."""
    start = 0
    while end := data.find(b"\n", start) + 1:
        yield data[start:end]
        start = end


def _cut(frames: list[Piece], sizes: list[int]) -> list[list[Piece]]:
    """Return for each chunk (of this size) the frames, or parts of frames, that it carried."""
    cut: list[list[Piece]] = []
    waiting = iter(frames)
    frame, used = next(waiting), 0
    for size in sizes:
        parts: list[Piece] = []
        while size:
            part = frame.data[used : used + size]
            ends = used + len(part) == len(frame.data)
            parts.append(Piece(part, used == 0, ends and frame.ends, frame.whole, used))
            size -= len(part)
            used += len(part)
            if ends:
                frame, used = next(waiting, frame), 0
        cut.append(parts)
    return cut


def _join(pieces: dict[int, list[Piece]], run: list[int], *, at_first: bool) -> None:
    """Put torn frames together again, in the chunk where they end (or begin)."""
    torn: list[Piece] = []
    home = run[0]
    for index in run:
        parts, pieces[index] = pieces[index], []
        for part in parts:
            home = home if torn and at_first else index
            torn.append(part)
            if part.ends or (index == run[-1] and part is parts[-1]):
                data = b"".join(one.data for one in torn)
                pieces[home].append(Piece(data, whole=part.whole))
                torn = []


def _closed_websockets(drawn: list[Arrow]) -> list[Arrow]:
    """Put the server's FIN first after a closing handshake, as RFC 6455, 7.1.1, wants it.

    Each side knows by then that it is over, and which FIN passes first is chance.
    """
    result: list[Arrow] = []
    closed: dict[str, set[Direction]] = {}
    for arrow in drawn:
        sides = closed.setdefault(arrow.connection, set())
        if arrow.kind == "open":
            sides.clear()
        elif any(one.whole and one.whole.word.startswith("CLOSE") for one in arrow.pieces):
            sides.add(arrow.direction)
        place = len(result)
        if arrow.kind == "fin" and arrow.direction is Direction.TO_CLIENT and len(sides) == 2:
            last = next(
                (n for n in reversed(range(place)) if result[n].connection == arrow.connection), -1
            )
            place = last if last >= 0 and result[last].kind == "fin" else place
        result.insert(place, arrow)
    return result


def _answers_to_fin(drawn: list[Arrow]) -> list[Arrow]:
    """Move the server's FIN up to what it answers, once the client has finished.

    When two clients close one after the other, the FIN for the first passes before or after that
    of the second: chance. Nothing on other connections can tell which.
    """
    result: list[Arrow] = []
    finished: set[str] = set()
    for arrow in drawn:
        if arrow.kind == "fin" and arrow.direction is Direction.TO_SERVER:
            finished.add(arrow.connection)
        place = len(result)
        if (
            arrow.kind == "fin"
            and arrow.direction is Direction.TO_CLIENT
            and arrow.connection in finished
        ):
            while result[place - 1].connection != arrow.connection:
                place -= 1
        result.insert(place, arrow)
    return result


def _sorted_answers(drawn: list[Arrow]) -> list[Arrow]:
    """Sort what the server sends between two events of clients by the client's name."""
    result: list[Arrow] = []
    for direction, group in groupby(drawn, key=lambda arrow: arrow.direction):
        if direction is Direction.TO_CLIENT:
            result += sorted(group, key=lambda arrow: name_order(arrow.connection))
        else:
            result += group
    return result
