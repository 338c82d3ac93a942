"""Faulty variants of `thread_probe`, each with the probe that catches it."""

from __future__ import annotations

import threading
from typing import Any


def probe_counts_all(cell: Any) -> None:
    cell()
    assert threading.active_count() == 1


def probe_never_objects(cell: Any) -> None:
    cell()


def probe_calls_twice(cell: Any) -> None:
    cell()
    before = set(threading.enumerate())
    cell()
    assert not set(threading.enumerate()) - before


MUTANTS = (
    (probe_counts_all, "a clean cell beside somebody else's thread"),
    (probe_never_objects, "a cell that leaves a thread"),
    (probe_calls_twice, "a cell that cleans up"),
)
