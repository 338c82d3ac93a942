"""What has happened, in order, from the threads that see it to the one that acts on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from netlab.core.messages import AnyReply

KEPT_ITEMS = 1_000
"""things that may wait in a mailbox; then whoever brings more waits, and so does their sender"""


@dataclass(frozen=True)
class Typed:
    """A line that was typed, or came through a pipe."""

    line: str


@dataclass(frozen=True)
class EndOfInput:
    """No more lines will come."""


@dataclass(frozen=True)
class Lost:
    """No more messages will come."""

    reason: str


Item = Typed | EndOfInput | Lost | AnyReply


class Mailbox:
    """What has happened, in order. Bounded: whoever fills it waits for whoever empties it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards what follows
        self._items: list[Item] = []
        self._closed = False

    def put(self, item: Item, *, wait: bool = True) -> None:
        """Add an item; `wait` until there is room for it. After `close` it is thrown away."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or len(self._items) < KEPT_ITEMS)
            self._items.append(item)
            self._changed.notify_all()

    def take(self, timeout_s: float | None = None) -> list[Item]:
        """Wait until there is something, and return all of it; nothing: closed, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items, timeout_s)
            taken, self._items = self._items, []
            self._changed.notify_all()
            return taken

    def put_end(self, reason: str) -> None:
        """Add that no more messages will come."""
        self.put(Lost(reason), wait=False)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
