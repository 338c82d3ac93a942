"""What the examiner's ends of protocols above TCP have in common: bytes, deadlines, failures.

The transcript and the picture of such a conversation show what the protocol carries, and not the
bytes on the wire, which keys and masks make different each time.
"""

from __future__ import annotations

import socket
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Literal

from netlab.exercises.hearing import END as END
from netlab.exercises.hearing import MOST_PATIENCE
from netlab.exercises.talk import SMALL_BUFFER_BYTES
from netlab.exercises.words import Broken, error_in_words

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

STALL_S = 0.2
"""seconds without room for more, after which nothing more fits"""


class Layered:
    """A TCP connection to the learner's server, for a protocol on top of it.

    Args:
        trial: whose server it is, and where it is written down.
        address: of the server.
        name: what the transcript calls this end.
    """

    def __init__(self, trial: Trial, address: Any, name: str = "examiner") -> None:
        self.trial = trial
        self.name = name
        self.tcp = trial.talk(address, name)

    def said(self, step: str, data: bytes) -> None:
        """Write down what is sent."""
        self._note("client→server", step, data)

    def heard(self, step: str, data: bytes) -> None:
        """Write down what was received."""
        self._note("server→client", step, data)

    def _note(
        self, direction: Literal["client→server", "server→client"], step: str, data: bytes
    ) -> None:
        self.trial.note(f"{self.name} {step}")
        self.trial.recording.append(self.name, direction, "data", data)

    def deadline(self) -> float:
        """Return until when (monotonic seconds) an answer may take that comes bit by bit."""
        return time.monotonic() + MOST_PATIENCE * self.trial.patience_s

    def write(self, data: bytes, *, may_fail: bool = False) -> None:
        """Send bytes, without a word in the transcript.

        Args:
            data: what to send.
            may_fail: the server may have hung up; reading will tell.
        """
        try:
            self.tcp.sock.sendall(data)
        except OSError as error:
            if not may_fail:
                raise self.failed("the bytes to be taken", error_in_words(error)) from None

    def write_apart(self, data: bytes, most_bytes: int) -> None:
        """Send bytes in segments of `most_bytes`, each once the one before it has been read."""
        for start in range(0, len(data), most_bytes):
            if start:
                self.tcp.wait_read()
            self.write(data[start : start + most_bytes], may_fail=True)

    def stop_reading(self) -> None:
        """Leave little room for what the server sends, and have sending fail where it is stuck."""
        self.tcp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        self.tcp.sock.settimeout(STALL_S)

    def read_some(self, what: str, until: float, *, reset_is_end: bool = False) -> bytes:
        """Return the next bytes; `b""` at the end.

        Args:
            what: what is awaited, in words.
            until: when (monotonic seconds) that has taken too long.
            reset_is_end: is RST an end like FIN? It is what TCP sends when a connection is closed
                while bytes of ours are unread (RFC 9293, 3.10.4).

        Raises:
            Broken: silence, or an error.
        """
        patience_s = min(self.trial.patience_s, max(0.0, until - time.monotonic()))
        if self.tcp.sock not in wait([self.tcp.sock, *self.trial.to_watch()], patience_s):
            raise self.failed(what, f"silence for {self.trial.patience_s:g} s")
        try:
            return self.tcp.sock.recv(65_536)
        except OSError as error:
            if reset_is_end and isinstance(error, ConnectionResetError):
                return b""
            raise self.failed(what, error_in_words(error)) from None

    def ended(self, broken: Broken) -> bool:
        """Say whether what broke was that the connection has ended, and the code still runs."""
        ends = (END, "a close frame", "ConnectionResetError", "BrokenPipeError")
        return broken.got.startswith(ends) and self.trial.how_it_ended() is None

    def failed(self, expected: str, got: str) -> Broken:
        """Return the failure, with what became of the code, which is often the cause."""
        end = self.trial.how_it_ended()
        if end is None:
            return Broken(expected, got)
        return Broken(expected, end if got.startswith("silence") else f"{got}, because {end}")
