"""The wire vocabulary: what clients ask and what the server answers, a class a message.

A class's `type` on the wire is its name in snake_case unless `tag=` says otherwise. Fields whose
names are Python keywords have another name here: `sender` is `from` on the wire, `role` is `as`.
Unknown fields are ignored, so that old programs understand newer ones. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import field

from netlab.core.errors import LocalProtocolError

Ref = Annotated[str, msgspec.Meta(max_length=64)]
"""A client's own mark on a request; the direct reply carries it back."""


def _wire_name(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag=_wire_name):
    """Anything that crosses the wire."""

    @property
    def type(self) -> str:
        """The name on the wire."""
        return type_name(self.__class__)


def type_name(message_class: type[Message]) -> str:
    """Return what stands in the field `type` of such messages."""
    return str(message_class.__struct_config__.tag)


# ---------------------------------------------------------------- what a client sends


class Request(Message, frozen=True, kw_only=True):
    """What a client sends; `ref` comes back in the direct reply."""

    ref: Ref | None = None


class Hello(Request, frozen=True):
    """Introduce yourself, before anything else; optional. The answer is another `welcome`.

    `resume` is the `secret` of an earlier `welcome`: it brings back name, rooms and seats.
    `token`, `cookie` and `pad` are between client and transport.
    """

    username: str | None = None
    resume: str | None = None
    token: str | None = None
    cookie: str | None = None
    pad: str | None = None


class SetUsername(Request, frozen=True):
    """Take another name."""

    username: str


class Text(Request, frozen=True):
    """Say something to everybody; the sender hears `echo`, the others `broadcast`."""

    content: str


class JoinRoom(Request, frozen=True):
    """Enter a room, under another name if `username` says one; it need not exist before."""

    room: str
    username: str | None = None


class LeaveRoom(Request, frozen=True):
    """Leave a room; without members it is no more."""

    room: str


class SendRoomMessage(Request, frozen=True, tag="room_message"):
    """Say something to a room's members, you among them."""

    room: str
    content: str


class SendPrivateMessage(Request, frozen=True, tag="private_message"):
    """Say something to one: whoever has the id `target`, else the name."""

    target: str
    content: str


class TypingStart(Request, frozen=True):
    """Show a room's other members that you are typing."""

    room: str


class TypingStop(Request, frozen=True):
    """Show them that you no longer do."""

    room: str


class ListRooms(Request, frozen=True):
    """Ask which rooms there are."""


class ListClients(Request, frozen=True):
    """Ask who is here."""


class Ping(Request, frozen=True):
    """Ask for a `pong`."""


class Bye(Request, frozen=True):
    """Ask the server to end the connection; your seats in games are given up."""


class CreateGameSession(Request, frozen=True):
    """Open a session of a game; you are its first player and its host."""

    game_type: str
    session_name: str | None = None
    max_players: int | None = None


class ListGameSessions(Request, frozen=True):
    """Ask which game sessions there are."""


Role = Literal["player", "spectator"]


class JoinGameSession(Request, frozen=True):
    """Enter a game session."""

    session_id: str
    role: Role = field(name="as", default="player")


class GameAction(Request, frozen=True):
    """Make a move; what an action looks like, the game says."""

    session_id: str
    action: Any


class LeaveGameSession(Request, frozen=True):
    """Leave a game session."""

    session_id: str


GameRequest = CreateGameSession | ListGameSessions | JoinGameSession | GameAction | LeaveGameSession
AnyRequest = (
    SendRoomMessage
    | SendPrivateMessage
    | Text
    | Ping
    | TypingStart
    | TypingStop
    | Hello
    | SetUsername
    | JoinRoom
    | LeaveRoom
    | ListRooms
    | ListClients
    | Bye
    | GameRequest
)

# ---------------------------------------------------------------- what the server sends


class Reply(Message, frozen=True, kw_only=True):
    """What the server sends; `ref` is that of the request it answers directly."""

    ref: Ref | None = None


class Welcome(Reply, frozen=True):
    """You are connected. `secret` brings you back after a lost connection: keep it to yourself."""

    client_id: str
    username: str
    secret: str
    message: str
    server_time: str
    resumed: bool = False
    """true where `hello` brought back an earlier connection's name, rooms and seats"""


class Cookie(Reply, frozen=True):
    """UDP: send `hello` again with this, to show that your address is yours."""

    cookie: str


class Waiting(Reply, frozen=True):
    """All places are taken; yours is this one in the queue, 1 being the next."""

    position: int


class UsernameSet(Reply, frozen=True):
    """Your name."""

    username: str


class UserRenamed(Reply, frozen=True):
    """A member of one of your rooms took another name."""

    client_id: str
    username: str
    old_username: str


class Echo(Reply, frozen=True):
    """Your own text, back."""

    content: str
    timestamp: str = ""


class Broadcast(Reply, frozen=True):
    """Somebody else's text."""

    content: str
    sender: str = field(name="from")
    from_id: str = ""
    timestamp: str = ""


class RoomMessage(Reply, frozen=True):
    """Somebody said something to a room; it may have been you."""

    id: str
    room: str
    sender: str = field(name="from")
    from_id: str
    content: str
    timestamp: str


class RoomJoined(Reply, frozen=True):
    """You are a member. The history is the newest of what was said, oldest first."""

    room: str
    members_count: int
    message_history: tuple[RoomMessage, ...]


class RoomLeft(Reply, frozen=True):
    """You are no longer a member."""

    room: str


class UserJoined(Reply, frozen=True):
    """Somebody entered one of your rooms."""

    room: str
    client_id: str
    username: str
    timestamp: str


class UserLeft(Reply, frozen=True):
    """Somebody left one of your rooms, or vanished."""

    room: str
    client_id: str
    username: str
    timestamp: str


class PrivateMessage(Reply, frozen=True):
    """Somebody said something to you alone."""

    id: str
    sender: str = field(name="from")
    from_id: str
    content: str
    timestamp: str


class PrivateMessageSent(Reply, frozen=True):
    """What you said to one was passed on."""

    id: str
    to: str
    to_id: str
    content: str
    timestamp: str


class UserTyping(Reply, frozen=True):
    """Another member of a room is typing."""

    room: str
    client_id: str
    username: str


class UserStopTyping(Reply, frozen=True):
    """Another member of a room no longer is."""

    room: str
    client_id: str
    username: str


class RoomInfo(msgspec.Struct, frozen=True):
    """A room in a list."""

    name: str
    members_count: int
    created_at: str
    last_activity: str


class RoomList(Reply, frozen=True):
    """The rooms, oldest first; `truncated` where more exist than fit into a frame."""

    rooms: tuple[RoomInfo, ...]
    truncated: bool = False


class ClientInfo(msgspec.Struct, frozen=True):
    """A client in a list."""

    client_id: str
    username: str
    connected_at: str
    last_activity: str
    rooms: tuple[str, ...]


class ClientList(Reply, frozen=True):
    """Who is here, `total` in all; `truncated` where they do not fit into a frame."""

    clients: tuple[ClientInfo, ...]
    total: int
    truncated: bool = False


class Pong(Reply, frozen=True):
    """The answer to `ping`."""

    timestamp: str


class Heartbeat(Reply, frozen=True):
    """A sign of life from the server, which waits for one from you."""

    timestamp: str
    clients_count: int


class Error(Reply, frozen=True):
    """A request was refused. `in_reply_to` is its `ref`, or its type where it had none."""

    code: str
    message: str
    in_reply_to: str | None = None


class Closing(Reply, frozen=True):
    """The last message: the server ends the connection, and says why."""

    code: str
    reason: str


# ---------------------------------------------------------------- what the server says of games


class Player(msgspec.Struct, frozen=True):
    """Somebody in a game session."""

    client_id: str
    username: str


class GameState(msgspec.Struct, frozen=True):
    """How a game stands. `board` is the game's own; `turn` and `winner` are null where nobody is.

    Boards hold "X" for the first player, "O" for the second and "" for nobody.
    """

    board: Any
    turn: Player | None
    winner: Player | None
    draw: bool


GameStatus = Literal["waiting", "playing", "finished"]


class GameSession(msgspec.Struct, frozen=True):
    """A game session, as everybody may see it."""

    session_id: str
    name: str
    game_type: str
    status: GameStatus
    host: Player
    players: tuple[Player, ...]
    max_players: int
    spectators_count: int
    created_at: str
    state: GameState


class GameSessionCreated(Reply, frozen=True):
    """Your session is open."""

    session_id: str
    session: GameSession


class GameSessionList(Reply, frozen=True):
    """The game sessions, oldest first; `truncated` where they do not fit into a frame."""

    sessions: tuple[GameSession, ...]
    truncated: bool = False


class PlayerJoinedGame(Reply, frozen=True):
    """Somebody entered a session that you are in; it may have been you."""

    session_id: str
    player: Player
    players: tuple[Player, ...]
    session: GameSession
    role: Role = field(name="as", default="player")


class GameActionBroadcast(Reply, frozen=True):
    """Somebody made a move, and this is how the game stands now."""

    session_id: str
    player: Player
    action: Any
    state: GameState
    status: GameStatus
    timestamp: str


class PlayerLeftGame(Reply, frozen=True):
    """Somebody left a session that you are in, or you did; `host` is its host now, if any."""

    session_id: str
    player: Player
    players: tuple[Player, ...]
    host: Player | None
    status: GameStatus


class PlayerAway(Reply, frozen=True):
    """Somebody's connection is lost; the seat is kept for a while."""

    session_id: str
    player: Player


class PlayerBack(Reply, frozen=True):
    """Somebody came back, under a new id, before the seat was given up."""

    session_id: str
    player: Player
    old_client_id: str
    session: GameSession


class GameSessionClosed(Reply, frozen=True):
    """A session that you were in is over."""

    session_id: str
    reason: str


AnyReply = (
    RoomMessage
    | Broadcast
    | Echo
    | Pong
    | PrivateMessage
    | PrivateMessageSent
    | Error
    | Closing
    | Heartbeat
    | Welcome
    | Cookie
    | Waiting
    | UsernameSet
    | UserRenamed
    | RoomJoined
    | RoomLeft
    | UserJoined
    | UserLeft
    | UserTyping
    | UserStopTyping
    | RoomList
    | ClientList
    | GameSessionCreated
    | GameSessionList
    | PlayerJoinedGame
    | GameActionBroadcast
    | PlayerLeftGame
    | PlayerAway
    | PlayerBack
    | GameSessionClosed
)

# ---------------------------------------------------------------- the vocabulary as tables


def _fields_by_type(union: Any) -> dict[str, tuple[str, ...]]:
    return {type_name(cls): cls.__struct_encode_fields__ for cls in union.__args__}


REQUEST_FIELDS = _fields_by_type(AnyRequest)
"""the fields of each request, by its type, as they are named on the wire"""
REPLY_FIELDS = _fields_by_type(AnyReply)
"""the same for replies"""
REPLY_TYPES = tuple(REPLY_FIELDS)


def make_request(wire_type: str, **fields: Any) -> AnyRequest:
    """Return the request named `wire_type` with the fields as they are named on the wire.

    Raises:
        LocalProtocolError: there is no such request, or its fields are others.
    """
    if wire_type not in REQUEST_FIELDS:
        raise LocalProtocolError(
            f"no request is called {wire_type!r}; there are: {', '.join(REQUEST_FIELDS)}"
        )
    allowed = REQUEST_FIELDS[wire_type]
    if unknown := [name for name in fields if name not in allowed]:
        raise LocalProtocolError(
            f"{wire_type} has no field {', '.join(unknown)}; it has: {', '.join(allowed)}"
        )
    try:
        request: AnyRequest = msgspec.convert({"type": wire_type, **fields}, AnyRequest)
    except msgspec.ValidationError as error:
        raise LocalProtocolError(
            f"{wire_type}: {error}; its fields are: {', '.join(allowed)}"
        ) from None
    return request
