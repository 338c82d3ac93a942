"""The boards a panel can show, and a bot that plays on them: no widget, no thread, no socket.

What is legal, the server decides. A bot needs to know it all the same, to have something to choose
from; should the two ever differ, the server refuses, and the bot takes another move.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Grid = tuple[tuple[str, ...], ...]  # rows from the top, each mark "X", "O" or ""


@dataclass(frozen=True)
class Board:
    """How a game is shown: its size, and what a click in a row and a column means."""

    rows: int
    columns: int
    in_a_row: int
    cell_px: int
    falls: bool
    """marks fall down their column, so that only the column counts"""

    def grid(self, board: Sequence[Any] | None) -> Grid:
        """Return the rows of a board as it is in a message; None: before the game."""
        if board is None:
            return tuple(("",) * self.columns for _ in range(self.rows))
        flat = [mark for part in board for mark in ([part] if isinstance(part, str) else part)]
        if len(flat) != self.rows * self.columns:
            raise ValueError(f"a board of {len(flat)} marks, not {self.rows} times {self.columns}")
        wide = self.columns
        return tuple(tuple(map(str, flat[y * wide : (y + 1) * wide])) for y in range(self.rows))

    def action(self, row: int, column: int) -> dict[str, int]:
        """Return the move that a click in a cell means. Rows and columns are counted from 0."""
        return {"column": column} if self.falls else {"cell": row * self.columns + column}

    def legal(self, grid: Grid) -> list[tuple[int, int]]:
        """Return the cells where the next mark can come to be."""
        free = [(y, x) for y in range(self.rows) for x in range(self.columns) if not grid[y][x]]
        if not self.falls:
            return free
        return sorted({x: (y, x) for y, x in free}.values(), key=lambda cell: cell[1])

    def wins(self, grid: Grid, cell: tuple[int, int], mark: str) -> bool:
        """Would this mark in this free cell complete a row?"""

        def same(dy: int, dx: int) -> int:
            count, (y, x) = 0, cell
            while True:
                y, x = y + dy, x + dx
                inside = 0 <= y < self.rows and 0 <= x < self.columns
                if not inside or grid[y][x] != mark:
                    return count
                count += 1

        ways = ((0, 1), (1, 0), (1, 1), (1, -1))
        return any(1 + same(dy, dx) + same(-dy, -dx) >= self.in_a_row for dy, dx in ways)


BOARDS = {
    "tic-tac-toe": Board(rows=3, columns=3, in_a_row=3, cell_px=56, falls=False),
    "connect-four": Board(rows=6, columns=7, in_a_row=4, cell_px=40, falls=True),
}


class Bot:
    """Wins where it can, prevents what it must, and otherwise draws a legal move.

    The same seed and the same game give the same moves.
    """

    def __init__(self, board: Board, seed: int) -> None:
        self.board = board
        self._random = random.Random(seed)  # noqa: S311 - a bot that plays alike each time

    def moves(self, grid: Grid, mark: str) -> list[dict[str, int]]:
        """Return all legal moves, the best first. `mark` is the bot's own, "X" or "O"."""
        other = "O" if mark == "X" else "X"
        cells = self.board.legal(grid)
        self._random.shuffle(cells)
        cells.sort(
            key=lambda cell: (
                not self.board.wins(grid, cell, mark),
                not self.board.wins(grid, cell, other),
            )
        )
        return [self.board.action(*cell) for cell in cells]


def as_text(grid: Grid) -> list[str]:
    """Return a board as lines of text."""
    return [" ".join(mark or "." for mark in row) for row in grid]
