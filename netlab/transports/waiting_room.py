"""Where clients wait until a worker has time for them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable

from netlab.core.framing import encode_line
from netlab.core.messages import Closing, Reply, Waiting
from netlab.core.service import ClientId
from netlab.transports.switchboard import Switchboard
from netlab.transports.threaded import ThreadedConnection
from netlab.transports.tls_socket import Stream

_DONT_WAIT: int = getattr(socket, "MSG_DONTWAIT", 0)  # Windows has none
LOOK_AGAIN_S = 1.0
"""seconds between looks at those who have said something already"""
MAX_LEAVING = 100
"""clients sent away that may take their time to read why; of more, the oldest is reset"""


class WaitingRoom:
    """A bounded queue of connections, first come, first served.

    Who waits is told its position, and again when it changes. Nothing is read from it meanwhile:
    what it sends stays in the kernel's receive buffer, which is bounded, and is read when its turn
    comes. A client that closes its connection, or resets it, is taken out of the queue. If it has
    sent something before its FIN, it may be one that has said all it wants to say and waits for the
    answer; so it keeps its place.

    Args:
        switchboard: its lock guards all that is in here.
        workers: how many clients are served at the same time.
        size: how many may wait; 0 = nobody.
        closed: told of each connection that was closed in here, without having been served.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        workers: int,
        size: int,
        closed: Callable[[ThreadedConnection], None],
    ) -> None:
        self.sent_away = 0
        """clients that found the queue full"""
        self.gave_up = 0
        """clients that left before their turn came"""
        self.free_workers = workers
        """workers for whom no client is meant"""
        self._switchboard = switchboard
        self._codec = switchboard.service.codec
        self._size = size
        self._on_closed = closed
        self._lock = switchboard.lock
        self._changed = threading.Condition(self._lock)
        self._peers: dict[ThreadedConnection, str] = {}
        self._waiting: deque[ThreadedConnection] = deque()
        self._called: deque[ThreadedConnection] = deque()  # their turn has come
        self._spoke: set[ThreadedConnection] = set()
        self._leaving: dict[ThreadedConnection, None] = {}
        self._open = True
        self._waker: socket.socket | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    # ------------------------------------------------------------ the acceptor

    def enter(self, connection: ThreadedConnection, peer: str) -> None:
        """Call a free worker to a new client, or let it wait, or send it away."""
        with self._lock:
            self._peers[connection] = peer
            connection.id = ClientId("waiting")  # the service gives it another
            if self.free_workers:
                self.free_workers -= 1
                self._called.append(connection)
                self._changed.notify()
            elif self._has_room():
                self._waiting.append(connection)
                self._tell_position(connection, len(self._waiting))
            else:
                self.sent_away += 1
                full = f"all workers are busy and {self._size} clients wait; try again later"
                self._send_away(connection, "server_full", full)
        self._wake()

    def close(self) -> None:
        """Send away who waits, and let the workers go; nobody enters after this."""
        with self._lock:
            self._open = False
            for connection in (*self._called, *self._waiting):
                self._send_away(connection, "server_stopping", "the server is stopping")
            self._called.clear()
            self._waiting.clear()
            self._changed.notify_all()
        self._wake()

    # ------------------------------------------------------------ workers

    def next(self) -> tuple[ThreadedConnection, str] | None:
        """Wait for a client and return it with its address; None: the room is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._called or not self._open)
            if not self._called:
                return None
            connection = self._called.popleft()
            return connection, self._peers.pop(connection)

    def worker_is_free(self) -> None:
        """Let the first in the queue have its turn."""
        with self._lock:
            if not self._waiting:
                self.free_workers += 1
                return
            first = self._waiting.popleft()
            self._spoke.discard(first)
            self._called.append(first)
            self._changed.notify()
            self._move_up(0)
        self._wake()

    # ------------------------------------------------------------ the thread that watches

    def watch(self) -> None:
        """See who leaves, until the room is closed and everybody is gone."""
        waker, woken = socket.socketpair()
        with waker, woken, selectors.DefaultSelector() as selector:
            waker.setblocking(False)
            self._waker = waker
            selector.register(woken, selectors.EVENT_READ)
            while True:
                with self._lock:
                    if not (self._open or self._leaving):
                        return
                    self._miss(c for c in self._spoke if _is_reset(c.sock))
                    watched = {c.sock: c for c in self._waiting if c not in self._spoke}
                    watched |= {c.sock: c for c in self._leaving}
                _watch_exactly(selector, watched, woken)
                for key, _ in selector.select(LOOK_AGAIN_S if self._spoke else None):
                    if key.fileobj is woken:
                        woken.recv(4096)
                    else:
                        self._look_at(key.data)

    def _look_at(self, connection: ThreadedConnection) -> None:
        with self._lock:
            if connection in self._leaving:
                # Reads on, to reach the client's FIN.
                gone = connection.dead or _is_at_end(connection.sock, 0)
                if gone:
                    del self._leaving[connection]
            elif connection in self._waiting:
                gone = _is_at_end(connection.sock, socket.MSG_PEEK)
                if gone:
                    self._move_up(self._give_up(connection))
                else:
                    self._spoke.add(connection)  # readable from now on: no use in looking
            else:
                return  # a worker took it
        if gone:
            self._forget(connection)

    def _forget(self, connection: ThreadedConnection) -> None:
        connection.close()
        self._on_closed(connection)

    # ------------------------------------------------------------ the queue (locked)

    def _give_up(self, connection: ThreadedConnection) -> int:
        """Take somebody out of the queue; return which position is another's now."""
        position = self._waiting.index(connection)
        del self._waiting[position]
        del self._peers[connection]
        self._spoke.discard(connection)
        self.gave_up += 1
        return position

    def _move_up(self, position: int) -> None:
        """Tell those who stand from there on what their position is now."""
        while True:
            moved = tuple(self._waiting)[position:]
            for number, connection in enumerate(moved, position + 1):
                self._tell_position(connection, number)
            dead = [connection for connection in moved if connection.dead]
            if not dead:
                return
            # Telling them has shown that they are gone: once more for those behind the first.
            for connection in dead:
                self._leaving[connection] = None  # the thread that watches closes the socket
            position = min([self._give_up(connection) for connection in dead])

    def _has_room(self) -> bool:
        if len(self._waiting) >= self._size:
            # Who left a moment ago takes nobody's place, though the thread that watches may not
            # have looked at them yet.
            self._miss(c for c in self._waiting if _is_reset(c.sock) or self._has_left(c))
        return len(self._waiting) < self._size

    def _has_left(self, connection: ThreadedConnection) -> bool:
        if connection in self._spoke or not _DONT_WAIT:
            return False
        return _is_at_end(connection.sock, socket.MSG_PEEK)

    def _miss(self, who: Iterable[ThreadedConnection]) -> None:
        """Take out who is gone."""
        gone = list(who)
        for connection in gone:
            connection.abort("reset")
            self._leaving[connection] = None  # the thread that watches closes the socket
        if gone:
            self._move_up(min([self._give_up(connection) for connection in gone]))

    def _tell_position(self, connection: ThreadedConnection, position: int) -> None:
        self._post(connection, Waiting(position))

    def _send_away(self, connection: ThreadedConnection, code: str, reason: str) -> None:
        self._spoke.discard(connection)
        self._peers.pop(connection, None)
        self._post(connection, Closing(code, reason))
        connection.finish(code)
        self._leaving[connection] = None
        staying = [one for one in self._leaving if not one.dead]
        for one in staying[:-MAX_LEAVING]:
            one.abort("lingered")

    def _post(self, connection: ThreadedConnection, message: Reply) -> None:
        connection.post(encode_line(self._codec.encode_reply(message)))  # type: ignore[arg-type]

    def _wake(self) -> None:
        if self._waker is not None:  # else it will look when it begins
            with contextlib.suppress(OSError):  # full: it is about to look up; closed: it is gone
                self._waker.send(b"\0")


def _is_reset(sock: Stream) -> bool:
    # If the client spoke before, its bytes are still there to be read; only this tells.
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _is_at_end(sock: Stream, flags: int) -> bool:
    try:
        return not sock.recv(65_536, flags | _DONT_WAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _watch_exactly(
    selector: selectors.BaseSelector,
    watched: dict[Stream, ThreadedConnection],
    always: socket.socket,
) -> None:
    # Who is no longer watched goes first: a closed socket's number may be another's by now.
    for key in tuple(selector.get_map().values()):
        if key.fileobj is not always and key.fileobj not in watched:
            selector.unregister(key.fileobj)
    known = {key.fileobj for key in selector.get_map().values()}
    for sock, connection in watched.items():
        if sock not in known:
            # Closed since we looked, in one of three stages: no number, a dead one, another's.
            with contextlib.suppress(ValueError, OSError, KeyError):
                selector.register(sock, selectors.EVENT_READ, connection)
