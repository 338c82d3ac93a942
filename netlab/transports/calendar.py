"""A thread that does what time alone makes due."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from typing import Protocol

from netlab.core.deadlines import Deadlines, earliest
from netlab.transports.switchboard import Switchboard

LINGER_S = 5.0
"""seconds that a connection being closed may take to bring out what waits for its client"""


class Abortable(Hashable, Protocol):
    """A connection that can be ended at once."""

    def abort(self, reason: str) -> None:
        """End it now (called with the switchboard's lock held)."""


class Calendar:
    """Calls the service's `tick` when it is due, and ends connections that linger too long."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._lingering = Deadlines[Abortable](LINGER_S)  # guarded by the switchboard's lock
        self._changed = threading.Event()
        switchboard.wake = self._changed.set
        self._stopping = False

    def abort_later(self, connection: Abortable) -> None:
        """Abort the connection `LINGER_S` seconds from now (the lock is held)."""
        self._lingering.touch(connection, time.monotonic())
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
        return earliest(tick_s, self._abort_lingering())

    def _abort_lingering(self) -> float | None:
        """End what has lingered long enough; return the seconds until the next."""
        with self._switchboard.lock:
            now = time.monotonic()
            for connection in self._lingering.take_due(now):
                connection.abort("lingered")
            due = self._lingering.next()
            return None if due is None else due - now
