"""The vocabulary of the games: what clients ask and what the server answers, a class a message.

`role` is `as` on the wire, which in Python is a keyword.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import field

from netlab.core.wire import Reply, Request

# ---------------------------------------------------------------- what a client sends


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

# ---------------------------------------------------------------- what the server sends


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


SessionReply = GameSessionCreated | GameSessionList | GameSessionClosed | GameActionBroadcast
PlayerReply = PlayerJoinedGame | PlayerLeftGame | PlayerAway | PlayerBack
GameReply = SessionReply | PlayerReply
