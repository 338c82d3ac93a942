"""A loop under watch: what rests, what goes round, what looks at the clock too often."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netlab.exercises import watched

TRIES = 40
"""a busy machine may keep a thread from showing what it does"""


def waits(stop: threading.Event) -> None:
    stop.wait()


def spins(stop: threading.Event) -> None:
    while not stop.is_set():
        pass


def polls(stop: threading.Event) -> None:
    while not stop.wait(0.002):
        pass


@contextmanager
def at_work(work: Callable[[threading.Event], None]) -> Iterator[int]:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=[stop], name="netlab-worker")
    thread.start()
    assert thread.native_id is not None
    try:
        yield thread.native_id
    finally:
        stop.set()
        thread.join()


def seen(native_id: int, wanted: str) -> bool:
    look = watched._watch(native_id, threading.Event())
    return any(look() == wanted for _ in range(TRIES))


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells this")


@pytest.mark.parametrize("work", [waits, pytest.param(polls, marks=linux), spins])
def test_it_is_seen_what_a_thread_does(work: Callable[[threading.Event], None]) -> None:
    with at_work(work) as native_id:
        assert seen(native_id, work.__name__)


@pytest.mark.parametrize("work", [waits, spins])
def test_without_proc_the_process_is_watched(
    work: Callable[[threading.Event], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "Path", lambda _: Path("/nowhere"))
    with at_work(work) as native_id:
        assert seen(native_id, work.__name__)


def test_who_rests_never_seems_restless_for_long() -> None:
    with at_work(waits) as native_id:
        look = watched._watch(native_id, threading.Event())
        assert "waits" in [look() for _ in range(watched.WINDOWS)]


def test_a_new_thread_is_noticed() -> None:
    look = watched._watch(threading.get_native_id(), threading.Event())
    with at_work(waits):
        assert look() == "threads"


def test_an_end_is_noticed_at_once() -> None:
    over = threading.Event()
    over.set()
    assert watched._watch(threading.get_native_id(), over)() == "over"


def test_noise_repeats() -> None:
    assert watched.noise(100) == watched.noise(100)
    assert len(watched.noise(100)) == 100
