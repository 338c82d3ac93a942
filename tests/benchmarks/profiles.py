"""Where one of our servers spends its time, by cProfile; it slows down what it looks at."""

from __future__ import annotations

from dataclasses import replace

from tests.benchmarks.load import Crowd
from tests.benchmarks.measure import CONTENT_BYTES, Plan, load_pinned
from tests.benchmarks.servers import CONTENDERS, Running


def profile(name: str, plan: Plan | None = None) -> str:
    """Return two tables, for fan-out and ping: the functions in which most of the time goes."""
    plan = plan or Plan()
    (contender,) = (c for c in CONTENDERS if c.name == name)
    contender = replace(contender, profiled=True)
    parts = []
    for title in ("fan-out", "ping"):
        with load_pinned() as core, Running(contender, core, plan.members) as server:
            with Crowd(contender.wire, server.address, server.cpu_s) as crowd:
                crowd.connect(plan.members)
                crowd.join()
                if title == "ping":
                    crowd.ask(plan.asking, 2 * plan.ask_s)
                else:
                    crowd.fan_out("x" * CONTENT_BYTES, 2 * plan.fan_out_s, to_room=True)
            table = server.end()
        parts.append(f"{name}, {title}:\n\n```\n{table}```\n")
    return "\n".join(parts)
