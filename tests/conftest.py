"""For all tests: nothing may be left behind. Each test is checked for threads, sockets, tasks."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from netlab.lab.leftovers import baseline, children, leftovers

_DESCRIPTORS = Path("/proc/self/fd")


class _DestroyedTasks(logging.Handler):
    """asyncio reports a task that nobody awaited through its logger, and nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("Task was destroyed"):
            self.messages.append(message)


def _open_now() -> set[str] | None:
    """Return the open sockets by inode, threads and child processes; None: nobody tells here."""
    if not _DESCRIPTORS.exists():
        return None
    found = {f"thread {thread.ident}" for thread in threading.enumerate()}
    found |= {f"process {pid}" for pid in children()}
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # closed a moment ago
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a socket, a task or a child process behind.

    The search through all objects takes a while, so it is made only where the system's own list
    of open sockets or threads has grown.
    """
    global _known, _since
    before = _open_now()
    if before is None or not before <= _known:
        _since = baseline()  # a fixture of a wider scope has opened something since the last test
    destroyed = _DestroyedTasks()
    logger = logging.getLogger("asyncio")
    logger.addHandler(destroyed)
    try:
        yield
    finally:
        logger.removeHandler(destroyed)
    now, _known = _open_now(), set()
    if destroyed.messages:
        pytest.fail("\n".join(destroyed.messages), pytrace=False)
    if before is not None and now is not None and now <= before:
        _known = now
        return
    left = leftovers(since=_since)
    if left:
        pytest.fail(str(left), pytrace=False)
    _known = _open_now() or set()


_since = baseline()
_known: set[str] = set()  # what was open at the end of the last test, which left nothing behind

# A shell lets what it runs in the background ignore Ctrl-C, and so would the programs under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is a matter of the machine, and says nothing of the code.
settings.register_profile("netlab", deadline=None)
settings.load_profile("netlab")
