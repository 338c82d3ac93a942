"""What runs beside the code of chapter 05 in its process: queues that are watched, a pool server.

The queues need no second thread: they do themselves, at the worst moment, what another could.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from netlab.exercises.calls import LINGER_S, Function, Report, plain, result
from netlab.lab.leftovers import baseline, leftovers

# ---------------------------------------------------------------- queues


class WaitsForRoom(BaseException):
    """The code waits for room in a queue: `except Exception` must not hide it."""


class _Room(threading.Condition):
    """What `Queue.put` waits for: waiting is noticed, and ends at once."""

    waited = False

    def wait(self, timeout: float | None = None) -> bool:
        self.waited = True
        raise WaitsForRoom


class WatchedQueue(queue.Queue[Any]):
    """A queue that notices who waits for room in it."""

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.room = _Room(self.mutex)
        self.not_full = self.room


class CoveredQueue(WatchedQueue):
    """When somebody has looked at it and found room, somebody else fills it."""

    def full(self) -> bool:
        """Is it full now?"""
        seen = super().full()
        self._fill()
        return seen

    def empty(self) -> bool:
        """Is it empty now?"""
        seen = super().empty()
        self._fill()
        return seen

    def qsize(self) -> int:
        """How many jobs wait now?"""
        seen = super().qsize()
        self._fill()
        return seen

    def _fill(self) -> None:
        while not super().full():
            self.put_nowait("a job of somebody else")


class BrokenQueue(WatchedQueue):
    """A queue with a fault of its own."""

    def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
        """Raises: RuntimeError."""
        raise RuntimeError("the disk is on fire")


def offer(
    function: Function,
    report: Report,
    kind: Callable[[int], WatchedQueue],
    maxsize: int,
    waiting: Sequence[object],
    job: object,
) -> None:
    """Call the function with a queue and a job.

    Reported: what it returned (or, as `raises NAME: TEXT`, what it raised), what is in the queue
    then, and whether it waited for room.
    """
    jobs = kind(maxsize)
    for one in waiting:
        queue.Queue.put(jobs, one, block=False)
    try:
        answer = result(function, jobs, job)
        said = repr(plain(answer))
    except WaitsForRoom:
        said = "it waits for room"
    except Exception as error:
        said = f"raises {type(error).__name__}: {error}".rstrip(": ")
    if jobs.room.waited:
        said = "it waits for room"
    report("answer", (said, list(jobs.queue)))


# ---------------------------------------------------------------- a pool server

Answer = Callable[[bytes], bytes]


def serve_pool(
    make: Function,
    report: Report,
    answer: Answer,
    workers: int,
    queue_size: int,
    idle_seconds: float,
) -> None:
    """Start a pool server, and stop it when somebody connects to the second address.

    Reported: `listening`, the server's `address` (None: it has none) and the second one; `answer`,
    when `stop` has returned: how many threads and sockets of the server are left.
    """
    with socket.create_server(("127.0.0.1", 0)) as bell:
        before, threads = baseline(), set(threading.enumerate())
        report(
            "step",
            f"server = PoolServer(answer, workers={workers}, queue_size={queue_size}, "
            f"idle_seconds={idle_seconds:g}); server.start()",
        )
        server = make(answer, workers, queue_size, idle_seconds)
        if server is not None:  # a stub that is a function makes nothing
            server.start()
        address = getattr(server, "address", None)
        report("listening", (address, bell.getsockname()))
        bell.accept()[0].close()
    server.stop()
    until = time.monotonic() + LINGER_S
    started = [one for one in threading.enumerate() if one not in threads]
    for thread in started:
        thread.join(max(0.0, until - time.monotonic()))
    left = leftovers(since=before, timeout_s=0.0)
    report("answer", (sum(one.is_alive() for one in started), len(left.sockets)))
