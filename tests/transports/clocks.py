"""A clock that stands still until a test moves it."""

from __future__ import annotations

START = 1_800_000_000.0


class ManualClock:
    """Epoch seconds that only `advance` changes; nothing falls due by waiting.

    After `advance`, call the server's `switchboard.tick()`: it does what has become due.
    """

    def __init__(self, now: float = START) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def peek(self) -> float:
        return self._now

    def seconds_until(self, due: float) -> float | None:
        return None

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
