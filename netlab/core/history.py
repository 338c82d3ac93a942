"""What was said in the rooms lately: so many messages a room, so many bytes in all."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import NamedTuple

from netlab.core.messages import RoomMessage

MESSAGE_COST = 1_024
"""bytes of memory that a message takes besides its content, roughly: objects, ids, names, time"""


class _Kept(NamedTuple):
    number: int
    cost: int
    message: RoomMessage


class Archive:
    """The histories of all rooms, in one memory. When that is full the oldest message goes.

    Args:
        per_room: messages a room keeps; 0 = unlimited.
        max_bytes: bytes that all of them may take, `cost_of` each; 0 = unlimited.
    """

    def __init__(self, per_room: int, max_bytes: int) -> None:
        self.per_room = per_room
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._said = 0
        # Number of each message that is kept -> whose it is; oldest first over all rooms.
        self._order: OrderedDict[int, History] = OrderedDict()

    def note(self, history: History, cost: int) -> int:
        """Count a message, and return its number."""
        self._said += 1
        self._order[self._said] = history
        self.used_bytes += cost
        return self._said

    def forget(self, kept: _Kept) -> None:
        """Count a message no more."""
        del self._order[kept.number]
        self.used_bytes -= kept.cost

    def make_room(self) -> None:
        """Forget the oldest messages, whatever room they are of, until the rest has room."""
        while self.max_bytes and self.used_bytes > self.max_bytes:
            oldest = next(iter(self._order.values()))
            oldest.forget_first()


class History:
    """What was said in one room, oldest first.

    Args:
        archive: the memory that it shares with all other rooms.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._kept: deque[_Kept] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[RoomMessage]:
        return (kept.message for kept in self._kept)

    def __reversed__(self) -> Iterator[RoomMessage]:
        return (kept.message for kept in reversed(self._kept))

    def append(self, message: RoomMessage) -> None:
        """Keep a message; where there is no room for it, what is oldest goes."""
        cost = cost_of(message)
        self._kept.append(_Kept(self._archive.note(self, cost), cost, message))
        if self._archive.per_room and len(self._kept) > self._archive.per_room:
            self.forget_first()
        self._archive.make_room()

    def forget_first(self) -> None:
        """Forget this room's oldest message."""
        self._archive.forget(self._kept.popleft())

    def clear(self) -> None:
        """Forget everything: the room is no more."""
        while self._kept:
            self.forget_first()


def cost_of(message: RoomMessage) -> int:
    """Return about how many bytes of memory a message takes: by rule, so the same everywhere.

    Python keeps a text with one byte a character, or two, or four if one of them needs it.
    """
    content = message.content
    return MESSAGE_COST + len(content) * (1 if content.isascii() else 4)
