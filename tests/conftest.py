"""For all tests: nothing may be left behind. Each test is checked for threads, sockets, tasks."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from netlab.lab.leftovers import baseline, leftovers


class _DestroyedTasks(logging.Handler):
    """asyncio reports a task that nobody awaited through its logger, and nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("Task was destroyed"):
            self.messages.append(message)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a socket, a task or a child process behind."""
    before = baseline()
    destroyed = _DestroyedTasks()
    logger = logging.getLogger("asyncio")
    logger.addHandler(destroyed)
    try:
        yield
    finally:
        logger.removeHandler(destroyed)
    left = leftovers(since=before)
    if left:
        pytest.fail(str(left), pytrace=False)
    if destroyed.messages:
        pytest.fail("\n".join(destroyed.messages), pytrace=False)
