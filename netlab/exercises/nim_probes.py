"""Probes of a game of the learner's own: people of all kinds play it in a real game server.

In the child, `serve_game` puts the learner's class among the games and serves them over Socket.IO.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import traceback
from collections.abc import Iterator
from typing import Any, cast

from netlab.core.errors import Refused
from netlab.core.games import GAMES, Game
from netlab.exercises.calls import Function, Report, describe
from netlab.exercises.game_people import GamePerson, GameStage
from netlab.exercises.nim import LIES, START, Action, after, state, whole_game
from netlab.exercises.peers import for_ever
from netlab.exercises.trial import Trial

NAME = "nim"
SECRET = b"the examiner's own games"


def serve_game(function: Function, report: Report) -> None:
    """Serve the class, which is a game, with the others; report at which address."""
    from netlab.lab import background
    from netlab.transports.socketio_rooms import SocketIOServer

    if not (inspect.isclass(function) and issubclass(function, Game)):
        raise TypeError("this is no class derived from netlab.core.games.Game")
    if getattr(function, "name", None) != NAME:
        raise TypeError(f"the class attribute name is to be {NAME!r}")
    function()  # an error now is told at once
    logging.disable()  # what goes wrong in the server is told by `_watched`
    GAMES[NAME] = _watched(function, report)
    with background(SocketIOServer(secret=SECRET)) as server:
        report("listening", tuple(server.address[:2]))
        for_ever()


def _watched(kind: type[Game], report: Report) -> type[Game]:
    """Return the class, made to tell the examiner what its code raises and should not."""

    @contextlib.contextmanager
    def watching() -> Iterator[None]:
        try:
            yield
        except Refused:
            raise
        except Exception as error:
            name, text, _ = describe(kind, error)
            report("raised", (name, text + _where(kind, error), None))
            raise

    class Watched(kind):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            with watching():
                super().__init__()

        @property
        def board(self) -> Any:
            with watching():
                return super().board

        def play(self, seat: int, action: object) -> None:
            with watching():
                super().play(seat, action)

    Watched.__name__ = kind.__name__
    return cast("type[Game]", Watched)


def _where(kind: type[Game], error: BaseException) -> str:
    """Say in which line of which method it came up: the last one that is the learner's."""
    methods = [getattr(one, "fget", one) for one in vars(kind).values()]
    codes = {getattr(one, "__code__", None) for one in methods}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code in codes:
            return f", in line {line - frame.f_code.co_firstlineno + 1} of {frame.f_code.co_name}"
    return ""


def _two(stage: GameStage) -> tuple[GamePerson, GamePerson, str]:
    """Return two players at a new table, and its id; it is ann's turn."""
    ann, bob = cast("list[GamePerson]", stage.people("ann", "bob"))
    table = ann.opens(NAME, board=list(START))
    bob.joins_game(table, ann, board=list(START), turn="ann", winner=None)
    return ann, bob, table


def _play(table: str, moves: list[Action], *people: GamePerson) -> None:
    """Play moves from the start; the first two people are the players, the others look on."""
    heaps = START
    for number, action in enumerate(moves):
        mover, other = people[number % 2], people[1 - number % 2]
        heaps = after(heaps, action)
        told = state(heaps, mover.name, other.name)
        mover.moves(table, action, other, *people[2:], **told)


def _take(*pairs: tuple[int, int]) -> list[Action]:
    return [{"heap": heap, "take": take} for heap, take in pairs]


# ---------------------------------------------------------------- the game


def new_game(trial: Trial) -> None:
    """Somebody opens a session, and somebody joins it."""
    _two(GameStage(trial))


def one_move(trial: Trial) -> None:
    """Each makes a move."""
    ann, bob, table = _two(GameStage(trial))
    _play(table, _take((0, 2), (2, 5)), ann, bob)


def last_stick(trial: Trial) -> None:
    """The one who began takes the last stick, then the other one does."""
    stage = GameStage(trial)
    ann, bob, table = _two(stage)
    _play(table, _take((0, 3), (1, 4), (2, 5)), ann, bob)
    bob.is_refused(table, {"heap": 0, "take": 1}, "game_finished")
    again = ann.opens(NAME, board=list(START))
    bob.joins_game(again, ann, board=list(START), turn="ann")
    _play(again, _take((2, 5), (0, 3), (1, 3), (1, 1)), ann, bob)


def whole_games(trial: Trial) -> None:
    """Whole games of two honest players, drawn at random."""
    stage = GameStage(trial)
    ann, bob = cast("list[GamePerson]", stage.people("ann", "bob"))
    for _ in range(4):
        trial.forget()
        trial.tally()
        table = ann.opens(NAME, board=list(START))
        bob.joins_game(table, ann, board=list(START), turn="ann")
        _play(table, whole_game(trial.random), ann, bob)


def liar(trial: Trial) -> None:
    """A player sends everything but moves; a spectator sees that nothing has changed."""
    stage = GameStage(trial)
    ann, bob, table = _two(stage)
    eve = cast(GamePerson, stage.person("eve"))
    eve.joins_game(table, ann, bob, role="spectator", board=list(START), turn="ann")
    steps = len(trial.steps)
    for lie in LIES:
        trial.tally()
        ann.is_refused(table, lie, "illegal_action")
        eve.say("join_game_session", session_id=table, **{"as": "spectator"})
        eve.answered("player_joined_game", board=list(START), turn="ann", winner=None)
        del trial.steps[steps:]
    _play(table, _take((0, 1)), ann, bob, eve)


def claims(trial: Trial) -> None:
    """A player's move says more than it should."""
    ann, bob, table = _two(GameStage(trial))
    claim = {"heap": 0, "take": 1, "winner": 0, "won": True, "turn": 0, "board": [0, 0, 0]}
    ann.moves(table, claim, bob, **state((2, 4, 5), "ann", "bob"))
    ann.is_refused(table, {"heap": 1, "take": 1}, "not_your_turn")
    bob.moves(table, {"heap": 1, "take": 4}, ann, **state((2, 0, 5), "bob", "ann"))


# ---------------------------------------------------------------- the table


def out_of_turn(trial: Trial) -> None:
    """Whose turn it is not moves all the same."""
    ann, bob, table = _two(GameStage(trial))
    bob.is_refused(table, {"heap": 0, "take": 1}, "not_your_turn")
    _play(table, _take((0, 1)), ann, bob)
    ann.is_refused(table, {"heap": 0, "take": 1}, "not_your_turn")
    bob.moves(table, {"heap": 0, "take": 2}, ann, **state((0, 4, 5), "bob", "ann"))


def spectators(trial: Trial) -> None:
    """A spectator comes in the middle of the game, sees how it stands, and may not move."""
    stage = GameStage(trial)
    ann, bob, table = _two(stage)
    ann.moves(table, {"heap": 2, "take": 4}, bob, **state((3, 4, 1), "ann", "bob"))
    eve = cast(GamePerson, stage.person("eve"))
    eve.joins_game(table, ann, bob, role="spectator", board=[3, 4, 1], turn="bob")
    eve.is_refused(table, {"heap": 0, "take": 1}, "not_a_player")
    bob.moves(table, {"heap": 0, "take": 3}, ann, eve, **state((0, 4, 1), "bob", "ann"))


def vanishing(trial: Trial) -> None:
    """A player vanishes, the other one moves, the first comes back and finds the game."""
    stage = GameStage(trial)
    ann, bob, table = _two(stage)
    ann.moves(table, {"heap": 1, "take": 2}, bob, **state((3, 2, 5), "ann", "bob"))
    ann.vanishes(bob)
    bob.moves(table, {"heap": 0, "take": 3}, **state((0, 2, 5), "bob", "ann"))
    back = cast(GamePerson, stage.person("ann, back"))
    back.comes_back(ann, bob, board=[0, 2, 5], turn="ann, back")
    told = state((0, 0, 5), back.name, "bob")
    back.moves(table, {"heap": 1, "take": 2}, bob, **told)
    bob.moves(table, {"heap": 2, "take": 5}, back, **state((0, 0, 0), "bob", back.name))


def two_tabs(trial: Trial) -> None:
    """A player opens a second tab; the first is told to go, and the game goes on in the second."""
    stage = GameStage(trial)
    ann, bob, table = _two(stage)
    ann.moves(table, {"heap": 2, "take": 1}, bob, **state((3, 4, 4), "ann", "bob"))
    tab = cast(GamePerson, stage.person("ann's second tab"))
    tab.link.said("sends hello with ann's secret", b"hello")
    tab.transmit({"type": "hello", "resume": ann.secret})
    tab.hear("welcome")
    ann.hear("closing", code="replaced")
    tab.hear("player_back", who=tab.name, board=[3, 4, 4], turn="bob")
    while bob.hear_any("player_away", "player_back") != "player_back":
        pass
    bob.moves(table, {"heap": 2, "take": 4}, tab, **state((3, 4, 0), "bob", tab.name))
    tab.moves(table, {"heap": 0, "take": 3}, bob, **state((0, 4, 0), tab.name, "bob"))


def two_tables(trial: Trial) -> None:
    """Two games go on at the same time."""
    stage = GameStage(trial)
    ann, bob, first = _two(stage)
    cleo, dan = cast("list[GamePerson]", stage.people("cleo", "dan"))
    ann.moves(first, {"heap": 0, "take": 1}, bob, **state((2, 4, 5), "ann", "bob"))
    second = cleo.opens(NAME, board=list(START))
    dan.joins_game(second, cleo, board=list(START), turn="cleo")
    cleo.moves(second, {"heap": 2, "take": 5}, dan, **state((3, 4, 0), "cleo", "dan"))
    bob.moves(first, {"heap": 1, "take": 4}, ann, **state((2, 0, 5), "bob", "ann"))
    dan.moves(second, {"heap": 0, "take": 3}, cleo, **state((0, 4, 0), "dan", "cleo"))


def slow_player(trial: Trial) -> None:
    """A move arrives in two pieces; between them, another table plays a whole game."""
    stage = GameStage(trial)
    ann, bob, first = _two(stage)
    cleo, dan = cast("list[GamePerson]", stage.people("cleo", "dan"))
    second = cleo.opens(NAME, board=list(START))
    dan.joins_game(second, cleo, board=list(START), turn="cleo")
    with ann.slowly(first, {"heap": 1, "take": 3}):
        _play(second, _take((0, 3), (1, 4), (2, 5)), cleo, dan)
        bob.is_refused(first, {"heap": 0, "take": 1}, "not_your_turn")
    for player in (ann, bob):
        player.hear("game_action_broadcast", who="ann", **state((3, 1, 5), "ann", "bob"))
    bob.moves(first, {"heap": 0, "take": 2}, ann, **state((1, 1, 5), "bob", "ann"))
