"""Datagrams that go one way between one client and the server, with their faults: pure.

    line = DatagramLine(DatagramFaults(drop={2}), seed=1)
    line.feed(b"one", now_s=0.0)
    line.take(0.0)                       # [Outcome("data", 1, b"one", "")]

`fate` decides by seed, direction, flow and number of the datagram alone. `DatagramLine` carries
them out on a clock of the caller's: feed it what was sent, take what arrives or is lost by now, and
take again at `due_s`.
"""

from __future__ import annotations

import heapq
from typing import Literal, NamedTuple

from netlab.lab.chaos_dice import Dice
from netlab.lab.faults import DatagramFaults
from netlab.lab.recording import Direction

MAX_HELD = 4_096
"""datagrams that one line holds; what comes beyond is lost, as in a full queue of a router"""
MAX_HELD_BYTES = 4 * 1024 * 1024


class Fate(NamedTuple):
    """What happens to one datagram."""

    lost: bool
    copies: int
    corrupt_at: int | None
    """the offset of the byte whose bits are inverted"""
    delay_s: float
    behind: int | None
    """the number of the datagram that overtakes it"""


class Outcome(NamedTuple):
    """A datagram that arrives (for the first time, once more, or late) or is lost, and why."""

    kind: Literal["data", "duplicate", "late", "lost"]
    number: int
    data: bytes
    note: str
    """what was done to it; empty if nothing was"""


class _Waiting(NamedTuple):
    outcome: Outcome
    copies: int
    delay_s: float
    until_s: float


def fate(faults: DatagramFaults, dice: Dice, number: int, size: int) -> Fate:
    """Return what happens to the datagram `number`, counted from 1, of `size` bytes.

    Each question has its own draw, so more loss does not change what is corrupted.
    """
    corrupt = number in faults.corrupt or dice.draw("corrupt", number) < faults.corruption
    corrupt_at = dice.whole(0, size - 1, "byte", number) if corrupt and size else None
    twice = number in faults.duplicate or dice.draw("duplicate", number) < faults.duplication
    delay_ms = faults.latency_ms + dict(faults.delay).get(number, 0)
    if faults.jitter_ms:
        delay_ms += faults.jitter_ms * dice.draw("jitter", number)
    behind = dict(faults.swap).get(number)
    if behind is None and dice.draw("reorder", number) < faults.reordering:
        behind = number + 1
    return Fate(
        lost=number in faults.drop or dice.draw("loss", number) < faults.loss,
        copies=2 if twice else 1,
        corrupt_at=corrupt_at,
        delay_s=delay_ms / 1000,
        behind=behind,
    )


class DatagramLine:
    """Datagrams in, faults applied, outcomes out. All times are seconds on the caller's clock."""

    def __init__(
        self,
        faults: DatagramFaults,
        *,
        seed: object = 0,
        flow: int = 1,
        direction: Direction = Direction.TO_SERVER,
    ) -> None:
        self.number = 0
        """how many datagrams were fed"""
        self._faults = faults
        self._dice = Dice(seed, direction, flow)
        self._events: list[tuple[float, int, Outcome]] = []  # a heap: (due, order, outcome)
        self._order = 0
        self._behind: dict[int, list[_Waiting]] = {}  # number -> what it overtakes
        self._held_bytes = 0

    @property
    def due_s(self) -> float | None:
        """When the next outcome is due; None if nothing is under way."""
        dues = [waiting.until_s for group in self._behind.values() for waiting in group]
        if self._events:
            dues.append(self._events[0][0])
        return min(dues, default=None)

    @property
    def held(self) -> int:
        """How many datagrams, copies included, are under way."""
        return len(self._events) + sum(map(len, self._behind.values()))

    def set(self, faults: DatagramFaults) -> None:
        """Go on with other faults; what is under way keeps its fate."""
        self._faults = faults

    def feed(self, data: bytes, now_s: float) -> int:
        """The next datagram was sent; return its number."""
        self.number += 1
        number = self.number
        fated = fate(self._faults, self._dice, number, len(data))
        overtaken = self._behind.pop(number, [])
        full = self.held >= MAX_HELD or self._held_bytes + len(data) > MAX_HELD_BYTES
        notes: list[str] = []
        gone_s = now_s + fated.delay_s
        if fated.lost or full:
            note = "lost" if fated.lost else f"lost, as {self.held:,} are under way already"
            self._push(now_s, Outcome("lost", number, data, note))
            gone_s = now_s
        else:
            if fated.corrupt_at is not None:
                at, before = fated.corrupt_at, data[fated.corrupt_at]
                data = data[:at] + bytes([before ^ 0xFF]) + data[at + 1 :]
                notes.append(f"byte {at:,}: 0x{before:02x} became 0x{before ^ 0xFF:02x}")
            if number in dict(self._faults.delay):
                notes.append(f"{fated.delay_s * 1000:g} ms later")
            outcome = Outcome("data", number, data, "; ".join(notes))
            if fated.behind is not None and fated.behind > number:
                until_s = round(now_s + self._faults.hold_ms / 1000, 9)
                waiting = _Waiting(outcome, fated.copies, fated.delay_s, until_s)
                # What was to come behind this one still does: both are overtaken by the same.
                self._behind.setdefault(fated.behind, []).extend([waiting, *overtaken])
                self._held_bytes += len(data)
                return number
            self._deliver(gone_s, outcome, fated.copies)
        note = "waited for" if fated.lost or full else "overtaken by"
        for waiting in overtaken:
            due_s = max(gone_s, now_s + waiting.delay_s)
            self._let_go(waiting, due_s, f"{note} {number:,}")
        return number

    def take(self, now_s: float) -> list[Outcome]:
        """Return what has arrived, or was lost, by now, in order."""
        return list(iter(lambda: self.take_one(now_s), None))

    def take_one(self, now_s: float) -> Outcome | None:
        """Return the first of what has arrived, or was lost, by now."""
        for number, group in list(self._behind.items()):
            for waiting in [one for one in group if one.until_s <= now_s]:
                group.remove(waiting)
                self._let_go(waiting, waiting.until_s, f"{number:,} did not come to overtake it")
            if not group:
                del self._behind[number]
        if not self._events or self._events[0][0] > now_s:
            return None
        outcome = heapq.heappop(self._events)[2]
        if outcome.kind != "lost":
            self._held_bytes -= len(outcome.data)
        return outcome

    def _let_go(self, waiting: _Waiting, due_s: float, note: str) -> None:
        outcome = waiting.outcome
        self._held_bytes -= len(outcome.data)
        notes = "; ".join(filter(None, (outcome.note, note)))
        self._deliver(due_s, outcome._replace(kind="late", note=notes), waiting.copies)

    def _deliver(self, due_s: float, outcome: Outcome, copies: int) -> None:
        for copy in range(copies):
            self._held_bytes += len(outcome.data)
            if copy:
                outcome = outcome._replace(kind="duplicate", note="once more")
            self._push(due_s, outcome)

    def _push(self, due_s: float, outcome: Outcome) -> None:
        self._order += 1
        # To the nanosecond: sums of floats that mean the same moment are then the same.
        heapq.heappush(self._events, (round(due_s, 9), self._order, outcome))
