"""The service of the games: like every service, it is told what happened and answers with sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

import msgspec

from netlab.core.errors import Refused
from netlab.core.games import GAMES, Game, check_action
from netlab.core.iso_time import iso_time
from netlab.core.json_codec import short
from netlab.core.limits import Limits
from netlab.core.messages import (
    CreateGameSession,
    GameAction,
    GameActionBroadcast,
    GameRequest,
    GameSessionClosed,
    GameSessionCreated,
    GameSessionList,
    JoinGameSession,
    LeaveGameSession,
    ListGameSessions,
    Player,
    PlayerAway,
    PlayerBack,
    PlayerJoinedGame,
    PlayerLeftGame,
)
from netlab.core.names import clean_name
from netlab.core.sends import ClientId, Send, that_fit, to_all
from netlab.core.sessions import Session, Sessions


class GameService:
    """All game sessions.

    Args:
        limits: how many sessions there may be, how many one may be in, how long their names are.
        new_id: gives the next id for a purpose.
        games: the games that can be played, by name.
    """

    def __init__(
        self,
        limits: Limits,
        new_id: Callable[[str], str],
        games: Mapping[str, type[Game]] = GAMES,
    ) -> None:
        self._limits = limits
        self._new_id = new_id
        self._games = games
        self._sessions = Sessions()

    # ------------------------------------------------------------ the contract

    def receive(
        self, player: Player, request: GameRequest, now: float, max_bytes: int
    ) -> list[Send]:
        """Do what a request asks.

        Args:
            player: who asks.
            request: what is asked.
            now: epoch seconds.
            max_bytes: longest reply; 0 = unlimited.

        Raises:
            Refused: the rules do not allow it; nothing has changed.
        """
        match request:
            case GameAction():
                return self._act(player, request, now)
            case CreateGameSession():
                return self._create(player, request, now)
            case JoinGameSession():
                return self._join(player, request, now)
            case LeaveGameSession():
                session = self._sessions.find(request.session_id)
                self._check_member(session, player)
                self._sessions.untouched.touch(session.id, now)
                return self._leave(session, ClientId(player.client_id), request.ref)
            case ListGameSessions():
                views = (session.view() for session in self._sessions.by_id.values())
                shown = that_fit(views, GameSessionList((), ref=request.ref), max_bytes)
                cut = len(shown) < len(self._sessions.by_id)
                answer = GameSessionList(shown, truncated=cut, ref=request.ref)
                return [Send((ClientId(player.client_id),), answer)]
            case _:
                assert_never(request)

    def away(self, clients: Sequence[ClientId]) -> list[Send]:
        """Keep the seats of those who vanished, and tell the others."""
        sessions = [(s, c) for c in clients for s in self._sessions.of(c)]
        for session, client in sessions:
            session.members[client].away = True
        return [
            Send(others, PlayerAway(session.id, session.members[client].player))
            for session, client in sessions
            if (others := session.everyone())
        ]

    def back(self, old_id: ClientId, player: Player) -> list[Send]:
        """Give somebody who was away the seats back, and tell everybody in those sessions."""
        self.replace(old_id, player)
        sends: list[Send] = []
        for session in self._sessions.of(ClientId(player.client_id)):
            session.members[ClientId(player.client_id)].away = False
            told = PlayerBack(session.id, player, old_id, session.view())
            sends.append(Send(session.everyone(), told))
        return sends

    def gone(self, clients: Sequence[ClientId]) -> list[Send]:
        """Take those who will not come back out of their sessions, and tell the others."""
        sends = []
        for client in clients:  # none of them is to hear of the next
            for session in self._sessions.of(client):
                session.members[client].away = True
        for client in clients:
            for session in self._sessions.of(client):
                sends += self._leave(session, client, None)
        return sends

    def replace(self, client: ClientId, player: Player) -> None:
        """Take note that somebody has another name or another id."""
        self._sessions.replace(client, player)

    def tick(self, now: float) -> list[Send]:
        """Close the sessions in which nothing was done for long."""
        reason = f"nobody did anything for {self._sessions.untouched.delay_s:,} s"
        sends: list[Send] = []
        for session_id in self._sessions.untouched.take_due(now):
            sends += self._close(self._sessions.by_id[session_id], reason)
        return sends

    def next_tick(self) -> float | None:
        """Return when `tick` is due (epoch seconds)."""
        return self._sessions.untouched.next()

    def stats(self) -> dict[str, int]:
        """Return the number of sessions, by their status."""
        return dict(Counter(session.status() for session in self._sessions.by_id.values()))

    # ------------------------------------------------------------ requests

    def _create(self, player: Player, request: CreateGameSession, now: float) -> list[Send]:
        kind = self._games.get(request.game_type)
        if kind is None:
            raise Refused(
                "unknown_game",
                f"no game is called {short(request.game_type)}; there are: "
                f"{', '.join(self._games)}",
            )
        places = kind.default_players if request.max_players is None else request.max_players
        if not kind.min_players <= places <= kind.max_players:
            raise Refused(
                "invalid_max_players",
                f"max_players {short(places)}: {kind.name} is for {kind.min_players} to "
                f"{kind.max_players} players",
            )
        count = len(self._sessions.by_id)
        if self._limits.max_games and count >= self._limits.max_games:
            raise Refused("too_many_games", f"there are {count} sessions, the limit; join one")
        client = ClientId(player.client_id)
        self._check_room_for_one_more(client)
        name = request.session_name
        if name is not None:
            name = clean_name(name, "game session", self._limits.max_name_length)
        session_id = self._new_id("game session")
        name = name or f"Game_{session_id[:8]}"
        session = Session(session_id, name, kind(), places, now, client)
        self._sessions.enter(session, player, 0, now)
        created = GameSessionCreated(session_id, session.view(), ref=request.ref)
        return [Send((client,), created)]

    def _join(self, player: Player, request: JoinGameSession, now: float) -> list[Send]:
        session = self._sessions.find(request.session_id)
        client = ClientId(player.client_id)
        member = session.members.get(client)
        plays, wants_to_play = member and member.seat is not None, request.role == "player"
        if member and (plays or not wants_to_play):
            if plays and not wants_to_play:
                raise Refused("already_playing", "you are a player here; to watch, leave first")
            joined = self._joined(session, player, request)
            return [Send((client,), msgspec.structs.replace(joined, ref=request.ref))]
        seat = None
        if wants_to_play:
            if session.game.over:
                raise Refused("game_finished", "this game is over; join it as a spectator")
            seat = session.free_seat()
            if seat is None:
                raise Refused(
                    "game_full",
                    f"all {session.max_players} places are taken; join it as a spectator",
                )
        if member is None:
            self._check_room_for_one_more(client)
        self._sessions.enter(session, player, seat, now)
        told = self._joined(session, player, request)
        return to_all(session.everyone(), client, told, request.ref)

    def _act(self, player: Player, request: GameAction, now: float) -> list[Send]:
        session = self._sessions.find(request.session_id)
        seat = self._check_member(session, player)
        game = session.game
        if seat is None:
            raise Refused("not_a_player", "you are a spectator here; only players may act")
        if game.over:
            raise Refused("game_finished", "this game is over; create a new session")
        if session.status() == "waiting":
            raise Refused("game_not_started", f"{game.name} needs {game.min_players} players; wait")
        if game.turn not in (None, seat):
            raise Refused("not_your_turn", "it is another player's turn; wait for it to act")
        check_action(request.action)
        game.play(seat, request.action)
        if game.winner is not None:  # who need not have made the last move
            session.winner = session.player_in(game.winner)
        self._sessions.untouched.touch(session.id, now)
        told = GameActionBroadcast(
            session_id=session.id,
            player=player,
            action=request.action,
            state=session.state(),
            status=session.status(),
            timestamp=iso_time(now),
        )
        return to_all(session.everyone(), ClientId(player.client_id), told, request.ref)

    # ------------------------------------------------------------ members

    def _check_member(self, session: Session, player: Player) -> int | None:
        """Return the seat of somebody who must be in the session."""
        member = session.members.get(ClientId(player.client_id))
        if member is None:
            raise Refused("not_in_game", "you are not in this game session; join it first")
        return member.seat

    def _check_room_for_one_more(self, client: ClientId) -> None:
        count = len(self._sessions.of(client))
        if self._limits.max_rooms and count >= self._limits.max_rooms:
            raise Refused(
                "too_many_games", f"you are in {count} game sessions, the limit; leave one first"
            )

    def _joined(
        self, session: Session, player: Player, request: JoinGameSession
    ) -> PlayerJoinedGame:
        return PlayerJoinedGame(
            session_id=session.id,
            player=player,
            players=session.players(),
            session=session.view(),
            role=request.role,
        )

    def _leave(self, session: Session, client: ClientId, ref: str | None) -> list[Send]:
        """Let somebody out; the leaver, if here, hears it with the others."""
        hearers = session.everyone()
        player = self._sessions.leave(session, client)
        players = session.players()
        told = PlayerLeftGame(
            session_id=session.id,
            player=player,
            players=players,
            host=session.host if players else None,
            status=session.status(),
        )
        sends = to_all(hearers, client, told, ref) if hearers else []
        return sends if players else sends + self._close(session, "all its players have left")

    def _close(self, session: Session, reason: str) -> list[Send]:
        hearers = session.everyone()
        self._sessions.remove(session)
        return [Send(hearers, GameSessionClosed(session.id, reason))] if hearers else []
