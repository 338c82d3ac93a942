"""`SimulatedNetwork`: two endpoints, datagrams with faults between them, and a clock of its own.

    net = SimulatedNetwork(seed=1, drop={1}, direction="to_server", latency_ms=20)
    net.server.on_receive = lambda data: net.server.send(b"ACK")
    net.client.send(b"hello")                      # datagram 1 is lost
    net.client.receive(timeout_s=1.0)              # TimeoutError, at once: only net's clock ran
    net.client.send(b"hello")
    net.client.receive(timeout_s=1.0)              # b"ACK"
    net.now_s                                      # 1.04

The faults are those of `Chaos` with UDP, decided by the same seed. No socket, no thread, no sleep:
ten minutes of retransmissions take milliseconds, and always go the same way.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from netlab.lab.chaos_datagrams import DatagramLine, Outcome
from netlab.lab.chaos_log import Log
from netlab.lab.chaos_rules import Rules
from netlab.lab.faults import DatagramFaults
from netlab.lab.recording import Direction, Recording

MAX_DATAGRAM_BYTES = 65_507
"""what fits into a UDP datagram over IPv4: 65,535 less the headers, 20 and 8 (RFC 768)"""


class BudgetExceeded(RuntimeError):
    """The network has done all that it was allowed to: something repeats without an end."""


class Delivery(NamedTuple):
    """A datagram that has arrived, or was lost."""

    time_s: float
    direction: Direction
    kind: Literal["data", "duplicate", "late", "lost"]
    number: int
    """which one it was in its direction, from 1"""
    data: bytes
    note: str


class Endpoint:
    """One end of the network: `SimulatedNetwork` has a `client` and a `server`."""

    def __init__(self, net: SimulatedNetwork, name: str, sends: Direction) -> None:
        self.name = name
        self.inbox: deque[bytes] = deque()
        """what has arrived and was not received yet; empty where `on_receive` takes all"""
        self.on_receive: Callable[[bytes], object] | None = None
        """called with each datagram that arrives, while the clock stands still; it may send"""
        self._net = net
        self._sends = sends

    @property
    def now_s(self) -> float:
        """What the clock of the network shows: simulated seconds since it began, at 0."""
        return self._net.now_s

    def send(self, data: bytes) -> int:
        """Send a datagram; return its number. It arrives, or not, when the clock goes on.

        Raises:
            TypeError: `data` is not bytes.
            ValueError: it is longer than 65,507 bytes.
            BudgetExceeded: more datagrams were sent than the network carries.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"{type(data).__name__} came; bytes are sent, as in 'text'.encode()")
        if len(data) > MAX_DATAGRAM_BYTES:
            raise ValueError(f"{len(data):,} bytes; a datagram has at most {MAX_DATAGRAM_BYTES:,}")
        return self._net._send(self._sends, bytes(data))

    def receive(self, timeout_s: float) -> bytes:
        """Return the next datagram; the clock goes on until it arrives.

        Raises:
            TimeoutError: none came within `timeout_s` simulated seconds; so many have passed now.
            BudgetExceeded: the network has done all that it may.
        """
        self._net._wait(lambda: bool(self.inbox), timeout_s)
        if not self.inbox:
            raise TimeoutError(f"{self.name}: no datagram within {timeout_s:g} simulated seconds")
        return self.inbox.popleft()

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.inbox)} datagrams to be received>"


class SimulatedNetwork:
    """A network of two, on a simulated clock that begins at 0.

    Args:
        seed: decides everything that is left to chance, as in `Chaos`.
        direction: "to_server", "to_client" or "both": where `faults` hold.
        max_datagrams: sent in all, both ways.
        max_time_s: simulated seconds.
        max_steps: sends, receives, deliveries and timers in all.
        faults: such as ``drop={2, 5}`` or ``loss=0.1``; see `DatagramFaults`.
    """

    def __init__(
        self,
        *,
        seed: object = 0,
        direction: Any = "both",
        max_datagrams: int = 10_000,
        max_time_s: float = 86_400.0,
        max_steps: int = 100_000,
        **faults: Any,
    ) -> None:
        self.now_s = 0.0
        self.max_datagrams = max_datagrams
        self.max_time_s = max_time_s
        self.max_steps = max_steps
        self.steps = 0
        self.sent: Counter[Direction] = Counter()
        """how many datagrams were sent each way"""
        self.outcomes: Counter[tuple[Direction, str]] = Counter()
        """how many were delivered ("data"), lost, late or duplicates, each way"""
        self.log = Log()
        self.recording = Recording()
        self._direction = direction
        self._rules = Rules(DatagramFaults())
        self._rules.set(direction, None, faults)
        self._lines = {
            way: DatagramLine(self._rules.get(way, 1), seed=seed, direction=way)
            for way in Direction
        }
        self._timers: list[tuple[float, int, Callable[[], object]]] = []  # a heap
        self._timer_count = 0
        self._running = False
        self.client = Endpoint(self, "client", Direction.TO_SERVER)
        self.server = Endpoint(self, "server", Direction.TO_CLIENT)

    def set(self, *, direction: Any = None, **faults: Any) -> None:
        """Change some faults; what is under way keeps its fate. Raises: as `Chaos.set`."""
        self._rules.set(self._direction if direction is None else direction, None, faults)
        for way, line in self._lines.items():
            line.set(self._rules.get(way, 1))

    def describe(self) -> str:
        """Say which faults are active, a line each."""
        return "\n".join(self._rules.words())

    def call_later(self, delay_s: float, what: Callable[[], object]) -> None:
        """Call `what` when the clock has gone on by `delay_s` seconds."""
        if not delay_s >= 0:
            raise ValueError(f"delay_s={delay_s!r}: seconds, 0 or more, are allowed")
        self._timer_count += 1
        heapq.heappush(self._timers, (round(self.now_s + delay_s, 9), self._timer_count, what))

    @property
    def due_s(self) -> float | None:
        """When the next thing happens; None: nothing will, unless somebody sends."""
        dues = [line.due_s for line in self._lines.values()]
        dues.append(self._timers[0][0] if self._timers else None)
        return min((due for due in dues if due is not None), default=None)

    def deliver_next(self) -> Delivery | None:
        """Go on until a datagram arrives, and return it; None: nothing is under way."""
        arrived: list[Delivery] = []
        while not arrived and (due_s := self.due_s) is not None:
            arrived = [one for one in self._step(due_s) if one.kind != "lost"]
        return arrived[0] if arrived else None

    def advance(self, seconds: float) -> list[Delivery]:
        """Let the clock go on; return what arrived or was lost meanwhile, in order."""
        if not seconds >= 0:
            raise ValueError(f"{seconds!r} came: seconds, 0 or more, are allowed")
        until_s = round(self.now_s + seconds, 9)
        happened: list[Delivery] = []
        while (due_s := self.due_s) is not None and due_s <= until_s:
            happened += self._step(due_s)
        self._set_clock(until_s)
        return happened

    def ladder(self, **options: Any) -> Any:
        """Return the diagram of what arrived and what was lost."""
        from netlab.lab.diagram import ladder

        return ladder(self.recording, **{"framing": "datagrams", **options})

    def __repr__(self) -> str:
        sent = sum(self.sent.values())
        return f"<SimulatedNetwork at {self.now_s:g} s, {sent:,} sent: {self.describe()}>"

    # ── what the endpoints ask for ───────────────────────────────────────────────────────────

    def _send(self, direction: Direction, data: bytes) -> int:
        self._count_step()
        if sum(self.sent.values()) >= self.max_datagrams:
            raise BudgetExceeded(
                f"{self.max_datagrams:,} datagrams were sent, and this network carries no more: "
                "is something sent again and again?"
            )
        self.sent[direction] += 1
        return self._lines[direction].feed(data, self.now_s)

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Go on until `done`, or until the time is over."""
        if not timeout_s >= 0:
            raise ValueError(f"timeout_s={timeout_s!r}: seconds, 0 or more, are allowed")
        self._count_step()
        until_s = round(self.now_s + timeout_s, 9)
        while not done():
            due_s = self.due_s
            if due_s is None or due_s > until_s:
                self._set_clock(until_s)
                return
            self._step(due_s)

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def _step(self, due_s: float) -> list[Delivery]:
        """Go on to `due_s`, where one thing happens: a datagram arrives or a timer rings."""
        self._set_clock(max(self.now_s, due_s))
        self._running = True
        try:
            for direction, line in self._lines.items():
                outcome = line.take_one(self.now_s)
                if outcome is not None:
                    return [self._deliver(direction, outcome)]
            if self._timers and self._timers[0][0] <= self.now_s:
                self._count_step()
                heapq.heappop(self._timers)[2]()
            return []
        finally:
            self._running = False

    def _deliver(self, direction: Direction, outcome: Outcome) -> Delivery:
        self._count_step()
        kind, number, data, note = outcome
        self.outcomes[direction, kind] += 1
        if note:
            self.log.add("client", direction, f"datagram {number:,}", note)
        lost = kind == "lost"
        self.recording.append(
            "client", direction, "lost" if lost else "data", data, "" if lost else note
        )
        delivery = Delivery(self.now_s, direction, kind, number, data, note)
        receiver = self.server if direction is Direction.TO_SERVER else self.client
        if not lost and receiver.on_receive is not None:
            receiver.on_receive(data)
        elif not lost:
            receiver.inbox.append(data)
        return delivery

    def _set_clock(self, time_s: float) -> None:
        if self._running:
            raise RuntimeError(
                "the clock stands still while on_receive or a timer runs: they may send, but not "
                "receive or advance"
            )
        if time_s > self.max_time_s:
            raise BudgetExceeded(
                f"more than {self.max_time_s:,g} simulated seconds would have passed: does "
                "something wait for an answer that never comes?"
            )
        self.now_s = round(time_s, 9)  # 0.009 + 0.001 is 0.01, or nothing is due when it should be

    def _count_step(self) -> None:
        self.steps += 1
        if self.steps > self.max_steps:
            raise BudgetExceeded(
                f"{self.max_steps:,} sends, receives and deliveries, and no end: does a loop ask "
                "without waiting?"
            )
