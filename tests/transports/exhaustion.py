"""A process without a free file descriptor, for as long as a test needs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Warnings(logging.Handler):
    """Counts warnings, and lets a test wait for some."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._came = threading.Condition()
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        with self._came:
            self._count += 1
            self._came.notify_all()

    def wait_for(self, count: int, timeout_s: float = 10.0) -> None:
        """Wait until so many have come since the beginning."""
        with self._came:
            assert self._came.wait_for(lambda: self._count >= count, timeout_s), self._count


@contextmanager
def warnings_of(logger_name: str) -> Iterator[Warnings]:
    """Collect what a logger warns of."""
    logger, warnings = logging.getLogger(logger_name), Warnings()
    logger.addHandler(warnings)
    try:
        yield warnings
    finally:
        logger.removeHandler(warnings)


@contextmanager
def free_descriptors(count: int) -> Iterator[None]:
    """Leave this process only so many file descriptors; skip the test where none can be taken."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 200, hard))
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        for _ in range(count):
            os.close(taken.pop())
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
