"""A history of sockets: in which states they were, what waited in their queues.

    with kernel.watch({"server": connection, "client": sock}) as watch:
        sock.close()
        watch.wait_for("server", "CLOSE_WAIT")
        connection.close()
        watch.wait_for("client", "TIME_WAIT")
    watch.states("server")            # ['ESTABLISHED', 'CLOSE_WAIT', 'CLOSE']
    watch                             # the same for all, as a table
    watch.history()                   # each change, with the queues

The kernel announces no change, so a thread asks every few milliseconds and keeps what differs from
the last time. It goes on after `close`: a conversation outlives its socket (TIME_WAIT).

Some states pass within one round trip, and whether they are seen is chance: `FLEETING`. They are
left out of `states` and of the table, unless `wait_for` waited for them, for then they were held
long enough: a FIN behind bytes that the other side does not read keeps its sender in FIN_WAIT1 or
LAST_ACK. So an output repeats if each state in it is one that the program itself ends.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from netlab.lab.grid import Grid, Shown
from netlab.lab.kernel_snapshot import CLOSED, SocketNow, of_socket, snapshot
from netlab.lab.procnet import Pair
from netlab.lab.socket_states import is_pair, known_state, pair

FLEETING = frozenset(("SYN_SENT", "SYN_RECV", "NEW_SYN_RECV", "FIN_WAIT1", "LAST_ACK", "CLOSING"))

MAX_SHARE = 0.2  # of one core's time that watching may take


@dataclass(frozen=True)
class Change:
    """What a socket had become, `at_s` seconds after the watch began."""

    at_s: float
    now: SocketNow

    @property
    def key(self) -> tuple[object, ...]:
        """What must differ for a change to be one: not the round-trip time."""
        one = self.now
        queues = one.unread_bytes, one.unacknowledged_bytes, one.unsent_bytes
        return one.state, *queues, one.waiting, one.drops


class Watch(Shown):
    """Asks the kernel again and again, in a thread, until its `with` block ends."""

    def __init__(
        self, names: Mapping[str, Any], *, every_s: float = 0.002, limit: int = 10_000
    ) -> None:
        if every_s <= 0 or limit < 1:
            raise ValueError(
                f"every_s={every_s:g} s and limit={limit} changes must be more than nothing"
            )
        self.every_s = every_s
        self.changes: deque[Change] = deque(maxlen=limit)
        """what was seen, oldest first; at most `limit`, then the oldest are forgotten"""
        self.forgotten = 0
        """changes that are forgotten, there having been more than `limit`"""
        self.failure: BaseException | None = None
        self._whom: dict[str, Any] = {}
        self._ends: dict[str, Pair] = {}
        self._last: dict[str, Change] = {}
        self._paths: dict[str, list[str]] = {}
        self._awaited: set[tuple[str, str]] = set()
        self._changed = threading.Condition()  # guards all of the above
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._thread: threading.Thread | None = None
        for name, whom in names.items():
            self.add(name, whom)

    def add(self, name: str, whom: Any) -> None:
        """Watch one more: a socket, or a conversation's end by its `pair`.

        Raises:
            ValueError: the name is taken.
            TypeError: it is neither.
        """
        if not (is_pair(whom) or hasattr(whom, "getsockopt")):
            raise TypeError(f"cannot watch {whom!r}: pass a socket or kernel.pair(socket)")
        with self._changed:
            if name in self._whom:
                raise ValueError(f"the name {name!r} is taken: each is watched under its own")
            self._whom[name] = whom
            self._paths[name] = []
            self._look()

    def states(self, name: str, *, fleeting: bool = False) -> list[str]:
        """Return the states in which it was seen, in order, each change once.

        `fleeting` includes those that may not be seen in another run.
        """
        with self._changed:
            path = self._path(name)
            kept = [
                one
                for one in path
                if fleeting or one not in FLEETING or (name, one) in self._awaited
            ]
        return [one for n, one in enumerate(kept) if n == 0 or kept[n - 1] != one]

    def wait_for(self, name: str, state: str, timeout_s: float = 2.0) -> None:
        """Return once it has been seen in that state.

        Raises:
            TimeoutError: it has not, when `timeout_s` seconds were over.
            ValueError: there is no such state, or no such name.
        """
        known_state(state)
        with self._changed:
            path = self._path(name)
            self._awaited.add((name, state))
            if not self._changed.wait_for(lambda: state in path or self._over(), timeout_s):
                raise TimeoutError(
                    f"{name} was not {state} within {timeout_s:g} s; it was {', '.join(path)}"
                )
            if state not in path:
                raise TimeoutError(
                    f"{name} was not {state} when the watch ended; it was {', '.join(path)}"
                )

    def history(self) -> Grid:
        """Return all changes with the queues. How often a queue was looked at is chance."""
        with self._changed:
            changes = list(self.changes)
        rows = [
            (n, one.now.name, one.now.state, one.now.unread_bytes, one.now.unacknowledged_bytes)
            for n, one in enumerate(changes, 1 + self.forgotten)
        ]
        note = f"{self.forgotten:,} older changes are forgotten." if self.forgotten else ""
        head = ("change", "socket", "state", "unread", "unacknowledged")
        return Grid("What the kernel said, one change after the other", head, rows, note)

    def grid(self) -> Grid:
        rows = [(name, " → ".join(self.states(name))) for name in self._paths]
        return Grid("States, one after the other", ("socket", "states"), rows)

    def _path(self, name: str) -> list[str]:
        if name not in self._paths:
            raise ValueError(f"no {name!r} is watched; there are: {', '.join(self._paths)}")
        return self._paths[name]

    def _over(self) -> bool:
        return self._thread is None or self._ended.is_set()

    def _look(self) -> None:
        """Ask for all of them, keep what is new; the lock is held."""
        at_s = time.monotonic() - self._began
        for name, whom in self._whom.items():
            change = Change(at_s, self._ask(name, whom))
            if name in self._last and self._last[name].key == change.key:
                continue
            self._last[name] = change
            self.forgotten += len(self.changes) == self.changes.maxlen
            self.changes.append(change)
            path = self._paths[name]
            if not path or path[-1] != change.now.state:
                path.append(change.now.state)
            self._changed.notify_all()

    def _ask(self, name: str, whom: Any) -> SocketNow:
        if is_pair(whom):
            return self._look_up(name, whom)
        if name not in self._ends:  # taken while the socket is open, to be found after its end
            with contextlib.suppress(OSError, TypeError, ValueError, IndexError):
                if whom.type == socket.SOCK_STREAM:
                    self._ends[name] = pair(whom)
        now = of_socket(name, whom)
        if now.state != CLOSED or name not in self._ends:
            return now
        if name in self._last and self._last[name].now.state == CLOSED:
            return self._last[name].now  # the conversation is over: no need to look for it again
        # Closed, or in TIME_WAIT: that the kernel keeps apart from the socket, which is CLOSE then.
        return self._look_up(name, self._ends[name])

    def _look_up(self, name: str, ends: Pair) -> SocketNow:
        now = snapshot({name: ends})[0]
        # /proc is no picture of one moment: a row that moves while we read may be in no place.
        return snapshot({name: ends})[0] if now.state == CLOSED else now

    def _run(self) -> None:
        pause_s = self.every_s
        while not self._ended.wait(pause_s):
            began = time.monotonic()
            try:
                with self._changed:
                    self._look()
            except BaseException as failure:  # shown where the block ends
                self.failure = failure
                break
            # Reading the table of a machine with thousands of connections takes a while.
            pause_s = max(self.every_s, (time.monotonic() - began) * (1 / MAX_SHARE - 1))
        with self._changed:
            self._ended.set()
            self._changed.notify_all()

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("this watch was used before; make a new one: kernel.watch(…)")
        self._thread = threading.Thread(target=self._run, name="netlab-kernel-watch")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self.failure is not None:
            raise self.failure
        with self._changed:
            self._look()  # what the last lines of the block did


def watch(names: Mapping[str, Any], *, every_s: float = 0.002, limit: int = 10_000) -> Watch:
    """Return a context manager that keeps a history of the named sockets and pairs.

    Args:
        names: sockets, or pairs of addresses, by the names under which they are shown.
        every_s: seconds between two looks; more where a look takes long.
        limit: changes that are kept.

    Raises:
        ValueError: `every_s` or `limit` is not more than nothing.
        TypeError: a value is no socket or pair.
    """
    return Watch(names, every_s=every_s, limit=limit)
