"""Times as they stand in messages."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # one event writes its time into many messages
def iso_time(now: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC, to the millisecond."""
    moment = round(now, 3)
    second = int(moment // 1)
    return f"{_to_the_second(second)}.{round(1000 * (moment - second)):03}Z"


@lru_cache(maxsize=64)  # and a second has many events
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")
