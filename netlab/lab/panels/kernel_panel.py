"""What the kernel says of named sockets, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.lab.kernel_snapshot import CLOSED, Snapshot, snapshot
from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import button, html, row, show_if
from netlab.lab.panels.server_figures import plural

LEAST_S = 0.2

Names = Mapping[str, Any]


def kernel_view(names: Names | Callable[[], Names], *, every_s: float = 0.5) -> KernelView:
    """Show states and queues of sockets, live. Watching stops when all of them are closed.

        panels.kernel_view({"listener": listener, "client": sock})

    Args:
        names: name -> a socket, a `kernel.pair` or an address, as for `kernel.snapshot`; or a
            function that returns that, asked at every look.
        every_s: seconds between two looks, 0.2 or more.

    Raises:
        TypeError: a value is no socket, pair or address.
        ValueError: `every_s` is less than 0.2, or nothing is named.
    """
    return KernelView(names, every_s=every_s)


class KernelView(Panel):
    """Made by `kernel_view`."""

    def __init__(self, names: Names | Callable[[], Names], *, every_s: float = 0.5) -> None:
        if every_s < LEAST_S:
            raise ValueError(f"every_s={every_s!r}: a live table looks every {LEAST_S} s at most")
        self._names: Callable[[], Names] = names if callable(names) else lambda: names
        if not self._names():
            raise ValueError('nothing is named; pass {"client": sock}')
        self._now: Snapshot = snapshot(self._names())
        super().__init__("Sockets, as the kernel sees them", "kernel", every_s)
        self._ends.callback(self._forget)
        self._status, self._table = html(), html()
        self.again = button("Look again", lambda: self._do(lambda: None))
        self._begin(row("np-row", self._status, self.again), self._table)

    def text(self) -> str:
        """Return the table of the last look."""
        return repr(self._now)

    def _forget(self) -> None:
        # IPython keeps what a cell has shown; the sockets must not be kept with it.
        self._names = dict

    def _look(self) -> None:
        self._now = now = snapshot(self._names())
        open_now = sum(one.state != CLOSED for one in now)
        self._rests = not open_now
        self._status.value = (
            f'<span class="np-good" role="status">● live</span> {plural(open_now, "line")}'
            if open_now
            else '<span class="np-bad" role="status">○ disconnected</span> all are closed'
        )
        show_if(self.again, not open_now)
        table = str(now._repr_mimebundle_()["text/html"])
        self._table.value = f'<div class="mathjax_ignore">{table}</div>'
