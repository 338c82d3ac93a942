"""Where a stream is cut, spoilt or ends, and how long its bytes take through a narrow line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Literal, NamedTuple

from netlab.lab.chaos_dice import Dice
from netlab.lab.faults import StreamFaults

QUANTUM_S = 0.02
"""seconds that one piece takes at most on a line whose bandwidth is limited"""
CATCH_UP_S = 0.1
"""seconds of lost time that such a line makes good after its receiver has been slow"""


class Slicer:
    """The offsets of the cuts. Sizes by chance are counted from where they were switched on."""

    def __init__(self, faults: StreamFaults, dice: Dice) -> None:
        self._faults = faults
        self._dice = dice
        self._random_cut = 0
        self._random_cuts = 0

    def set(self, faults: StreamFaults, offset: int) -> None:
        """Cut in another way from `offset` on."""
        if faults.slice_random != self._faults.slice_random:
            self._random_cut = offset
        self._faults = faults

    def next_cut(self, offset: int) -> int | None:
        """Return the first cut behind `offset`, which may not be less than at the last call."""
        faults, cuts = self._faults, []
        if faults.slice_bytes:
            cuts.append((offset // faults.slice_bytes + 1) * faults.slice_bytes)
        later = bisect_right(faults.slice_at, offset)
        cuts += faults.slice_at[later : later + 1]
        if faults.slice_random:
            while self._random_cut <= offset:
                self._random_cuts += 1
                self._random_cut += self._dice.whole(*faults.slice_random, "cut", self._random_cuts)
            cuts.append(self._random_cut)
        return min(cuts, default=None)


class Line:
    """A line of limited bandwidth: one piece after the other is on it."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._piece: tuple[int, float] | None = None  # (bytes, when the last of them is through)
        self._free_s = 0.0

    def set(self, bytes_per_s: float) -> None:
        """Go on with another bandwidth; the piece that is on the line begins anew."""
        self._bytes_per_s = bytes_per_s
        self._piece = None

    def through(self, size: int, offset: int, ready_s: float, now_s: float) -> tuple[int, float]:
        """Return the piece on the line: its size, at most `size`, and when it is through.

        The piece begins at `offset` and has been ready to go since `ready_s`.
        """
        if self._piece is None:
            quantum = max(1, int(self._bytes_per_s * QUANTUM_S))
            size = min(size, quantum - offset % quantum)
            begin_s = max(self._free_s, ready_s, now_s - CATCH_UP_S)
            self._piece = size, begin_s + size / self._bytes_per_s
        return self._piece

    def passed(self) -> None:
        """The piece is through: the line is free for the next one."""
        if self._piece is not None:
            self._free_s = self._piece[1]
            self._piece = None


class End(NamedTuple):
    """Where the faults end a stream, how, and what is to be noted then."""

    offset: int
    kind: Literal["rst", "close", "fin"]
    note: str


def end_of(faults: StreamFaults) -> End | None:
    """Return the first end; of several at one offset the hardest."""
    ends = []
    if faults.reset_after_bytes is not None:
        ends.append(End(faults.reset_after_bytes, "rst", "RST"))
    if faults.limit_bytes is not None:
        ends.append(End(faults.limit_bytes, "close", "FIN both ways, the limit"))
    if faults.half_close_after_bytes is not None:
        ends.append(End(faults.half_close_after_bytes, "fin", "FIN, half-close"))
    return min(ends, key=lambda end: end.offset, default=None)


def corrupted(
    start: int, data: bytes, offsets: Iterable[int]
) -> tuple[bytes, list[tuple[int, str]]]:
    """Invert the bytes at these offsets of a stream of which `data` begins at `start`.

    Return the bytes, and (offset, what was done) for each.
    """
    spoilt = [at for at in offsets if start <= at < start + len(data)]
    if not spoilt:
        return data, []
    changed, done = bytearray(data), []
    for at in spoilt:
        before = changed[at - start]
        changed[at - start] ^= 0xFF
        done.append((at, f"0x{before:02x} became 0x{before ^ 0xFF:02x}"))
    return bytes(changed), done
