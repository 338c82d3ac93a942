"""`DatagramTalk`: a UDP socket of the examiner that talks to the learner's server.

On loopback a datagram is lost only if its receiver's buffer is full, and overtakes no other: what
does not come within the deadline was not sent. For loss and reordering see `simulated`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from netlab.exercises.words import Broken, error_in_words, in_short

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial


class DatagramTalk:
    """Sends datagrams to one server and reads its answers; made by `Trial.datagrams_to`."""

    def __init__(self, trial: Trial, address: Any, name: str) -> None:
        self._trial = trial
        self._name = name
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        # Connected: answers from anywhere else are not ours, and a closed port is told (udp(7)).
        self.sock.connect(address)

    def send(self, data: bytes) -> None:
        """Send one datagram. Raises: Broken: nobody is at that port."""
        self._trial.note(f"{self._name} sends {in_short(data)}")
        self._trial.recording.append(self._name, "client→server", "data", data)
        try:
            self.sock.send(data)
        except OSError as error:
            raise self._failed("the datagram to be taken", error_in_words(error)) from None

    def send_and_vanish(self, data: bytes) -> None:
        """Send one datagram from a port at which its answer finds nobody; ICMP tells the server."""
        self._trial.note(f"{self._name} sends {in_short(data)}, and is gone before the answer")
        self._trial.recording.append(self._name, "client→server", "data", data)
        server = self.sock.getpeername()
        self.sock.connect(self.sock.getsockname())  # from now on it hears nobody but itself
        with contextlib.suppress(OSError):  # not everywhere may a connected socket send elsewhere
            self.sock.sendto(data, server)

    def read(self, what: str) -> bytes:
        """Return the next datagram; `what` says what is awaited. Raises: Broken: none came."""
        if self.sock not in wait([self.sock, *self._trial.to_watch()], self._trial.patience_s):
            raise self._failed(what, f"silence for {self._trial.patience_s:g} s")
        try:
            data = self.sock.recv(65_536)
        except OSError as error:
            raise self._failed(what, error_in_words(error)) from None
        self._trial.note(f"{self._name} receives {in_short(data)}")
        self._trial.recording.append(self._name, "server→client", "data", data)
        return data

    def expect(self, data: bytes) -> None:
        """Read exactly this datagram."""
        got = self.read(in_short(data))
        if got != data:
            raise self._failed(in_short(data), in_short(got))

    def expect_each(self, datagrams: Sequence[bytes]) -> None:
        """Read these datagrams, in any order, and nothing else within the same time."""
        left = list(datagrams)
        while left:
            got = self.read(f"{in_short(left[0])}, in some order")
            if got not in left:
                raise self._failed(f"{in_short(left[0])}, in some order", in_short(got))
            left.remove(got)

    def expect_silence(self, timeout_s: float, why: str) -> None:
        """Read nothing for `timeout_s` seconds; `why` says why nothing may come."""
        until = time.monotonic() + timeout_s
        if self.sock in wait([self.sock], max(0.0, until - time.monotonic())):
            with contextlib.suppress(OSError):
                raise self._failed(f"silence: {why}", in_short(self.sock.recv(65_536)))
        self._trial.note(f"{self._name} receives nothing")

    def close(self) -> None:
        """Close the socket, without a word in the transcript."""
        self.sock.close()

    def _failed(self, expected: str, got: str) -> Broken:
        end = self._trial.how_it_ended()
        if end is None:
            return Broken(expected, got)
        return Broken(expected, end if got.startswith("silence") else f"{got}, because {end}")
