"""Faulty variants of `StoppableServer`, each with the probe that catches it."""

# mypy: disable-error-code="no-untyped-call"
# The solution is as a learner writes it: without annotations.

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Any

from netlab.exercises.solutions.ch03.stoppable_server import StoppableServer as Correct


class Forever(Correct):
    """`start` serves, and never returns."""

    def start(self, address: Any) -> None:
        super().start(address)
        self.thread.join()


class NotYet(Correct):
    """Leaves listening to its thread, and returns before it listens."""

    def start(self, address: Any) -> None:
        self.waker, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self.listen, args=[address])
        self.thread.start()

    def listen(self, address: Any) -> None:
        self.listener = socket.create_server(address)
        self.run()


class TextOnly(Correct):
    """Echoes text."""

    def echo(self, client: socket.socket) -> None:
        while self.wait_for(client) and (data := client.recv(65_536)):
            client.sendall(data.decode("utf-8", "ignore").encode())


class ServesOne(Correct):
    """Ends with its first client."""

    def run(self) -> None:
        with self.listener, self.woken:
            if self.wait_for(self.listener):
                client, _ = self.listener.accept()
                with client:
                    self.echo(client)


class Blocking(Correct):
    """The server of chapter 01, in a thread."""

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                with client:
                    self.echo(client)

    def echo(self, client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while data := client.recv(65_536):
                client.sendall(data)


class ClosesItsListener(Blocking):
    """As in the chapter's beginning: closes the listener, and waits for its thread."""

    def stop(self) -> None:
        self.listener.close()
        self.thread.join()


class ClosesAndHopes(Blocking):
    """The same, but does not wait."""

    def stop(self) -> None:
        self.listener.close()


class ConnectsToItself(Blocking):
    """Wakes `accept` with a connection of its own, but nobody who waits in `recv`."""

    def start(self, address: Any) -> None:
        self.stopping = False
        super().start(address)

    def stop(self) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection(self.listener.getsockname()).close()
        self.thread.join()
        for sock in (self.listener, self.waker, self.woken):
            sock.close()

    def run(self) -> None:
        while not self.stopping:
            client, _ = self.listener.accept()
            with client:
                self.echo(client)


class KeepsItsPort(Correct):
    """Ends its thread and forgets its listener."""

    def run(self) -> None:
        self.listener = Lasting(fileno=self.listener.detach())
        super().run()


class Lasting(socket.socket):
    """A socket that `with` does not close."""

    def __exit__(self, *_: object) -> None:
        pass


class Fragile(Correct):
    """A client that vanishes ends the server."""

    def run(self) -> None:
        with self.listener, self.woken:
            while self.wait_for(self.listener):
                client, _ = self.listener.accept()
                with client:
                    self.echo(client)


class WakesInAcceptOnly(Correct):
    """Waits for two things where `Stoppable` does, and for one in `recv`."""

    def echo(self, client: socket.socket) -> None:
        while data := client.recv(65_536):
            client.sendall(data)


class BreaksOff(Correct):
    """SO_LINGER with a time of zero: no TIME_WAIT, and no FIN either."""

    def echo(self, client: socket.socket) -> None:
        super().echo(client)
        if self.waker.fileno() == -1:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class TellsNobody(Correct):
    """Keeps its clients' sockets."""

    def run(self) -> None:
        with self.listener, self.woken:
            while self.wait_for(self.listener):
                self.client, _ = self.listener.accept()
                with contextlib.suppress(ConnectionError):
                    self.echo(self.client)
                if self.waker.fileno() != -1:
                    self.client.close()


class ReadsFirst(Correct):
    """Waits for the first words of a client as if they were certain to come."""

    def echo(self, client: socket.socket) -> None:
        client.sendall(client.recv(65_536))
        super().echo(client)


class KnowsTheLast(Correct):
    """A thread for each client, and one attribute for all of them."""

    def start(self, address: Any) -> None:
        self.client: socket.socket | None = None
        super().start(address)

    def stop(self) -> None:
        super().stop()
        if self.client is not None:
            with contextlib.suppress(OSError):
                self.client.shutdown(socket.SHUT_RDWR)
            self.server.join()

    def run(self) -> None:
        with self.listener, self.woken:
            while self.wait_for(self.listener):
                self.client, _ = self.listener.accept()
                self.server = threading.Thread(target=self.serve, args=[self.client])
                self.server.start()

    def serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError):
            while data := client.recv(65_536):
                client.sendall(data)


class DoesNotWait(Correct):
    """Says that it has stopped, and has only said that it should."""

    def stop(self) -> None:
        self.waker.close()


class WaitsAWhile(Correct):
    """Gives its thread a tenth of a second."""

    def stop(self) -> None:
        self.waker.close()
        self.thread.join(timeout=0.1)


class SleepsAndHopes(Correct):
    """Does not ask whether its thread has ended."""

    def stop(self) -> None:
        self.waker.close()
        time.sleep(0.1)


class WithoutReuse(Correct):
    """`bind` and `listen`, without SO_REUSEADDR."""

    def start(self, address: Any) -> None:
        self.listener = socket.socket()
        try:
            self.listener.bind(address)
        except OSError:
            self.listener.close()
            raise
        self.listener.listen()
        self.waker, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()


class OneLife(Correct):
    """Its event is made with the object, and stays set."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def stop(self) -> None:
        self.stopping.set()
        super().stop()

    def wait_for(self, sock: socket.socket) -> bool:
        return not self.stopping.is_set() and super().wait_for(sock)


class StopsOnce(Correct):
    """Speaks to a socket that it has closed."""

    def stop(self) -> None:
        self.waker.sendall(b"!")
        self.thread.join()
        self.waker.close()


class FirstCallerWaits(Correct):
    """Its second caller hears that it has stopped, and it has not."""

    def start(self, address: Any) -> None:
        self.running = True
        super().start(address)

    def stop(self) -> None:
        if self.running:
            self.running = False
            super().stop()


MUTANTS = (
    (Forever, "one can connect"),
    (NotYet, "one can connect"),
    (TextOnly, "two clients, one after the other"),
    (ServesOne, "two clients, one after the other"),
    (ClosesItsListener, "stop, when nobody has come"),
    (ClosesAndHopes, "stop, when nobody has come"),
    (KeepsItsPort, "stop, when nobody has come"),
    (Fragile, "stop, when all have left"),
    (ConnectsToItself, "stop, with a silent client"),
    (WakesInAcceptOnly, "stop, with a silent client"),
    (BreaksOff, "stop, with a silent client"),
    (TellsNobody, "stop, with a silent client"),
    (ReadsFirst, "stop, with a client who never speaks"),
    (KnowsTheLast, "stop, with clients who wait"),
    (DoesNotWait, "a thread that takes its time"),
    (WaitsAWhile, "a thread that takes its time"),
    (SleepsAndHopes, "a thread that takes its time"),
    (WithoutReuse, "start again"),
    (OneLife, "start again"),
    (StopsOnce, "stop it again"),
    (FirstCallerWaits, "two threads stop it"),
)
