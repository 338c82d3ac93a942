"""The dial of a fault proxy: a slider for each fault that is a number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets

from netlab.lab.panels.liveness import is_running
from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import button, html, row, show_if

EVERY_S = 0.5


def dial(chaos: Any) -> DialPanel:
    """Show sliders for the faults of a `Chaos`; a change holds from the next bytes on.

    Args:
        chaos: anything with `faults`, whose `dials()` says what can be turned, `set(**faults)`
            and `clear()`; or a function that returns it, so that "Reconnect" finds the next one.

    Raises:
        TypeError: it is something else.
    """
    return DialPanel(chaos)


class DialPanel(Panel):
    """Made by `dial`. What a cell sets with `chaos.set` shows on the sliders, too."""

    def __init__(self, chaos: Any) -> None:
        self._find: Callable[[], Any] = chaos if callable(chaos) else lambda: chaos
        self.chaos = self._found()
        super().__init__("Dial: faults of the proxy", "dial", EVERY_S)
        self.sliders: dict[str, Any] = {}
        self.numbers: dict[str, Any] = {}
        self._following: set[str] = set()  # those that the panel moves itself, just now
        rows = [self._row(name, one) for name, one in self.chaos.faults.dials().items()]
        self._words, self._status = html(), html()
        self.resets = button(
            "No faults", lambda: self._do(self._clear), about="take all faults away", primary=True
        )
        self.again = button("Reconnect", lambda: self._do(self._reconnect))
        last: list[Any] = [self.resets, self.again]
        if hasattr(self.chaos, "release"):
            last.insert(1, button("Release stalls", lambda: self._do(self._release)))
        self._begin(*rows, row("np-row", *last, self._status), self._words)

    def _row(self, name: str, one: Any) -> Any:
        value = getattr(self.chaos.faults, name)
        whole = isinstance(value, int)
        slider_kind = widgets.IntSlider if whole else widgets.FloatSlider
        number_kind = widgets.BoundedIntText if whole else widgets.BoundedFloatText
        label = f"{one.label} ({one.unit})" if one.unit else one.label
        # A slider has no name for a screen reader; the number, which does the same, has one.
        limits = {"min": 0, "max": max(one.most, value), "value": value, "step": one.step}
        slider = slider_kind(**limits, readout=False, tooltip=label)
        number = number_kind(**limits, description=label)
        slider.add_class("np-grow")
        number.add_class("np-number")
        for widget in (slider, number):
            widget.observe(partial(self._turned_to, name), "value")
        self.sliders[name], self.numbers[name] = slider, number
        return row("np-row", number, slider)

    def _turned_to(self, name: str, change: Any) -> None:
        if name not in self._following:
            self._do(self._set, name, change["new"])

    # ------------------------------------------------------------ the thread

    def _found(self) -> Any:
        chaos = self._find()
        missing = [name for name in ("faults", "set", "clear") if not hasattr(chaos, name)]
        if missing or not hasattr(chaos.faults, "dials"):
            raise TypeError(
                f"{type(chaos).__name__} has no dial (it has no {', '.join(missing) or 'dials()'})"
                "; pass a Chaos, or a function that returns one"
            )
        return chaos

    def _reconnect(self) -> None:
        self.chaos = self._found()

    def _clear(self) -> None:
        self.chaos.clear()

    def _release(self) -> None:
        self.chaos.release()

    def _set(self, name: str, value: float) -> None:
        if getattr(self.chaos.faults, name) != value:
            self.chaos.set(**{name: value})

    def _look(self) -> None:
        if self._todo.empty():  # else the learner is still turning
            faults = self.chaos.faults
            for name in self.sliders:
                self._follow(name, getattr(faults, name))
        running = is_running(self.chaos)
        self._rests = not running
        self._status.value = (
            '<span class="np-good" role="status">● running</span>'
            if running
            else '<span class="np-bad" role="status">○ disconnected</span> the proxy does not run'
        )
        show_if(self.again, not running)
        lines = "<br>".join(escape(line) for line in self._faults_in_words().splitlines())
        self._words.value = f'<div class="mathjax_ignore" role="status">Now: {lines}</div>'

    def _follow(self, name: str, value: float) -> None:
        self._following.add(name)
        try:
            for widget in (self.sliders[name], self.numbers[name]):
                if value > widget.max:
                    widget.max = value
                widget.value = value
        finally:
            self._following.discard(name)

    def text(self) -> str:
        """Return the faults that are set, in words."""
        return f"{self.caption}: {self._faults_in_words()}"

    def _faults_in_words(self) -> str:
        describe: Callable[[], str] = (
            getattr(self.chaos, "describe", None) or self.chaos.faults.words
        )
        return describe() or "nothing"
