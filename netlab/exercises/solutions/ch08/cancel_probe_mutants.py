"""Faulty variants of `cancel_probe`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
from typing import Any

MOMENT_S = 0.05


async def probe_that_cancels_too_early(worker: Any) -> None:
    task = asyncio.create_task(worker())
    task.cancel()
    await asyncio.wait({task}, timeout=0.5)
    assert task.done()


async def probe_that_only_looks_at_the_worker(worker: Any) -> None:
    task = asyncio.create_task(worker())
    await asyncio.sleep(MOMENT_S)
    task.cancel()
    await asyncio.wait({task}, timeout=0.5)
    assert task.done()


async def probe_without_patience(worker: Any) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(worker())
    await asyncio.sleep(MOMENT_S)
    task.cancel()
    await asyncio.wait({task}, timeout=0.01)
    assert asyncio.all_tasks() - before == set()


async def probe_that_counts_the_living(worker: Any) -> None:
    before = asyncio.all_tasks()
    task = asyncio.create_task(worker())
    await asyncio.sleep(MOMENT_S)
    helpers = asyncio.all_tasks() - before - {task}
    task.cancel()
    await asyncio.wait({task}, timeout=0.5)
    assert task.done()
    assert not helpers


MUTANTS = (
    (probe_that_cancels_too_early, "the worker that goes on"),
    (probe_that_only_looks_at_the_worker, "the worker whose helper goes on"),
    (probe_without_patience, "a correct worker with a helper"),
    (probe_that_counts_the_living, "a correct worker with a helper"),
)
