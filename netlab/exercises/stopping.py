"""A server that is a class with `start(address)` and `stop()`: started, stopped, started again.

In the child, `serve_by_plan` does so, and looks at what is left as soon as `stop` has returned.
The examiner's half is `stop_probes`.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Self

from netlab.exercises.calls import LINGER_S, Function, Report
from netlab.exercises.interleaved import POLL_S, POLLS, is_library, sleeps
from netlab.exercises.judges import verdict
from netlab.exercises.stoppable import come_to_rest
from netlab.exercises.words import count
from netlab.lab.leftovers import NOTHING, baseline, leftovers

HOLD_S = 0.3
"""seconds for which a thread of the learner's is held, where it is to take its time"""
SECOND_CALL_S = 0.2
"""seconds after which the second thread calls `stop`, if the first does not come to wait"""


def serve_by_plan(make: Function, report: Report, plan: Sequence[str], hold: str = "") -> None:
    """Do what `plan` says, one step whenever somebody connects to `control`; first, a start.

    Steps: `start`; `rest`, until its threads wait or have ended; `stop`; `stop twice`, by two
    threads at the same time. When all are done, one more connection to `control` ends it. Reported:
    `listening` after a start and a rest, with the server's address and `control`'s; `stopped`,
    and then `left`, what there is when stop returns, in words.

    Args:
        make: the class; `make()` has `start` and `stop`.
        report: tells the examiner.
        plan: the steps.
        hold: when does each thread of the server take its time? At its `start`; or when it is to
            `stop`: then what is left counts as soon as stop has returned, otherwise a moment later.
    """
    with socket.create_server(("127.0.0.1", 0)) as control:
        before, others = baseline(), set(threading.enumerate())
        held = _Held(HOLD_S)
        if hold:
            threading.settrace(held)
        if hold == "start":
            held.begin()
        address = _free_address()
        server = make()

        def left() -> str:
            until = time.monotonic() + (0.0 if hold == "stop" else LINGER_S)
            theirs = [one for one in threading.enumerate() if one not in others]
            for thread in theirs:
                thread.join(max(0.0, until - time.monotonic()))
            if running := sum(thread.is_alive() for thread in theirs):
                return f"{count(running, 'thread')} still running"
            sockets = leftovers(since=before, timeout_s=0.0).sockets
            return f"left behind: {', '.join(sockets)}" if sockets else NOTHING

        for number, step in enumerate(plan):
            if number:
                control.accept()[0].close()
            if step == "start":
                server.start(address)
                if hold != "start":
                    come_to_rest(others)  # whether a thread ends at once must not be chance
                report("listening", (address, control.getsockname()))
                continue
            come_to_rest(others)
            if step == "rest":
                report("listening", (address, control.getsockname()))
                continue
            held.begin()
            found = _STEPS[step](server, left, others)
            report("stopped")
            report("left", found)
        control.accept()[0].close()


def _free_address() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        return host, port


def _stop(server: Any, left: Callable[[], str], _: set[threading.Thread]) -> str:
    server.stop()
    return left()


def _stop_twice(server: Any, left: Callable[[], str], others: set[threading.Thread]) -> str:
    """Have two threads call stop, the second one while the first waits; return what was left."""
    found: list[str] = []
    failed: list[BaseException] = []

    def call() -> None:
        sys.settrace(None)  # this thread is the examiner's, and not to be held
        try:
            server.stop()
            found.append(left())
        except BaseException as error:
            failed.append(error)

    callers = [threading.Thread(target=call, daemon=True, name=f"stop {n}") for n in (1, 2)]
    others.update(callers)
    for caller in callers:
        caller.start()
        _wait_asleep(caller)
    for caller in callers:
        caller.join()
    if failed:
        raise failed[0]
    return next((one for one in found if one != NOTHING), NOTHING)


def _wait_asleep(thread: threading.Thread) -> None:
    """Wait until the thread waits in the kernel or has ended, but at most `SECOND_CALL_S`."""
    until = time.monotonic() + SECOND_CALL_S
    asleep = 0
    while thread.is_alive() and asleep < POLLS and time.monotonic() < until:
        asleep = asleep + 1 if sleeps(thread) else 0
        time.sleep(POLL_S)


_STEPS = {"stop": _stop, "stop twice": _stop_twice}


class _Held:
    """A trace function: from `begin` on, each thread is held once, at its next line."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._begun = False
        self._done: set[int] = set()

    def begin(self) -> None:
        """Now."""
        self._begun = True

    def __call__(self, frame: FrameType, event: str, _: object) -> Self | None:
        if event == "call" and is_library(frame.f_code.co_filename):
            return None
        if self._begun and event == "line" and threading.get_ident() not in self._done:
            self._done.add(threading.get_ident())
            time.sleep(self._hold_s)
        return self


def judge_stops(function: Function, report: Report, make: Function) -> None:
    """Call the function with what makes a running server; report whether it asserted.

    A thread that has nothing to do with it runs, too.
    """
    threading.Thread(target=threading.Event().wait, daemon=True, name="somebody else's").start()
    report("answer", verdict(function, make))
