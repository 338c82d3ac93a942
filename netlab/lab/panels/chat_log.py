"""The log of one user of a chat: lines are added at its end, the oldest go."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as widgets

from netlab.lab.panels.chat_state import KEPT_ENTRIES, Entry
from netlab.lab.panels.parts import html

PAGE_ENTRIES = 25
MAX_ANNOUNCED = 3


class Log:
    """Pages of lines below each other. Only the newest changes: what was shown is not drawn again.

    The box keeps its end in view (see `np-log` in `style`); a screen reader hears the new lines.
    """

    def __init__(self) -> None:
        self.pages = [html() for _ in range(KEPT_ENTRIES // PAGE_ENTRIES)]
        self.announced = html()
        self._entries: list[list[Entry]] = [[] for _ in self.pages]
        self.box = widgets.Box([widgets.VBox(self.pages)])
        self.box.add_class("np-log")

    def append(self, new: Sequence[Entry]) -> None:
        """Add lines."""
        if not new:
            return
        changed: set[int] = set()
        for entry in new:
            changed |= self._add(entry)
        for number in changed:
            self.pages[number].value = "".join(map(_as_html, self._entries[number]))
        said = "; ".join(map(str, new[-MAX_ANNOUNCED:]))
        self.announced.value = f'<div class="np-hidden" aria-live="polite">{escape(said)}</div>'

    def _add(self, entry: Entry) -> set[int]:
        """Add a line, and return the numbers of the pages that are others now."""
        current = max((n for n, page in enumerate(self._entries) if page), default=0)
        changed = {current}
        if len(self._entries[current]) == PAGE_ENTRIES:
            if current + 1 == len(self._entries):
                self._entries = [*self._entries[1:], []]
                changed = set(range(len(self._entries)))
            else:
                current += 1
                changed = {current}
        self._entries[current].append(entry)
        return changed


def _as_html(entry: Entry) -> str:
    if entry.kind in ("event", "error"):
        kind, sign = ("np-soft", "·") if entry.kind == "event" else ("np-bad", "✗")
        return f'<div class="np-entry mathjax_ignore {kind}">{sign} {escape(entry.text)}</div>'
    return (
        f'<div class="np-entry mathjax_ignore"><span class="np-soft">{escape(entry.label)}</span>'
        f'<span class="np-name">{escape(entry.who)}</span>: <bdi>{escape(entry.text)}</bdi></div>'
    )
