"""Doing what time alone makes due, in a task of the server's loop."""

from __future__ import annotations

import asyncio
import contextlib

from netlab.transports.switchboard import Switchboard

LOOK_AGAIN_S = 30.0
"""seconds after which it is asked again what is due, though nobody said that it has changed"""


class AsyncCalendar:
    """Calls the service's `tick` when it is due. What `Calendar` is for threads."""

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard = switchboard
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Look again: something may be due earlier than it was."""
        self._changed.set()

    async def run(self) -> None:
        """Keep the calendar until cancelled."""
        while True:
            self._changed.clear()
            wait_s = self._switchboard.seconds_to_tick()
            if wait_s == 0:
                self._switchboard.tick()
                continue
            # A message may make something due that was not (a seat, a game), and it would cost too
            # much to wake up for each; what is due at all is due after a minute or more.
            wait_s = LOOK_AGAIN_S if wait_s is None else min(wait_s, LOOK_AGAIN_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
