"""The referee of a learner's bot: the course's own service, which looks at each move it makes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from netlab.core.chat import ChatService
from netlab.core.errors import Refused
from netlab.core.messages import (
    AnyRequest,
    GameAction,
    GameActionBroadcast,
    LeaveGameSession,
    PlayerLeftGame,
)
from netlab.core.sends import ClientId, Send
from netlab.exercises.noughts import OTHER, Board, winning

SECRET = b"the examiner's own games"
JOIN, LEGAL, WIN, BLOCK, LEFT, BUSY, GONE = range(1, 8)
"""numbers of the rules"""
Foul = Callable[[str, str, int], None]
"""tells what was expected, what the bot did, and which rule that breaks"""


class Referee(ChatService):
    """The course's own service, which looks at what strangers do: there is one, the bot."""

    end = ""
    """how the game has ended for the bot"""

    def __init__(self) -> None:
        super().__init__(secret=SECRET)
        self.ours: set[ClientId] = set()
        """who is not the bot"""
        self.gone = threading.Event()
        """the bot's connection has ended"""

    def begin(
        self,
        refused: int,
        hurry: bool,
        judged: Sequence[int],
        tell: Callable[[str], None],
        foul: Foul,
    ) -> None:
        """Begin a game: nobody is here now.

        Args:
            refused: how many of the bot's moves are refused as `busy`.
            hurry: the opponent leaves with its first move.
            judged: the rules of playing well that count, by number.
            tell, foul: to be told what happens, in its order.
        """
        self._board: Board = [""] * 9
        self._to_refuse = refused
        self._hurry = hurry
        self._judged = judged
        self._tell = tell
        self._foul = foul
        self.end = ""
        self.gone.clear()

    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        match message:
            case GameAction():
                return self._action(client, message, now)
            case LeaveGameSession() if client in self.ours and not self.end:
                return self._leave(client, message, now)
            case _:
                return super()._received(client, message, now)

    def _leave(self, client: ClientId, message: LeaveGameSession, now: float) -> list[Send]:
        """Let somebody leave; if the bot is the only player then, that is the end of its game."""
        sends = super()._received(client, message, now)
        left = [send.message for send in sends if isinstance(send.message, PlayerLeftGame)]
        if left and {player.client_id for player in left[0].players}.isdisjoint(self.ours):
            self._tell("Ada leaves the session")
            self.end = "left"
        return sends

    def _action(self, client: ClientId, message: GameAction, now: float) -> list[Send]:
        bots = client not in self.ours
        if bots and self._to_refuse:
            self._to_refuse -= 1
            self._tell("a move of the bot is refused with the code busy")
            raise Refused("busy", "the server is busy; nothing has changed, try again")
        try:
            sends = super()._received(client, message, now)
        except Refused as refusal:
            if bots and self.end != "left":  # else it moved before it heard of that
                self._foul("no move that has to be refused", f"{refusal.code}: {refusal}", LEGAL)
            raise
        told = sends[0].message
        assert isinstance(told, GameActionBroadcast)
        before, self._board = self._board, told.state.board
        cell = next(cell for cell in range(9) if before[cell] != self._board[cell])
        self._tell(f"{'the bot' if bots else 'Ada'} sets {self._board[cell]} in cell {cell}")
        if bots:
            self._judge(before, cell)
        if told.state.draw:
            self.end = "draw"
        elif told.state.winner:
            self.end = "won" if bots else "lost"
        if self._hurry and not bots:
            sends += self._leave(client, LeaveGameSession(message.session_id), now)
        return sends

    def _judge(self, before: Board, cell: int) -> None:
        """Look at a move of the bot."""
        mark = self._board[cell]
        wins, losses = winning(before, mark), winning(before, OTHER[mark])
        if WIN in self._judged and wins and cell not in wins:
            self._foul(f"{mark} in {_cells(wins)}: it wins", f"{mark} in cell {cell}", WIN)
        if BLOCK in self._judged and losses and not wins and cell not in losses:
            self._foul(f"{mark} in {_cells(losses)}: it blocks", f"{mark} in cell {cell}", BLOCK)

    def disconnect(self, client: ClientId, now: float) -> list[Send]:
        """Take note that a client is gone."""
        sends = super().disconnect(client, now)
        if client not in self.ours:
            self.gone.set()
        return sends


def _cells(cells: list[int]) -> str:
    return f"cell {' or '.join(map(str, cells))}"
