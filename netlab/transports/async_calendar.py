"""Doing what time alone makes due, in a task of the server's loop."""

from __future__ import annotations

import asyncio
import contextlib

from netlab.transports.switchboard import Switchboard


class AsyncCalendar:
    """Calls the service's `tick` when it is due. What `Calendar` is for threads."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._changed = asyncio.Event()
        switchboard.wake = self._changed.set

    async def run(self) -> None:
        """Keep the calendar until cancelled."""
        while True:
            self._changed.clear()
            wait_s = self._switchboard.seconds_to_tick()
            if wait_s == 0:
                self._switchboard.tick()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
