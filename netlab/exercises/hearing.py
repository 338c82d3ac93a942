"""`Hearing`: how a connection of the examiner reads: bytes, lines, silence, the end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from netlab.exercises.words import Broken, difference, error_in_words, in_short

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

MOST_PATIENCE = 5
"""an answer that comes bit by bit may take so many times longer than a single step"""
END = "the end of the connection (FIN)"
_PIECE_BYTES = 65_536


class Hearing:
    """The reading half of a `Talk`.

    Args:
        trial: where it is written down, and how long a step may take.
        name: what the transcript calls this end.
    """

    def __init__(self, trial: Trial, name: str) -> None:
        self._trial = trial
        self._name = name
        self._sock: socket.socket | None = None
        self._kept = bytearray()  # read, and not asked for yet: what follows a line, mostly

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

    def expect(self, data: bytes) -> None:
        """Read exactly these bytes. Raises: Broken: others came, or too few."""
        # Nothing beyond them is read: the rest may be for whoever reads the socket directly.
        problem = self._read_until(lambda: len(data) - len(self._kept))
        got = self._take(len(data))
        if got:
            self._trial.recording.append(self._name, "server→client", "data", got)
        if got != data:
            raise self._failed(in_short(data), difference(data, got, problem))
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

        def missing() -> int:
            return 0 if ending in self._kept or overlong() else _PIECE_BYTES

        problem = self._read_until(missing)
        if not problem and overlong():
            problem = f"more than {max_bytes:,} bytes without its end"
        if problem:
            raise self._failed(what, difference(b"", bytes(self._kept), problem))
        return self._received(self._kept.index(ending) + len(ending))

    def read_exactly(self, number: int, what: str) -> bytes:
        """Read and return so many bytes; `what` says what is awaited.

        Raises:
            Broken: they did not come in time, or the connection ended.
        """
        problem = self._read_until(lambda: 0 if len(self._kept) >= number else _PIECE_BYTES)
        if problem:
            raise self._failed(what, difference(b"", bytes(self._kept), problem))
        return self._received(number)

    def _received(self, number: int) -> bytes:
        data = self._take(number)
        self._trial.note(f"{self._name} receives {in_short(data)}")
        self._trial.recording.append(self._name, "server→client", "data", data)
        return data

    def _take(self, number: int) -> bytes:
        data = bytes(self._kept[:number])
        del self._kept[:number]
        return data

    def _read_until(self, missing: Callable[[], int]) -> str:
        """Keep what comes, until nothing is missing.

        Args:
            missing: says how many bytes to read at most; 0 or less: there are enough.

        Returns: what came instead, in words; empty: nothing did.
        """
        until = time.monotonic() + MOST_PATIENCE * self._trial.patience_s
        while (most := missing()) > 0:
            left_s = min(self._trial.patience_s, until - time.monotonic())
            try:
                if not self._something_to_read(left_s):
                    return f"silence for {self._trial.patience_s:g} s"
                piece = self.sock.recv(min(_PIECE_BYTES, most))
            except OSError as error:
                return error_in_words(error)
            if not piece:
                return END
            self._kept += piece
        return ""

    def expect_silence(self, timeout_s: float, until_what: str) -> None:
        """Read nothing for `timeout_s` seconds: nothing may come before `until_what`.

        Raises:
            Broken: something came, or the end.
        """
        if not self._kept and self.sock not in wait([self.sock], timeout_s):
            self._trial.note(f"{self._name} receives nothing yet")
            return
        try:
            got = in_short(bytes(self._kept) or self.sock.recv(65_536))
        except OSError as error:
            got = error_in_words(error)
        got = END if got == "b''" else got
        raise self._failed(f"nothing before {until_what}", got)

    def expect_end(self, *, reset_allowed: bool = False) -> None:
        """Read the end of the connection: FIN (or RST, if allowed), and nothing before it.

        Raises:
            Broken: bytes came, or nothing, or RST that is not allowed.
        """
        if self._kept:
            raise self._failed(END, in_short(bytes(self._kept)))
        if not self._something_to_read(self._trial.patience_s):
            raise self._failed(END, f"silence for {self._trial.patience_s:g} s")
        try:
            got = self.sock.recv(65_536)
        except OSError as error:
            if reset_allowed and isinstance(error, ConnectionResetError):
                got = b""  # closed while bytes of ours were unread: RFC 9293, 3.10.4
            else:
                raise self._failed(END, error_in_words(error)) from None
        if got:
            raise self._failed(END, in_short(got))
        end = "the end" if reset_allowed else "FIN"
        self._wire("server→client", "fin", f"{self._name} receives {end}")

    def _something_to_read(self, timeout_s: float) -> bool:
        """Wait until there is; False: nothing in time, or the code has ended and sent nothing."""
        return self.sock in wait([self.sock, *self._trial.to_watch()], max(0.0, timeout_s))

    def _wire(self, direction: str, kind: Any, step: str, data: bytes = b"") -> None:
        self._trial.note(step)
        self._trial.recording.append(self._name, direction, kind, data)

    def _failed(self, expected: str, got: str) -> Broken:
        """Return the failure, with what became of the code, which is often the cause."""
        end = self._trial.how_it_ended()
        if end is None:
            return Broken(expected, got)
        return Broken(expected, end if got.startswith("silence") else f"{got}, because {end}")
