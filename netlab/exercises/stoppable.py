"""A server that is a class with `start()` and `stop()`: it runs until it is told to end.

In the child, `serve_until_told` starts and stops it. The examiner's half:

    address, control = started(trial)
    …
    stop(trial, control)
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from types import FrameType
from typing import Any, Self

from netlab.exercises.calls import LINGER_S, Function, Report
from netlab.exercises.interleaved import POLL_S, POLLS, is_library, sleeps
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken
from netlab.lab.leftovers import NOTHING, baseline, leftovers

STOP_S = 2.0
"""seconds that `stop()` may take"""
REFUSED_S = 1.0
REST_S = 0.2
"""seconds in which the threads of a server at rest have come to wait"""
TURN, TURN_S = 0.3, 0.0002
"""how often, and for how many seconds, a thread is stopped so that others have their turn"""


def serve_until_told(make: Function, report: Report, restless: bool = False) -> None:
    """Start a server, report where it listens, and stop it when somebody connects to `control`.

    Reported: `listening`, both addresses; `stopped`; `left`, what was left behind, in words.

    Args:
        make: the class; `make()` has `start`, `stop` and `address`.
        report: tells the examiner.
        restless: do the threads of the learner's code get their turns at almost any line?
    """
    with socket.create_server(("127.0.0.1", 0)) as control:
        before, threads = baseline(), set(threading.enumerate())
        if restless:
            threading.settrace(_GiveWay())
        server = make()
        server.start()
        report("listening", (server.address, control.getsockname()))
        control.accept()[0].close()
        come_to_rest(threads)
        server.stop()
        report("stopped")
        left = str(leftovers(since=before, timeout_s=LINGER_S))
        # leftovers() knows threads by their names; here every thread is the learner's.
        still = sum(thread not in threads for thread in threading.enumerate())
        if left == NOTHING and still:
            left = f"left behind: threads that still run: {still}"
        report("left", left)


def come_to_rest(others: set[threading.Thread]) -> None:
    """Wait until the learner's threads wait, in `accept` for instance: that is how stop is hard."""
    until = time.monotonic() + REST_S
    asleep = 0
    while asleep < POLLS and time.monotonic() < until:
        theirs = [thread for thread in threading.enumerate() if thread not in others]
        asleep = asleep + 1 if all(sleeps(thread) is not False for thread in theirs) else 0
        time.sleep(POLL_S)


class _GiveWay:
    """A trace function: at about every third line of the learner's code the others have a turn."""

    def __init__(self) -> None:
        self._chance = random.Random(0)  # noqa: S311 - the same pauses each time

    def __call__(self, frame: FrameType, event: str, _: object) -> Self | None:
        if event == "call" and is_library(frame.f_code.co_filename):
            return None
        if event == "line" and self._chance.random() < TURN:
            time.sleep(TURN_S)
        return self


def started(trial: Trial) -> tuple[Any, Any]:
    """Return where the server listens, and the address that stops it.

    Raises:
        Broken: it does not listen on 127.0.0.1.
    """
    address, control = trial.wait("listening")
    match address:
        case ("127.0.0.1", int(port)) if port:
            return address, control
    raise Broken("address to be ('127.0.0.1', port)", f"{address!r}")


def stop(trial: Trial, control: Any) -> None:
    """Have `stop()` called.

    Raises:
        Broken: it raises, or takes too long.
    """
    trial.note("stop() is called")
    socket.create_connection(control, STOP_S).close()
    try:
        trial.wait("stopped", STOP_S)
    except Broken as broken:
        raise Broken(f"stop() to return within {STOP_S:g} s", broken.got) from None


def nothing_left(trial: Trial, address: Any) -> None:
    """See that the stopped server left nothing behind.

    Raises:
        Broken: it did.
    """
    with contextlib.suppress(ConnectionError, TimeoutError):
        socket.create_connection(address, REFUSED_S).close()
        raise Broken("a connection to be refused after stop()", "it was accepted")
    left = trial.wait("left")
    if left != NOTHING:
        raise Broken(NOTHING, left)
