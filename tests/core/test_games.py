"""The rules of the games, without any service."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import Refused
from netlab.core.games import GAMES, ConnectFour, Game, Generic, TicTacToe, check_action


def play(game: Game, key: str, *moves: int) -> Game:
    for move in moves:
        assert game.turn is not None, "the game is over"
        game.play(game.turn, {key: move})
    return game


LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


@pytest.mark.parametrize("line", LINES)
def test_three_in_a_row_win(line: tuple[int, ...]) -> None:
    elsewhere = [cell for cell in range(9) if cell not in line]
    game = play(TicTacToe(), "cell", line[0], elsewhere[0], line[1], elsewhere[1], line[2])
    assert (game.winner, game.draw, game.turn, game.over) == (0, False, None, True)
    assert [game.board[cell] for cell in line] == ["X"] * 3


def test_the_second_player_can_win_too() -> None:
    assert play(TicTacToe(), "cell", 0, 3, 1, 4, 8, 5).winner == 1


def test_a_full_board_is_a_draw_unless_somebody_won() -> None:
    drawn = play(TicTacToe(), "cell", 0, 1, 2, 4, 3, 5, 7, 6, 8)
    assert (drawn.winner, drawn.draw, drawn.turn) == (None, True, None)
    won_last = play(TicTacToe(), "cell", 0, 3, 1, 4, 5, 6, 8, 7, 2)
    assert (won_last.winner, won_last.draw) == (0, False)


@pytest.mark.parametrize(
    "action",
    [
        *({"cell": cell} for cell in (-1, 9, 1.5, "4", None, True, [4], 10**30)),
        *({}, [], None, 4, "4", {"column": 4}, {"Cell": 4}),
    ],
    ids=repr,
)
def test_an_action_of_another_kind_is_refused(action: Any) -> None:
    game = TicTacToe()
    with pytest.raises(Refused, match=r'an action is \{"cell": 0 to 8\}') as caught:
        game.play(0, action)
    assert caught.value.code == "illegal_action"
    assert (game.board, game.turn) == (("",) * 9, 0)


def test_a_taken_cell_is_refused_and_the_free_ones_are_named() -> None:
    game = play(TicTacToe(), "cell", 4, 0)
    before = game.board
    with pytest.raises(Refused, match=r"cell 4 is taken; free cells: 1, 2, 3, 5, 6, 7, 8"):
        game.play(0, {"cell": 4})
    assert (game.board, game.turn) == (before, 0)


def test_marks_fall_to_the_bottom_of_their_column() -> None:
    game = play(ConnectFour(), "column", 3, 3, 3)
    assert [row[3] for row in game.board] == ["", "", "", "X", "O", "X"]


@pytest.mark.parametrize(
    "moves",
    [
        (0, 0, 1, 1, 2, 2, 3),  # across
        (5, 6, 5, 6, 5, 6, 5),  # up
        (0, 1, 1, 2, 2, 3, 2, 3, 3, 6, 3),  # rising
        (6, 5, 5, 4, 4, 3, 4, 3, 3, 0, 3),  # falling
    ],
)
def test_four_in_a_row_win(moves: tuple[int, ...]) -> None:
    game = play(ConnectFour(), "column", *moves)
    assert (game.winner, game.draw, game.turn) == (0, False, None)


def test_a_row_does_not_go_on_at_the_other_edge() -> None:
    # Three at the right end of the lowest row, one at the left end of the row above.
    game = play(ConnectFour(), "column", 4, 0, 5, 1, 6, 1, 0)
    assert game.winner is None


def test_a_full_column_is_refused() -> None:
    game = play(ConnectFour(), "column", 0, 0, 0, 0, 0, 0)
    with pytest.raises(Refused, match="column 0 is full; columns with room: 1, 2, 3, 4, 5, 6"):
        game.play(0, {"column": 0})
    assert game.turn == 0


@given(st.lists(st.integers(0, 6)), st.sampled_from([TicTacToe, ConnectFour]))
def test_whatever_is_played_the_rules_hold(moves: list[int], kind: type[Game]) -> None:
    game, key = kind(), "cell" if kind is TicTacToe else "column"
    for move in moves:
        seat, before = game.turn, str(game.board)
        if seat is None:
            assert game.over
            break
        try:
            game.play(seat, {key: move})
        except Refused:
            assert (str(game.board), game.turn) == (before, seat)
            continue
        assert str(game.board).count("X") - str(game.board).count("O") == 1 - seat
        assert game.turn == (None if game.over else 1 - seat)
        assert game.winner in (None, seat)


def test_in_a_generic_game_anything_goes() -> None:
    game = Generic()
    game.play(0, {"any": ["thing"]})
    game.play(0, None)
    assert (game.board, game.turn, game.winner, game.draw) == (None, None, None, False)


def test_all_games_have_a_name_and_places() -> None:
    assert set(GAMES) == {"tic-tac-toe", "connect-four", "generic"}
    for name, kind in GAMES.items():
        assert kind.name == name
        assert 1 <= kind.min_players <= kind.default_players <= kind.max_players


# ---------------------------------------------------------------- what can be passed on


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_actions_that_are_too_deep_or_too_long_are_refused() -> None:
    check_action(nested(31))
    with pytest.raises(Refused, match="nested more than 32 deep"):
        check_action(nested(32))
    with pytest.raises(Refused, match="nested more than 32 deep"):
        check_action(nested(5_000))
    check_action("x" * 4_094)
    with pytest.raises(Refused, match="an action of 4,097 bytes, the limit is 4,096"):
        check_action("x" * 4_095)
