"""Times as they stand in messages."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # one event writes its time into many messages
def iso_time(now: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(round(now, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
