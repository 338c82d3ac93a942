"""Chat rooms for the red team: correct ones, and ones that a single silent client freezes.

They speak as `ChatRoom` of chapter 04 does: `welcome`, and then everybody's lines.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import threading
from typing import Protocol

WAITING = 20
"""lines that wait for one client, in a correct room"""
SPLIT_LINES, SPLIT_S, PAUSE_S = 5, 0.01, 0.2
"""a leisurely room sends its first lines in two pieces, so far apart, and then has a rest"""


class Room(Protocol):
    """Who is in the room, and how they hear what is said."""

    def enter(self, sock: socket.socket) -> None:
        """Let a client in, and welcome it."""

    def say(self, line: bytes) -> None:
        """Pass on what somebody said."""

    def leave(self, sock: socket.socket) -> None:
        """Forget one who has left."""


def correct_room(listener: socket.socket) -> None:
    """Has an outbox for each client, and drops one for whom too much waits."""
    _serve(listener, Outboxes())


def leisurely_room(listener: socket.socket) -> None:
    """The same, but a line may come in two pieces, and sometimes it takes a moment."""
    _serve(listener, Leisurely())


def freezing_room(listener: socket.socket) -> None:
    """The speaker's thread sends to one after the other, and waits for each."""
    _serve(listener, OneAfterTheOther())


def one_writer_room(listener: socket.socket) -> None:
    """One thread sends everything to all, and waits for each; the speakers do not wait."""
    _serve(listener, OneWriter())


def _serve(listener: socket.socket, room: Room) -> None:
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        room.enter(sock)
        threading.Thread(target=_read, args=[sock, room], daemon=True, name="reader").start()


def _read(sock: socket.socket, room: Room) -> None:
    with contextlib.suppress(OSError), sock.makefile("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                room.say(line)
    room.leave(sock)


class Outboxes:
    """An outbox and a writer for each client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the outboxes
        self._outboxes: dict[socket.socket, queue.Queue[bytes]] = {}

    def enter(self, sock: socket.socket) -> None:
        """Let a client in, and welcome it."""
        outbox: queue.Queue[bytes] = queue.Queue(WAITING)
        outbox.put(b"welcome\n")
        with self._lock:
            self._outboxes[sock] = outbox
        threading.Thread(target=self._write, args=[sock, outbox], daemon=True).start()

    def say(self, line: bytes) -> None:
        """Put the line into all outboxes; drop who does not read."""
        with self._lock:
            for sock, outbox in self._outboxes.items():
                try:
                    outbox.put_nowait(line)
                except queue.Full:
                    _hang_up(sock)

    def leave(self, sock: socket.socket) -> None:
        """Forget one who has left."""
        with self._lock:
            outbox = self._outboxes.pop(sock)
        _hang_up(sock)
        with contextlib.suppress(queue.Full):
            outbox.put_nowait(b"")

    def send(self, sock: socket.socket, line: bytes, number: int) -> None:
        """Send line `number`, counted from 0, to one client."""
        sock.sendall(line)

    def _write(self, sock: socket.socket, outbox: queue.Queue[bytes]) -> None:
        with sock, contextlib.suppress(OSError):
            for number in itertools.count():
                line = outbox.get()
                if not line:
                    return
                self.send(sock, line, number)


class Leisurely(Outboxes):
    """Sends in two pieces at first, and has a rest then."""

    def send(self, sock: socket.socket, line: bytes, number: int) -> None:
        """Send the line, perhaps in two pieces."""
        cut = len(line) // 2 if 0 < number <= SPLIT_LINES else 0
        sock.sendall(line[:cut])
        if cut:
            threading.Event().wait(SPLIT_S)
        if number == SPLIT_LINES:
            threading.Event().wait(PAUSE_S)
        sock.sendall(line[cut:])


class OneAfterTheOther:
    """The chat of a hundred tutorials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the list
        self._clients: list[socket.socket] = []

    def enter(self, sock: socket.socket) -> None:
        """Let a client in, and welcome it."""
        with self._lock:
            self._clients.append(sock)
            sock.sendall(b"welcome\n")  # a new connection always has room for it

    def say(self, line: bytes) -> None:
        """Send to one after the other."""
        with self._lock:
            clients = self._clients.copy()
        for sock in clients:
            with contextlib.suppress(OSError):
                sock.sendall(line)

    def leave(self, sock: socket.socket) -> None:
        """Forget one who has left."""
        with self._lock:
            self._clients.remove(sock)
        sock.close()


class OneWriter(OneAfterTheOther):
    """Puts what is said into one queue for all."""

    def __init__(self) -> None:
        super().__init__()
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True, name="writer").start()

    def say(self, line: bytes) -> None:
        """Leave it to the writer."""
        self._said.put(line)

    def _write(self) -> None:
        while True:
            super().say(self._said.get())


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
