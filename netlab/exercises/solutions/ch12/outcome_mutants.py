"""Faulty variants of `outcome`, each with the probe that catches it."""

from __future__ import annotations

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
Board = list[str]


def _won(board: Board, mark: str, lines: tuple[tuple[int, ...], ...] = LINES) -> bool:
    return any(all(board[cell] == mark for cell in line) for line in lines)


def _check(board: Board, *, turns: bool = True, after_the_end: bool = True) -> None:
    ahead = board.count("X") - board.count("O")
    if turns and ahead not in (0, 1):
        raise ValueError("they did not take turns")
    late = (_won(board, "X") and ahead != 1) or (_won(board, "O") and ahead != 0)
    if after_the_end and late:
        raise ValueError("somebody moved after the end")


def _says(board: Board) -> str | None:
    winner = next((mark for mark in "XO" if _won(board, mark)), None)
    return winner or (None if "" in board else "draw")


def outcome_that_does_not_see_the_second_diagonal(board: Board) -> str | None:
    _check(board)
    return next((mark for mark in "XO" if _won(board, mark, LINES[:-1])), None) or (
        None if "" in board else "draw"
    )


def outcome_that_looks_for_a_draw_first(board: Board) -> str | None:
    _check(board)
    return _says(board) if "" in board else "draw"


def outcome_that_calls_three_free_cells_a_row(board: Board) -> str | None:
    _check(board)
    for a, b, c in LINES:
        if board[a] == board[b] == board[c]:
            return board[a]
    return None if "" in board else "draw"


def outcome_that_calls_a_draw_too_early(board: Board) -> str | None:
    _check(board)
    says = _says(board)
    return "draw" if says is None and board.count("") == 1 else says


def outcome_that_knows_no_draw(board: Board) -> str | None:
    _check(board)
    says = _says(board)
    return None if says == "draw" else says


def outcome_that_believes_every_board(board: Board) -> str | None:
    return _says(board)


def outcome_that_does_not_count(board: Board) -> str | None:
    _check(board, turns=False)
    return _says(board)


def outcome_that_lets_them_move_after_the_end(board: Board) -> str | None:
    _check(board, after_the_end=False)
    if _won(board, "X") and _won(board, "O"):
        raise ValueError("both have won")
    return _says(board)


MUTANTS = (
    (outcome_that_does_not_see_the_second_diagonal, "all games that are won"),
    (outcome_that_looks_for_a_draw_first, "all games that are won"),
    (outcome_that_calls_three_free_cells_a_row, "all games that are won"),
    (outcome_that_knows_no_draw, "all draws"),
    (outcome_that_calls_a_draw_too_early, "all games that go on"),
    (outcome_that_believes_every_board, "boards that cannot be"),
    (outcome_that_does_not_count, "boards that cannot be"),
    (outcome_that_lets_them_move_after_the_end, "boards that cannot be"),
)
