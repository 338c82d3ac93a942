"""What one user of a chat sees, from the messages that came: no widget, no thread, no socket."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT_ENTRIES = 200


@dataclass(frozen=True)
class Entry:
    """A line of what one user sees. `kind`: room, private, public, event or error."""

    kind: str
    text: str
    who: str = ""
    where: str = ""

    def __str__(self) -> str:
        if self.kind in ("event", "error"):
            return f"* {self.text}" if self.kind == "event" else f"! {self.text}"
        return f"{self.label}{self.who}: {self.text}"

    @property
    def label(self) -> str:
        """Where it was said, before the name of who said it."""
        if self.kind == "private":
            return "privately, "
        return f"[{self.where}] " if self.where else "[everybody] "


class ChatState:
    """What one user sees: what was said, the rooms, who is here, who is typing."""

    def __init__(self) -> None:
        self.name = ""
        self.entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self.fresh: list[Entry] = []
        """entries not yet shown; whoever shows them empties it"""
        self.joined: dict[str, int] = {}
        """rooms that the user is in, with the number of their members"""
        self.typing: dict[str, dict[str, str]] = {}
        """by room: client id -> name of those who are typing"""
        self.rooms: dict[str, int] = {}
        """all rooms as last listed, with the number of their members"""
        self.users: tuple[str, ...] = ()
        """all users as last listed"""
        self.stale = False
        """somebody came or went, so that the lists should be asked for again"""

    def take(self, message: Any) -> None:
        """Take in a message from the server. One of a type not known here changes nothing."""
        handler = getattr(self, f"_on_{message.type}", None)
        if handler is not None:
            handler(message)

    def forget(self) -> None:
        """Take note that the connection is lost: no rooms, nobody typing."""
        self.joined, self.typing, self.rooms, self.users = {}, {}, {}, ()

    def add(self, entry: Entry) -> None:
        """Add a line."""
        self.entries.append(entry)
        self.fresh.append(entry)

    def typists(self) -> str:
        """Return who is typing, in words; empty if nobody is."""
        # Copies: another thread may be the one that asks.
        people = [list(one.values()) for one in list(self.typing.values())]
        names = sorted({name for names in people for name in names})
        if not names:
            return ""
        if len(names) > 3:
            return f"{len(names)} people are typing…"
        return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} typing…"

    def _event(self, text: str) -> None:
        self.add(Entry("event", text))

    # ------------------------------------------------------------ the user

    def _on_welcome(self, message: Any) -> None:
        self.name = message.username
        self.stale = True

    def _on_username_set(self, message: Any) -> None:
        if message.username != self.name:
            self._event(f"you are now {message.username}")
            self.stale = True
        self.name = message.username

    def _on_user_renamed(self, message: Any) -> None:
        self._event(f"{message.old_username} is now {message.username}")
        for people in self.typing.values():
            if message.client_id in people:
                people[message.client_id] = message.username
        self.stale = True

    # ------------------------------------------------------------ rooms

    def _on_room_joined(self, message: Any) -> None:
        self.joined[message.room] = message.members_count
        self._event(f"you joined {message.room}: {members(message.members_count)}")
        for old in message.message_history:
            self.add(Entry("room", old.content, old.sender, old.room))
        self.stale = True

    def _on_room_left(self, message: Any) -> None:
        self.joined.pop(message.room, None)
        self.typing.pop(message.room, None)
        self._event(f"you left {message.room}")
        self.stale = True

    def _on_user_joined(self, message: Any) -> None:
        self._count(message.room, 1)
        self._event(f"{message.username} joined {message.room}")

    def _on_user_left(self, message: Any) -> None:
        self._count(message.room, -1)
        self._stops(message.room, message.client_id)
        self._event(f"{message.username} left {message.room}")

    def _count(self, room: str, change: int) -> None:
        if room in self.joined:
            self.joined[room] += change
        self.stale = True

    def _on_user_typing(self, message: Any) -> None:
        self.typing.setdefault(message.room, {})[message.client_id] = message.username

    def _on_user_stop_typing(self, message: Any) -> None:
        self._stops(message.room, message.client_id)

    def _stops(self, room: str, client_id: str) -> None:
        self.typing.get(room, {}).pop(client_id, None)

    # ------------------------------------------------------------ what was said

    def _on_room_message(self, message: Any) -> None:
        self._stops(message.room, message.from_id)
        self.add(Entry("room", message.content, message.sender, message.room))

    def _on_private_message(self, message: Any) -> None:
        self.add(Entry("private", message.content, message.sender))

    def _on_private_message_sent(self, message: Any) -> None:
        self.add(Entry("private", message.content, f"to {message.to}"))

    def _on_echo(self, message: Any) -> None:
        self.add(Entry("public", message.content, self.name or "you"))

    def _on_broadcast(self, message: Any) -> None:
        self.add(Entry("public", message.content, message.sender))

    # ------------------------------------------------------------ lists, errors, the end

    def _on_room_list(self, message: Any) -> None:
        self.rooms = {room.name: room.members_count for room in message.rooms}

    def _on_client_list(self, message: Any) -> None:
        self.users = tuple(client.username for client in message.clients)

    def _on_error(self, message: Any) -> None:
        self.add(Entry("error", f"{message.code}: {message.message}"))

    def _on_closing(self, message: Any) -> None:
        self._event(f"the server ends the connection: {message.code}: {message.reason}")


def members(count: int) -> str:
    """Return "1 member", "2 members"."""
    return f"{count:,} member{'s' * (count != 1)}"
