"""What the soak and the idle crowds showed, as tables of Markdown and a picture of the memory."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from tests.soak.idle import Idle
from tests.soak.soak import TWICE, Log, Plan

WIDE, HIGH, LEFT, GAP, POINTS = 520, 56, 116, 22, 260
_STYLE = (
    "text{font:12px sans-serif;fill:#1f2328}.l{fill:none;stroke:#0550ae;stroke-width:1.5}"
    ".f{fill:none;stroke:#57606a}.p{stroke:#57606a;stroke-dasharray:4 3}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.l{stroke:#79c0ff}"
    ".f,.p{stroke:#9198a1}}"
)


def report(plan: Plan, seconds: float, logs: Sequence[Log], idle: Sequence[Idle]) -> str:
    """Return the tables, with the machine they were made on.

    Args:
        plan: what was to be done.
        seconds: how long the soak took.
        logs, idle: what it showed.
    """
    parts = [
        _machine(seconds),
        f"### Soak: all servers at once, {seconds / 60:.1f} minutes",
        _table(
            "transport|faults|attacks and stalls|MB at the start|at the end of the load"
            "|growth in the second half|descriptors, start and end|threads",
            [_soaked(log) for log in logs],
        ),
        "### `ping` of honest clients, p99 in ms by the clock",
        _table(
            "transport|pings|quiet|one in ten stalls|ratio|at most twice"
            "|with hostile and vanishing ones",
            [_waits(log) for log in logs],
        ),
        "### Attacks made\n\n" + _attacks(logs) + f" Phases: {_phases(plan)}.",
    ]
    if idle:
        parts += [
            "### Idle clients",
            _table(
                "transport|clients|seconds to connect|to serve each a `ping`|kB each"
                "|descriptors: start, all there, end|seconds until all were gone",
                [_idle(one) for one in idle],
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _soaked(log: Log) -> str:
    last = log.readings[-1].memory_bytes if log.readings else 0
    end = log.end or log.start
    flat = "flat" if log.flat() else "**grows**"
    return (
        f"{log.transport}|{len(log.faults) or 'none'}|{sum(log.made.values()):,}"
        f"|{log.start.memory_bytes / 1e6:.1f}|{last / 1e6:.1f}"
        f"|{log.growth_bytes() / 1e6:+.2f} MB: {flat}"
        f"|{_two(log.start.descriptors, end.descriptors)}|{_two(log.start.threads, end.threads)}"
    )


def _two(start: int, end: int) -> str:
    return f"{start}, {end}" + (" **left**" if end > start else "")


def _waits(log: Log) -> str:
    quiet, stalling = log.p99_ms("quiet"), log.p99_ms("stalling")
    ratio = stalling / quiet if quiet else math.nan
    pings = sum(map(len, log.pings_s.values()))
    met = "yes" if ratio <= TWICE else "**no**"
    mixed = log.p99_ms("mixed")
    return f"{log.transport}|{pings:,}|{quiet:.1f}|{stalling:.1f}|{ratio:.2f}|{met}|{mixed:.1f}"


def _attacks(logs: Sequence[Log]) -> str:
    names = sorted({name for log in logs for name in log.made})
    return ", ".join(f"{name}: {sum(log.made[name] for log in logs):,}" for name in names) + "."


def _phases(plan: Plan) -> str:
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in plan.phases())


def _idle(idle: Idle) -> str:
    left = "" if idle.back else " **left**"
    return (
        f"{idle.transport}|{idle.clients:,}|{idle.connect_s:.1f}|{idle.served_s:.1f}"
        f"|{idle.kb_each:.1f}"
        f"|{idle.start_descriptors}, {idle.most_descriptors:,}, {idle.end_descriptors}{left}"
        f"|{idle.gone_s:.1f}"
    )


def _machine(seconds: float) -> str:
    return (
        f"Python {platform.python_version()}, {platform.system()} on {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, for load and servers together; "
        f"{seconds:.0f} s by the clock. Others were at work on the machine: "
        f"load average {os.getloadavg()[2]:.1f}."
    )


def _table(head: str, rows: Iterable[str]) -> str:
    columns = head.count("|") + 1
    lines = [head, "|".join(["---"] + ["---:"] * (columns - 1)), *rows]
    return "\n".join(f"| {line.replace('|', ' | ')} |" for line in lines)


def picture(logs: Sequence[Log]) -> str:
    """Return each server's memory against time, as SVG that fits a light and a dark page."""
    high = len(logs) * (HIGH + GAP) + GAP
    words = "; ".join(
        f"{log.transport} from {log.start.memory_bytes / 1e6:.0f} MB to "
        f"{log.readings[-1].memory_bytes / 1e6:.0f} MB"
        for log in logs
    )
    title = f"Resident memory of each server during the soak: {words}."
    rows = "".join(part for number, log in enumerate(logs) for part in _curve(number, log))
    wide = LEFT + WIDE + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'role="img" aria-labelledby="t"><title id="t">{escape(title)}</title>'
        f"<style>{_STYLE}</style>{rows}</svg>\n"
    )


def _curve(number: int, log: Log) -> Iterator[str]:
    top = number * (HIGH + GAP) + 8
    readings = log.readings
    end_s = readings[-1].second or 1.0
    # From zero, so that what looks flat is flat.
    most = max(one.memory_bytes for one in readings) * 1.15
    step = max(1, len(readings) // POINTS)
    points = " ".join(
        f"{LEFT + WIDE * one.second / end_s:.1f},{top + HIGH * (1 - one.memory_bytes / most):.1f}"
        for one in [*readings[::step], readings[-1]]
    )
    yield f'<text x="4" y="{top + 16}">{escape(log.transport)}</text>'
    yield f'<text x="4" y="{top + 34}">0 to {most / 1e6:.0f} MB</text>'
    yield f'<rect class="f" x="{LEFT}" y="{top}" width="{WIDE}" height="{HIGH}"/>'
    for second, name in ((log.stalling_from, "stalling"), (log.mixed_from, "mixed")):
        x = LEFT + WIDE * second / end_s
        yield f'<line class="p" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + HIGH}"/>'
        yield f'<text x="{x + 4:.1f}" y="{top + HIGH - 6}">{name}</text>'
    yield f'<polyline class="l" points="{points}"/>'
    yield f'<text x="{LEFT + WIDE}" y="{top + HIGH + 14}" text-anchor="end">{end_s:.0f} s</text>'
