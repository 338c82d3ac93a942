"""When is a process at rest? So that the code under examination has noticed what was done to it.

A server hears of a reset at once, but its thread may have to wait for a processor before it can
do anything about it; on a busy machine others are served meanwhile. What happens next must not
depend on that.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

POLL_S = 0.001
QUIET_POLLS = 5
"""looks in a row that must find no thread at work"""
MOST_S = 10.0
"""seconds after which a process that gets no processor is waited for no longer"""


def wait_at_rest(pid: int, budget_s: float) -> None:
    """Return once no thread of the process runs or wants to, or it has had `budget_s` seconds more.

    Those are seconds of processors: on a busy machine they may take longer (at most `MOST_S`).
    Where there is no /proc: at once. proc_pid_stat(5): `R` is a thread that runs, or would.
    """
    until, enough = time.monotonic() + MOST_S, _processor_s(pid) + budget_s
    pause = threading.Event()
    while _runs(pid) and _processor_s(pid) < enough and time.monotonic() < until:
        pause.wait(POLL_S)


def wait_others_at_rest() -> None:
    """Return once no other thread of this process runs or wants to, several times in a row.

    Several times, because a thread that waits for Python's lock looks as if it slept: while this
    one pauses, it gets the lock. Where there is no /proc: after a few pauses.
    """
    until, quiet = time.monotonic() + MOST_S, 0
    pause, me = threading.Event(), str(threading.get_native_id())
    while quiet < QUIET_POLLS and time.monotonic() < until:
        pause.wait(POLL_S)
        others = (task for task in Path("/proc/self/task").glob("*") if task.name != me)
        quiet = 0 if any(map(wants_processor, others)) else quiet + 1


def _processor_s(pid: int) -> float:
    """Return the processors' seconds that a process has had: fields 14 and 15."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _runs(pid: int) -> bool:
    return any(wants_processor(task) for task in Path(f"/proc/{pid}/task").glob("*"))


def wants_processor(task: Path) -> bool:
    """Say whether a thread runs, or would; `task` is its folder in /proc."""
    with contextlib.suppress(OSError):  # it has ended meanwhile, or there is no /proc
        return (task / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    return False
