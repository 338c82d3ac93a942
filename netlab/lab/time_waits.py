"""Who waits in TIME_WAIT, and for how long.

    kernel.wait_time_waits(port, 1)
    found = kernel.time_waits(port)
    found[0].has_port, round(found[0].seconds_left)     # (True, 60)

Who closes first waits: its end of the conversation stays, without any program, so that it can
answer a repeated FIN and so that late segments do not enter a new conversation of the same two
addresses (RFC 9293, 3.6.1: twice the longest life of a segment; Linux: always 60 s). A server that
closed first cannot bind its port again meanwhile, unless it sets SO_REUSEADDR.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from netlab.lab.grid import Grid, Shown
from netlab.lab.procnet import Pair, rows
from netlab.lab.waiting import wait_until


@dataclass(frozen=True)
class TimeWait:
    """One end of a conversation that is over."""

    ends: Pair
    has_port: bool
    """True: the end with the port asked for waits (it closed first); False: its partner's"""
    seconds_left: float


class TimeWaits(Shown, tuple[TimeWait, ...]):
    """The ends in TIME_WAIT around one port; those with the port itself first."""

    __slots__ = ()

    @property
    def seconds_left(self) -> float:
        """Seconds until the last one is over; 0.0 when nobody waits."""
        return max((one.seconds_left for one in self), default=0.0)

    def grid(self) -> Grid:
        """Return who waits; seconds rounded up to tens, so that it repeats."""
        lines = []
        for has_port, whose in ((True, "the side with this port"), (False, "the other side")):
            left = [one.seconds_left for one in self if one.has_port is has_port]
            if left:
                lines.append((whose, len(left), f"at most {ceil(max(left) / 10) * 10} s"))
        head = ("who closed first, and waits", "ends", "still")
        return Grid("In TIME_WAIT", head, lines, "" if lines else "Nobody waits.")


def time_waits(port: int) -> TimeWaits:
    """Return the ends in TIME_WAIT of conversations with `port` at one end or the other.

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    found = [
        TimeWait((row.local, row.remote), row.local[1] == port, row.timer_s)
        for row in rows({port})
        if row.state == "TIME_WAIT" and port in (row.local[1], row.remote[1])
    ]
    return TimeWaits(sorted(found, key=lambda one: (not one.has_port, one.ends)))


def wait_time_waits(port: int, count: int, timeout_s: float = 2.0) -> None:
    """Return once at least `count` ends of conversations with `port` are in TIME_WAIT.

    Raises:
        TimeoutError: it was fewer when `timeout_s` seconds were over.
        NotAvailable: there is no /proc/net/tcp here.
    """
    wait_until(
        lambda: len(time_waits(port)) >= count,
        timeout_s,
        lambda: f"{len(time_waits(port))} of {count} were in TIME_WAIT after {timeout_s:g} s",
    )
