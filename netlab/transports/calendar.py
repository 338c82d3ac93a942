"""A thread that does what time alone makes due."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import Protocol

from netlab.transports.switchboard import Switchboard

LINGER_S = 5.0
"""seconds that a connection being closed may take to bring out what waits for its client"""


class Abortable(Protocol):
    """A connection that can be ended at once."""

    def abort(self, reason: str) -> None:
        """End it now (called with the switchboard's lock held)."""


class Calendar:
    """Calls the service's `tick` when it is due, and ends connections that linger too long."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        switchboard.wake = self.changed
        # A heap of (when, number, connection), guarded by the switchboard's lock.
        self._lingering: list[tuple[float, int, Abortable]] = []
        self._numbers = itertools.count()
        self._changed = threading.Event()
        self._stopping = False

    def changed(self) -> None:
        """Look again: something may be due earlier than it was."""
        self._changed.set()

    def abort_later(self, connection: Abortable) -> None:
        """Abort the connection `LINGER_S` seconds from now (the lock is held)."""
        when = time.monotonic() + LINGER_S
        heapq.heappush(self._lingering, (when, next(self._numbers), connection))
        self._changed.set()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping = True
        self._changed.set()

    def run(self) -> None:
        """Keep the calendar until `stop`."""
        while not self._stopping:
            self._changed.clear()
            self._changed.wait(self.do_what_is_due())

    def do_what_is_due(self) -> float | None:
        """Do it, and return the seconds until there is more; None: not before something happens.

        For a server that keeps its calendar itself, in the timeout of its `select`.
        """
        while (tick_s := self._switchboard.seconds_to_tick()) == 0 and not self._stopping:
            self._switchboard.tick()
        waits = [wait_s for wait_s in (tick_s, self._abort_lingering()) if wait_s is not None]
        return min(waits, default=None)

    def _abort_lingering(self) -> float | None:
        """End what has lingered long enough; return the seconds until the next."""
        with self._switchboard.lock:
            now = time.monotonic()
            while self._lingering and self._lingering[0][0] <= now:
                heapq.heappop(self._lingering)[2].abort("lingered")
            return self._lingering[0][0] - now if self._lingering else None
