"""Cutting lists to what fits into a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from netlab.core.messages import Reply

T = TypeVar("T", bound=msgspec.Struct)

_SPARE_BYTES = 64
"""for `truncated`, a newline, Socket.IO's own brackets"""


def that_fit(items: Iterable[T], empty: Reply, max_bytes: int) -> list[T]:
    """Return items from the first on, as many as fit into a frame with the message around them.

    Args:
        items: in the order in which they matter.
        empty: the message without them.
        max_bytes: longest frame; 0 = unlimited.
    """
    if not max_bytes:
        return list(items)
    left = max_bytes - len(msgspec.json.encode(empty)) - _SPARE_BYTES
    fitting: list[T] = []
    for item in items:
        left -= len(msgspec.json.encode(item)) + 1  # and a comma
        if left < 0:
            break
        fitting.append(item)
    return fitting
