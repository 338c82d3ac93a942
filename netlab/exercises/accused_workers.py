"""Workers for the red team of chapter 08: two end when they are cancelled, two do not quite."""

from __future__ import annotations

import asyncio


async def plain_worker() -> None:
    """Correct: it works until it is cancelled."""
    await asyncio.Event().wait()  # for work that never comes


async def tidy_worker() -> None:
    """Correct: it has a helper, and takes a moment to put things away."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(plain_worker())
        try:
            await plain_worker()
        finally:
            await asyncio.sleep(0.05)


async def deaf_worker() -> None:
    """Takes the first cancellation for an error like any other, and goes on."""
    try:
        await plain_worker()
    except BaseException:
        await plain_worker()


async def careless_worker() -> None:
    """Ends when it is cancelled; its helper does not."""
    helper = asyncio.create_task(plain_worker())
    _helpers.add(helper)  # or it could vanish
    await plain_worker()


_helpers: set[asyncio.Task[None]] = set()
