"""What falls due when nobody touches it for a while: heartbeats, idle clients, seats, games."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """Keys that all fall due the same time after they were last touched.

    As the time is the same for all, the order of touching is the order of falling due: whatever
    is asked here costs the same with ten clients as with ten thousand.

    Args:
        delay_s: seconds from a touch until it is due; 0 = never (then nothing is kept here).
        most: keys kept; of more, the first are due at once. 0 = unlimited.
    """

    def __init__(self, delay_s: float, most: int = 0) -> None:
        self.delay_s = delay_s
        self._most = most
        self._touched: OrderedDict[K, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._touched)

    def __contains__(self, key: K) -> bool:
        return key in self._touched

    def touch(self, key: K, now: float) -> None:
        """Count from now on."""
        if self.delay_s:
            self._touched[key] = now
            self._touched.move_to_end(key)

    def forget(self, key: K) -> None:
        """Let it never be due."""
        self._touched.pop(key, None)

    def next(self) -> float | None:
        """Return when the first falls due (epoch seconds); None: there is nothing."""
        for touched_at in self._touched.values():
            return touched_at + self.delay_s
        return None

    def take_due(self, now: float) -> list[K]:
        """Remove what is due and return it, the longest due first."""
        due: list[K] = []
        too_many = len(self._touched) - self._most if self._most else 0
        for key, touched_at in self._touched.items():
            if touched_at + self.delay_s > now and len(due) >= too_many:
                break
            due.append(key)
        for key in due:
            del self._touched[key]
        return due


def earliest(*times: float | None) -> float | None:
    """Return the first of some times, where None is "never"."""
    first: float | None = None
    for time in times:  # asked after every message: `min` of a list takes three times as long
        if time is not None and (first is None or time < first):
            first = time
    return first
