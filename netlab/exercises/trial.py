"""One trial: the learner's code in a child process, and the examiner's conversation with it.

Everything is written down twice while it happens: as numbered sentences for the transcript, and
as a recording for the ladder diagram. Neither holds a port or a time, so that a trial which goes
the same way reads the same.
"""

from __future__ import annotations

import contextlib
import inspect
import secrets
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener, wait
from types import TracebackType
from typing import Any, Self

import cloudpickle

from netlab.lab.recording import Recording

STEP_S = 2.0
"""seconds that any one step of a trial may take"""
START_S = 20.0
"""seconds that a child's interpreter may take to start (a busy machine is no fault of the code)"""

Run = Callable[..., None]
"""what runs in the child: `run(function, report, *arguments)`"""


class Broken(Exception):
    """The code under test broke its specification: what was expected, and what came."""

    def __init__(self, expected: str, got: str, rule: int | None = None) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.rule = rule
        """number of the rule that it broke, where that is not the one that the probe tests"""


class Trial:
    """The learner's `function`, run by `run` in a process of its own for as long as the context.

    Args:
        function: the learner's code.
        run: what calls it there; it must be importable.
        arguments: what `run` gets besides.
    """

    def __init__(self, function: Callable[..., Any], run: Run, *arguments: object) -> None:
        self.steps: list[str] = []
        self.recording = Recording()
        self.printed = ""
        self._function = function
        self._job = cloudpickle.dumps((run, function, arguments))
        self._talks: list[Talk] = []

    def __enter__(self) -> Self:
        key = secrets.token_bytes(16)
        with Listener(("127.0.0.1", 0), authkey=key) as listener:
            host, port = listener.address
            self._child = subprocess.Popen(
                [sys.executable, "-m", "netlab.exercises.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert self._child.stdin is not None
            with contextlib.suppress(BrokenPipeError), self._child.stdin as stdin:
                stdin.write(f"{host} {port} {key.hex()}\n")
            self.channel: Connection[Any, Any] = self._accept(listener)
        self.channel.send_bytes(self._job)
        return self

    def _accept(self, listener: Listener) -> Connection[Any, Any]:
        # Listener has no timeout of its own; a child that dies before it calls must not hang us.
        inner: socket.socket = listener._listener._socket  # type: ignore[attr-defined]
        inner.settimeout(START_S)
        try:
            return listener.accept()
        except TimeoutError:
            self._kill()
            raise RuntimeError("a fresh Python did not start: run `netlab doctor`") from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        for talk in self._talks:
            talk.close()
        self.channel.close()
        self._kill()

    def _kill(self) -> None:
        self._child.kill()
        self._child.wait()

    def note(self, step: str) -> None:
        """Write a step into the transcript."""
        self.steps.append(step)

    def wait(self, event: str, timeout_s: float = STEP_S) -> Any:
        """Return what the child reports with `event`.

        Raises:
            Broken: the code raised, ended or hung instead.
        """
        expected = _EXPECTED.get(event, event)
        while True:
            try:
                if not self.channel.poll(timeout_s):
                    raise Broken(expected, f"nothing: your code still ran after {timeout_s:g} s")
                came, value, printed = self.channel.recv()
            except (EOFError, ConnectionError):
                raise Broken(expected, "nothing: its process ended without a word") from None
            self.printed = printed or self.printed
            match came:
                case "step":
                    self.note(value)
                case "wire":
                    self.recording.append(*value)
                case _ if came == event:
                    return value
                case "raised":
                    raise Broken(expected, self._describe(*value))
                case _:
                    raise Broken(expected, "nothing: the function returned")

    def _describe(self, name: str, text: str, line: int | None) -> str:
        where = ""
        if line is not None:
            with contextlib.suppress(OSError, TypeError, IndexError):
                source = inspect.getsource(self._function).splitlines()[line - 1].strip()
                where = f", in line {line}: {source}"
        return f"{name}: {text}{where}" if text else f"{name}{where}"

    def how_it_ended(self) -> str | None:
        """Return how the code ended, if it has; None while it runs."""
        if not self.channel.poll(0.05):
            return None
        try:
            self.wait("ended")
        except Broken as broken:
            return broken.got
        return "the function returned"

    def talk(self, address: Any, name: str = "examiner") -> Talk:
        """Connect to the learner's server."""
        talk = Talk(self, address, name)
        self._talks.append(talk)
        return talk


_EXPECTED = {
    "listening": "a server to talk to",
    "ended": "the function to return",
    "answer": "the function to return",
}


class Talk:
    """A connection of the examiner to the learner's server."""

    def __init__(self, trial: Trial, address: Any, name: str) -> None:
        self._trial = trial
        self._name = name
        self._broken_by_send: OSError | None = None
        trial.note(f"{name} connects")
        trial.recording.append(name, "client→server", "open")
        try:
            self._sock = socket.create_connection(address, STEP_S)
        except OSError as error:
            raise Broken("the connection to be accepted", _in_words(error)) from None

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._trial.note(f"{self._name} sends {in_short(data)}")
        self._trial.recording.append(self._name, "client→server", "data", data)
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise self._failed("the bytes to be taken", _in_words(error)) from None

    def half_close(self) -> None:
        """Send FIN: no more will come from here, but this end still listens."""
        self._trial.note(f"{self._name} sends FIN (shutdown(SHUT_WR)) and goes on reading")
        self._trial.recording.append(self._name, "client→server", "fin")
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST."""
        self._trial.note(f"{self._name} resets the connection (RST)")
        self._trial.recording.append(self._name, "client→server", "rst")
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def expect(self, data: bytes) -> None:
        """Read exactly these bytes."""
        got = bytearray()
        problem = f"silence for {STEP_S:g} s"
        try:
            while len(got) < len(data):
                if not self._something_to_read():
                    break
                piece = self._sock.recv(min(65_536, len(data) - len(got)))
                if not piece:
                    problem = "the end of the connection (FIN)"
                    break
                got += piece
        except OSError as error:
            problem = _in_words(error)
        if got:
            self._trial.recording.append(self._name, "server→client", "data", bytes(got))
        if got != data:
            raise self._failed(in_short(data), _difference(data, bytes(got), problem))
        self._trial.note(f"{self._name} receives {in_short(data)}")

    def exchange(self, data: bytes) -> None:
        """Send all of it and at the same time read exactly the same bytes back."""
        sender = threading.Thread(target=self._send_quietly, args=[data], name="netlab-examiner")
        self._trial.note(f"{self._name} sends {in_short(data)} and reads at the same time")
        self._trial.recording.append(self._name, "client→server", "data", data)
        sender.start()
        try:
            self.expect(data)
        finally:
            with contextlib.suppress(OSError):
                if self._broken_by_send or sys.exc_info()[0]:
                    self._sock.shutdown(socket.SHUT_RDWR)  # wakes the sender
            sender.join()

    def _send_quietly(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            self._broken_by_send = error

    def expect_end(self) -> None:
        """Read the end of the connection: FIN, and nothing before it."""
        expected = "the end of the connection (FIN)"
        if not self._something_to_read():
            raise self._failed(expected, f"silence for {STEP_S:g} s")
        try:
            got = self._sock.recv(65_536)
        except OSError as error:
            raise self._failed(expected, _in_words(error)) from None
        if got:
            raise self._failed(expected, in_short(got))
        self._trial.note(f"{self._name} receives FIN")
        self._trial.recording.append(self._name, "server→client", "fin")

    def _something_to_read(self) -> bool:
        """Wait until there is; False: nothing in time, or the code has ended and sent nothing."""
        return self._sock in wait([self._sock, self._trial.channel], STEP_S)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def _failed(self, expected: str, got: str) -> Broken:
        """Return the failure, with what became of the code, which is often the cause."""
        end = self._trial.how_it_ended()
        if end is None:
            return Broken(expected, got)
        return Broken(expected, end if got.startswith("silence") else f"{got}, because {end}")


def in_short(data: bytes) -> str:
    """Return bytes as a reader wants them in a sentence."""
    if len(data) <= 40:
        return repr(data)
    return f"{len(data):,} bytes ({data[:12]!r} …)"


def _difference(expected: bytes, got: bytes, problem: str) -> str:
    same = next((i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), None)
    if same is not None:
        return f"other bytes from position {same:,} on: {got[same : same + 12]!r} …"
    if not got:
        return problem
    if len(expected) <= 40:
        return f"{in_short(got)}, then {problem}"
    return f"only a part of them, then {problem}"  # how large a part differs from run to run


def _in_words(error: OSError) -> str:
    return f"{type(error).__name__} ({error.strerror or error})"
