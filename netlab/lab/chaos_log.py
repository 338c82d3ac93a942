"""What a fault proxy has done: `chaos.log`.

Shown sorted by connection and direction, because which of two connections comes first is chance;
within one direction of one connection the order is the one in which things were done.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from netlab.lab.frames import name_order
from netlab.lab.recording import Direction

MAX_ENTRIES = 10_000
WAYS = {Direction.TO_SERVER: "to server", Direction.TO_CLIENT: "to client"}


class Entry(NamedTuple):
    """One thing that was done, as in "c1 to server: byte 1,024: RST"."""

    connection: str
    direction: Direction
    place: str
    """which byte or datagram"""
    text: str

    def __str__(self) -> str:
        return f"{self.connection} {WAYS[self.direction]}: {self.place}: {self.text}"


class Log:
    """The entries, at most `max_entries`; later ones are only counted. Any thread may read it.

    `on_entry` is called with each entry as it is made, by the proxy's thread.
    """

    def __init__(
        self, max_entries: int = MAX_ENTRIES, on_entry: Callable[[Entry], object] | None = None
    ) -> None:
        self.max_entries = max_entries
        self._on_entry = on_entry
        self._lock = threading.Lock()  # guards everything below
        self._entries: list[Entry] = []
        self._names: dict[str, str] = {}
        self._left_out = 0

    def add(self, connection: str, direction: Direction, place: str, text: str) -> None:
        """Note that this was done."""
        entry = Entry(connection, direction, place, text)
        with self._lock:
            if len(self._entries) < self.max_entries:
                self._entries.append(entry)
            else:
                self._left_out += 1
            entry = self._named(entry)
        if self._on_entry is not None:
            self._on_entry(entry)

    def rename(self, connection: str, name: str) -> None:
        """Call a connection `name`, in what is noted already, too."""
        with self._lock:
            self._names[connection] = name

    def clear(self) -> None:
        """Forget the entries; names stay."""
        with self._lock:
            self._entries.clear()
            self._left_out = 0

    @property
    def left_out(self) -> int:
        """How many entries came when the log was full."""
        with self._lock:
            return self._left_out

    def in_order(self) -> list[Entry]:
        """Return the entries as they were made. With several connections that may be chance."""
        with self._lock:
            return [self._named(entry) for entry in self._entries]

    def __iter__(self) -> Iterator[Entry]:
        ways = list(WAYS)
        return iter(
            sorted(
                self.in_order(),
                key=lambda entry: (name_order(entry.connection), ways.index(entry.direction)),
            )
        )

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def __str__(self) -> str:
        lines = [str(entry) for entry in self]
        if self.left_out:
            lines.append(f"and {self.left_out:,} more")
        return "\n".join(lines) or "nothing was done"

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        def row(cells: tuple[str, ...]) -> str:
            inner = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            return f"<tr>{inner}</tr>"

        body = "".join(row((one.connection, WAYS[one.direction], *one[2:])) for one in self)
        head = "".join(
            f'<th scope="col">{name}</th>' for name in ("connection", "way", "where", "what")
        )
        more = f"; {self.left_out:,} more were not kept" if self.left_out else ""
        caption = f"<caption>What was done to the bytes on their way{more}</caption>"
        page = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return {"text/html": page, "text/plain": str(self)}

    def _named(self, entry: Entry) -> Entry:
        return entry._replace(connection=self._names.get(entry.connection, entry.connection))
