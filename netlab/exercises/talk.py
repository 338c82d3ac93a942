"""`Talk`: a connection of the examiner to the learner's server, with all that a network can do.

What it reads, and what it may then complain of, is in `hearing`.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netlab.exercises.hearing import Hearing
from netlab.exercises.unread import NotAvailable, unread_at_peer
from netlab.exercises.words import error_in_words, in_short

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

Wrap = Callable[[socket.socket], socket.socket]

APART_S = 0.2
"""seconds that a piece waits at most to be read, before the next is sent"""
STALL_S = 0.5
"""seconds without room for more, after which nothing more fits"""
FILL_S = 20.0
"""seconds after which a server that reads, but hardly anything, has been sent enough"""
POLL_S = 0.001
ELSEWHERE_S = 0.01
"""the same, where the server is in another network namespace: its table is not ours to read"""
SMALL_BUFFER_BYTES = 4096


class Talk(Hearing):
    """A connection of the examiner to the learner's server; made by `Trial.talk`."""

    def __init__(self, trial: Trial, address: Any, name: str) -> None:
        super().__init__(trial, name)
        self._address = address
        self._broken_by_send: OSError | None = None

    def connect(self, wrap: Wrap | None = None) -> None:
        """Connect; `wrap` makes another of the socket (TLS).

        Raises:
            Broken: it was refused, or not accepted in time, or `wrap` raised an OSError.
        """
        self._wire("client→server", "open", f"{self._name} connects")
        try:
            self._sock = socket.create_connection(self._address, self._trial.patience_s)
        except OSError as error:
            raise self._failed("the connection to be accepted", error_in_words(error)) from None
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap is not None:
            try:
                self._sock = wrap(self._sock)
            except OSError as error:  # ssl.SSLError is one
                raise self._failed("the handshake to succeed", error_in_words(error)) from None

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._wire("client→server", "data", f"{self._name} sends {in_short(data)}", data)
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise self._failed("the bytes to be taken", error_in_words(error)) from None

    def send_apart(self, *pieces: bytes) -> None:
        """Send each piece in a segment of its own, once the one before it has been read.

        Whether it has, the system's table says (Linux); elsewhere, and if the server does not
        read, the next piece goes out `APART_S` seconds later.
        """
        for number, piece in enumerate(pieces):
            if number:
                self.wait_read()
            self.send(piece)

    def trickle(self, data: bytes) -> None:
        """Send one byte at a time, each in a segment of its own."""
        self._trial.note(f"{self._name} sends {in_short(data)}, one byte at a time")
        steps = len(self._trial.steps)
        self.send_apart(*(data[i : i + 1] for i in range(len(data))))
        del self._trial.steps[steps:]  # one sentence says it

    def wait_read(self) -> None:
        """Wait until the server has read all that was sent, but at most `APART_S` seconds."""
        until = time.monotonic() + APART_S
        while time.monotonic() < until:
            try:
                unread = unread_at_peer(self.sock)
            except NotAvailable:
                threading.Event().wait(APART_S)
                return
            except OSError:  # reset meanwhile: sending will say so
                return
            if unread is None:
                threading.Event().wait(ELSEWHERE_S)
            if not unread:
                return
            threading.Event().wait(POLL_S)

    def half_close(self) -> None:
        """Send FIN: no more will come from here, but this end still listens."""
        does = f"{self._name} sends FIN (shutdown(SHUT_WR)) and goes on reading"
        self._wire("client→server", "fin", does)
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self, *, wait: bool = True) -> None:
        """End the connection with RST, and `wait` until the code has had time to notice."""
        self._wire("client→server", "rst", f"{self._name} resets the connection (RST)")
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        if wait:
            self._trial.let_notice()

    def leave(self) -> None:
        """Close the connection in order (FIN)."""
        self._wire("client→server", "fin", f"{self._name} closes the connection (FIN)")
        self.sock.close()

    def stuff(self, data: bytes, most_bytes: int) -> None:
        """Send `data` over and over and read nothing, until nothing more fits or `most_bytes`."""
        does = f"{self._name} sends {in_short(data)} over and over, and reads nothing"
        self._wire("client→server", "data", does, data)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        self.fill(lambda: data, most_bytes)

    def fill(self, make: Callable[[], bytes], most_bytes: int) -> int:
        """Send what `make` returns, over and over, until nothing more fits; say how much was taken.

        It also ends after `most_bytes`, and when the other side hangs up.
        """
        sent, rest, until = 0, memoryview(b""), time.monotonic() + FILL_S
        self.sock.setblocking(False)
        try:
            while sent < most_bytes:
                rest = rest or memoryview(make())
                try:
                    taken = self.sock.send(rest)
                except BlockingIOError:
                    if time.monotonic() > until or not self._has_room():
                        break
                else:
                    sent += taken
                    rest = rest[taken:]
        except OSError:  # it hung up: that is an answer, too
            pass
        finally:
            self.sock.settimeout(self._trial.patience_s)
        return sent

    def _has_room(self) -> bool:
        """Say if there is room: a server that is only slow, or has no processor, makes some."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_WRITE)
            if selector.select(STALL_S):
                return True
            self._trial.let_notice()
            return bool(selector.select(0))

    def exchange(self, data: bytes) -> None:
        """Send all of it and at the same time read exactly the same bytes back."""
        sender = threading.Thread(target=self._send_quietly, args=[data], name="netlab-examiner")
        does = f"{self._name} sends {in_short(data)} and reads at the same time"
        self._wire("client→server", "data", does, data)
        sender.start()
        try:
            self.expect(data)
        finally:
            with contextlib.suppress(OSError):
                if self._broken_by_send or sys.exc_info()[0]:
                    self.sock.shutdown(socket.SHUT_RDWR)  # wakes the sender
            sender.join()

    def _send_quietly(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            self._broken_by_send = error

    def close(self) -> None:
        """Close the connection, if it is open, without a word in the transcript."""
        if self._sock is not None:
            self._sock.close()
