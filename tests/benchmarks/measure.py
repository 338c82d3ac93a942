"""Every workload with every contender, in turn and again: one run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.benchmarks.load import MOST_ASKING, Answers, Crowd, Flow, raise_descriptor_limit
from tests.benchmarks.servers import CONTENDERS, Contender, Running, cores, wait_quiet

CONTENT_BYTES = 100
BULK_BYTES = 4_096
"""as long as one thing said in our chat may be"""
BULK_AT_ONCE = 8
"""of these, so that they fit into every socket's buffer"""
SPARE_DESCRIPTORS = 200
THREAD_PER_CLIENT = ("tcp_threads", "tcp_pool")


@dataclass(frozen=True)
class Plan:
    """How much is measured; `*_s` are seconds of the server's processor time."""

    rounds: int = 5
    members: int = 200
    asking: int = MOST_ASKING
    fan_out_s: float = 0.4
    ask_s: float = 0.3
    bulk_s: float = 0.2
    idle_rounds: int = 2
    idle_clients: int = 2_000
    sizes: tuple[int, ...] = (10, 100, 1_000, 5_000)
    most_threads: int = 1_000
    """members, where each has a thread of its own"""
    size_s: float = 0.3


QUICK = Plan(
    rounds=1,
    members=20,
    asking=8,
    fan_out_s=0.02,
    ask_s=0.02,
    bulk_s=0.02,
    idle_rounds=1,
    idle_clients=60,
    sizes=(5, 40),
    size_s=0.02,
)
"""to see whether everything works: its figures say nothing"""


@dataclass(frozen=True)
class Idle:
    """What clients cost that do nothing."""

    kb_each: float
    """of the server's resident memory; 1 kB is 1,000 bytes"""
    connect_s: float
    connect_cpu_s: float
    """of the server's processor time, for all of them"""


@dataclass
class Results:
    """What was measured, by the contender's name; a list has one value a round."""

    plan: Plan
    fan_out: dict[str, list[Flow]] = field(default_factory=dict)
    alone: dict[str, list[Flow]] = field(default_factory=dict)
    """the same with one message on its way at a time: there is nothing to gather"""
    ask: dict[str, list[Answers]] = field(default_factory=dict)
    bulk: dict[str, list[Flow]] = field(default_factory=dict)
    idle: dict[str, list[Idle]] = field(default_factory=dict)
    size: dict[str, dict[int, Flow]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """contenders that cannot run here, and why"""


def measure(plan: Plan, say: Callable[[str], None] = lambda _: None) -> Results:
    """Measure everything.

    Args:
        plan: how much.
        say: told what is being done.

    Raises:
        Lost: a server lost a message.
        RuntimeError: a server did not start, or failed.
    """
    results = Results(plan)
    most = max(plan.members, plan.idle_clients, *plan.sizes)
    allowed = raise_descriptor_limit(most + SPARE_DESCRIPTORS)
    if allowed < most + SPARE_DESCRIPTORS:
        raise RuntimeError(
            f"{allowed:,} files may be open here, {most + SPARE_DESCRIPTORS:,} are needed: "
            "raise the hard limit (ulimit -Hn)"
        )
    present = []
    for contender in CONTENDERS:
        if reason := contender.missing():
            results.skipped[contender.name] = reason
        else:
            present.append(contender)
    with load_pinned() as core:
        for number in range(plan.rounds):
            for contender in present:
                say(f"round {number + 1} of {plan.rounds}: {contender.name}")
                _talk(contender, core, results)
        for number in range(plan.idle_rounds):
            for contender in present[1:]:  # who keeps nothing of its clients is no measure
                say(f"idle clients, {number + 1} of {plan.idle_rounds}: {contender.name}")
                results.idle.setdefault(contender.name, []).append(_idle(contender, core, plan))
        for contender in present:
            say(f"cost against size: {contender.name}")
            results.size[contender.name] = _sizes(contender, core, plan)
    return results


@contextmanager
def load_pinned() -> Iterator[int]:
    """Keep this process on one core; yield the other one, for the servers."""
    before = os.sched_getaffinity(0)
    server, load = cores()
    os.sched_setaffinity(0, {load})
    try:
        yield server
    finally:
        os.sched_setaffinity(0, before)


def _talk(contender: Contender, core: int, results: Results) -> None:
    plan, name = results.plan, contender.name
    content = "x" * CONTENT_BYTES
    with (
        Running(contender, core, plan.members) as server,
        Crowd(contender.wire, server.address, server.cpu_s) as crowd,
    ):
        crowd.connect(1)  # alone, for bulk: what is said goes to everybody
        bulk = crowd.fan_out("x" * BULK_BYTES, plan.bulk_s, to_room=False, at_once=BULK_AT_ONCE)
        crowd.connect(plan.members - 1)
        crowd.join()
        wait_quiet(server)
        crowd.fan_out(content, plan.fan_out_s / 8, to_room=True)  # warms up
        results.fan_out.setdefault(name, []).append(
            crowd.fan_out(content, plan.fan_out_s, to_room=True)
        )
        results.alone.setdefault(name, []).append(
            crowd.fan_out(content, plan.fan_out_s / 2, to_room=True, at_once=1)
        )
        results.ask.setdefault(name, []).append(crowd.ask(plan.asking, plan.ask_s))
        results.bulk.setdefault(name, []).append(bulk)


def _idle(contender: Contender, core: int, plan: Plan) -> Idle:
    with (
        Running(contender, core, plan.idle_clients) as server,
        Crowd(contender.wire, server.address, server.cpu_s) as crowd,
    ):
        crowd.connect(10)  # whatever is imported or made for the first client
        wait_quiet(server)
        memory, cpu = server.memory_bytes(), server.cpu_s()
        seconds = crowd.connect(plan.idle_clients - 10)
        wait_quiet(server)
        grown = (server.memory_bytes() - memory) / (plan.idle_clients - 10)
        return Idle(grown / 1000, seconds, server.cpu_s() - cpu)


def _sizes(contender: Contender, core: int, plan: Plan) -> dict[int, Flow]:
    threads = contender.name in THREAD_PER_CLIENT
    sizes = [size for size in plan.sizes if not threads or size <= plan.most_threads]
    found: dict[int, Flow] = {}
    with (
        Running(contender, core, max(sizes)) as server,
        Crowd(contender.wire, server.address, server.cpu_s) as crowd,
    ):
        for size in sizes:
            crowd.connect(size - len(crowd))
            wait_quiet(server)
            content = "x" * CONTENT_BYTES
            crowd.fan_out(content, plan.size_s / 8, to_room=False)
            found[size] = crowd.fan_out(content, plan.size_s, to_room=False)
    return found
