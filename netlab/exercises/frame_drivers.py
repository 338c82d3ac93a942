"""Drivers for the parsers of chapter 02, and models: what a correct parser answers to the same.

A driver runs in the child: it is called with the learner's code and a case, a stream in pieces.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

from netlab.exercises.calls import Function, Report
from netlab.exercises.shrink import Pieces

LIMIT = 8
"""bytes of a frame, in most probes"""
FLOOD_LIMIT = 65_536
KEPT_BYTES = 1_000_000
"""bytes that may be kept of a line that never ends"""


def split(tail: bytes, data: bytes) -> tuple[list[bytes], bytes]:
    """What `split_lines(tail, data)` returns."""
    *lines, rest = (tail + data).split(b"\n")
    return lines, rest


def read(make: Function, case: Pieces) -> Any:
    """Drive a `FrameReader`: feed it the pieces, then end; return its lines, and what was left."""
    reader = make(LIMIT)
    lines: list[Any] = []
    for piece in case:
        found = reader.feed(piece)
        if not isinstance(found, list):
            return f"feed({piece!r}) returned {found!r}, which is no list"
        lines += found
    return lines, reader.end()


def read_rightly(case: Pieces) -> tuple[list[bytes | None], int]:
    """What `read` returns for a correct reader."""
    *lines, tail = b"".join(case).split(b"\n")
    return [line if len(line) <= LIMIT else None for line in lines], len(tail)


def flood(make: Function, report: Report) -> None:
    """Feed a reader 20 MB without a newline; report how much it keeps, and what it says next."""
    reader = make(FLOOD_LIMIT)
    piece = b"x" * FLOOD_LIMIT
    tracemalloc.start()
    for _ in range(20_000_000 // FLOOD_LIMIT):
        reader.feed(piece)
        kept, _ = tracemalloc.get_traced_memory()
        if kept > KEPT_BYTES:
            break
    tracemalloc.stop()
    report("answer", (kept > KEPT_BYTES, reader.feed(b"x\nnext\n")))


def encode(make: Function, case: Pieces) -> Any:
    """Drive `LengthCodec.encode`."""
    return make(LIMIT).encode(b"".join(case))


def encode_rightly(case: Pieces) -> bytes:
    """What `encode` returns for a correct codec."""
    frame = b"".join(case)
    if len(frame) > LIMIT:
        raise ValueError("too long")
    return len(frame).to_bytes(4) + frame


def decode(make: Function, case: Pieces) -> Any:
    """Drive `LengthCodec.feed`; return all frames."""
    codec = make(LIMIT)
    frames: list[Any] = []
    for piece in case:
        found = codec.feed(piece)
        if not isinstance(found, list):
            return f"feed({piece!r}) returned {found!r}, which is no list"
        frames += found
    return frames


def decode_rightly(case: Pieces) -> list[bytes]:
    """What `decode` returns for a correct codec."""
    rest, frames = b"".join(case), []
    while len(rest) >= 4:
        size = int.from_bytes(rest[:4])
        if size > LIMIT:
            raise ValueError("too long")
        if len(rest) < 4 + size:
            break
        frames.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    return frames
