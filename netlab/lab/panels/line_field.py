"""A field for one line, which may be typed on before the kernel has read what was typed before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

REST_S = 5.0
"""seconds after the last key until lines that were entered are taken out of the field"""


class LineField(widgets.Textarea):  # type: ignore[misc]  # the library has no types
    """A text area of which one line shows; `entered(line)` is called at Enter.

    Enter is seen by the line end it leaves in the value: the "submit" of a text field overtakes the
    last keys, which ipywidgets holds back while earlier ones are on their way. What was entered
    stays in the value, out of sight, until nobody types any more: to empty the field at once would
    overwrite what has been typed since.

    Args:
        name: what a screen reader says.
        placeholder: shown while it is empty.
        entered: called with each line.
        value: what stands in it at first.
        keep: the line that was entered stays, to be read again; then it is not to be typed on.
    """

    def __init__(
        self,
        name: str,
        placeholder: str,
        entered: Callable[[str], None],
        *,
        value: str = "",
        keep: bool = False,
    ) -> None:
        super().__init__(value=value, tooltip=name, placeholder=placeholder, rows=1)
        self._entered, self._keep = entered, keep
        self._taken = 0  # lines of the value that were entered
        self._changed_at = 0.0
        self.add_class("np-grow")
        self.add_class("np-line")
        self.observe(self._changed, "value")

    @property
    def line(self) -> str:
        """What stands in the field behind what was entered."""
        return "\n".join(self.value.split("\n")[self._taken :])

    def put(self, line: str) -> None:
        """Let this stand in the field, and nothing else."""
        self._taken = 0
        self.value = line

    def tidy(self) -> None:
        """Take out what was entered, if nobody has typed for a while."""
        if self._taken and time.monotonic() - self._changed_at > REST_S:
            self.put(self.line)

    def _changed(self, change: Any) -> None:
        lines = change["new"].split("\n")
        # Whoever rubs out the line end gets the line back.
        before, self._taken = min(self._taken, len(lines) - 1), len(lines) - 1
        self._changed_at = time.monotonic()
        entered = lines[before:-1]
        if entered and self._keep:
            self.put(entered[-1])
        for line in entered:
            self._entered(line)
