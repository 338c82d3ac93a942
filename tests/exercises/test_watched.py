"""A loop under watch: what rests, what goes round, what looks at the clock too often."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netlab.exercises import watched
from netlab.exercises.unread import held_by_kernel

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


@linux
def test_what_the_kernel_holds_is_counted_at_both_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        assert held_by_kernel(ours) == 0
        ours.sendall(b"x" * 1000)
        theirs.sendall(b"y" * 500)
        until = time.monotonic() + 5.0
        while held_by_kernel(ours) != 1500:  # what is not acknowledged yet counts twice
            assert time.monotonic() < until
        assert held_by_kernel(theirs) == 1500
        assert len(theirs.recv(400)) == 400
        assert held_by_kernel(ours) == 1100
