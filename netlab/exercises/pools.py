"""The servers of chapter 05's red team: what comes back is what was sent, if a worker is free.

They differ in what becomes of a client that finds all workers taken. Each is called with a
listening socket, and serves for ever.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable

WORKERS = 10
"""of each of the pools"""
IDLE_S = 0.2
"""seconds after which `pool_that_sends_idle_clients_away` does so"""


def everyone_is_served(listener: socket.socket) -> None:
    """A thread for each client."""

    def serve(connection: socket.socket) -> None:
        with connection:
            _echo(connection, None)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=[connection], daemon=True).start()


def pool_that_says_waiting(listener: socket.socket) -> None:
    """Who finds no worker hears `waiting`, and waits."""

    def busy(connection: socket.socket) -> bool:
        connection.sendall(b"waiting\n")
        return True

    _Pool(busy).run(listener)


def pool_that_says_full(listener: socket.socket) -> None:
    """Who finds no worker hears `full`, and is sent away."""

    def busy(connection: socket.socket) -> bool:
        connection.sendall(b"full\n")
        _hang_up(connection)
        return False

    _Pool(busy).run(listener)


def pool_that_sends_idle_clients_away(listener: socket.socket) -> None:
    """Who finds no worker waits until somebody has been silent for `IDLE_S` seconds."""
    _Pool(lambda _: True, idle_s=IDLE_S).run(listener)


def pool_that_says_nothing(listener: socket.socket) -> None:
    """Who finds no worker waits, for ever, and hears nothing."""
    _Pool(lambda _: True).run(listener)


def pool_that_hangs_up(listener: socket.socket) -> None:
    """Who finds no worker is sent away without a word."""

    def busy(connection: socket.socket) -> bool:
        _hang_up(connection)
        return False

    _Pool(busy).run(listener)


class _Pool:
    """Workers, each of which serves one client at a time.

    Args:
        busy: what is done with a client that finds no worker free; shall it wait?
        idle_s: seconds after which a silent client is sent away; None: never.
    """

    def __init__(
        self, busy: Callable[[socket.socket], bool], *, idle_s: float | None = None
    ) -> None:
        self._busy = busy
        self._idle_s = idle_s
        self._clients: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        self._inside = 0
        self._lock = threading.Lock()  # guards _inside

    def run(self, listener: socket.socket) -> None:
        for _ in range(WORKERS):
            threading.Thread(target=self._work, daemon=True).start()
        while True:
            connection, _ = listener.accept()
            with self._lock:
                free = self._inside < WORKERS
                self._inside += free
            if not free:
                with contextlib.suppress(OSError):
                    if not self._busy(connection):
                        continue
                with self._lock:
                    self._inside += 1
            self._clients.put(connection)

    def _work(self) -> None:
        while True:
            with self._clients.get() as connection:
                _echo(connection, self._idle_s)
                with self._lock:
                    self._inside -= 1


def _echo(connection: socket.socket, idle_s: float | None) -> None:
    """Send back what comes, until nothing comes for `idle_s` seconds, or any more."""
    connection.settimeout(idle_s)
    with contextlib.suppress(OSError):
        while data := connection.recv(65_536):
            connection.sendall(data)


def _hang_up(connection: socket.socket) -> None:
    """End the connection with FIN, never with RST: what was sent last is to arrive."""

    def drain() -> None:
        with connection, contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass

    threading.Thread(target=drain, daemon=True).start()
