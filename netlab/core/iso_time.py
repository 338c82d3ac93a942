"""Times as they stand in messages."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # many messages fall into one millisecond
def _iso_millisecond(millisecond: int) -> str:
    whole, rest = divmod(millisecond, 1000)
    return f"{datetime.fromtimestamp(whole, UTC).isoformat()[:-6]}.{rest:03}Z"


def iso_time(now: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC, to the millisecond."""
    return _iso_millisecond(round(now * 1000))
