"""Faulty variants of `PoolServer`, each with the probe that catches it."""

# mypy: disable-error-code="no-untyped-call"
# The solution is as a learner writes it: without annotations.

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from netlab.exercises.solutions.ch05.pool_server import PoolServer as Correct


class Forever(Correct):
    """`start` serves, and never returns."""

    def start(self) -> None:
        super().start()
        self.acceptor.join()


class PieceByPiece(Correct):
    """What `recv` returns is a line."""

    def serve(self, client: socket.socket) -> None:
        with client:
            while data := client.recv(1024):
                client.sendall(self.reply(data.rstrip(b"\n")) + b"\n")


class LeavesOpen(Correct):
    """Closes the connection, but not the file that was made of it."""

    def serve(self, client: socket.socket) -> None:
        self.lines = client.makefile("rb")
        for line in self.lines:
            client.sendall(self.reply(line.rstrip(b"\n")) + b"\n")
        self.clients.remove(client)
        client.close()


class Poisoned(Correct):
    """Each answer may end the service of its client: the executor keeps the exception."""

    def reply(self, line: bytes) -> bytes:
        return bytes(self.answer(line))


class NarrowExcept(Correct):
    """Catches what its author has thought of."""

    def reply(self, line: bytes) -> bytes:
        try:
            return bytes(self.answer(line))
        except (ValueError, AttributeError):
            return b"error"


class Silent(Correct):
    """The pool of the tutorials: who finds no worker waits, and nobody says so."""

    def say(self, client: socket.socket, word: bytes) -> None:
        if word != b"waiting":
            super().say(client, word)


class Boundless(Correct):
    """Says that there are only so many workers, and has one more for each client."""

    def start(self) -> None:
        super().start()
        self.pool = ThreadPoolExecutor(100)


class AlwaysWaiting(Correct):
    """Counts the newcomer among those who are there: with two workers, one serves."""

    def __init__(
        self, answer: Callable[[bytes], bytes], workers: int, queue_size: int, idle_seconds: float
    ) -> None:
        super().__init__(answer, workers, queue_size, idle_seconds)
        self.workers = max(1, workers - 1)


class LastComesFirst(Correct):
    """The workers take who came last: `list.pop()`."""

    def start(self) -> None:
        super().start()
        self.pool.shutdown()
        self.pool = Workers(self.workers, self.serve, last=True)


class Workers:
    """Workers with a loop and a list of their own, instead of an executor."""

    def __init__(
        self, number: int, serve: Callable[[socket.socket], None], *, last: bool = False
    ) -> None:
        self.serve = serve
        self.next = -1 if last else 0
        self.waiting: list[socket.socket] = []
        self.coming = threading.Semaphore(0)
        for _ in range(number):
            threading.Thread(target=self.work, daemon=True).start()

    def submit(self, _: object, client: socket.socket) -> None:
        self.waiting.append(client)
        self.coming.release()

    def work(self) -> None:
        while self.coming.acquire():
            self.serve(self.waiting.pop(self.next))


class EndlessQueue(Correct):
    """A queue without a limit."""

    def start(self) -> None:
        self.queue_size = 1_000_000
        super().start()


class NeverForgets(Correct):
    """Counts those who came, and forgets to count those who left."""

    class Clients(set[socket.socket]):
        def remove(self, _: socket.socket) -> None:
            pass

    def start(self) -> None:
        self.clients = self.Clients()
        super().start()


class ZeroIsUnlimited(Correct):
    """Takes 0 for no limit."""

    def start(self) -> None:
        self.queue_size = self.queue_size or 1_000_000
        super().start()


class Patient(Correct):
    """Idle clients keep their workers."""

    def start(self) -> None:
        self.idle_seconds = None
        super().start()


class TakesWaitingForIdling(Correct):
    """The time that somebody waits for a worker counts, too."""

    def start(self) -> None:
        self.came: dict[socket.socket, float] = {}
        super().start()

    def say(self, client: socket.socket, word: bytes) -> None:
        self.came[client] = time.monotonic()
        super().say(client, word)

    def serve(self, client: socket.socket) -> None:
        if time.monotonic() - self.came.get(client, float("inf")) > self.idle_seconds:
            self.say(client, b"idle")
            client.shutdown(socket.SHUT_RDWR)
        super().serve(client)


class Stopwatch(Correct):
    """Sends everybody away `idle_seconds` after the beginning."""

    def serve(self, client: socket.socket) -> None:
        until = time.monotonic() + self.idle_seconds
        with client, client.makefile("rb", buffering=0) as lines:
            try:
                client.settimeout(self.idle_seconds)
                while line := lines.readline():
                    client.sendall(self.reply(line.rstrip(b"\n")) + b"\n")
                    client.settimeout(max(0.001, until - time.monotonic()))
            except TimeoutError:
                self.say(client, b"idle")
            self.clients.remove(client)


class Fragile(Correct):
    """Its workers have a loop of their own, which an RST ends."""

    def start(self) -> None:
        super().start()
        self.pool.shutdown()
        self.pool = Workers(self.workers, self.serve)

    def serve(self, client: socket.socket) -> None:
        client.settimeout(self.idle_seconds)
        with client, client.makefile("rb") as lines:
            try:
                for line in lines:
                    client.sendall(self.reply(line.rstrip(b"\n")) + b"\n")
            except TimeoutError:
                self.say(client, b"idle")
        self.clients.remove(client)


class FragileLater(Fragile):
    """The same, but only where a client has gone before it is served."""

    def serve(self, client: socket.socket) -> None:
        client.getpeername()
        Correct.serve(self, client)


class WaitsForTheLaziest(Correct):
    """Waits for the workers before it wakes them."""

    def stop(self) -> None:
        self.pool.shutdown()
        super().stop()


class ClosesOnly(Correct):
    """Closes the connections, which wakes nobody who waits in `recv`, and waits for nobody."""

    def stop(self) -> None:
        self.listener.close()
        for client in list(self.clients):
            client.close()
        self.pool.shutdown(wait=False)


MUTANTS = (
    (Forever, "one client"),
    (PieceByPiece, "lines in pieces, and several in one"),
    (LeavesOpen, "a client that has said all it had to say"),
    (Poisoned, "lines that cannot be answered"),
    (NarrowExcept, "lines that cannot be answered"),
    (AlwaysWaiting, "as many clients as workers"),
    (Silent, "one more client than workers"),
    (Boundless, "one more client than workers"),
    (LastComesFirst, "the order of coming"),
    (EndlessQueue, "no room to wait"),
    (NeverForgets, "no room to wait"),
    (ZeroIsUnlimited, "nobody may wait"),
    (TakesWaitingForIdling, "one speaks now and then, one waits long"),
    (Stopwatch, "one speaks now and then, one waits long"),
    (Patient, "an idle client"),
    (Fragile, "a client that vanishes"),
    (FragileLater, "a client that vanishes while it waits"),
    (WaitsForTheLaziest, "stop, with silent clients"),
    (ClosesOnly, "stop, with silent clients"),
)
