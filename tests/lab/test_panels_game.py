"""The boards, the bot, and the game panel without a browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab import TCPClient, TCPServer
from netlab.core.games import ConnectFour, MarksInARow, TicTacToe
from netlab.lab import panels
from netlab.lab.panels.boards import BOARDS, Bot, as_text

RULES: dict[str, type[MarksInARow]] = {"tic-tac-toe": TicTacToe, "connect-four": ConnectFour}


@pytest.fixture
def server() -> Iterator[TCPServer]:
    with TCPServer() as server:
        yield server


@pytest.fixture
def connect(server: TCPServer) -> Callable[[], TCPClient]:
    return lambda: TCPClient(server.address)


# ---------------------------------------------------------------- boards and bot


@given(st.sampled_from(sorted(RULES)), st.integers(0, 999), st.integers(0, 999))
def test_two_bots_play_by_the_rules_to_the_end(name: str, one: int, two: int) -> None:
    board, rules = BOARDS[name], RULES[name]()
    bots = [Bot(board, one), Bot(board, two)]
    for _ in range(board.rows * board.columns):
        seat = rules.turn
        assert seat is not None
        grid = board.grid(rules.board)
        moves = bots[seat].moves(grid, "XO"[seat])
        assert len(moves) == len(board.legal(grid))
        rules.play(seat, moves[0])  # raises if it is illegal
        if rules.over:
            return
    pytest.fail("the game did not end")


@given(st.sampled_from(sorted(RULES)), st.lists(st.integers(0, 41), max_size=42), st.integers(0, 9))
def test_the_bot_wins_if_it_can(name: str, clicks: list[int], seed: int) -> None:
    board, rules = BOARDS[name], RULES[name]()
    for click in clicks:
        legal = board.legal(board.grid(rules.board))
        rules.play(rules.turn or 0, board.action(*legal[click % len(legal)]))
        if rules.over:
            return
    seat, grid = rules.turn or 0, board.grid(rules.board)
    can_win = any(board.wins(grid, cell, "XO"[seat]) for cell in board.legal(grid))
    rules.play(seat, Bot(board, seed).moves(grid, "XO"[seat])[0])
    assert (rules.winner == seat) == can_win


def test_the_bot_prevents_what_it_can() -> None:
    board = BOARDS["tic-tac-toe"]
    grid = board.grid(["X", "X", "", "", "O", "", "", "", ""])
    assert Bot(board, 5).moves(grid, "O")[0] == {"cell": 2}


def test_the_same_seed_plays_the_same() -> None:
    board = BOARDS["connect-four"]
    grid = board.grid(None)
    first, again, other = (Bot(board, seed).moves(grid, "X") for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_board_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a board of 2 marks, not 3 times 3"):
        BOARDS["tic-tac-toe"].grid(["X", "O"])
    assert as_text(BOARDS["tic-tac-toe"].grid(["X", *[""] * 8])) == ["X . .", ". . .", ". . ."]


# ---------------------------------------------------------------- the panel


def play(game: panels.GamePanel, player: str, row: int, column: int) -> None:
    """Click in a cell and wait until both have seen the mark."""
    game.wait_turn(player)
    game.views[player].cells[row, column].click()
    game.wait_until(
        lambda: all(seat.grid[row][column] for seat in game.seats.values()), "the mark is there"
    )


def test_two_friends_play_to_the_end(connect: Callable[[], TCPClient]) -> None:
    with panels.game(connect, names=("alice", "bob")) as game:
        for turn, (row, column) in enumerate([(0, 0), (1, 1), (0, 1), (2, 2), (0, 2)]):
            play(game, ("alice", "bob")[turn % 2], row, column)
        cells = game.views["bob"].cells
        game.wait_until(
            lambda: (
                "you won" in game.text()
                and "alice won" in game.views["bob"]._head.value
                and cells[0, 2]._dom_classes == ("np-x", "np-last")
            ),
            "both see who won",
        )
        assert game.text().splitlines() == [
            "alice (X): you won",
            "  X X X",
            "  . O .",
            "  . . O",
            "bob (O): alice won",
            "  X X X",
            "  . O .",
            "  . . O",
        ]
        assert cells[1, 1].tooltip == "row 2, column 2, O"
        assert cells[1, 0].tooltip == "row 2, column 1, empty"
        game.again.click()
        game.wait_turn("alice")
        game.wait_until(lambda: "X X" not in game.text(), "the board is empty")


def test_illegal_moves_show_what_the_server_says(connect: Callable[[], TCPClient]) -> None:
    with panels.game(connect, names=("alice", "bob")) as game:
        game.wait_turn("alice")
        bob = game.views["bob"]
        bob.cells[0, 0].click()
        game.wait_until(lambda: "not_your_turn" in bob._error.value, "it is refused")
        play(game, "alice", 0, 0)
        game.wait_until(lambda: not bob._error.value, "a move takes the error away")
        bob.cells[0, 0].click()
        game.wait_until(lambda: "cell 0 is taken" in bob._error.value, "it is refused")
        assert game.views["alice"]._error.value == ""


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_bot_plays_the_same_game_for_the_same_seed(
    name: str, connect: Callable[[], TCPClient]
) -> None:
    played = []
    for _ in range(2):
        with panels.game({"alice": connect}, bot=connect, seed=3, game=name) as game:
            alice = game.seats["alice"]
            game.wait_turn("alice")
            assert list(game.views) == ["alice"]
            while alice.status != "finished":
                row, column = alice.board.legal(alice.grid)[0]
                play(game, "alice", row, column)
                game.wait_turn("alice")
            game.wait_until(lambda: "won" in game.text() or "draw" in game.text(), "the end")
            played.append(game.text())
    assert played[0] == played[1]


def test_a_bot_that_is_refused_tries_its_next_best(connect: Callable[[], TCPClient]) -> None:
    with panels.game({"alice": connect}, bot=connect) as game:
        game.wait_turn("alice")
        bot = game.seats["bot"].bot
        assert bot
        best = bot.moves
        bot.moves = lambda grid, mark: [{"cell": 99}, {"cell": 0}, *best(grid, mark)]
        play(game, "alice", 0, 0)
        game.wait_turn("alice")
        assert sum(mark == "O" for row in game.seats["alice"].grid for mark in row) == 1


def test_a_stopped_server_and_a_new_one() -> None:
    first, second = TCPServer(), TCPServer()
    servers = [first]
    with first, second:
        game = panels.game(lambda: TCPClient(servers[-1].address), names=("<a>", "bob"))
        with game:
            play(game, "<a>", 1, 1)
            first.stop()
            game.wait_until(lambda: game.text().count("disconnected:") == 2, "both see it")
            view = game.views["bob"]
            game.wait_until(lambda: view.cells[0, 0].disabled, "nothing can be played")
            assert view.reconnects.layout.display is None
            assert "&lt;a&gt;" in game.views["<a>"]._head.value
            servers.append(second)
            view.reconnects.click()
            play(game, "<a>", 2, 2)
            assert view.reconnects.layout.display == "none"


def test_a_player_who_leaves_is_missed(server: TCPServer) -> None:
    with (
        TCPClient(server.address) as alice,
        TCPClient(server.address) as bob,
        panels.game({"alice": alice, "bob": bob}) as game,
    ):
        play(game, "alice", 0, 0)
        bob.send("bye")
        game.wait_until(lambda: "bob has left" in game.text(), "alice is told")
        bob.wait_ended()


def test_closing_closes_what_it_opened(connect: Callable[[], TCPClient]) -> None:
    game = panels.game(connect, names=("alice", "bob"))
    game.wait_turn("alice")
    game.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("netlab-panel-")]
    assert [seat.peer.client for seat in game.seats.values()] == [None, None]
    game.play("alice", 0, 0)  # changes nothing
    assert repr(game) == "tic-tac-toe: alice against bob (live in JupyterLab: run this cell)"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"names": ("a", "b"), "game": "chess"}, "no board for 'chess'; there are: tic-tac-toe"),
        ({"names": ("a",)}, "1 players, a game has 2; for one alone pass bot="),
        ({"names": ("a", "b", "c")}, "3 players"),
        ({"names": ("bot",), "bot": TCPClient}, "both players are called 'bot'"),
    ],
)
def test_wrong_players_are_refused(arguments, part) -> None:
    with pytest.raises(ValueError, match=part):
        panels.game(TCPClient, **arguments)
