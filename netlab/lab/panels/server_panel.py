"""The dashboard of a server: its clients, rooms, queues, rates and what it dropped, live."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from netlab.lab.panels.liveness import is_running
from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import button, html, row, show_if
from netlab.lab.panels.server_figures import Rates, grids, headline

LEAST_S = 0.5


def dashboard(server: Any, *, every_s: float = LEAST_S) -> Dashboard:
    """Show a server's figures, live. Watching stops when the server does.

        panels.dashboard(server)
        panels.dashboard(lambda: server)     # "Reconnect" finds what `server` is by then

    Args:
        server: anything with `stats()` (a server, or one that `background` runs), or a function
            that returns it. Of an asynchronous server pass what `background` returned.
        every_s: seconds between two looks, 0.5 or more.

    Raises:
        TypeError: it has no `stats()`.
        ValueError: `every_s` is less than 0.5.
    """
    return Dashboard(server, every_s=every_s)


class Dashboard(Panel):
    """Made by `dashboard`."""

    def __init__(self, server: Any, *, every_s: float = LEAST_S) -> None:
        if every_s < LEAST_S:
            raise ValueError(f"every_s={every_s!r}: a dashboard looks every {LEAST_S} s at most")
        self._find: Callable[[], Any] = server if callable(server) else lambda: server
        self._server = self._found()
        self._stats: Any = None
        self._rates = Rates()
        self._connected = True
        target = getattr(self._server, "server", self._server)  # of what `background` returned
        super().__init__(f"Dashboard: {type(target).__name__}", "dashboard", every_s)
        self._status, self._figures = html(), html()
        self.pauses = widgets.ToggleButton(description="Pause", tooltip="Pause the dashboard")
        self.pauses.add_class("np-short")
        self.pauses.observe(lambda _: self._do(self._pause), "value")
        self.again = button("Reconnect", lambda: self._do(self._reconnect))
        self._begin(row("np-row", self._status, self.pauses, self.again), self._figures)

    @property
    def connected(self) -> bool:
        """Did the server run when the panel last looked?"""
        return self._connected

    def text(self) -> str:
        """Return the server's sums and tables; rates are left out, for they never repeat."""
        stats = self._stats
        state = "running" if self._connected else "disconnected"
        if stats is None:
            return f"{self.caption}: {state}"
        tables = map(repr, grids(stats, peers=False))
        return "\n".join([f"{self.caption}: {state}, {headline(stats)}", *tables])

    # ------------------------------------------------------------ the thread

    def _found(self) -> Any:
        server = self._find()
        if not hasattr(server, "stats"):
            raise TypeError(
                f"{type(server).__name__} has no stats(); pass a server such as TCPServer, what "
                "background() returned, or a function that returns one of these"
            )
        return server

    def _pause(self) -> None:
        self.pauses.description = "Go on" if self.pauses.value else "Pause"

    def _reconnect(self) -> None:
        self._server = self._found()

    def _look(self) -> None:
        # Asked before the figures: the last ones of a server are then those of its end.
        self._connected = is_running(self._server)
        if not self.pauses.value:
            try:
                self._stats = self._server.stats()
            except RuntimeError:  # one that runs in a loop of its own cannot be asked any more
                self._connected = False
        self._rests = not self._connected or self.pauses.value
        stats = self._stats
        if stats is not None and self._connected:
            self._rates.note(time.monotonic(), stats.frames_in, stats.frames_out)
        self._show()

    def _show(self) -> None:
        if not self._connected:
            sign = '<span class="np-bad" role="status">○ disconnected</span> the server has stopped'
        elif self.pauses.value:
            sign = '<span class="np-soft" role="status">‖ paused</span>'
        else:
            sign = '<span class="np-good" role="status">● running</span>'
        self._status.value = sign
        show_if(self.again, not self._connected)
        show_if(self.pauses, self._connected)
        if self._stats is None:
            return
        tables = "".join(str(one._repr_mimebundle_()["text/html"]) for one in grids(self._stats))
        self._figures.value = (
            f'<div class="mathjax_ignore"><div>{escape(headline(self._stats))}</div>'
            f'{self._rates.svg()}<div class="np-tables">{tables}</div></div>'
        )
