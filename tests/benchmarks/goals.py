"""What was wanted of each transport, beside whom; and what came of it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.load import Flow
from tests.benchmarks.measure import Results

FAN_OUT, ASK = "fan-out", "ping"


@dataclass(frozen=True)
class Goal:
    """So many times what a peer does."""

    ours: str
    peer: str
    workload: str
    at_least: float | None
    """None: it is only reported"""


def _goals(ours: str, peer: str, fan_out: float | None, ask: float | None) -> list[Goal]:
    return [Goal(ours, peer, FAN_OUT, fan_out), Goal(ours, peer, ASK, ask)]


GOALS = (
    *_goals("tcp_asyncio", "asyncio streams", 1.0, 1.0),
    *_goals("tcp_asyncio", "uvloop + msgspec", 0.8, 0.6),
    *_goals("tcp_threads", "asyncio streams", 0.5, None),
    *_goals("tcp_pool", "asyncio streams", None, None),
    *_goals("tcp_selectors", "asyncio streams", 0.7, None),
    *_goals("websocket", "websockets", 1.0, 0.9),
    *_goals("websocket", "Node ws", 1.0, None),
    *_goals("socketio", "python-socketio", 4.0, 2.0),
    *_goals("socketio", "Node socket.io", 1.5, 1.0),
    *_goals("udp", "DatagramProtocol", 0.9, 0.9),
)


@dataclass(frozen=True)
class Verdict:
    """A goal, and the ratio in each round: ours divided by the peer's, per core."""

    goal: Goal
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool | None:
        """None: there was nothing to meet."""
        return None if self.goal.at_least is None else self.ratio >= self.goal.at_least


def verdicts(results: Results) -> list[Verdict]:
    """Return what came of each goal whose peer could run here."""
    found = []
    for goal in GOALS:
        samples = results.fan_out if goal.workload == FAN_OUT else results.ask
        ours: Sequence[Flow] = samples.get(goal.ours, [])
        peer: Sequence[Flow] = samples.get(goal.peer, [])
        if ours and peer:
            pairs = zip(ours, peer, strict=True)
            found.append(Verdict(goal, tuple(a.per_cpu_s / b.per_cpu_s for a, b in pairs)))
    return found
