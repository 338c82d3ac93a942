"""What an interactive client knows of the conversation: its rooms, its game, who else is there."""

from __future__ import annotations

from typing import Any

import msgspec

from netlab.core.messages import AnyReply

SHORTEST_PREFIX = 4
"""characters of an id that may stand for all of it, so that a name is rarely taken for one"""


class Ambiguous(LookupError):
    """What was typed is the beginning of several ids; they are in `args`."""


class Conversation:
    """Told of each message that comes (`note`), it knows what commands and completion need.

    Args:
        service: `"chat"` or `"echo"`.
    """

    def __init__(self, service: str = "chat") -> None:
        self.service = service
        self.client_id = ""
        self.joined: list[str] = []
        """rooms we are in; the last is the one we talk to"""
        self.session_id: str | None = None
        """the game session we are in"""
        self.rooms: dict[str, None] = {}
        """names of rooms heard of, oldest first"""
        self.users: dict[str, str] = {}
        """names of the others, by client id"""
        self.games: dict[str, str] = {}
        """game types of the sessions heard of, by session id"""

    @property
    def room(self) -> str | None:
        """The room that text goes to; None: it goes to everybody."""
        return self.joined[-1] if self.joined else None

    def find_user(self, typed: str) -> str:
        """Return the id that `typed` is or begins; anything else (a name) as it is.

        Raises:
            Ambiguous: several ids begin so.
        """
        if typed.casefold() in (name.casefold() for name in self.users.values()):
            return typed
        return _complete(typed, self.users)

    def find_session(self, typed: str) -> str:
        """Return the session id that `typed` is or begins; anything else as it is.

        Raises:
            Ambiguous: several ids begin so.
        """
        return _complete(typed, self.games)

    def note(self, message: AnyReply) -> None:
        """Learn from a message."""
        fields: dict[str, Any] = msgspec.to_builtins(message)
        if sender := fields.get("from_id"):
            self._note_user(sender, fields["from"])
        match message.type:
            case "welcome":
                self.client_id = fields["client_id"]
            case "room_joined":
                self._forget_room(fields["room"])
                self.joined.append(fields["room"])
                self.rooms[fields["room"]] = None
            case "room_left":
                self._forget_room(fields["room"])
            case "room_list":
                names = [room["name"] for room in fields["rooms"]]
                self.rooms = dict.fromkeys([*names, *self.joined])
            case "user_joined" | "user_renamed":
                self._note_user(fields["client_id"], fields["username"])
            case "private_message_sent":
                self._note_user(fields["to_id"], fields["to"])
            case "client_list":
                self.users.clear()
                for client in fields["clients"]:
                    self._note_user(client["client_id"], client["username"])
            case _:
                self._note_game(message.type, fields)

    def _note_game(self, wire_type: str, fields: dict[str, Any]) -> None:
        session_id = fields.get("session_id", "")
        is_me = fields.get("player", {}).get("client_id") == self.client_id
        for session in fields.get("sessions", [fields.get("session")]):
            if session:
                self.games[session["session_id"]] = session["game_type"]
        if wire_type == "game_session_created" or (wire_type == "player_joined_game" and is_me):
            self.session_id = session_id
        elif wire_type == "game_session_closed" or (wire_type == "player_left_game" and is_me):
            if wire_type == "game_session_closed":
                self.games.pop(session_id, None)
            if self.session_id == session_id:
                self.session_id = None

    def _note_user(self, client_id: str, name: str) -> None:
        if client_id != self.client_id:
            self.users[client_id] = name

    def _forget_room(self, room: str) -> None:
        self.joined = [name for name in self.joined if name.casefold() != room.casefold()]


def _complete(typed: str, ids: dict[str, str]) -> str:
    if typed in ids or len(typed) < SHORTEST_PREFIX:
        return typed
    found = [one for one in ids if one.startswith(typed)]
    if len(found) > 1:
        raise Ambiguous(*found)
    return found[0] if found else typed
