"""Game sessions: who plays, who watches, who is the host, how the game stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from netlab.core.deadlines import Deadlines
from netlab.core.errors import Refused
from netlab.core.games import Game
from netlab.core.iso_time import iso_time
from netlab.core.json_codec import short
from netlab.core.messages import GameSession, GameState, GameStatus, Player
from netlab.core.sends import ClientId

UNTOUCHED_S = 3_600
"""seconds after which a session in which nobody did anything is closed"""


@dataclass(slots=True, eq=False)
class Member:
    """Somebody in a session, as a player or a spectator."""

    player: Player
    seat: int | None
    """None: a spectator"""
    away: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """One game, and everybody in it. It has players while it exists; one is the host."""

    id: str
    name: str
    game: Game
    max_players: int
    created_at: float
    host_id: ClientId
    members: dict[ClientId, Member] = field(default_factory=dict)
    """in order of joining"""
    winner: Player | None = None

    @property
    def host(self) -> Player:
        """The creator, or who took over from it."""
        return self.members[self.host_id].player

    def players(self) -> tuple[Player, ...]:
        """Return the players in order of their seats."""
        seated = [(m.seat, m.player) for m in self.members.values() if m.seat is not None]
        return tuple(player for _, player in sorted(seated, key=lambda pair: pair[0]))

    def status(self) -> GameStatus:
        """Return how far the game is: it goes on while there are players enough."""
        if self.game.over:
            return "finished"
        return "playing" if len(self.players()) >= self.game.min_players else "waiting"

    def everyone(self) -> tuple[ClientId, ...]:
        """Return who is to be told what happens: all but those who are away."""
        return tuple(client for client, member in self.members.items() if not member.away)

    def free_seat(self) -> int | None:
        """Return the first seat that nobody sits in; None: the session is full."""
        taken = [member.seat for member in self.members.values()]
        return next((seat for seat in range(self.max_players) if seat not in taken), None)

    def player_in(self, seat: int | None) -> Player | None:
        """Return who plays in a seat; None: nobody does, or there is no seat."""
        seated = (m.player for m in self.members.values() if m.seat is not None and m.seat == seat)
        return next(seated, None)

    def state(self) -> GameState:
        """Return how the game stands."""
        turn = self.player_in(self.game.turn)
        return GameState(self.game.board, turn, self.winner, self.game.draw)

    def view(self) -> GameSession:
        """Return the session as everybody may see it."""
        players = self.players()
        return GameSession(
            session_id=self.id,
            name=self.name,
            game_type=self.game.name,
            status=self.status(),
            host=self.host,
            players=players,
            max_players=self.max_players,
            spectators_count=len(self.members) - len(players),
            created_at=iso_time(self.created_at),
            state=self.state(),
        )

    def enter(self, player: Player, seat: int | None) -> None:
        """Let somebody in, or let a spectator take a seat."""
        self.members.pop(ClientId(player.client_id), None)
        self.members[ClientId(player.client_id)] = Member(player, seat)

    def leave(self, client: ClientId) -> Player:
        """Let somebody out; a host hands over to the player who has been there longest."""
        gone = self.members.pop(client)
        if client == self.host_id:
            players = (c for c, member in self.members.items() if member.seat is not None)
            self.host_id = next(players, client)
        return gone.player

    def replace(self, client: ClientId, player: Player) -> None:
        """Let somebody go on under another name or another id, in the same seat."""
        new_id = ClientId(player.client_id)
        if client == self.host_id:
            self.host_id = new_id
        if self.winner == self.members[client].player:
            self.winner = player
        self.members[client].player = player
        # A new dictionary, as the order of joining is to stay.
        self.members = {new_id if c == client else c: m for c, m in self.members.items()}


class Sessions:
    """All sessions: by their ids, in order of creation, and by who is in them."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.untouched: Deadlines[str] = Deadlines(UNTOUCHED_S)
        self._of_client: dict[ClientId, dict[str, Session]] = {}

    def find(self, session_id: str) -> Session:
        """Return the session with that id.

        Raises:
            Refused: `no_such_game`.
        """
        session = self.by_id.get(session_id)
        if session is None:
            raise Refused(
                "no_such_game",
                f"no game session has the id {short(session_id)}; list_game_sessions says which "
                "there are",
            )
        return session

    def of(self, client: ClientId) -> tuple[Session, ...]:
        """Return the sessions that somebody is in."""
        return tuple(self._of_client.get(client, {}).values())

    def enter(self, session: Session, player: Player, seat: int | None, now: float) -> None:
        """Let somebody in: into the session, and the session into the own list."""
        session.enter(player, seat)
        self._of_client.setdefault(ClientId(player.client_id), {})[session.id] = session
        self.by_id[session.id] = session
        self.untouched.touch(session.id, now)

    def leave(self, session: Session, client: ClientId) -> Player:
        """Let somebody out, on both sides."""
        self._forget(session, client)
        return session.leave(client)

    def remove(self, session: Session) -> None:
        """End a session, whoever is still in it."""
        for client in session.members:
            self._forget(session, client)
        del self.by_id[session.id]
        self.untouched.forget(session.id)

    def replace(self, client: ClientId, player: Player) -> None:
        """Let somebody go on under another name or another id, everywhere."""
        sessions = self._of_client.pop(client, None)
        if sessions:
            self._of_client[ClientId(player.client_id)] = sessions
            for session in sessions.values():
                session.replace(client, player)

    def _forget(self, session: Session, client: ClientId) -> None:
        sessions = self._of_client[client]
        del sessions[session.id]
        if not sessions:
            del self._of_client[client]
