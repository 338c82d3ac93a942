import asyncio


async def cancel_probe(worker):
    before = asyncio.all_tasks()
    task = asyncio.create_task(worker())
    await asyncio.sleep(0.05)  # let it begin
    task.cancel()
    await asyncio.wait({task}, timeout=0.5)
    assert task.done(), "it still runs, though it was cancelled"
    left = [one for one in asyncio.all_tasks() - before if not one.done()]
    assert not left, f"tasks that still run: {len(left)}"
