"""What was measured, as tables of Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Sequence

from tests.benchmarks.goals import Verdict, verdicts
from tests.benchmarks.load import Flow
from tests.benchmarks.measure import BULK_BYTES, CONTENT_BYTES, Results
from tests.benchmarks.servers import cores

ENOUGH = 0.85
"""part of a core that the load generator may use without being the limit"""


def report(results: Results) -> str:
    """Return the tables, with the machine they were made on."""
    return "\n\n".join("\n".join(part) for part in _parts(results)) + "\n"


def _parts(results: Results) -> Iterator[Iterable[str]]:
    plan, found = results.plan, verdicts(results)
    yield [_machine(results)]
    if results.skipped:
        yield [f"- Not measured: {name} ({why})." for name, why in results.skipped.items()]
    yield ["### Goals"]
    yield _table(
        "transport|beside|workload|wanted|ratio (lowest to highest round)|",
        [_goal(verdict) for verdict in found],
    )
    yield [f"### Fan-out: a room of {plan.members}, {CONTENT_BYTES} bytes said"]
    yield _table(
        "server|deliveries a second on a core|by the clock|one message at a time, on a core"
        "|lost|load generator",
        [
            f"{name}|{_median(f.per_cpu_s for f in flows):,.0f}"
            f"|{_median(f.per_s for f in flows):,.0f}"
            f"|{_median(f.per_cpu_s for f in results.alone[name]):,.0f}|0|{_load(flows)}"
            for name, flows in results.fan_out.items()
        ],
    )
    yield [f"### Request and reply: {plan.asking} clients `ping`"]
    yield _table(
        "server|requests a second on a core|by the clock|median ms|p99 ms|load generator",
        [
            f"{name}|{_median(f.per_cpu_s for f in flows):,.0f}"
            f"|{_median(f.per_s for f in flows):,.0f}|{_median(f.p50_ms for f in flows):.2f}"
            f"|{_median(f.p99_ms for f in flows):.2f}|{_load(flows)}"
            for name, flows in results.ask.items()
        ],
    )
    yield [f"### Idle clients: {plan.idle_clients:,} of them"]
    yield _table(
        "server|kB each|seconds to connect all|of the server's processor time",
        [
            f"{name}|{_median(i.kb_each for i in idle):.1f}"
            f"|{_median(i.connect_s for i in idle):.2f}"
            f"|{_median(i.connect_cpu_s for i in idle):.2f}"
            for name, idle in results.idle.items()
        ],
    )
    yield [f"### Bulk echo: one client, {BULK_BYTES:,} bytes a message"]
    yield _table(
        "server|MB a second on a core|by the clock|load generator",
        [
            f"{name}|{_median(f.per_cpu_s for f in flows) * BULK_BYTES / 1e6:,.1f}"
            f"|{_median(f.per_s for f in flows) * BULK_BYTES / 1e6:,.1f}|{_load(flows)}"
            for name, flows in results.bulk.items()
        ],
    )
    yield ["### Cost against size: microseconds of processor time a delivery, by clients"]
    yield _table(
        "server|" + "|".join(f"{size:,}" for size in plan.sizes),
        [
            f"{name}|" + "|".join(_us(flows.get(size)) for size in plan.sizes)
            for name, flows in results.size.items()
        ],
    )


def _machine(results: Results) -> str:
    server, load = cores()
    where = "one core each for server and load" if server != load else "one core for both"
    return (
        f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, {where}; medians of {results.plan.rounds} rounds. "
        f"Others were at work on the machine: load average {os.getloadavg()[2]:.1f}."
    )


def _goal(verdict: Verdict) -> str:
    goal = verdict.goal
    wanted = "-" if goal.at_least is None else f"{goal.at_least:.1f}"
    met = {None: "", True: "met", False: "**missed**"}[verdict.met]
    spread = f"{min(verdict.ratios):.2f} to {max(verdict.ratios):.2f}"
    return f"{goal.ours}|{goal.peer}|{goal.workload}|{wanted}|{verdict.ratio:.2f} ({spread})|{met}"


def _load(flows: Sequence[Flow]) -> str:
    """Say what part of its core the load generator used, at most; and if that was too much."""
    most = max(flow.load_s / flow.seconds for flow in flows)
    return f"{most:.0%}" + (" (the limit)" if most > ENOUGH else "")


def _us(flow: Flow | None) -> str:
    return "-" if flow is None else f"{1e6 / flow.per_cpu_s:.1f}"


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _table(head: str, rows: Iterable[str]) -> list[str]:
    columns = head.count("|") + 1
    lines = [head, "|".join(["---"] + ["---:"] * (columns - 1)), *rows]
    return [f"| {line.replace('|', ' | ')} |" for line in lines]
