"""`LESSON`: a fixed secret and a clock of its own, so that a lesson's output repeats.

    TCPServer(EchoService, **LESSON)

Ids, times and therefore the bytes on the wire are the same in each run, on each machine, however
long somebody reads between two cells. A server that is not a lesson leaves these arguments out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

LESSON_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
LESSON_SECRET: Final = b"a lesson's secret: known to all."  # 32 bytes


class LessonClock:
    """A clock that advances by one second each time it is asked.

    Call it for the time of the event being handled, in epoch seconds: the first answer is
    2026-01-01T00:00:00Z, the next one second later. Safe to call from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _calls
        self._calls = 0

    def __call__(self) -> float:
        """Return the time of this event in epoch seconds."""
        with self._lock:
            calls = self._calls
            self._calls += 1
        return LESSON_START.timestamp() + calls

    def peek(self) -> float:
        """Return the time of the last event, in epoch seconds: looking is no event."""
        with self._lock:
            return LESSON_START.timestamp() + max(0, self._calls - 1)

    def seconds_until(self, due: float) -> float | None:
        """Return how many real seconds to wait until `due` (epoch seconds): always None, "never".

        Waiting does not make lesson time pass, so no heartbeat and no idle limit falls due while
        somebody reads.
        """
        return None

    def __repr__(self) -> str:
        return "LessonClock()"


class _Lesson(Mapping[str, Any]):
    """Keyword arguments for a server; each access to ``clock`` makes a new `LessonClock`."""

    def __getitem__(self, key: str) -> Any:
        if key == "secret":
            return LESSON_SECRET
        if key == "clock":
            return LessonClock()  # a fresh one: a server that is started again repeats its times
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("secret", "clock"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return "LESSON(secret=…, clock=LessonClock())"


LESSON: Final[Mapping[str, Any]] = _Lesson()
