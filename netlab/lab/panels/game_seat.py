"""One player of the game panel: what that player sees of the game, and the board to play on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets

from netlab.lab.panels.boards import Board, Bot, Grid, as_text
from netlab.lab.panels.parts import button, html, row, show_if
from netlab.lab.panels.peer import Peer


class Seat:
    """A player, as the messages to this player tell the game. No widget.

    Args:
        peer: the player's client.
        board: how the game looks.
        bot: what plays instead of a person.
    """

    def __init__(self, peer: Peer, board: Board, bot: Bot | None) -> None:
        self.peer, self.board, self.bot = peer, board, bot
        self.client_id = ""
        self.clear()

    def clear(self) -> None:
        """Take note that there is no game."""
        self.session_id = ""
        self.players: tuple[Any, ...] = ()
        self.grid: Grid = self.board.grid(None)
        self.status = "no game yet"
        self.turn: Any = None
        self.winner: Any = None
        self.draw = False
        self.last: tuple[int, int] | None = None
        """where the newest mark is"""
        self.error = ""
        self.news = ""
        self._choices: list[dict[str, int]] = []  # the bot's moves, the best first
        self._must_move = False

    @property
    def mark(self) -> str:
        """This player's mark."""
        ids = [player.client_id for player in self.players]
        return "XO"[ids.index(self.client_id)] if self.client_id in ids[:2] else ""

    @property
    def my_turn(self) -> bool:
        """Is it this player's turn?"""
        return self.status == "playing" and _is(self.turn, self.client_id)

    def take(self, message: Any) -> None:
        """Take in a message from the server. One that is not about this game changes nothing."""
        kind = message.type
        if kind == "welcome":
            self.client_id = message.client_id
        elif kind == "error":
            self.error = f"{message.code}: {message.message}"
            self._must_move = message.in_reply_to == "game_action"  # the bot tries its next best
        elif kind == "game_session_created":
            self.session_id = message.session_id
            self._see(message.session)
        elif getattr(message, "session_id", "") == self.session_id != "":
            self._take_of_session(kind, message)

    def _take_of_session(self, kind: str, message: Any) -> None:
        if kind in ("player_joined_game", "player_back"):
            self._see(message.session)
            self.news = ""
        elif kind == "game_action_broadcast":
            self.status, self.error, self.news = message.status, "", ""
            self._see_state(message.state)
        elif kind == "player_left_game":
            self.status, self.players = message.status, message.players
            self.news = f"{message.player.username} has left"
        elif kind == "player_away":
            self.news = f"{message.player.username} is away; the seat is kept for a while"
        elif kind == "game_session_closed":
            self.status, self.news = "finished", message.reason

    def _see(self, session: Any) -> None:
        self.players, self.status = session.players, session.status
        self._see_state(session.state)

    def _see_state(self, state: Any) -> None:
        old, self.grid = self.grid, self.board.grid(state.board)
        new = [
            (y, x)
            for y, marks in enumerate(self.grid)
            for x, mark in enumerate(marks)
            if mark and mark != old[y][x]
        ]
        self.last = new[0] if len(new) == 1 else None
        self.turn, self.winner, self.draw = state.turn, state.winner, state.draw
        if self.bot and self.my_turn:
            self._choices, self._must_move = self.bot.moves(self.grid, self.mark), True

    def next_move(self) -> dict[str, int] | None:
        """Return what the bot plays now, if it is to play."""
        if not (self._must_move and self._choices):
            return None
        self._must_move = False
        return self._choices.pop(0)

    def standing(self) -> str:
        """Say how the game stands, to this player."""
        if self.peer.ended is not None:
            return f"disconnected: {self.peer.ended}"
        if self.winner is not None:
            return "you won" if _is(self.winner, self.client_id) else f"{self.winner.username} won"
        if self.draw:
            return "a draw"
        if self.status == "playing" and self.turn is not None:
            return f"your turn ({self.mark})" if self.my_turn else f"{self.turn.username}'s turn"
        return {"waiting": "waiting for the other player"}.get(self.status, self.status)


class BoardView:
    """A seat's widgets."""

    def __init__(
        self, seat: Seat, play: Callable[[int, int], None], reconnect: Callable[[], None]
    ) -> None:
        self.seat = seat
        board = seat.board
        self._head, self._error = html(), html()
        self.reconnects = button("Reconnect", reconnect, about=f"{seat.peer.name}: reconnect")
        self.cells: dict[tuple[int, int], widgets.Button] = {}
        for y in range(board.rows):
            for x in range(board.columns):
                cell = widgets.Button(tooltip=_name(y, x, ""))
                cell.on_click(partial(_clicked, play, y, x))
                self.cells[y, x] = cell
        self._shown: dict[tuple[int, int], tuple[str, ...]] = {}
        grid = row("np-board", *self.cells.values())
        grid.layout.grid_template_columns = f"repeat({board.columns},{board.cell_px}px)"
        grid.layout.grid_auto_rows = f"{board.cell_px}px"
        self.box = widgets.VBox([row("np-row", self._head, self.reconnects), grid, self._error])
        self.box.add_class("np-column")

    def show(self) -> None:
        """Show how the game stands; what is as it was is not touched."""
        seat = self.seat
        ended = seat.peer.ended is not None
        sign = ("np-bad", "○ ") if ended else ("np-good", "▶ ") if seat.my_turn else ("np-soft", "")
        who = f"{seat.peer.name}, the bot" if seat.bot else seat.peer.name
        mark = f" ({seat.mark})" if seat.mark else ""
        self._head.value = (
            f'<span class="np-name">{escape(who)}{mark}</span> <span role="status" '
            f'class="mathjax_ignore {sign[0]}">{sign[1]}{escape(seat.standing())}</span>'
        )
        problem = seat.error or seat.news
        self._error.value = (
            f'<div class="np-alert mathjax_ignore" role="alert">{escape(problem)}</div>'
            * bool(problem)
        )
        show_if(self.reconnects, ended and seat.peer.can_reconnect)
        for (y, x), cell in self.cells.items():
            cell.disabled = ended
            mark = seat.grid[y][x]
            classes = tuple({"X": ("np-x",), "O": ("np-o",)}.get(mark, ()))
            if seat.last == (y, x):
                classes += ("np-last",)
            if self._shown.get((y, x), ()) != classes:
                self._shown[y, x] = classes
                cell._dom_classes = classes
            cell.tooltip = _name(y, x, mark)

    def text(self) -> str:
        """Return the same as text."""
        seat = self.seat
        lines = [f"{seat.peer.name}{f' ({seat.mark})' if seat.mark else ''}: {seat.standing()}"]
        lines += [f"  {line}" for line in as_text(seat.grid)]
        return "\n".join([*lines, *(f"  ! {p}" for p in (seat.error, seat.news) if p)])


def _clicked(play: Callable[[int, int], None], y: int, x: int, _: object) -> None:
    play(y, x)


def _name(y: int, x: int, mark: str) -> str:
    """Return what a screen reader calls a cell."""
    return f"row {y + 1}, column {x + 1}, {mark or 'empty'}"


def _is(player: Any, client_id: str) -> bool:
    return player is not None and player.client_id == client_id
