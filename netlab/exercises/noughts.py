"""Tic-tac-toe as the examiner sees it: which cells win, who has won, how its players choose."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Container, Sequence

from netlab.exercises.calls import Function, Report
from netlab.exercises.cases import run_calls

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
OTHER = {"X": "O", "O": "X"}
Board = Sequence[str]
Choose = Callable[[Board, str, random.Random], int]


def has_row(board: Board, mark: str) -> bool:
    """Say if somebody has three in a row."""
    return any(board[a] == board[b] == board[c] == mark for a, b, c in LINES)


def outcome_rightly(board: Board) -> str | None:
    """Return who has won, `"draw"`, or None. Raises: ValueError: such a board cannot come about."""
    marks, noughts = board.count("X"), board.count("O")
    x_won, o_won = has_row(board, "X"), has_row(board, "O")
    if marks - noughts not in (0, 1):
        raise ValueError("they did not take turns")
    if (x_won and marks == noughts) or (o_won and marks > noughts):
        raise ValueError("somebody moved after the end")
    if x_won or o_won:
        return "X" if x_won else "O"
    return None if "" in board else "draw"


def all_boards(ahead: Container[int] = range(-9, 10)) -> list[list[str]]:
    """Return all boards with so many more X than O, those with few marks first."""
    every = map(list, itertools.product(("", "X", "O"), repeat=9))
    boards = [board for board in every if board.count("X") - board.count("O") in ahead]
    return sorted(boards, key=lambda board: -board.count(""))


def run_boards(function: Function, report: Report, wanted: str) -> None:
    """Call the code with the boards of which the model says what is wanted.

    Of those that cannot be, with the ones that nearly could.
    """
    chosen = []
    for board in all_boards(range(-1, 3) if wanted == "ValueError" else (0, 1)):
        try:
            says = outcome_rightly(board)
        except ValueError:
            says = "ValueError"
        if wanted == {None: "goes on", "X": "won", "O": "won"}.get(says, says):
            chosen.append((board,))
    run_calls(function, report, outcome_rightly, chosen)


def winning(board: Board, mark: str) -> list[int]:
    """Return the free cells that complete a row."""
    return [
        cell
        for cell in range(9)
        if not board[cell] and has_row([*board[:cell], mark, *board[cell + 1 :]], mark)
    ]


def careless(board: Board, mark: str, dice: random.Random) -> int:
    """Choose a cell that neither wins nor blocks, if there is one."""
    free = [cell for cell in range(9) if not board[cell]]
    avoided = {*winning(board, mark), *winning(board, OTHER[mark])}
    return dice.choice([cell for cell in free if cell not in avoided] or free)


def reckless(board: Board, mark: str, dice: random.Random) -> int:
    """Neither win nor block, if that can be avoided, and make as many threats as possible."""
    free = [cell for cell in range(9) if not board[cell]]
    avoided = {*winning(board, mark), *winning(board, OTHER[mark])}
    return _most_threats(board, mark, [cell for cell in free if cell not in avoided] or free, dice)


def greedy(board: Board, mark: str, dice: random.Random) -> int:
    """Win; else block; else make as many threats as possible."""
    must = winning(board, mark) or winning(board, OTHER[mark])
    if must:
        return must[0]
    free = [cell for cell in range(9) if not board[cell]]
    return _most_threats(board, mark, free, dice)


def _most_threats(board: Board, mark: str, cells: list[int], dice: random.Random) -> int:
    def threats(cell: int) -> int:
        return len(winning([*board[:cell], mark, *board[cell + 1 :]], mark))

    most = max(map(threats, cells))
    return dice.choice([cell for cell in cells if threats(cell) == most])
