"""All servers at once, each in its own process, under a mixed crowd for a given time."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from tests.soak.nuisances import be_hostile, be_slow
from tests.soak.server import WIRES, Reading, Server, wait_back
from tests.soak.talk import Conversation, be_honest

POOL = "tcp_pool"  # ten workers: who comes beyond them waits in its queue
GROWTH_PART, GROWTH_BYTES = 0.05, 4_000_000
"""how much more memory the last quarter may take than the one before it"""
TWICE = 2.0


@dataclass(frozen=True)
class Plan:
    """How long, and how many of each kind there are for each server."""

    seconds: float
    """of all phases together, without starting and ending"""
    honest: int = 18
    slow: int = 2
    hostile: int = 6
    every_s: float = 0.5
    """between two attacks of one hostile client, on average"""
    transports: tuple[str, ...] = tuple(WIRES)
    back_s: float = 40.0
    """seconds that descriptors and threads may take to be back to the start's"""

    def phases(self) -> tuple[tuple[str, float], ...]:
        """Return the phases with their seconds."""
        quiet = min(120.0, self.seconds * 0.15)
        return ("quiet", quiet), ("stalling", quiet), ("mixed", self.seconds - 2 * quiet)

    def honest_of(self, transport: str) -> int:
        return min(self.honest, 6) if transport == POOL else self.honest

    def slow_of(self, transport: str) -> int:
        return 1 if transport == POOL else self.slow


@dataclass
class Log:
    """What happened to one server."""

    transport: str
    start: Reading
    readings: list[Reading] = field(default_factory=list)
    pings_s: dict[str, list[float]] = field(default_factory=dict)
    """how long each took, by phase"""
    made: Counter[str] = field(default_factory=Counter)
    """attacks, by name"""
    faults: list[str] = field(default_factory=list)
    """what may never happen; empty = nothing did"""
    stalling_from: float = 0.0
    mixed_from: float = 0.0
    """seconds since the load began"""
    end: Reading | None = None

    def p99_ms(self, phase: str) -> float:
        """Return what 99 of 100 pings of a phase took at most, in ms; NaN: there was none."""
        waits = sorted(self.pings_s.get(phase, ()))
        return 1000 * waits[len(waits) * 99 // 100] if waits else math.nan

    def growth_bytes(self) -> float:
        """Return what the memory grew by in the second half of the mixed phase.

        That is the median of its last quarter less the median of the quarter before it: a peak,
        which the allocator may keep, moves no median.
        """
        memory = [one.memory_bytes for one in self.readings if one.second >= self.mixed_from]
        quarter = len(memory) // 4
        if not quarter:
            return 0.0
        last, before = memory[-quarter:], memory[-2 * quarter : -quarter]
        return statistics.median(last) - statistics.median(before)

    def flat(self) -> bool:
        """Return whether the memory stayed as it was."""
        last = self.readings[-1].memory_bytes if self.readings else 0
        return self.growth_bytes() <= max(GROWTH_BYTES, GROWTH_PART * last)

    def back(self) -> bool:
        """Return whether descriptors and threads are no more than at the start."""
        end = self.end
        return (
            end is not None
            and end.descriptors <= self.start.descriptors
            and end.threads <= self.start.threads
        )


def soak(plan: Plan, say: Callable[[str], None] = lambda _: None) -> list[Log]:
    """Run it all; return what happened, a log for each server.

    Raises:
        RuntimeError: a server did not start.
    """
    with ExitStack() as stack:
        servers = []
        for transport in plan.transports:
            server = Server(transport)
            stack.callback(server.close)
            servers.append(server.__enter__())
        logs = asyncio.run(_run(plan, servers, say))
        for server, log in zip(servers, logs, strict=True):
            log.end = wait_back(server, log.start, plan.back_s) if server.running() else None
            if not server.running():
                log.faults.append("the server's process has ended")
            server.stop()
            log.faults += server.faults()
        return logs


async def _run(plan: Plan, servers: Sequence[Server], say: Callable[[str], None]) -> list[Log]:
    for server in servers:  # whatever is imported or made for a first client is no leak
        async with Conversation(server, "127.0.9.9") as talk:
            await talk.enter()
            await talk.send(talk.wire.request("bye"))
    await asyncio.sleep(1.0)
    logs = [Log(server.transport, server.read()) for server in servers]
    crowd = _Crowd(plan, servers, logs)
    async with asyncio.TaskGroup() as group:
        crowd.spawn = group.create_task
        crowd.let_in_the_honest()
        await asyncio.sleep(min(5.0, plan.seconds / 10))  # coming in is no part of the quiet
        watching = group.create_task(crowd.watch())
        for phase, seconds in plan.phases():
            say(f"{phase}: {seconds:.0f} s")
            crowd.begin(phase)
            await asyncio.sleep(seconds)
        watching.cancel()
        crowd.send_home()
    return logs


class _Crowd:
    """Everybody who comes to the servers, and who looks at them meanwhile."""

    def __init__(self, plan: Plan, servers: Sequence[Server], logs: Sequence[Log]) -> None:
        self.spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
        self._plan = plan
        self._pairs = list(zip(servers, logs, strict=True))
        self._tasks: list[asyncio.Task[None]] = []
        self._phase = "arriving"
        self._begin = time.monotonic()

    def begin(self, phase: str) -> None:
        self._phase = phase
        plan = self._plan
        for number, (server, log) in enumerate(self._pairs):
            net = f"127.0.{10 + number}"
            if phase == "stalling":
                log.stalling_from = time.monotonic() - self._begin
                for one in range(plan.slow_of(log.transport)):
                    self._start(be_slow(server, f"{net}.{100 + one}", _count(log)))
            elif phase == "mixed":
                log.mixed_from = time.monotonic() - self._begin
                for one in range(plan.hostile):
                    seed = 1_000 * number + one
                    self._start(
                        be_hostile(server, f"{net}.{150 + one}", plan.every_s, seed, _count(log))
                    )

    def let_in_the_honest(self) -> None:
        for number, (server, log) in enumerate(self._pairs):
            for one in range(self._plan.honest_of(log.transport)):
                self._start(self._honest(server, f"127.0.{10 + number}.{1 + one}", log))

    def send_home(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def watch(self) -> None:
        """Read every server's figures once a second."""
        while True:
            for server, log in self._pairs:
                if server.running():
                    log.readings.append(server.read(time.monotonic() - self._begin))
            await asyncio.sleep(min(1.0, self._plan.seconds / 40))

    async def _honest(self, server: Server, source: str, log: Log) -> None:
        """Be an honest client; that the server lets it down is a fault."""

        def tell(seconds: float) -> None:
            log.pings_s.setdefault(self._phase, []).append(seconds)

        try:
            await be_honest(server, source, tell)
        except (OSError, EOFError, TimeoutError) as error:
            log.faults.append(f"an honest client from {source}, {self._phase}: {error!r}")

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self.spawn(coroutine))


def _count(log: Log) -> Callable[[str], None]:
    def tell(name: str) -> None:
        log.made[name] += 1

    return tell
