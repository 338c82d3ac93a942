"""Faulty variants of `ChatRoom`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Iterator


class Tutorial:
    """The chat of a hundred tutorials: a list, a thread a client, and `sendall` to each."""

    DAEMON = True

    def start(self) -> None:
        self.lock = threading.Lock()
        self.clients: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.stopping = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.spawn(self.accept)

    def spawn(self, *work: object) -> None:
        target, *arguments = work
        thread = threading.Thread(target=target, args=arguments, daemon=self.DAEMON)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self.stopping = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in list(self.clients):
            self.hang_up(client)
        for thread in list(self.threads):
            thread.join()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.stopping:
                    return client.close()
                self.clients.append(client)
                self.greet(client)
                self.spawn(self.serve, client)

    def greet(self, client: socket.socket) -> None:
        client.sendall(b"welcome\n")

    def lines(self, client: socket.socket) -> Iterator[bytes]:
        with client.makefile("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield line

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for line in self.lines(client):
                self.say(client, line)
        self.remove(client)

    def remove(self, client: socket.socket) -> None:
        with self.lock:
            self.clients.remove(client)
        self.hang_up(client)
        client.close()

    def say(self, speaker: socket.socket, line: bytes) -> None:
        for client in list(self.clients):
            with contextlib.suppress(OSError):
                client.sendall(line)

    def hang_up(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


class LockedTutorial(Tutorial):
    """Sends with the lock held."""

    def say(self, speaker: socket.socket, line: bytes) -> None:
        with self.lock:
            super().say(speaker, line)


class Pieces(LockedTutorial):
    """Passes on what `recv` returns."""

    def lines(self, client: socket.socket) -> Iterator[bytes]:
        while data := client.recv(65_536):
            yield data


class Texts(LockedTutorial):
    """Thinks that lines are text."""

    def lines(self, client: socket.socket) -> Iterator[bytes]:
        for line in super().lines(client):
            yield line.decode(errors="replace").encode()


class LastWords(LockedTutorial):
    """Passes on the half line that somebody leaves."""

    def lines(self, client: socket.socket) -> Iterator[bytes]:
        with client.makefile("rb") as lines:
            yield from lines


class Unclosed(LockedTutorial):
    """Keeps a list of those who have left, and their connections with it."""

    def start(self) -> None:
        self.left: list[socket.socket] = []
        super().start()

    def remove(self, client: socket.socket) -> None:
        with self.lock:
            self.clients.remove(client)
            self.left.append(client)


class WalksTheList(LockedTutorial):
    """Walks through the list itself, from which others remove themselves meanwhile."""

    def say(self, speaker: socket.socket, line: bytes) -> None:
        with self.lock:
            for client in self.clients:
                with contextlib.suppress(OSError):
                    client.sendall(line)

    def remove(self, client: socket.socket) -> None:
        self.clients.remove(client)
        self.hang_up(client)
        client.close()


class RemovesFromBothSides(LockedTutorial):
    """Who fails to send removes the client, which may have removed itself already."""

    def say(self, speaker: socket.socket, line: bytes) -> None:
        with self.lock:
            for client in list(self.clients):
                try:
                    client.sendall(line)
                except OSError:
                    self.clients.remove(client)

    def remove(self, client: socket.socket) -> None:
        if client in self.clients:
            self.clients.remove(client)
        self.hang_up(client)
        client.close()


class Outboxes(LockedTutorial):
    """All right: an outbox for each client. What is wrong, its heirs change."""

    DAEMON = False
    WAITING = 100

    def start(self) -> None:
        self.outboxes: dict[socket.socket, queue.Queue[bytes]] = {}
        super().start()

    def greet(self, client: socket.socket) -> None:
        outbox: queue.Queue[bytes] = queue.Queue(self.WAITING)
        outbox.put(b"welcome\n")
        with self.lock:
            self.outboxes[client] = outbox
        self.spawn(self.write, client, outbox)

    def write(self, client: socket.socket, outbox: queue.Queue[bytes]) -> None:
        with contextlib.suppress(OSError):
            while line := outbox.get():
                client.sendall(line)

    def say(self, speaker: socket.socket, line: bytes) -> None:
        with self.lock:
            self.post(line)

    def post(self, line: bytes) -> None:
        for client, outbox in list(self.outboxes.items()):
            try:
                outbox.put_nowait(line)
            except queue.Full:
                self.drop(client)

    def drop(self, client: socket.socket) -> None:
        self.hang_up(client)

    def remove(self, client: socket.socket) -> None:
        with self.lock:
            outbox = self.outboxes.pop(client)
        super().remove(client)
        with contextlib.suppress(queue.Full):
            outbox.put_nowait(b"")


class NoOrder(Outboxes):
    """Posts without a lock."""

    def say(self, speaker: socket.socket, line: bytes) -> None:
        self.post(line)


class Impatient(Outboxes):
    """Drops a client for whom ten lines wait."""

    WAITING = 10


class Hoarder(Outboxes):
    """Keeps everything for one who does not read."""

    WAITING = 0


class WaitsForRoom(Outboxes):
    """Waits, with the lock held, until there is room in the outbox."""

    def post(self, line: bytes) -> None:
        for outbox in self.outboxes.values():
            outbox.put(line)


class SleepingAcceptor(Outboxes):
    """Closes the listener, which does not wake `accept`."""

    def stop(self) -> None:
        self.listener.close()
        for thread in list(self.threads):
            thread.join()


class Leaver(Outboxes):
    """Does not wait for its threads, nor end what they do."""

    DAEMON = True

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Closer(Outboxes):
    """Closes the sockets, which wakes nobody."""

    def hang_up(self, client: socket.socket) -> None:
        client.close()


class Polite(Outboxes):
    """Sends everyone what still waits, before it ends."""

    def stop(self) -> None:
        for outbox in list(self.outboxes.values()):
            outbox.put(b"")
        for thread in list(self.threads):
            if thread.name.endswith("(write)"):  # as threading names it by default
                thread.join()
        super().stop()


class Blocking(Outboxes):
    """Serves in `start` instead of a thread."""

    def spawn(self, *work: object) -> None:
        if work == (self.accept,):
            self.accept()
        super().spawn(*work)


MUTANTS = (
    (Blocking, "it starts"),
    (Texts, "bytes that are no text"),
    (Pieces, "half a line"),
    (NoOrder, "one order for all"),
    (LastWords, "two who leave in the middle of a line"),
    (Unclosed, "two who leave in the middle of a line"),
    (WalksTheList, "guests who come and go"),
    (RemovesFromBothSides, "guests who come and go"),
    (Tutorial, "one order for all"),
    (LockedTutorial, "one who pauses"),
    (WaitsForRoom, "one who does not read"),
    (Impatient, "one who pauses"),
    (Hoarder, "one who does not read"),
    (SleepingAcceptor, "stop an empty room"),
    (Leaver, "stop after some have left"),
    (Closer, "one who does not read"),
    (Polite, "stop a full room"),
)
