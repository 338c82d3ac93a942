"""`Talk`: a connection of the examiner to the learner's server, with all that a network can do."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from netlab.exercises.unread import NotAvailable, unread_at_peer
from netlab.exercises.words import Broken, difference, error_in_words, in_short

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

Wrap = Callable[[socket.socket], socket.socket]

APART_S = 0.2
"""seconds that a piece waits at most to be read, before the next is sent"""
STALL_S = 0.5
"""seconds without room for more, after which nothing more fits"""
MOST_STALLS = 5
"""how often there may be room again, before that"""
POLL_S = 0.001
ELSEWHERE_S = 0.01
"""the same, where the server is in another network namespace: its table is not ours to read"""
MOST_PATIENCE = 5
"""an answer that comes bit by bit may take so many times longer than a single step"""
SMALL_BUFFER_BYTES = 4096


class Talk:
    """A connection of the examiner to the learner's server; made by `Trial.talk`."""

    def __init__(self, trial: Trial, address: Any, name: str) -> None:
        self._trial = trial
        self._address = address
        self._name = name
        self._sock: socket.socket | None = None
        self._broken_by_send: OSError | None = None
        self._kept = b""  # read past the end of a line

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

    @property
    def name(self) -> str:
        """What it is called in the transcript."""
        return self._name

    @property
    def sock(self) -> socket.socket:
        """The socket itself, for what this class does not do."""
        if self._sock is None:
            raise RuntimeError("it is not connected")
        return self._sock

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
        for _ in range(MOST_STALLS):
            if not self._stuff(data, most_bytes):
                break
            # A server that was only slow takes more by and by.
            if not select.select([], [self.sock], [], STALL_S)[1]:
                break
        self.sock.settimeout(self._trial.patience_s)

    def _stuff(self, data: bytes, most_bytes: int) -> bool:
        """Return whether there was no room any more."""
        self.sock.settimeout(STALL_S)
        try:
            for _ in range(0, most_bytes, len(data)):
                self.sock.sendall(data)
        except TimeoutError:
            return True
        except OSError:  # it hung up: that is an answer, too
            pass
        return False

    def expect(self, data: bytes) -> None:
        """Read exactly these bytes."""
        got, self._kept = bytearray(self._kept[: len(data)]), self._kept[len(data) :]
        problem = f"silence for {self._trial.patience_s:g} s"
        until = time.monotonic() + MOST_PATIENCE * self._trial.patience_s
        try:
            while len(got) < len(data):
                left_s = min(self._trial.patience_s, until - time.monotonic())
                if not self._something_to_read(left_s):
                    break
                piece = self.sock.recv(min(65_536, len(data) - len(got)))
                if not piece:
                    problem = "the end of the connection (FIN)"
                    break
                got += piece
        except OSError as error:
            problem = error_in_words(error)
        if got:
            self._trial.recording.append(self._name, "server→client", "data", bytes(got))
        if got != data:
            raise self._failed(in_short(data), difference(data, bytes(got), problem))
        self._trial.note(f"{self._name} receives {in_short(data)}")

    def read_line(self, what: str, ending: bytes = b"\n", max_bytes: int = 65_536) -> bytes:
        """Read and return one line with its `ending`; `what` says what is awaited.

        Raises:
            Broken: it did not come in time, the connection ended, or it is longer than `max_bytes`.
        """

        def overlong() -> bool:
            return ending not in self._kept[: max_bytes + len(ending)] and (
                len(self._kept) > max_bytes
            )

        problem = self._read_until(lambda: ending in self._kept or overlong())
        if not problem and overlong():
            problem = f"more than {max_bytes:,} bytes without its end"
        if problem:
            raise self._failed(what, difference(b"", self._kept, problem))
        line, found, self._kept = self._kept.partition(ending)
        self._trial.note(f"{self._name} receives {in_short(line + found)}")
        self._trial.recording.append(self._name, "server→client", "data", line + found)
        return line + found

    def read_exactly(self, number: int, what: str) -> bytes:
        """Read and return so many bytes; `what` says what is awaited.

        Raises:
            Broken: they did not come in time, or the connection ended.
        """
        problem = self._read_until(lambda: len(self._kept) >= number)
        if problem:
            raise self._failed(what, difference(b"", self._kept, problem))
        data, self._kept = self._kept[:number], self._kept[number:]
        self._trial.note(f"{self._name} receives {in_short(data)}")
        self._trial.recording.append(self._name, "server→client", "data", data)
        return data

    def _read_until(self, done: Callable[[], bool]) -> str:
        """Keep what comes, until `done()`; return what came instead, or nothing."""
        until = time.monotonic() + MOST_PATIENCE * self._trial.patience_s
        while not done():
            left_s = min(self._trial.patience_s, until - time.monotonic())
            try:
                if not self._something_to_read(left_s):
                    return f"silence for {self._trial.patience_s:g} s"
                piece = self.sock.recv(65_536)
            except OSError as error:
                return error_in_words(error)
            if not piece:
                return "the end of the connection (FIN)"
            self._kept += piece
        return ""

    def expect_silence(self, timeout_s: float, until_what: str) -> None:
        """Read nothing for `timeout_s` seconds: nothing may come before `until_what`."""
        if not self._kept and self.sock not in wait([self.sock], timeout_s):
            self._trial.note(f"{self._name} receives nothing yet")
            return
        try:
            got = in_short(self._kept or self.sock.recv(65_536))
        except OSError as error:
            got = error_in_words(error)
        got = "the end of the connection (FIN)" if got == "b''" else got
        raise self._failed(f"nothing before {until_what}", got)

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

    def expect_end(self, *, reset_allowed: bool = False) -> None:
        """Read the end of the connection: FIN (or RST, if allowed), and nothing before it."""
        expected = "the end of the connection (FIN)"
        if self._kept:
            raise self._failed(expected, in_short(self._kept))
        if not self._something_to_read(self._trial.patience_s):
            raise self._failed(expected, f"silence for {self._trial.patience_s:g} s")
        try:
            got = self.sock.recv(65_536)
        except OSError as error:
            if reset_allowed and isinstance(error, ConnectionResetError):
                got = b""  # closed while bytes of ours were unread: RFC 9293, 3.10.4
            else:
                raise self._failed(expected, error_in_words(error)) from None
        if got:
            raise self._failed(expected, in_short(got))
        end = "the end" if reset_allowed else "FIN"
        self._wire("server→client", "fin", f"{self._name} receives {end}")

    def _something_to_read(self, timeout_s: float) -> bool:
        """Wait until there is; False: nothing in time, or the code has ended and sent nothing."""
        return self.sock in wait([self.sock, *self._trial.to_watch()], max(0.0, timeout_s))

    def close(self) -> None:
        """Close the connection, if it is open, without a word in the transcript."""
        if self._sock is not None:
            self._sock.close()

    def _wire(self, direction: str, kind: Any, step: str, data: bytes = b"") -> None:
        self._trial.note(step)
        self._trial.recording.append(self._name, direction, kind, data)

    def _failed(self, expected: str, got: str) -> Broken:
        """Return the failure, with what became of the code, which is often the cause."""
        end = self._trial.how_it_ended()
        if end is None:
            return Broken(expected, got)
        return Broken(expected, end if got.startswith("silence") else f"{got}, because {end}")
