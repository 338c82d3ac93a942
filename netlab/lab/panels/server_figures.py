"""A server's figures as tables and as a small curve: no widget, no thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from netlab.lab.grid import Grid

MAX_CLIENTS = 40
ID_CHARS = 8
WIDE_PX, HIGH_PX = 260, 46


class Rates:
    """Messages a second, in and out, from the sums at several moments."""

    def __init__(self, kept: int = 60) -> None:
        self.history: deque[tuple[float, float]] = deque(maxlen=kept)
        self._last: tuple[float, int, int] | None = None

    def note(self, now_s: float, frames_in: int, frames_out: int) -> None:
        """Take note of the sums at the moment `now_s`, in seconds of any clock."""
        if self._last is not None:
            passed_s = now_s - self._last[0]
            if passed_s < 0.1:
                return  # too short to divide by
            new_in, new_out = frames_in - self._last[1], frames_out - self._last[2]
            if new_in < 0 or new_out < 0:
                self.history.clear()  # another server
            else:
                self.history.append((new_in / passed_s, new_out / passed_s))
        self._last = now_s, frames_in, frames_out

    @property
    def now(self) -> tuple[float, float]:
        """In and out, messages a second."""
        return self.history[-1] if self.history else (0.0, 0.0)

    def svg(self) -> str:
        """Return the curves: in as a solid line, out as a dashed one."""
        most = max((rate for pair in self.history for rate in pair), default=0.0)
        now_in, now_out = self.now
        about = (
            f"Messages a second at the last {len(self.history)} looks, {most:,.0f} at most; "
            f"now {now_in:,.0f} in, {now_out:,.0f} out"
        )
        step = WIDE_PX / max(1, (self.history.maxlen or 1) - 1)
        lines = []
        for which, kind in ((0, "np-curve-in"), (1, "np-curve-out")):
            points = " ".join(
                f"{n * step:.1f},{HIGH_PX - 2 - rates[which] / (most or 1) * (HIGH_PX - 6):.1f}"
                for n, rates in enumerate(self.history)
            )
            lines.append(f'<polyline class="np-curve {kind}" points="{points}"/>')
        return (
            f'<svg role="img" aria-label="{about}" width="{WIDE_PX}" height="{HIGH_PX}" '
            f'viewBox="0 0 {WIDE_PX} {HIGH_PX}"><path class="np-base" d="M0 {HIGH_PX - 1}h'
            f'{WIDE_PX}"/>{"".join(lines)}</svg><div>Messages a second: '
            f"{now_in:,.0f} in (──), {now_out:,.0f} out (╌╌), {most:,.0f} at most</div>"
        )


def headline(stats: Any) -> str:
    """Return a server's sums in one line."""
    parts = [f"up {duration(stats.seconds_up)}", plural(len(stats.clients), "client")]
    parts += [f"{stats.frames_in:,} in", f"{stats.frames_out:,} out"]
    if hasattr(stats, "workers"):
        parts.append(f"{stats.workers_busy} of {plural(stats.workers, 'worker')} busy")
        parts.append(f"{stats.queue_length} waiting")
    return " · ".join(parts)


def grids(stats: Any, *, peers: bool = True) -> list[Grid]:
    """Return a server's clients, rooms, games, and what it refused, dropped or ended.

    Without `peers`, the clients' addresses, whose ports differ from run to run, are left out.
    """
    found = [_clients(stats, peers)]
    found += _counted("Rooms", "room", "members", stats.rooms)
    found += _counted("Games", "status", "sessions", stats.games)
    found += _counted("Connections that are over", "reason", "count", stats.ended)
    found += _counted("Refused with an error", "code", "frames", stats.refused)
    for name, caption in (("ignored", "Got no answer"), ("not_sent", "Did not go out")):
        found += _counted(caption, "reason", "datagrams", getattr(stats, name, {}))
    return found


def _clients(stats: Any, peers: bool) -> Grid:
    shown = stats.clients[:MAX_CLIENTS]
    more = len(stats.clients) - len(shown)
    head = ("client", "from", "connected", "idle", "frames in", "outbox bytes")
    rows = [
        (
            str(one.client_id)[:ID_CHARS],
            str(one.peer),
            duration(one.connected_s),
            duration(one.idle_s),
            one.frames_in,
            stats.outbox_bytes.get(one.client_id, 0),
        )
        for one in shown
    ]
    return Grid(
        "Clients",
        head if peers else (head[:1] + head[2:]),
        rows if peers else [row[:1] + row[2:] for row in rows],
        f"and {more:,} more" if more else "",
    )


def _counted(caption: str, what: str, count: str, found: Mapping[str, int]) -> Iterable[Grid]:
    if found:
        largest = sorted(found, key=lambda name: (-found[name], name))
        yield Grid(caption, (what, count), [(name, found[name]) for name in largest])


def duration(seconds: float) -> str:
    """Return "7 s", "2 min 5 s", "3 h 1 min"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(count: int, noun: str) -> str:
    """Return "1 client", "2 clients"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
