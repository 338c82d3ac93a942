"""A game session: who plays, who watches, who is the host, how the game stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from netlab.core.games import Game
from netlab.core.messages import GameSession, GameState, GameStatus, Player
from netlab.core.service import ClientId, iso_time


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

    def state(self) -> GameState:
        """Return how the game stands."""
        turn = self.game.turn
        seated = (m.player for m in self.members.values() if turn is not None and m.seat == turn)
        return GameState(self.game.board, next(seated, None), self.winner, self.game.draw)

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
