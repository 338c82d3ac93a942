"""Rooms: who is in them, what was said there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, islice

import msgspec

from netlab.core import messages
from netlab.core.errors import Refused
from netlab.core.history import Archive, History
from netlab.core.iso_time import iso_time
from netlab.core.json_codec import short
from netlab.core.limits import Limits
from netlab.core.names import check_content, clean_name, name_key
from netlab.core.roster import User
from netlab.core.sends import ClientId, Send, that_fit, to_all, without

HISTORY_SHOWN = 50


class Room:
    """A room with members, and what was said in it lately."""

    def __init__(self, name: str, now: float, history: History) -> None:
        self.name, self.key = name, name_key(name)
        self.created_at = self.last_activity = now
        self.history = history
        self.members: dict[ClientId, User] = {}
        self._everyone: tuple[ClientId, ...] | None = None

    def everyone(self) -> tuple[ClientId, ...]:
        """Return the members in order of joining; one tuple serves until that changes."""
        if self._everyone is None:
            self._everyone = tuple(self.members)
        return self._everyone

    def others(self, user: User) -> tuple[ClientId, ...]:
        """Return the members without one."""
        return without(self.everyone(), user.id)

    def enter(self, user: User) -> None:
        """Make somebody a member: here and in the user's own list."""
        user.rooms[self.key] = self
        self.members[user.id] = user
        self._everyone = None

    def leave(self, user: User) -> None:
        """End a membership, here and in the user's own list."""
        del user.rooms[self.key]
        del self.members[user.id]
        self._everyone = None


class Rooms:
    """All rooms. A room exists while it has members.

    Args:
        limits: how many rooms one may be in, how long their names are, what they remember.
        new_id: gives the next id for a purpose.
    """

    def __init__(self, limits: Limits, new_id: Callable[[str], str]) -> None:
        self._limits = limits
        self._new_id = new_id
        self._rooms: dict[str, Room] = {}
        self._archive = Archive(limits.history, limits.history_bytes)

    def open_to(self, user: User, name: str, now: float) -> Room:
        """Return the room with that name, perhaps a new one, if the user may be in it.

        Raises:
            Refused: `invalid_name`, `too_many_rooms`.
        """
        clean = clean_name(name, "room", self._limits.max_name_length)
        count, most = len(user.rooms), self._limits.max_rooms
        if most and count >= most and name_key(clean) not in user.rooms:
            raise Refused("too_many_rooms", f"you are in {count} rooms, the limit; leave one first")
        return self._rooms.get(name_key(clean)) or Room(clean, now, History(self._archive))

    def join(
        self, user: User, room: Room, ref: str | None, now: float, max_bytes: int
    ) -> list[Send]:
        """Make somebody a member of a room, once."""
        newcomer = user.id not in room.members
        if newcomer:
            self._rooms[room.key] = room
            room.enter(user)
        empty = messages.RoomJoined(room.name, len(room.members), (), ref=ref)
        newest = that_fit(islice(reversed(room.history), HISTORY_SHOWN), empty, max_bytes)
        joined = msgspec.structs.replace(empty, message_history=newest[::-1])
        sends = [Send((user.id,), joined)]
        if newcomer and len(room.members) > 1:
            told = messages.UserJoined(room.name, user.id, user.name, iso_time(now))
            sends.append(Send(room.others(user), told))
        return sends

    def leave(self, user: User, request: messages.LeaveRoom, now: float) -> list[Send]:
        """End a membership."""
        room = self._room_of(user, request.room)
        room.leave(user)
        return [
            Send((user.id,), messages.RoomLeft(room.name, ref=request.ref)),
            *self._tell_left(room, user, now),
        ]

    def leave_all(self, users: Iterable[User], now: float) -> list[Send]:
        """End all memberships of users who are gone, then tell those who remain."""
        left = [(room, user) for user in users for room in user.rooms.values()]
        for room, user in left:
            room.leave(user)
        return [send for room, user in left for send in self._tell_left(room, user, now)]

    def say(self, user: User, request: messages.SendRoomMessage, now: float) -> list[Send]:
        """Say something to all members."""
        room = self._room_of(user, request.room)
        content = check_content(request.content)
        id_ = self._new_id("message")
        said = messages.RoomMessage(id_, room.name, user.name, user.id, content, iso_time(now))
        room.history.append(said)
        room.last_activity = now
        return to_all(room.everyone(), user.id, said, request.ref)

    def typing(self, user: User, request: messages.TypingStart | messages.TypingStop) -> list[Send]:
        """Show the other members that somebody is typing, or no longer is."""
        room = self._room_of(user, request.room)
        starts = isinstance(request, messages.TypingStart)
        told = messages.UserTyping if starts else messages.UserStopTyping
        others = room.others(user)
        return [Send(others, told(room.name, user.id, user.name))] if others else []

    def listing(self, user: User, request: messages.ListRooms, max_bytes: int) -> list[Send]:
        """Say which rooms there are."""
        infos = (
            messages.RoomInfo(
                r.name, len(r.members), iso_time(r.created_at), iso_time(r.last_activity)
            )
            for r in self._rooms.values()
        )
        shown = that_fit(infos, messages.RoomList((), ref=request.ref), max_bytes)
        cut = len(shown) < len(self._rooms)
        return [Send((user.id,), messages.RoomList(shown, truncated=cut, ref=request.ref))]

    def neighbours(self, user: User) -> tuple[ClientId, ...]:
        """Return everybody else who shares a room with somebody, each once."""
        members = chain.from_iterable(room.members for room in user.rooms.values())
        return tuple(client for client in dict.fromkeys(members) if client != user.id)

    def has(self, name: str) -> bool:
        """Tell whether there is a room of that name."""
        return name_key(name.strip()) in self._rooms

    def sizes(self) -> dict[str, int]:
        """Return the number of members of each room, by its name."""
        return {room.name: len(room.members) for room in self._rooms.values()}

    def _room_of(self, user: User, name: str) -> Room:
        room = user.rooms.get(name_key(name))
        if room is None:
            raise Refused(
                "not_a_member", f"you are not in room {short(name)}; join it first (join_room)"
            )
        return room

    def _tell_left(self, room: Room, user: User, now: float) -> list[Send]:
        if room.members:
            told = messages.UserLeft(room.name, user.id, user.name, iso_time(now))
            return [Send(room.everyone(), told)]
        self._rooms.pop(room.key, None)
        room.history.clear()
        return []
