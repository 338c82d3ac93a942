"""The game panel: tic-tac-toe or connect four, against a friend or a bot."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from netlab.lab.panels.boards import BOARDS, Bot
from netlab.lab.panels.game_seat import BoardView, Seat
from netlab.lab.panels.panel import Panel
from netlab.lab.panels.parts import button, row
from netlab.lab.panels.peer import AnyClient, Peer, Source, peers_of

EVERY_S = 0.05
_numbers = itertools.count(1)


def game(
    players: Mapping[str, Source] | Callable[[], AnyClient],
    names: Sequence[str] | None = None,
    *,
    game: str = "tic-tac-toe",
    bot: Source | None = None,
    seed: int = 0,
) -> GamePanel:
    """Show a board for each of two players; what one does, the server tells the other.

        panels.game({"alice": alice, "bob": bob})
        panels.game({"alice": alice}, bot=lambda: TCPClient(server.address), game="connect-four")

    Args:
        players: name -> a blocking client, or a function that makes one; or such a function for
            all `names`. The first begins. What the panel makes, it closes, too.
        names: names of the players, where `players` is a function.
        game: `"tic-tac-toe"` or `"connect-four"`.
        bot: the client, or the function that makes it, of a bot that plays against one player.
        seed: of the bot: the same seed and the same moves give the same game.

    Raises:
        TypeError, ValueError: there are not two players, or there is no such game.
    """
    return GamePanel(players, names, game=game, bot=bot, seed=seed)


class GamePanel(Panel):
    """Made by `game`. The keys: Tab goes from cell to cell, Enter or Space plays."""

    def __init__(
        self,
        players: Mapping[str, Source] | Callable[[], AnyClient],
        names: Sequence[str] | None = None,
        *,
        game: str = "tic-tac-toe",
        bot: Source | None = None,
        seed: int = 0,
    ) -> None:
        if game not in BOARDS:
            raise ValueError(f"no board for {game!r}; there are: {', '.join(BOARDS)}")
        peers = peers_of(players, names)
        if bot is not None:
            peers.append(Peer("bot", bot))
        if len(peers) != 2:
            raise ValueError(f"{len(peers)} players, a game has 2; for one alone pass bot=")
        if peers[0].name == peers[1].name:
            raise ValueError(f"both players are called {peers[0].name!r}; give one another name")
        super().__init__(f"{game}: {peers[0].name} against {peers[1].name}", "game", EVERY_S)
        self.game, self._board, self._seed = game, BOARDS[game], seed
        self._ref = ""
        self.seats = {
            peer.name: Seat(peer, self._board, self._bot() if bot and n == 1 else None)
            for n, peer in enumerate(peers)
        }
        self.views: dict[str, BoardView] = {}
        for name, seat in self.seats.items():
            view = BoardView(seat, partial(self.play, name), lambda: self._do(self._reconnect))
            if not seat.bot:  # the person's board shows the bot's moves, too
                self.views[name] = view
            self._ends.callback(seat.peer.close)
            self._do(self._connect, seat)
        self.again = button("New game", lambda: self._do(self._new_game), primary=True)
        self._do(self._new_game)
        boards = row("np-columns", *(view.box for view in self.views.values()))
        self._begin(boards, row("np-row", self.again))

    # ------------------------------------------------------------ what a cell can do

    def play(self, player: str, row: int, column: int) -> None:
        """Let a player click in a cell; rows and columns are counted from 0."""
        self._do(self._play, self._seat(player), row, column)

    def new_game(self) -> None:
        """Begin anew."""
        self._do(self._new_game)

    def wait_turn(self, player: str, timeout_s: float = 2.0) -> None:
        """Return once it is the player's turn, or the game is over. Raises TimeoutError."""
        seat = self._seat(player)
        self.wait_until(
            lambda: seat.my_turn or seat.status == "finished",
            f"{player}'s turn",
            timeout_s=timeout_s,
        )

    def text(self) -> str:
        """Return what each player sees now, one after the other."""
        return "\n".join(view.text() for view in self.views.values())

    def _seat(self, player: str) -> Seat:
        if player not in self.seats:
            raise ValueError(
                f"nobody here is called {player!r}; there are: {', '.join(self.seats)}"
            )
        return self.seats[player]

    # ------------------------------------------------------------ the thread

    def _bot(self) -> Bot:
        return Bot(self._board, self._seed)

    def _connect(self, seat: Seat) -> None:
        if seat.peer.ended is not None:
            seat.peer.connect()
        seat.peer.send("set_username", username=seat.peer.name)

    def _reconnect(self) -> None:
        for seat in self.seats.values():
            if seat.peer.ended is not None:
                self._connect(seat)
                seat.clear()
        self._new_game()

    def _new_game(self) -> None:
        host = next(iter(self.seats.values()))
        self._ref = f"panel-game-{next(_numbers)}"
        for seat in self.seats.values():
            if seat.session_id and seat.peer.ended is None:
                seat.peer.send("leave_game_session", session_id=seat.session_id)
            seat.clear()
            if seat.bot:
                seat.bot = self._bot()
        host.peer.send("create_game_session", game_type=self.game, ref=self._ref)

    def _play(self, seat: Seat, row: int, column: int) -> None:
        if not seat.session_id:
            raise RuntimeError("there is no game yet; press New game")
        seat.error = ""
        action = self._board.action(row, column)
        seat.peer.send("game_action", session_id=seat.session_id, action=action)

    def _look(self) -> None:
        for seat in self.seats.values():
            for message in seat.peer.fresh():
                self._take(seat, message)
            if seat.peer.ended is None and (action := seat.next_move()) is not None:
                seat.peer.send("game_action", session_id=seat.session_id, action=action)
        for view in self.views.values():
            view.show()
        self._rests = all(seat.peer.ended is not None for seat in self.seats.values())

    def _take(self, seat: Seat, message: Any) -> None:
        if message.type == "game_session_created" and message.ref != self._ref:
            return  # another game of the same client
        seat.take(message)
        if message.type == "game_session_created":
            for other in self.seats.values():
                if other is not seat:
                    other.session_id = message.session_id
                    other.peer.send("join_game_session", session_id=message.session_id)
