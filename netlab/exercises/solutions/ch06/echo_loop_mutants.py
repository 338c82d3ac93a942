"""Faulty variants of `echo_loop`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import Any

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ENOUGH_BYTES = 100_000

_kept: list[object] = []


class Client:
    """A client of the loop; the mutants take away from it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.unsent = bytearray()
        self.ended = False

    def interest(self) -> int:
        read = READ if not self.ended and len(self.unsent) < ENOUGH_BYTES else 0
        return read | (WRITE if self.unsent else 0)

    def serve(self, events: int) -> None:
        if events & READ:
            self.read()
        if events & WRITE:
            self.write()

    def read(self) -> None:
        data = self.sock.recv(65_536)
        self.unsent += data
        self.ended = not data

    def write(self) -> None:
        del self.unsent[: self.sock.send(self.unsent)]


class Loop:
    """A correct loop; the mutants take away from it."""

    client: type[Client] = Client
    timeout_s: float | None = None
    vanishes: tuple[type[Exception], ...] = (ConnectionError,)

    def __init__(self, listener: socket.socket, stop: socket.socket) -> None:
        self.listener, self.stop = listener, stop
        self.selector = selectors.DefaultSelector()

    def watched(self) -> list[socket.socket]:
        return [self.listener, self.stop]

    def run(self) -> None:
        self.listener.setblocking(False)
        for sock in self.watched():
            self.selector.register(sock, READ)
        while True:
            for key, events in self.selector.select(self.timeout_s):
                if key.fileobj is self.stop:
                    return self.close()
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.serve(key.data, events)

    def accept(self) -> None:
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        client = self.client(sock)
        self.selector.register(sock, client.interest(), client)

    def serve(self, client: Client, events: int) -> None:
        try:
            client.serve(events)
            interest = client.interest()
        except self.vanishes:
            interest = 0
        if interest:
            self.selector.modify(client.sock, interest, client)
        else:
            self.end(client)

    def end(self, client: Client) -> None:
        self.selector.unregister(client.sock)
        client.sock.close()

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket) and key.fileobj is not self.stop:
                key.fileobj.close()
        self.selector.close()


def _mutant(name: str, loop: type[Loop]) -> Any:
    def echo_loop(listener: socket.socket, stop: socket.socket) -> None:
        loop(listener, stop).run()

    echo_loop.__name__ = name
    return echo_loop


# ---------------------------------------------------------------- who has to wait


def one_after_the_other(listener: socket.socket, stop: socket.socket) -> None:
    while True:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(ConnectionError):
            while data := sock.recv(65_536):
                sock.sendall(data)


def a_thread_for_each(listener: socket.socket, stop: socket.socket) -> None:
    def serve(sock: socket.socket) -> None:
        with sock, contextlib.suppress(ConnectionError):
            while data := sock.recv(65_536):
                sock.sendall(data)

    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=[sock], daemon=True).start()


class _Waiting(Loop):
    """The sockets of the chapter's first loop: they wait, in sendall."""

    class client(Client):
        def read(self) -> None:
            self.sock.settimeout(None)
            super().read()
            self.sock.sendall(self.unsent)
            self.unsent.clear()


# ---------------------------------------------------------------- who never rests


class _Polling(Loop):
    timeout_s = 0.005


class _Spinning(Loop):
    timeout_s = 0


class _Eager(Loop):
    class client(Client):
        def interest(self) -> int:
            return READ | WRITE

        def write(self) -> None:
            if self.unsent:
                super().write()


class _Faithful(Loop):
    """Watches who has left."""

    def end(self, client: Client) -> None:
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_WR)


class _Deaf(Loop):
    """Does not read from those who do not, but asks whether it could."""

    class client(Client):
        def interest(self) -> int:
            return super().interest() and super().interest() | READ

        def read(self) -> None:
            if len(self.unsent) < ENOUGH_BYTES:
                super().read()


class _Curious(Loop):
    """Asks those who have ended for more, until it has sent them everything."""

    class client(Client):
        def interest(self) -> int:
            return super().interest() and super().interest() | (READ if self.ended else 0)


# ---------------------------------------------------------------- what is lost


class _Forgetful(Loop):
    class client(Client):
        def write(self) -> None:
            self.sock.send(self.unsent)
            self.unsent.clear()


class _AllAtOnce(Loop):
    class client(Client):
        def write(self) -> None:
            self.sock.sendall(self.unsent)
            self.unsent.clear()


class _Hoarding(Loop):
    class client(Client):
        def interest(self) -> int:
            return (0 if self.ended else READ) | (WRITE if self.unsent else 0)


class _Generous(Loop):
    class client(Client):
        """Keeps a megabyte and a half."""

        def interest(self) -> int:
            read = READ if not self.ended and len(self.unsent) < 1_500_000 else 0
            return read | (WRITE if self.unsent else 0)


class _Abrupt(Loop):
    """The chapter's: the end of the one direction closes both."""

    class client(Client):
        def interest(self) -> int:
            return 0 if self.ended else super().interest()


# ---------------------------------------------------------------- those who vanish, and the end


class _Fragile(Loop):
    vanishes = ()


class _HalfGuarded(Loop):
    """Expects that recv raises, and not that send does."""

    vanishes = ()

    class client(Client):
        def read(self) -> None:
            try:
                super().read()
            except ConnectionError:
                self.ended = True
                self.unsent.clear()


class _Unstoppable(Loop):
    def watched(self) -> list[socket.socket]:
        return [self.listener]


class _Leaving(Loop):
    def close(self) -> None:
        _kept.append(self.selector)
        self.listener.close()


class _LeavingTheDoorOpen(Loop):
    def close(self) -> None:
        self.selector.unregister(self.listener)
        super().close()


class _Thorough(Loop):
    def close(self) -> None:
        super().close()
        self.stop.close()


class _Dutiful(Loop):
    """Waits until everybody has got everything."""

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            if isinstance(key.data, Client):
                key.data.sock.setblocking(True)
                key.data.sock.sendall(key.data.unsent)
        super().close()


MUTANTS = (
    (one_after_the_other, "a client that says nothing"),
    (a_thread_for_each, "nobody says anything"),
    (_mutant("polling", _Polling), "nobody says anything"),
    (_mutant("spinning", _Spinning), "nobody says anything"),
    (_mutant("asking_always_for_room", _Eager), "nobody says anything"),
    (_mutant("watching_who_has_left", _Faithful), "a client that ends"),
    (_mutant("forgetting_the_rest", _Forgetful), "a client that does not read"),
    (_mutant("sending_all_at_once", _AllAtOnce), "a client that does not read"),
    (_mutant("fragile", _Fragile), "a client that vanishes"),
    (_mutant("waiting_in_sendall", _Waiting), "a client that does not read"),
    (_mutant("hoarding", _Hoarding), "a client that does not read"),
    (_mutant("generous", _Generous), "a client that does not read"),
    (_mutant("asking_whom_it_does_not_read", _Deaf), "a client that does not read"),
    (_mutant("closing_at_the_end", _Abrupt), "the end, while much waits"),
    (_mutant("asking_who_has_ended", _Curious), "the end, while much waits"),
    (_mutant("half_guarded", _HalfGuarded), "a client that vanishes while much waits"),
    (_mutant("unstoppable", _Unstoppable), "stop"),
    (_mutant("leaving_clients_open", _Leaving), "stop"),
    (_mutant("leaving_the_door_open", _LeavingTheDoorOpen), "stop"),
    (_mutant("closing_what_it_was_given", _Thorough), "stop"),
    (_mutant("dutiful", _Dutiful), "stop"),
)
