"""The one thread of a fault proxy: it waits for sockets and for time, and does what others ask."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from netlab.lab.polling import Poller, Ready, make_poller

log = logging.getLogger("netlab.lab.chaos")

QUIET_S = 0.003
"""seconds of silence that count: a busy kernel delivers a little later than send() returns"""
JOIN_S = 2.0


class Clock(Protocol):
    """The time, and how long to wait for another: `time.monotonic`, or one that a test turns."""

    def __call__(self) -> float: ...
    def seconds_until(self, due_s: float) -> float | None: ...


class RealClock:
    """Seconds on the monotonic clock."""

    def __call__(self) -> float:
        return time.monotonic()

    def seconds_until(self, due_s: float) -> float | None:
        """Return the real seconds to wait until `due_s`."""
        return max(0.0, due_s - time.monotonic())


class Engine(Protocol):
    """What the thread carries: connections, or flows of datagrams. Called in the thread."""

    @property
    def due_s(self) -> float | None: ...
    def work(self, now_s: float) -> None: ...
    def outstanding(self) -> Iterator[str]: ...
    def close(self) -> None: ...


class Handler(Protocol):
    def handle(self, ready: Ready) -> None: ...


class Loop:
    """Runs an engine in the thread `name` until stopped."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.clock = clock
        self.poller: Poller = make_poller()
        self._name = name
        self._lock = threading.Lock()  # guards _asked, _waiters and _over
        self._asked: deque[tuple[Callable[[], object], threading.Event]] = deque()
        self._waiters: list[threading.Event] = []
        self._over = False
        self._stopping = False
        self._bell, self._rope = socket.socketpair()  # a byte on the rope wakes the thread
        self._rope.setblocking(False)
        self.poller.watch(self._bell, self._bell, read=True, write=False)
        self._thread: threading.Thread | None = None

    def start(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self.ring()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        else:
            self._end()
        self._rope.close()

    def ring(self) -> None:
        """Wake the thread."""
        with contextlib.suppress(OSError):  # awake already, or ended
            self._rope.send(b"!")

    def call(self, what: Callable[[], object], timeout_s: float = JOIN_S) -> None:
        """Have the thread call `what`; return when it has. After its end do nothing.

        Called in the thread itself (by somebody's `on_entry`) it is done a little later.
        """
        done = threading.Event()
        with self._lock:
            if self._over:
                return
            self._asked.append((what, done))
        self.ring()
        if threading.current_thread() is not self._thread and not done.wait(timeout_s):
            raise TimeoutError(f"the proxy's thread had no time for this within {timeout_s:g} s")

    def settled(self, timeout_s: float) -> None:
        """Return once nothing moves any more and nothing will without somebody's doing.

        Raises: TimeoutError: after `timeout_s` seconds, with what is under way.
        """
        quiet = threading.Event()
        with self._lock:
            if self._over:
                return
            self._waiters.append(quiet)
        self.ring()
        if quiet.wait(timeout_s):
            return
        with self._lock:
            if quiet in self._waiters:
                self._waiters.remove(quiet)
        stuck: list[str] = []
        self.call(lambda: stuck.extend(self._engine.outstanding()))
        why = "; ".join(stuck) or "something keeps coming"
        raise TimeoutError(f"the proxy did not settle within {timeout_s:g} s: {why}")

    # ── in the thread ────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._round()
        except Exception:
            log.exception("the fault proxy ends because of an error of its own")
        finally:
            self._engine.close()
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._over = True
            asked = [done for _, done in self._asked]
            waiters, self._waiters = self._waiters, []
        for event in (*asked, *waiters):
            event.set()
        self._bell.close()
        self.poller.close()

    def _round(self) -> None:
        """Wait for something to do and do it; tell `settled` when there is nothing."""
        with self._lock:
            waiting = bool(self._waiters)
        idle = waiting and next(self._engine.outstanding(), None) is None
        ready = self.poller.poll(self._timeout_s(idle))
        if idle and not ready:
            with self._lock:
                waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.set()
        for one in ready:
            owner: Any = one.owner
            if owner is self._bell:
                self._bell.recv(4096)
                self._answer()
            else:
                owner.handle(one)
        due_s = self._engine.due_s
        if due_s is not None and due_s <= self.clock():
            self._engine.work(self.clock())

    def _timeout_s(self, idle: bool) -> float | None:
        due_s = self._engine.due_s
        due_in_s = None if due_s is None else self.clock.seconds_until(due_s)
        timeouts = [due_in_s, QUIET_S if idle else None]
        return min((one for one in timeouts if one is not None), default=None)

    def _answer(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    return
                what, done = self._asked.popleft()
            try:
                what()
            finally:
                done.set()
