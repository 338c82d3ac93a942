"""What time it is for a server: epoch seconds that never jump."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a server takes the time from; `netlab.lab.LESSON` brings one that repeats itself."""

    def __call__(self) -> float:
        """Return the epoch seconds of the event that is being handled."""

    def peek(self) -> float:
        """Return the epoch seconds of now, where nothing happens but a look (statistics, say)."""

    def seconds_until(self, due: float) -> float | None:
        """Return how long to wait for `due`; None: waiting will not make it come."""


class SystemClock:
    """Epoch seconds read once, then advanced by the monotonic clock.

    Whoever sets the machine's clock back therefore sends nobody away and revives nobody.
    """

    def __init__(self) -> None:
        self._epoch = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return the epoch seconds of now."""
        return self._epoch + time.monotonic()

    peek = __call__

    def seconds_until(self, due: float) -> float | None:
        """Return the seconds from now to `due`, at least 0."""
        return max(0.0, due - self())
