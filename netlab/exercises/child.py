"""A process of its own for a learner's code: whatever happens in here, the kernel lives on.

The examiner starts a fresh Python that calls `main` (never a fork of the kernel) and writes one
line to its standard input: the key, and where to call back. That process, the nursery, runs no
code of a learner. For each probe it is handed a connection to the examiner and forks a process
that runs code, with limits, in a session of its own; when the probe is over it kills that session
and whatever descends from it. Where there is no fork (Windows), the nursery itself calls back once
more and becomes the child of a single probe.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from multiprocessing.connection import Client, Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import cloudpickle

from netlab.exercises.calls import Printed, describe, plain

MEMORY_BYTES = 768 * 1024**2
"""address space that the code may use, where the system can limit it"""
CPU_S = 120
"""processors' seconds that the code may use, should even the one who kills it be gone"""
FILE_BYTES = 64 * 1024**2
"""longest file that the code may write"""
STACK_BYTES = 512 * 1024
"""stack of each thread of the code: a hundred threads are no flood of memory"""
REAP_S = 2.0
"""seconds after which killed processes that have not ended are left to the system"""
POLL_S = 0.001
PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)

# Set by a test, to go Windows' way.
CAN_FORK = hasattr(os, "fork") and not os.environ.get("NETLAB_NO_FORK")
Channel: TypeAlias = "Connection[Any, Any]"


class Place(NamedTuple):
    """Where the examiner listens."""

    address: tuple[str, int] | str
    key: bytes


class Ended(NamedTuple):
    """How a probe's process ended."""

    status: int | None
    """exit status, or minus the number of the signal; None: it was killed because time was up"""
    descendants: int
    """processes that it had started and that still ran"""


def main() -> None:
    """Call the examiner back and do what it says until it hangs up."""
    key, _, written = sys.stdin.readline().partition(" ")
    where = json.loads(written)
    place = Place(where if isinstance(where, str) else tuple(where), bytes.fromhex(key))
    with contextlib.suppress(EOFError, ConnectionError), _call_back(place) as control:
        prctl(_PR_SET_CHILD_SUBREAPER)  # orphans of a probe become our children
        for module in control.recv():
            with contextlib.suppress(ImportError):  # Windows lacks some
                import_module(module)
        # From here on nothing is compiled but what a learner wrote, who wants no files beside it.
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        gc.collect()
        gc.freeze()  # the probes need not look through what is ours
        control.send("ready")
        _nurse(control, place)


def _call_back(place: Place) -> Channel:
    return Client(place.address, authkey=place.key)


def _nurse(control: Channel, place: Place) -> None:
    pid = 0
    try:
        while True:
            command, argument = control.recv()
            if command == "start" and not CAN_FORK:
                with _ending_with(control):
                    return _probe(_call_back(place), argument)
            if command == "start":
                with Connection(recv_handle(control)) as channel:
                    pid = os.fork()
                    if not pid:
                        control.close()
                        _in_the_fork(channel, argument)
                control.send(pid)
            elif command == "end":
                ended, pid = _end(pid, grace_s=argument), 0
                control.send(ended)
    finally:
        if pid:
            _end(pid, grace_s=0)


@contextlib.contextmanager
def _ending_with(control: Channel) -> Iterator[None]:
    """End this process, whatever it does, should the examiner's end meanwhile: nobody else will."""
    over = threading.Event()

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError, TypeError):  # TypeError: closed on this side
            control.recv()
        if not over.is_set():
            os._exit(1)

    threading.Thread(target=watch, name="netlab-examiner-ended", daemon=True).start()
    yield
    over.set()


def _in_the_fork(channel: Channel, printed: str) -> None:
    status = 1
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _set_limits()
        _probe(channel, printed)
        threading._shutdown()  # type: ignore[attr-defined]  # as at any interpreter's end
        status = 0
    finally:
        os._exit(status)  # never back into the nursery's loop


def _probe(channel: Channel, printed: str) -> None:
    """Run what the examiner sends, and report how it ended."""
    threading.stack_size(STACK_BYTES)
    with channel, Printed(Path(printed)) as output:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            event, value = _run(channel)
        with contextlib.suppress(OSError):
            channel.send((event, value))


def _run(channel: Channel) -> tuple[str, Any]:
    function: Any = None
    sending = threading.Lock()  # guards the channel: scripted peers have threads of their own

    def report(event: str, value: object = None) -> None:
        with sending:
            channel.send((event, plain(value)))

    try:
        run, function, arguments = cloudpickle.loads(channel.recv_bytes())
        report("loaded")
        run(function, report, *arguments)
    except BaseException as error:
        return "raised", describe(function, error)
    return "ended", None


def _set_limits() -> None:
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_S),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def _end(pid: int, grace_s: float) -> Ended:
    """Wait a moment for the process to end of itself, then kill it and its descendants."""
    status = _wait(pid, grace_s)
    if status is None:
        os.kill(pid, signal.SIGSTOP)  # it starts no more while we count
    descendants = _descendants(os.getpid()) - {pid}
    if status is None or not descendants:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    if status is None:
        _wait(pid, REAP_S)
    until = time.monotonic() + REAP_S
    while (orphans := _children(os.getpid())) and time.monotonic() < until:
        for orphan in orphans:  # those that had left the session, too
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
            _wait(orphan, REAP_S)
    return Ended(status, len(descendants))


def _wait(pid: int, timeout_s: float) -> int | None:
    """Return the exit status of a child of ours as soon as it has ended; None: not in time."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        threading.Event().wait(POLL_S)  # no system call waits for a process with a deadline


def _descendants(pid: int) -> set[int]:
    found = set(_children(pid))
    for child in list(found):
        found |= _descendants(child)
    return found


def _children(pid: int) -> list[int]:
    """Return the children of a process; none where there is no /proc."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, task.joinpath("children").read_text().split())
    return found


def prctl(option: int, value: int = 1) -> None:
    """Ask Linux for something; other systems go without."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        _c_library().prctl(option, int(value), 0, 0, 0)


@functools.cache  # so that a fork finds it ready
def _c_library() -> Any:
    import ctypes

    return ctypes.CDLL(None)
