"""What a fault proxy is told to do, checked and in plain words: `StreamFaults`, `DatagramFaults`.

Faults of a stream stand at byte offsets, faults of datagrams at their numbers: both are the same
however the kernel cuts and hurries. Byte 0 is the first byte of one direction of one connection, so
"after 3 bytes" and "at byte 3" are the same place. Datagrams are counted from 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeVar

from netlab.lab.fault_checks import (
    MAX_DELAY_MS,
    check_number,
    check_whole,
    delays,
    pairs,
    sizes,
    whole_numbers,
)
from netlab.lab.labels import count

MAX_COALESCE_BYTES = 1024 * 1024

F = TypeVar("F", bound="StreamFaults | DatagramFaults")


class Dial(NamedTuple):
    """How one number among the faults is turned by hand: for a slider."""

    label: str
    unit: str
    most: float
    step: float


@dataclass(frozen=True, kw_only=True)
class StreamFaults:
    """Faults of one direction of a TCP connection. Offsets are counted from its first byte."""

    latency_ms: float = 0.0
    """milliseconds by which every byte comes later"""
    jitter_ms: float = 0.0
    """up to so many milliseconds more, drawn anew for each 1,460 bytes; order is kept"""
    bytes_per_s: float = 0.0
    """bytes a second that pass at most; 0 = as many as come"""
    slice_bytes: int = 0
    """cut after every so many bytes; 0 = not"""
    slice_at: tuple[int, ...] = ()
    """cut at these offsets"""
    slice_random: tuple[int, int] | None = None
    """cut into pieces of at least and at most so many bytes, drawn by the seed"""
    coalesce_bytes: int = 0
    """hold back until there are so many, or FIN: several sends come as one; 0 = not"""
    coalesce_idle_ms: float = 200.0
    """milliseconds of silence after which what is held back goes on all the same; 0 = never"""
    stall_at: int | None = None
    """let nothing past this offset until it is released"""
    stall_ms: float = 0.0
    """milliseconds after which a stall ends of its own; 0 = `release` alone ends it"""
    corrupt_at: tuple[int, ...] = ()
    """invert the eight bits of the bytes at these offsets"""
    slow_close_ms: float = 0.0
    """milliseconds by which FIN comes later than the last byte"""
    limit_bytes: int | None = None
    """after so many bytes close the connection in order: FIN both ways"""
    half_close_after_bytes: int | None = None
    """after so many bytes FIN in this direction; the other goes on"""
    reset_after_bytes: int | None = None
    """after so many bytes, delivered, RST both ways"""

    def __post_init__(self) -> None:
        for name in ("latency_ms", "jitter_ms", "coalesce_idle_ms", "stall_ms", "slow_close_ms"):
            check_number(name, getattr(self, name), MAX_DELAY_MS, "milliseconds")
        check_number("bytes_per_s", self.bytes_per_s, 1e12, "bytes a second")
        check_whole("slice_bytes", self.slice_bytes, 0, None)
        check_whole("coalesce_bytes", self.coalesce_bytes, 0, MAX_COALESCE_BYTES)
        for name in _OFFSETS:
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 0, None)
        _set(self, "slice_at", whole_numbers("slice_at", self.slice_at, 1))
        _set(self, "corrupt_at", whole_numbers("corrupt_at", self.corrupt_at, 0))
        if self.slice_random is not None:
            _set(self, "slice_random", sizes("slice_random", self.slice_random))

    def words(self) -> str:
        """Say what is active, in plain words; "nothing" if nothing is."""
        return "; ".join(self._parts()) or "nothing"

    def pace(self) -> str:
        """Say which of the active ones slow down every byte; empty if none does."""
        return "; ".join(self._pace())

    def _pace(self) -> Iterable[str]:
        if self.latency_ms or self.jitter_ms:
            yield _later(self.latency_ms, self.jitter_ms)
        if self.bytes_per_s:
            yield f"at most {self.bytes_per_s:,.10g} bytes/s"

    def _parts(self) -> Iterable[str]:
        yield from self._pace()
        if self.coalesce_bytes:
            idle = f", or {self.coalesce_idle_ms:g} ms of silence" if self.coalesce_idle_ms else ""
            yield f"hold back until there are {count(self.coalesce_bytes)}, FIN{idle}"
        if self.slice_bytes:
            yield (
                "cut after every byte"
                if self.slice_bytes == 1
                else (f"cut every {count(self.slice_bytes)}")
            )
        if self.slice_at:
            yield f"cut at byte {listed(self.slice_at)}"
        if self.slice_random:
            least, most = self.slice_random
            yield f"cut into pieces of {least:,} to {count(most)}"
        if self.corrupt_at:
            yield f"corrupt byte {listed(self.corrupt_at)}"
        if self.stall_at is not None:
            until = f"for {self.stall_ms:g} ms" if self.stall_ms else "until released"
            yield f"stall at byte {self.stall_at:,} {until}"
        if self.slow_close_ms:
            yield f"FIN {self.slow_close_ms:g} ms later"
        if self.half_close_after_bytes is not None:
            yield f"half-close after {count(self.half_close_after_bytes)}"
        if self.limit_bytes is not None:
            yield f"close after {count(self.limit_bytes)}"
        if self.reset_after_bytes is not None:
            yield f"reset after {count(self.reset_after_bytes)}"

    @classmethod
    def dials(cls) -> dict[str, Dial]:
        """Return which of these make sense as sliders."""
        return {
            "latency_ms": Dial("latency", "ms", 1_000, 10),
            "jitter_ms": Dial("jitter", "ms", 500, 10),
            "bytes_per_s": Dial("bandwidth, 0 = unlimited", "bytes/s", 100_000, 500),
            "slice_bytes": Dial("cut after every, 0 = not", "bytes", 64, 1),
            "coalesce_bytes": Dial("hold back until, 0 = not", "bytes", 1_024, 1),
        }


@dataclass(frozen=True, kw_only=True)
class DatagramFaults:
    """Faults of the datagrams that go one way between one client and the server.

    The first four are probabilities, 0 to 1. The seed and a datagram's number decide alone.
    """

    loss: float = 0.0
    """probability that a datagram is lost"""
    duplication: float = 0.0
    """probability that a datagram comes twice"""
    reordering: float = 0.0
    """probability that a datagram is overtaken by the next"""
    corruption: float = 0.0
    """probability that a byte of a datagram, chosen by the seed, has its bits inverted"""
    latency_ms: float = 0.0
    """milliseconds by which every datagram comes later"""
    jitter_ms: float = 0.0
    """up to so many milliseconds more, drawn anew for each datagram: they may overtake"""
    drop: tuple[int, ...] = ()
    """lose the datagrams with these numbers"""
    duplicate: tuple[int, ...] = ()
    """deliver these twice"""
    corrupt: tuple[int, ...] = ()
    """invert the bits of a byte in these"""
    swap: tuple[tuple[int, int], ...] = ()
    """pairs of numbers: the first of a pair waits until the second has passed"""
    delay: tuple[tuple[int, float], ...] = ()
    """number -> milliseconds by which this one comes later; a mapping, or pairs"""
    hold_ms: float = 200.0
    """milliseconds that a datagram waits at most for the one that is to overtake it"""

    def __post_init__(self) -> None:
        for name in ("loss", "duplication", "reordering", "corruption"):
            check_number(name, getattr(self, name), 1.0, "a probability")
        for name in ("latency_ms", "jitter_ms", "hold_ms"):
            check_number(name, getattr(self, name), MAX_DELAY_MS, "milliseconds")
        for name in ("drop", "duplicate", "corrupt"):
            _set(self, name, whole_numbers(name, getattr(self, name), 1))
        _set(self, "swap", pairs(self.swap))
        delay = self.delay.items() if isinstance(self.delay, Mapping) else self.delay
        _set(self, "delay", tuple(sorted(delays(delay))))

    def words(self) -> str:
        """Say what is active, in plain words; "nothing" if nothing is."""
        return "; ".join(self._parts()) or "nothing"

    def _parts(self) -> Iterable[str]:
        if self.loss:
            yield f"lose {self.loss:.4g} of all"
        if self.drop:
            yield f"lose datagram {listed(self.drop)}"
        if self.duplication:
            yield f"deliver {self.duplication:.4g} of all twice"
        if self.duplicate:
            yield f"deliver datagram {listed(self.duplicate)} twice"
        if self.corruption:
            yield f"corrupt {self.corruption:.4g} of all"
        if self.corrupt:
            yield f"corrupt datagram {listed(self.corrupt)}"
        if self.reordering:
            yield f"let {self.reordering:.4g} of all be overtaken by the next"
        for early, late in self.swap:
            yield f"let datagram {early:,} be overtaken by {late:,}"
        if self.latency_ms or self.jitter_ms:
            yield _later(self.latency_ms, self.jitter_ms)
        for number, delay_ms in self.delay:
            yield f"datagram {number:,} {delay_ms:g} ms later"

    @classmethod
    def dials(cls) -> dict[str, Dial]:
        """Return which of these make sense as sliders."""
        return {
            "loss": Dial("loss", "", 1, 0.01),
            "duplication": Dial("duplication", "", 1, 0.01),
            "reordering": Dial("reordering", "", 1, 0.01),
            "corruption": Dial("corruption", "", 1, 0.01),
            "latency_ms": Dial("latency", "ms", 1_000, 10),
            "jitter_ms": Dial("jitter", "ms", 500, 10),
        }


_OFFSETS = ("stall_at", "limit_bytes", "half_close_after_bytes", "reset_after_bytes")
_OTHER: dict[type, type] = {StreamFaults: DatagramFaults, DatagramFaults: StreamFaults}
_CARRIER = {StreamFaults: "TCP", DatagramFaults: "UDP"}


def changed(faults: F, changes: Mapping[str, Any]) -> F:
    """Return `faults` with some of them changed.

    Raises:
        TypeError: a name is no fault of this transport, or a value has the wrong type.
        ValueError: a value is not allowed.
    """
    known = [field.name for field in fields(faults)]
    for name in changes:
        if name not in known:
            mine, other = _CARRIER[type(faults)], _OTHER[type(faults)]
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            if name in {field.name for field in fields(other)}:
                hint = f"; it is one of {_CARRIER[other]}"
            raise TypeError(f"no fault of {mine} is called {name!r}{hint} ({', '.join(known)})")
    return replace(faults, **changes)


def _set(faults: object, name: str, value: object) -> None:
    object.__setattr__(faults, name, value)  # frozen; this is still __init__


def _later(latency_ms: float, jitter_ms: float) -> str:
    if not jitter_ms:
        return f"{latency_ms:g} ms later"
    return f"{latency_ms:g} to {latency_ms + jitter_ms:g} ms later"


def listed(numbers: Iterable[int]) -> str:
    """Return "3", "3 and 5" or "3, 5 and 8"; of many the first ones."""
    texts = [f"{number:,}" for number in numbers]
    if len(texts) > 8:
        texts = [*texts[:7], f"{len(texts) - 7:,} more"]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
