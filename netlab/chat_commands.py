"""Slash commands: one table from what is typed to what is sent.

A new command is one line in `COMMANDS`. Its usage says how it is read: words in capitals are its
parameters, those in brackets may be missing, and the last takes all the rest of the line. A name
with a space in it stands in quotation marks where something follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from netlab.chat_state import Conversation
from netlab.terminal import harmless


@dataclass(frozen=True)
class Ask:
    """Send the server this request."""

    type: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Do:
    """Do something here."""

    action: Literal["help", "quit", "nothing"]


@dataclass(frozen=True)
class Wrong:
    """Nothing can be done; the sentence says why, and what to type instead."""

    sentence: str


Parsed = Ask | Do | Wrong
Arguments = dict[str, str]
"""what was typed for each parameter; those left out are not in it"""


@dataclass(frozen=True)
class Command:
    """A slash command. `services` are those that understand what it sends."""

    usage: str
    help: str
    build: Callable[[Arguments, Conversation], Parsed]
    services: tuple[str, ...] = ("chat",)
    hidden: bool = False

    @property
    def name(self) -> str:
        """What it starts with: `/join`."""
        return self.usage.split()[0]

    @property
    def parameters(self) -> list[str]:
        """Its parameters' names, without brackets."""
        return [word.strip("[]") for word in self.usage.split()[1:]]

    @property
    def required(self) -> int:
        """How many of them must be given."""
        return sum(not word.startswith("[") for word in self.usage.split()[1:])


def _ask(wire_type: str, **parameters: str) -> Callable[[Arguments, Conversation], Parsed]:
    """Build a request whose fields are the parameters so named."""

    def build(arguments: Arguments, conversation: Conversation) -> Parsed:
        given = {key: arguments[name] for key, name in parameters.items() if name in arguments}
        return Ask(wire_type, given)

    return build


def _do(action: Literal["help", "quit"]) -> Callable[[Arguments, Conversation], Parsed]:
    return lambda arguments, conversation: Do(action)


def _in_room(wire_type: str) -> Callable[[Arguments, Conversation], Parsed]:
    def build(arguments: Arguments, conversation: Conversation) -> Parsed:
        room = arguments.get("ROOM", conversation.room)
        if room is None:
            return Wrong("you are in no room: /join ROOM enters one")
        return Ask(wire_type, {"room": room})

    return build


def _pm(arguments: Arguments, conversation: Conversation) -> Parsed:
    target = conversation.find_user(arguments["WHO"])
    return Ask("private_message", {"target": target, "content": arguments["TEXT"]})


def _enter_game(role: str) -> Callable[[Arguments, Conversation], Parsed]:
    def build(arguments: Arguments, conversation: Conversation) -> Parsed:
        session_id = conversation.find_session(arguments["SESSION"])
        return Ask("join_game_session", {"session_id": session_id, "as": role})

    return build


NUMBER_MEANS = {"tic-tac-toe": "cell", "connect-four": "column"}
"""the field of an action that `/move 4` fills, by game; elsewhere the number is the action"""


def _move(arguments: Arguments, conversation: Conversation) -> Parsed:
    if conversation.session_id is None:
        return Wrong("you are in no game: /create GAME opens one, /games lists those open")
    typed = arguments["ACTION"]
    try:
        action: Any = msgspec.json.decode(typed)
    except (msgspec.DecodeError, RecursionError):
        return Wrong(
            f"{harmless(typed)} is no move: type a number, as in /move 4, "
            'or the action as JSON, as in /move {"cell": 4}'
        )
    key = NUMBER_MEANS.get(conversation.games.get(conversation.session_id, ""))
    if key and isinstance(action, int) and not isinstance(action, bool):
        action = {key: action}
    return Ask("game_action", {"session_id": conversation.session_id, "action": action})


COMMANDS = (
    Command("/username NAME", "take another name", _ask("set_username", username="NAME")),
    Command(
        "/join ROOM [USERNAME]",
        "enter a room (under another name)",
        _ask("join_room", room="ROOM", username="USERNAME"),
    ),
    Command("/leave [ROOM]", "leave the room, or the one you are in", _in_room("leave_room")),
    Command(
        "/msg ROOM TEXT", "say it in that room", _ask("room_message", room="ROOM", content="TEXT")
    ),
    Command("/pm WHO TEXT", "say it to one alone: a name, an id or its beginning", _pm),
    Command("/rooms", "list the rooms", _ask("list_rooms")),
    Command("/users", "list who is here", _ask("list_clients")),
    Command("/clients", "list who is here", _ask("list_clients"), hidden=True),
    Command("/ping", "ask for a sign of life", _ask("ping")),
    Command("/typing", "show the room that you are typing", _in_room("typing_start")),
    Command("/games", "list the game sessions", _ask("list_game_sessions")),
    Command("/create GAME", "open a game session", _ask("create_game_session", game_type="GAME")),
    Command("/play SESSION", "join a game session as a player", _enter_game("player")),
    Command("/watch SESSION", "join it as a spectator", _enter_game("spectator")),
    Command("/move ACTION", "make a move: a number, or JSON", _move),
    Command("/help", "show this", _do("help"), services=("chat", "echo")),
    Command("/quit", "end", _do("quit"), services=("chat", "echo")),
)
BY_NAME = {command.name: command for command in COMMANDS}


def available(service: str) -> list[Command]:
    """Return the commands that mean something to a service."""
    return [command for command in COMMANDS if service in command.services and not command.hidden]


def help_text(service: str) -> str:
    """Return what `/help` shows."""
    commands = available(service)
    width = max(len(command.usage) for command in commands)
    lines = [f"{command.usage:{width}}  {command.help}" for command in commands]
    where = "the room you joined last, or to everybody" if service == "chat" else "everybody"
    return "\n".join(
        [*lines, f"Other text goes to {where}; a line that starts with // sends text with one /."]
    )
