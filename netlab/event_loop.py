"""Which event loop a server runs in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

LoopName = Literal["auto", "asyncio", "uvloop"]


def loop_factory(name: LoopName = "auto") -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the loop; None: asyncio makes its own.

    Args:
        name: `auto` takes uvloop where it is installed.

    Raises:
        ImportError: uvloop is wanted, and it is not installed.
    """
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise
        return None
    return uvloop.new_event_loop
