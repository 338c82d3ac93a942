"""What is between the examiner's clients and a datagram server: faults, and a clock.

The same conversation goes over a `RealWire` (sockets and real time, for a server in any language)
or a `SimulatedWire` (a class without sockets, on a simulated clock; see `clocked`):

    @on_wire
    def _lost(wire: Wire) -> None:
        client = wire.client("examiner", drop={2})
        client.send(b"hello")
        wire.wait(lambda: bool(client.inbox), timeout_s=1.0)

Faults are those of `lab.chaos` with UDP, and decided by the seed alone.
"""

from __future__ import annotations

import json
import socket
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from functools import wraps
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from netlab.exercises.clocked import SIMULATED, TICK_S
from netlab.exercises.datagrams import DatagramTalk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count, error_in_words, in_short
from netlab.lab.chaos_datagrams import DatagramLine, Outcome
from netlab.lab.faults import DatagramFaults
from netlab.lab.recording import Direction

LATENCY_MS = 5.0
"""simulated milliseconds that a datagram is under way, each way"""
TOLD_FIRST, TOLD_LAST = 12, 28
"""steps of a long conversation that a report tells"""
FIRST_PORT = 50_001


class Client:
    """An address of the examiner; made by `Wire.client`."""

    def __init__(self, wire: Wire, name: str, faults: DatagramFaults, seed: str) -> None:
        self.wire = wire
        self.name = name
        self.inbox: deque[bytes] = deque()
        """what has come and was not looked at yet"""
        self.lines = {
            way: DatagramLine(faults, seed=f"{seed} {name}", direction=way) for way in Direction
        }

    def send(self, data: bytes) -> None:
        """Send one datagram."""
        self.wire.note(f"{self.name} sends {in_short(data)}")
        self.wire.trial.recording.append(self.name, "client→server", "data", data)
        self.lines[Direction.TO_SERVER].feed(data, self.wire.now_s)

    def read(self, what: str, timeout_s: float) -> bytes:
        """Return the next datagram; `what` says what is awaited. Raises: Broken: none came."""
        if not self.wire.wait(lambda: bool(self.inbox), timeout_s):
            raise Broken(what, f"silence for {timeout_s:g} s")
        return self.inbox.popleft()


class Wire(ABC):
    """Carries datagrams between clients and the server, for as long as the context."""

    simulated: bool
    """is the clock a simulated one, on which waiting takes no time?"""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.clients: list[Client] = []
        trial.datagrams = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()
        steps = self.trial.steps
        left_out = len(steps) - TOLD_FIRST - TOLD_LAST
        if left_out > 1:
            steps[TOLD_FIRST:-TOLD_LAST] = [f"… and {count(left_out, 'more step')}, then"]

    @property
    @abstractmethod
    def now_s(self) -> float:
        """The time: seconds since the beginning."""

    def client(self, name: str = "examiner", *, seed: str = "", **faults: Any) -> Client:
        """Return a client of an address of its own; the faults hold both ways."""
        if self.simulated:
            faults = {"latency_ms": LATENCY_MS, **faults}
        client = Client(self, name, DatagramFaults(**faults), seed)
        self.clients.append(client)
        return client

    def note(self, step: str) -> None:
        """Write a step into the transcript, with its time where that is always the same."""
        self.trial.note(f"{self.now_s:.2f} s: {step}" if self.simulated else step)

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Let time go on until `done` says so, for at most `timeout_s` seconds; return if it did.

        Raises:
            Broken: the code has raised, ended or hung.
        """
        until_s = round(self.now_s + timeout_s, 9)  # as the clock of the child is
        while True:
            self._carry()
            if done():
                return True
            if self.now_s >= until_s:
                return False
            dues = [line.due_s for client in self.clients for line in client.lines.values()]
            self._go_on(min([until_s, *(due for due in dues if due is not None)]))

    def _carry(self) -> None:
        """Deliver what is due."""
        busy = True
        while busy:
            busy = False
            for client in self.clients:
                for way, line in client.lines.items():
                    while (outcome := line.take_one(self.now_s)) is not None:
                        busy = True
                        self._arrives(client, way, outcome)

    def _arrives(self, client: Client, way: Direction, outcome: Outcome) -> None:
        kind, _, data, note = outcome
        recording = self.trial.recording
        if kind == "lost":
            whose = client.name if way is Direction.TO_SERVER else "the server"
            self.note(f"what {whose} sent is lost: {in_short(data)}")
            recording.append(client.name, way, "lost", data)
        elif way is Direction.TO_SERVER:
            self._to_server(client, data)
        else:
            how = f" ({note})" if note else ""
            self.note(f"{client.name} receives {in_short(data)}{how}")
            recording.append(client.name, way, "data", data)
            client.inbox.append(data)

    def _from_server(self, client: Client, data: bytes) -> None:
        client.lines[Direction.TO_CLIENT].feed(data, self.now_s)

    @abstractmethod
    def _to_server(self, client: Client, data: bytes) -> None:
        """Hand it to the server."""

    @abstractmethod
    def _go_on(self, until_s: float) -> None:
        """Let time go on until `until_s`, or until the server has sent something."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    def _failed(self, expected: str, got: str) -> Broken:
        end = self.trial.how_it_ended()
        return Broken(expected, got if end is None else end)


class RealWire(Wire):
    """UDP sockets to a server, and real time."""

    simulated = False

    def __init__(self, trial: Trial, address: Any) -> None:
        super().__init__(trial)
        self._address = address
        self._talks: dict[Client, DatagramTalk] = {}
        self._start_s = time.monotonic()

    @property
    def now_s(self) -> float:
        return time.monotonic() - self._start_s

    def client(self, name: str = "examiner", *, seed: str = "", **faults: Any) -> Client:
        client = super().client(name, seed=seed, **faults)
        self._talks[client] = self.trial.datagrams_to(self._address, name)
        return client

    def _to_server(self, client: Client, data: bytes) -> None:
        try:
            self._talks[client].sock.send(data)
        except OSError as error:
            raise self._failed("the datagram to be taken", error_in_words(error)) from None

    def _go_on(self, until_s: float) -> None:
        owners = {talk.sock: client for client, talk in self._talks.items()}
        watched = [*owners, *self.trial.to_watch()]
        for ready in wait(watched, max(0.0, until_s - self.now_s)):
            if not isinstance(ready, socket.socket):
                raise self._failed("a server to talk to", "nothing: it has ended")
            try:
                self._from_server(owners[ready], ready.recv(65_536))
            except OSError as error:
                raise self._failed("an answer", error_in_words(error)) from None

    def close(self) -> None:
        for talk in self._talks.values():
            talk.close()


class SimulatedWire(Wire):
    """A class without sockets in the child process, and a clock of our own."""

    simulated = True

    def __init__(self, trial: Trial, address: tuple[str, int]) -> None:
        super().__init__(trial)
        self._now_s = 0.0
        self._due_s = 0.0
        """when due() was called the last time"""
        self._sock = socket.create_connection(address, trial.patience_s)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._sock.makefile("rwb")

    @property
    def now_s(self) -> float:
        return self._now_s

    def _to_server(self, client: Client, data: bytes) -> None:
        peer = "127.0.0.1", FIRST_PORT + self.clients.index(client)
        self._ask("received() to return", self._now_s, peer, data)

    def _go_on(self, until_s: float) -> None:
        if until_s < self._due_s + TICK_S:  # too soon for a call of due()
            self._now_s = until_s
            return
        self._ask("due() to return", round(until_s, 9), None, b"")
        self._due_s = self._now_s

    def _ask(self, what: str, until_s: float, peer: tuple[str, int] | None, data: bytes) -> None:
        question = json.dumps([self._now_s, until_s, peer, data.hex()])
        try:
            self._stream.write(question.encode() + b"\n")
            self._stream.flush()
            line = self._stream.readline()
        except TimeoutError:
            got = f"nothing: your code still ran after {self.trial.patience_s:g} s"
            raise Broken(what, got) from None
        except OSError as error:
            raise self._failed(what, error_in_words(error)) from None
        if not line:
            raise self._failed(what, "nothing: its process has ended")
        self._now_s, sent = json.loads(line)
        for hexed, to in sent:
            number = to[1] - FIRST_PORT
            if to[0] != "127.0.0.1" or not 0 <= number < len(self.clients):
                raise Broken("datagrams to peers from which some have come", f"one to {to!r}")
            self._from_server(self.clients[number], bytes.fromhex(hexed))

    def close(self) -> None:
        self._stream.close()
        self._sock.close()


def wire_to(trial: Trial) -> Wire:
    """Return the wire to what is examined, to be entered."""
    address = trial.wait("listening")
    if address[0] == SIMULATED:
        return SimulatedWire(trial, (address[1], address[2]))
    return RealWire(trial, address)


def on_wire(converse: Callable[[Wire], None]) -> Callable[[Trial], None]:
    """Make a probe of a conversation on a wire."""

    @wraps(converse)
    def examine(trial: Trial) -> None:
        with wire_to(trial) as wire:
            converse(wire)

    return examine
