"""Game servers for the red team of chapter 12: two of them are correct referees."""

from __future__ import annotations

from collections.abc import Callable

from netlab.core.chat import ChatService
from netlab.core.errors import Refused
from netlab.core.game_service import GameService
from netlab.core.games import GAMES, TicTacToe
from netlab.core.limits import Limits
from netlab.core.messages import GameAction, GameRequest, Player
from netlab.core.sends import ClientId, Send
from netlab.exercises.calls import Function, Report
from netlab.exercises.judges import verdict
from netlab.exercises.peers import for_ever


class Correct(GameService):
    """The course's own."""


class Curt(GameService):
    """Correct; its refusals have another code and other words."""

    def receive(
        self, player: Player, request: GameRequest, now: float, max_bytes: int
    ) -> list[Send]:
        """As `GameService`."""
        try:
            return super().receive(player, request, now, max_bytes)
        except Refused:
            raise Refused("no", "no") from None


class IgnoresTurns(GameService):
    """Does not look whose turn it is."""

    def _act(self, player: Player, request: GameAction, now: float) -> list[Send]:
        session = self._sessions.find(request.session_id)
        seat = self._check_member(session, player)
        if seat is not None and not session.game.over:
            session.game.turn = seat
        return super()._act(player, request, now)


class LetsSpectatorsMove(GameService):
    """Lends a spectator the seat whose turn it is."""

    def _act(self, player: Player, request: GameAction, now: float) -> list[Send]:
        session = self._sessions.find(request.session_id)
        member = session.members.get(ClientId(player.client_id))
        if member is None or member.seat is not None:
            return super()._act(player, request, now)
        member.seat = session.game.turn
        try:
            return super()._act(player, request, now)
        finally:
            member.seat = None


class Believer(TicTacToe):
    """A client that says that it has won has won."""

    def play(self, seat: int, action: object) -> None:
        """As `TicTacToe`."""
        super().play(seat, action)
        if isinstance(action, dict) and action.get("won"):
            self.winner, self.turn = seat, None


class BelievesClaims(GameService):
    """Has a game that believes what clients claim."""

    def __init__(self, limits: Limits, new_id: Callable[[str], str]) -> None:
        super().__init__(limits, new_id, {**GAMES, TicTacToe.name: Believer})


class ForgetsTheGame(GameService):
    """Begins the game anew for somebody who comes back."""

    def back(self, old_id: ClientId, player: Player) -> list[Send]:
        """As `GameService`."""
        for session in self._sessions.of(old_id):
            session.game = type(session.game)()
        return super().back(old_id, player)


def judge_referee(function: Function, report: Report, referee: type[GameService]) -> None:
    """Call the function with the address of a server with this referee; report if it asserted."""
    from netlab.lab import background
    from netlab.transports.socketio_rooms import SocketIOServer

    class Chat(ChatService):
        def __init__(self) -> None:
            super().__init__(secret=b"the examiner's own games")
            self._games = referee(self.limits, self._new_id)

    server = background(SocketIOServer(Chat()))
    report("answer", verdict(function, tuple(server.address[:2])))
    report("ended")
    for_ever()  # stopping the server takes its time, and nobody looks
