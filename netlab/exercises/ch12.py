"""Exercises of chapter 12: games whose server is the referee."""

from __future__ import annotations

import re
from collections.abc import Callable

from netlab.core.game_service import GameService
from netlab.exercises import accused_referees as accused
from netlab.exercises import nim_probes as tables
from netlab.exercises.bot_referee import BLOCK, WIN
from netlab.exercises.bot_tables import Plan, play
from netlab.exercises.cases import agree_on_calls
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.noughts import Choose, careless, greedy, reckless, run_boards
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.words import Broken

_SERVER = ("netlab.transports.socketio_rooms", "netlab.lab.background", "uvicorn.lifespan.off")
_CLIENT = (*_SERVER, "netlab.transports.socketio_client")

# ---------------------------------------------------------------- warm-up: who has won


def _boards(name: str, rule: int, wanted: str) -> Probe:
    return Probe(name, rule, agree_on_calls, run_boards, (wanted,))


outcome = Exercise(
    "outcome",
    chapter="12",
    kind="warm-up",
    title="What the board says",
    task="Write `outcome(board)`: what a referee reads from a board of tic-tac-toe, who believes "
    "nobody. `board` is a list of nine marks, row by row from the top left: `'X'`, `'O'`, or `''` "
    "for a free cell.",
    rules=(
        "`'X'` or `'O'`, if that player has three in a row, a column or a diagonal.",
        "`'draw'`, if no cell is free and nobody has won.",
        "`None`, as long as the game goes on.",
        "`ValueError` for a board that cannot come about. X begins, they take turns, and nobody "
        "moves after somebody has won. (One move may complete two lines at once.)",
    ),
    hints=(
        "There are eight lines. A tuple of them, each with its three cells, spares you the "
        "arithmetic.",
        "`board.count('X') - board.count('O')` is 0 or 1 on any board that can come about.",
        "If X has three, X was the last to move: then there is one more X. And if O has three?",
    ),
    probes=(
        _boards("all games that are won", 1, "won"),
        _boards("all draws", 2, "draw"),
        _boards("all games that go on", 3, "goes on"),
        _boards("boards that cannot be", 4, "ValueError"),
    ),
)

# ---------------------------------------------------------------- core: a game of your own


def _tells(name: str, rule: int, examine: Callable[[Trial], None]) -> Probe:
    return Probe(name, rule, examine, tables.serve_game)


nim = Exercise(
    "nim",
    chapter="12",
    kind="core",
    title="A game of your own",
    task="Write the class `Nim`, derived from `netlab.core.games.Game`. Three heaps have 3, 4 and "
    "5 sticks; two players in turn take as many as they like from one heap. The examiner puts your "
    "class among the games of a real Socket.IO server, and its people come to play: honest ones, a "
    "slow one, a liar, spectators, and some who vanish and come back.",
    rules=(
        "`name` is `'nim'`. `board` is the list of the three heaps, `[3, 4, 5]` at first. Each "
        "session has a game of its own.",
        '`play(seat, action)` makes the move `{"heap": 0 to 2, "take": 1 or more}`; then it is '
        "the turn of the other seat (`self.turn`, 0 or 1, at first 0).",
        "Who takes the last stick wins: `self.winner` is that seat, and `self.turn` is `None`.",
        'Anything else raises `Refused("illegal_action", "…")`, and nothing has changed: other '
        "types (`true` is no number, and an action may be any JSON), missing fields, a heap that "
        "there is not, fewer than one stick, more than are there.",
        "Other fields of an action are ignored, whatever they claim.",
        "Whose turn it is not, and who watches, is refused; who comes in later, or comes back, "
        "finds the game as it stands. The server does this, with your `turn` and your `board`, "
        "which have to be right at any time.",
    ),
    hints=(
        "In `__init__`, call `super().__init__()` and make `self.heaps`; a list in the class would "
        "be the same for all sessions. Read `netlab.show_source` of `TicTacToe.play`.",
        "`parse_action(action, Action, 'what it looks like')` from `netlab.core.games` does the "
        "types: `Action` is a `msgspec.Struct` with `heap: int` and `take: int`. Look at all of "
        "it first, and change the heaps last.",
        "`0 <= action.heap <= 2` (what is `heaps[-1]`?) and `1 <= action.take <= "
        "self.heaps[action.heap]`, else `raise Refused('illegal_action', …)`.",
    ),
    probes=(
        _tells("a new game", 1, tables.new_game),
        _tells("a move", 2, tables.one_move),
        _tells("the last stick", 3, tables.last_stick),
        _tells("honest players", 2, tables.whole_games),
        _tells("a liar", 4, tables.liar),
        _tells("a claim", 5, tables.claims),
        _tells("two tables", 1, tables.two_tables),
        _tells("a slow player", 1, tables.slow_player),
        _tells("out of turn", 6, tables.out_of_turn),
        _tells("a spectator", 6, tables.spectators),
        _tells("a player who vanishes", 6, tables.vanishing),
        _tells("a second tab", 6, tables.two_tabs),
    ),
    converse=_tells("a move", 2, tables.one_move),
    code_name="Nim",
    preload=_SERVER,
)

# ---------------------------------------------------------------- core: a bot


def _referee(trial: Trial) -> None:
    answer = trial.wait("answer", 6.0)
    if answer is not None:
        expected, got, rule = answer
        began = max(i for i, step in enumerate(trial.steps) if step.startswith("game "))
        del trial.steps[:began]  # of the games before there is nothing to tell
        raise Broken(expected, got, rule)


def _games(choose: Choose, *judged: int) -> tuple[Plan, ...]:
    """Return six games, in three of which the bot begins."""
    return tuple(Plan(choose, n, n % 2 == 0, judged=judged) for n in range(1, 7))


def _plays(name: str, rule: int, *plans: Plan) -> Probe:
    return Probe(name, rule, _referee, play, plans)


bot = Exercise(
    "bot",
    chapter="12",
    kind="core",
    title="A player that is a program",
    task="Write `async def bot(url, session_id)`: it connects to the Socket.IO server at `url`, "
    "plays one game of tic-tac-toe in the session that is open there, and returns how it ended. "
    "(`socketio.AsyncSimpleClient` suits it; any other client will do.)",
    rules=(
        "It joins as a player, and plays to the end. It returns `'won'`, `'lost'` or `'draw'`.",
        "It moves when `state.turn` is it, and only then, and into a free cell: the server has "
        "nothing to refuse. It may have either seat: the first in `players` is X, the other O. X "
        "begins.",
        "If it can win with this move, it does.",
        "Else, if the opponent could win with the next one, it blocks that (one, if there are "
        "several).",
        "If the opponent leaves the session, it returns `'left'`. Somebody whose connection is "
        "lost (`player_away`) has not left, and may come back; spectators may come, talk to "
        "everybody, and leave.",
        "A move that is refused with the code `busy` has changed nothing: it makes it again, until "
        "it is taken. (A move that is just too late, because the opponent has left, is refused "
        "with another code; that is no fault.)",
        "When it returns, it has disconnected.",
    ),
    hints=(
        "`async with socketio.AsyncSimpleClient() as client`, `await client.connect(url)`; then "
        "`name, message = await client.receive()` in a loop. Its own id is in `welcome`.",
        "Three messages matter: `player_joined_game` (your own, and perhaps the opponent's) and "
        "`game_action_broadcast` say how the game stands; behind `player_left_game`, "
        "`len(message['players'])` says if somebody is left to play with.",
        "`answer = await client.call('game_action', {…})` returns `{'ok': True}`, or "
        "`{'ok': False, 'error': {'code': …}}`. For the choice: try each free cell with your mark "
        "and look if that is three in a row; then with the other mark; else take any.",
    ),
    probes=(
        _plays("a whole game", 1, Plan(careless, thinks=True)),
        _plays("the first seat", 2, Plan(careless, bot_begins=True, thinks=True)),
        _plays("chances to win", 3, *_games(careless, WIN)),
        _plays("a win before a block", 3, *_games(reckless, WIN)),
        _plays("threats to block", 4, *_games(greedy, WIN, BLOCK)),
        _plays("guests", 5, Plan(greedy, 1, trouble="guests")),
        _plays("an opponent who comes back", 5, Plan(greedy, 2, trouble="away")),
        _plays("an opponent who leaves", 5, Plan(greedy, 3, trouble="leaves")),
        _plays("a server that is busy", 6, Plan(greedy, 1, refused=2),
               Plan(careless, 2, bot_begins=True, refused=1)),
        _plays("an opponent who leaves at once", 5, Plan(greedy, 4, trouble="hurries")),
    ),
    preload=(*_CLIENT, "socketio"),
)  # fmt: skip

# ---------------------------------------------------------------- red team

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


def _plain(objection: str) -> str:
    return _TIME.sub("…", objection)


def _judged(name: str, rule: int, referee: type[GameService], fault: str = "") -> Probe:
    examine = verdict(
        fault, praise="this referee is correct", late_rule=7, timeout_s=4.0, plain=_plain
    )
    return Probe(name, rule, examine, accused.judge_referee, (referee,))


referee_probe = Exercise(
    "referee_probe",
    chapter="12",
    kind="red-team",
    title="Red team: whom does the referee believe?",
    task="Four game servers are no referees: they believe their clients, or forget. Write "
    "`referee_probe(address)`, which plays tic-tac-toe there, as as many people as it takes, and "
    "raises `AssertionError` for each of the four. `address` is that of a Socket.IO server, for "
    "`netlab.SocketIOClient`.",
    rules=(
        "`AssertionError` is raised for the server that lets a player move out of turn.",
        'So it is for the one that believes a move that says it has won: `{"cell": 4, "won": '
        "true}` ends its game.",
        "So it is for the one that lets a spectator move, in the place of the player whose turn it "
        "is.",
        "So it is for the one that forgets the game when a player comes back (`hello` with "
        "`resume`, the `secret` of its first `welcome`): the board in `player_back` is empty, "
        "although there were moves.",
        "For a correct referee nothing is raised. It ignores a field such as `won`, and plays the "
        "move.",
        "What a correct referee refuses, it refuses with any code and any words: look at what has "
        "happened, not at the text.",
        "It is done (returns or raises) within 3 seconds.",
    ),
    hints=(
        "Three clients: two players and a spectator. Wait for each message before you go on: "
        "between two connections there is no order.",
        "`client.call('game_action', session_id=…, action={'cell': 0})` returns the "
        "acknowledgement; `['ok']` is false if the move was refused.",
        "For the last one, make a move, `close()` that player's client, and connect a new one: "
        "`send('hello', resume=secret)`, then `wait_for('player_back').session.state.board`.",
    ),
    probes=(
        _judged("the server without turns", 1, accused.IgnoresTurns,
                "it lets a player move out of turn"),
        _judged("the server that believes", 2, accused.BelievesClaims,
                "who claims to have won has won"),
        _judged("the server with moving spectators", 3, accused.LetsSpectatorsMove,
                "it lets a spectator move"),
        _judged("the server that forgets", 4, accused.ForgetsTheGame,
                "who comes back finds an empty board"),
        _judged("a correct referee", 5, accused.Correct),
        _judged("a correct referee of few words", 6, accused.Curt),
    ),
    preload=_CLIENT,
)  # fmt: skip

EXERCISES = (outcome, nim, bot, referee_probe)
