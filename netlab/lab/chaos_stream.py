"""One direction of one TCP connection with its faults, without a socket and without a clock.

    stream = Stream(StreamFaults(slice_bytes=3), seed=1)
    stream.feed(b"hello", now_s=0.0)
    stream.next(0.0)                     # Act("data", b"hel")
    stream.next(0.0)                     # Act("data", b"lo", alone=True)

Whoever carries the bytes feeds what came, asks `next` what to do now, and asks again at `due_s`.
Everything is placed by the offset in the stream, so the faults are the same whatever the kernel
made of the sender's chunks.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from netlab.lab.chaos_cuts import Line, Slicer, corrupted, end_of
from netlab.lab.chaos_dice import Dice
from netlab.lab.faults import StreamFaults
from netlab.lab.labels import count
from netlab.lab.recording import Direction

HELD_BYTES = 64 * 1024
"""bytes that wait in one direction before no more is read"""
HELD_LATE_BYTES = 1024 * 1024
"""the same where bytes are held on purpose: what is under way on a long line"""
JITTER_BYTES = 1_460
"""bytes that have the same jitter: a segment on Ethernet (1,500 less two headers of 20)"""


class Act(NamedTuple):
    """What to do: send data, FIN or RST in this direction, or close in order both ways."""

    kind: Literal["data", "fin", "rst", "close"]
    data: bytes = b""
    alone: bool = False
    """send it only when the receiver has taken what went before: here is a cut"""


class Note(NamedTuple):
    """A fault that was done, and the offset at which it was."""

    offset: int
    text: str


class Stream:
    """Bytes in, faults applied, acts out. All times are seconds on a clock of the caller's."""

    def __init__(
        self,
        faults: StreamFaults,
        *,
        seed: object = 0,
        connection: int = 1,
        direction: Direction = Direction.TO_SERVER,
    ) -> None:
        self.sent = 0
        self.got = 0
        self.ended = False
        """nothing more will go out; what still comes in is thrown away"""
        self.stalled = False
        self.due_s: float | None = None
        """when `next` may have something to do that it did not have when asked last"""
        self._faults = faults
        self._dice = Dice(seed, direction, connection)
        self._held: deque[tuple[float, memoryview]] = deque()  # (when it is due, bytes)
        self._finish: tuple[Literal["fin", "rst"], float] | None = None  # how the sender ended
        self._last_due_s = 0.0
        self._stall_over: int | None = None  # the offset of the stall that is behind us
        self._stall_until_s: float | None = None
        self._open_to = 0  # the coalescer lets pass what is before this offset
        self._slicer = Slicer(faults, self._dice)
        self._line = Line(faults.bytes_per_s)
        self._cut_at = 0
        self._pace_told = ""
        self._notes: list[Note] = []

    @property
    def wants(self) -> bool:
        """Whether more should be read from the sender now."""
        if self._finish is not None or (self.stalled and not self.ended):
            return False
        late = self._faults.latency_ms or self._faults.jitter_ms or self._faults.coalesce_bytes
        return self.ended or self.got - self.sent < (HELD_LATE_BYTES if late else HELD_BYTES)

    @property
    def held_bytes(self) -> int:
        """How many bytes came in and have not gone out."""
        return 0 if self.ended else self.got - self.sent

    def feed(self, data: bytes, now_s: float) -> None:
        """The sender's next bytes have come."""
        if self.ended:
            return
        pace = self._faults.pace()
        if pace != self._pace_told:
            self._pace_told = pace
            self._note(self.got, pace or "no longer slowed down")
        view = memoryview(data)
        while view:
            size = len(view)
            if self._faults.jitter_ms:
                size = min(size, JITTER_BYTES - self.got % JITTER_BYTES)
            self._last_due_s = max(self._last_due_s, now_s + self._delay_s())
            self._held.append((self._last_due_s, view[:size]))
            self.got += size
            view = view[size:]

    def finish(self, now_s: float, how: Literal["fin", "rst"] = "fin") -> None:
        """The sender has finished: no more bytes will come."""
        if self._finish is None or how == "rst":
            due_s = max(self._last_due_s, now_s + self._faults.latency_ms / 1000)
            self._finish = how, due_s + (self._faults.slow_close_ms / 1000 if how == "fin" else 0)

    def end(self) -> None:
        """Throw away what is held, and what will come."""
        self.ended = True
        self._held.clear()
        self.due_s = None

    def set(self, faults: StreamFaults) -> None:
        """Go on with other faults. What is under way keeps the delay that it was given."""
        self._slicer.set(faults, self.sent)
        self._line.set(faults.bytes_per_s)
        self._faults = faults

    def release(self) -> None:
        """End a stall."""
        if self.stalled:
            self._go_on("released")

    def notes(self) -> list[Note]:
        """Return the faults that were done since this was asked last."""
        notes, self._notes = self._notes, []
        return notes

    def next(self, now_s: float) -> Act | None:
        """Return what is to be done now; None if nothing is, until `due_s` or the next event."""
        self.due_s = None
        if self.ended or self._is_stalled(now_s):
            return None
        end = end_of(self._faults)
        if end is not None and self.sent >= end.offset:
            return self._finished(end.kind, end.note)
        size = self._sendable(now_s)
        if size:
            return self._take(size)
        if self._finish is not None and not self._held:
            how, due_s = self._finish
            if now_s < due_s:
                self._wake(due_s)
                return None
            slow = self._faults.slow_close_ms if how == "fin" else 0
            return self._finished(how, f"FIN, {slow:g} ms later" if slow else "")
        return None

    # ── where things stand in the stream ─────────────────────────────────────────────────────

    def _barrier(self) -> int | None:
        """Return the next offset at which something stops or ends."""
        end, stall = end_of(self._faults), self._faults.stall_at
        offsets = [end.offset] if end else []
        if stall is not None and stall > self.sent:
            offsets.append(stall)
        return min(offsets, default=None)

    # ── what may pass now ────────────────────────────────────────────────────────────────────

    def _is_stalled(self, now_s: float) -> bool:
        faults = self._faults
        if self.stalled:
            if faults.stall_at is None:
                self._go_on("the stall was taken away")
            elif self._stall_until_s is not None and now_s >= self._stall_until_s:
                self._go_on(f"goes on after {faults.stall_ms:g} ms")
        elif (
            faults.stall_at is not None
            and self.sent >= faults.stall_at
            and self._stall_over != faults.stall_at
        ):
            self.stalled = True
            self._stall_until_s = now_s + faults.stall_ms / 1000 if faults.stall_ms else None
            self._note(self.sent, "stalled")
        if self.stalled and self._stall_until_s is not None:
            self._wake(self._stall_until_s)
        return self.stalled

    def _go_on(self, why: str) -> None:
        self.stalled = False
        self._stall_over = self._faults.stall_at
        self._note(self.sent, why)

    def _sendable(self, now_s: float) -> int:
        """Return how many bytes go out now, as one piece."""
        if not self._held:
            return 0
        barrier = self._barrier()
        if not self._gate(now_s, barrier):
            return 0
        limits = [
            barrier,
            self._slicer.next_cut(self.sent),
            self._open_to if self._faults.coalesce_bytes else None,
        ]
        end = min((limit for limit in limits if limit is not None), default=None)
        size = self._arrived(now_s, end)
        if not size:
            self._wake(self._held[0][0])
            return 0
        if not self._faults.bytes_per_s:
            return size
        size, ready_s = self._line.through(size, self.sent, self._held[0][0], now_s)
        if now_s < ready_s:
            self._wake(ready_s)
            return 0
        self._line.passed()
        return size

    def _arrived(self, now_s: float, end: int | None) -> int:
        """Return how many bytes before the offset `end` are due."""
        size, most = 0, self.got - self.sent if end is None else end - self.sent
        for due_s, view in self._held:
            if due_s > now_s or size >= most:
                break
            size += len(view)
        return min(size, most)

    def _gate(self, now_s: float, barrier: int | None) -> bool:
        """Tell whether the coalescer lets the next byte pass; open it if that is due."""
        most = self._faults.coalesce_bytes
        if not most or self.sent < self._open_to:
            return True
        goal = (self.sent // most + 1) * most
        if barrier is not None:
            goal = min(goal, barrier)
        have = self._arrived(now_s, goal)
        if not have:
            self._wake(self._held[0][0])
            return False
        idle_s = self._faults.coalesce_idle_ms / 1000
        why = ""
        if self.sent + have < goal:
            if self.sent + have < self.got:
                self._wake(next(due_s for due_s, _ in self._held if due_s > now_s))
                return False
            if self._finish is not None:
                why = ", before FIN"
            elif idle_s and now_s >= self._last_due_s + idle_s:
                why = f", after {self._faults.coalesce_idle_ms:g} ms of silence"
            else:
                if idle_s:
                    self._wake(self._last_due_s + idle_s)
                return False
        self._open_to = self.sent + have
        self._note(self.sent, f"{count(have)} held back and passed on as one{why}")
        return True

    # ── acts ─────────────────────────────────────────────────────────────────────────────────

    def _take(self, size: int) -> Act:
        start, end = self.sent, self.sent + size
        alone = start == self._cut_at and start > 0
        if alone:
            self._note(start, "cut")
        if end == self._slicer.next_cut(start):
            self._cut_at = end
        parts: list[memoryview] = []
        left = size
        while left:
            due_s, view = self._held.popleft()
            parts.append(view[:left])
            if left < len(view):
                self._held.appendleft((due_s, view[left:]))
            left -= len(parts[-1])
        self.sent = end
        data, done = corrupted(start, b"".join(parts), self._faults.corrupt_at)
        for at, text in done:
            self._note(at, text)
        return Act("data", data, alone)

    def _finished(self, kind: Literal["fin", "rst", "close"], note: str) -> Act:
        if note:
            self._note(self.sent, note)
        self.end()
        return Act(kind)

    def _delay_s(self) -> float:
        delay_ms = self._faults.latency_ms
        if self._faults.jitter_ms:
            delay_ms += self._faults.jitter_ms * self._dice.draw("jitter", self.got // JITTER_BYTES)
        return delay_ms / 1000

    def _note(self, offset: int, text: str) -> None:
        self._notes.append(Note(offset, text))

    def _wake(self, due_s: float) -> None:
        self.due_s = due_s if self.due_s is None else min(self.due_s, due_s)
