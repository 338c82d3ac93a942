"""A table at which a learner's bot plays: a real game server, an opponent, and a referee.

All of it is in the child process: the bot has the main thread, the opponent (Ada) another one, and
the referee is in the service: it sees each move before anybody hears of it. A foul is told at once,
as the trial's answer, even while the bot still plays.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netlab.core.errors import NetlabError
from netlab.core.messages import (
    GameActionBroadcast,
    GameSessionCreated,
    PlayerBack,
    PlayerJoinedGame,
    PlayerLeftGame,
    Welcome,
)
from netlab.core.sends import ClientId
from netlab.exercises.bot_referee import GONE, JOIN, LEFT, Referee
from netlab.exercises.calls import Function, Report
from netlab.exercises.noughts import Choose
from netlab.exercises.peers import for_ever
from netlab.exercises.rest import wait_others_at_rest

if TYPE_CHECKING:
    from netlab.transports.addresses import Address
    from netlab.transports.socketio_client import SocketIOClient

GAME = "tic-tac-toe"
MOVE_S = 3.0
"""seconds that the bot may take for a move"""
GONE_S = 1.0
"""seconds that the server gets to notice that the bot has disconnected"""


@dataclass(frozen=True)
class Plan:
    """What happens at a table.

    Args:
        choose: how the opponent chooses its cells.
        seed: of its dice.
        bot_begins: the bot has the first seat, X and the first move.
        refused: how many of the bot's moves the server refuses as `busy`.
        thinks: the opponent does not move before everything is at rest.
        judged: the rules of playing well that count, by number.
        trouble: behind the bot's first move there are `guests`, or the opponent is `away` for a
            moment, or `leaves`; or it `hurries` away with its own first move.
    """

    choose: Choose
    seed: int = 0
    bot_begins: bool = False
    refused: int = 0
    thinks: bool = False
    judged: tuple[int, ...] = ()
    trouble: str = ""


def play(function: Function, report: Report, *plans: Plan) -> None:
    """Have the bot play at one table after the other.

    Reported as `answer`: None if all went well, else what was expected, what came, and the rule's
    number.
    """
    from netlab.lab import background
    from netlab.transports.socketio_rooms import SocketIOServer

    referee = Referee()
    address = background(SocketIOServer(referee)).address
    for number, plan in enumerate(plans, 1):
        report("case", None)
        report("step", f"game {number}: bot has the {_seat(plan)} seat")
        table = _Table(function, report, plan, referee, address)
        table.play()
        if table.fouled:
            return
    report("answer", None)
    report("ended")
    for_ever()  # stopping the server takes its time, and nobody looks


def _seat(plan: Plan) -> str:
    return "first" if plan.bot_begins else "second"


class _Table:
    def __init__(
        self, function: Function, report: Report, plan: Plan, referee: Referee, address: Address
    ) -> None:
        self.fouled = False
        self._lock = threading.Lock()  # guards fouled: one foul is told
        self._function = function
        self._report = report
        self._plan = plan
        self._referee = referee
        self._address = address
        self._clients: list[SocketIOClient] = []

    def _foul(self, expected: str, got: str, rule: int) -> None:
        with self._lock:
            if not self.fouled:
                self.fouled = True
                self._report("answer", (expected, got, rule))

    # ------------------------------------------------------------ the bot

    def play(self) -> None:
        """Play a game."""
        plan = self._plan
        tell = functools.partial(self._report, "step")
        hurry = plan.trouble == "hurries"
        self._referee.begin(plan.refused, hurry, plan.judged, tell, self._foul)
        ada = self._client("Ada")
        table = self._open(ada)
        opponent = threading.Thread(
            target=self._oppose, args=[ada, table], name="netlab-opponent", daemon=True
        )
        opponent.start()
        try:
            self._run("http://{}:{}".format(*self._address), table)
        finally:
            for client in self._clients:  # which is what the opponent notices
                client.close()
            opponent.join()

    def _run(self, url: str, table: str) -> None:
        """Run the bot to its end, and look how it ended."""

        async def whole() -> None:
            # In a thread, for the loop must go on: what the bot said last is still to be sent.
            await asyncio.to_thread(self._judge, await self._function(url, table))

        if inspect.iscoroutinefunction(self._function):
            asyncio.run(whole())  # judged before the loop ends, which would end the connection
        else:
            self._judge(self._function(url, table))

    def _judge(self, returned: object) -> None:
        end = self._referee.end
        if not end:
            self._foul("the game to be played to its end", f"bot returned {returned!r}", JOIN)
        elif returned != end:
            rule = LEFT if end == "left" else JOIN
            self._foul(f"{end!r}, for so it ended", f"bot returned {returned!r}", rule)
        elif not self._referee.gone.wait(GONE_S):
            self._foul("bot to have disconnected", "a connection that is still open", GONE)

    # ------------------------------------------------------------ the opponent

    def _client(self, name: str) -> SocketIOClient:
        from netlab.transports.socketio_client import SocketIOClient

        client = SocketIOClient(
            self._address, username=name, transports=["websocket"], reconnect=False
        ).connect()
        self._clients.append(client)
        welcome = client.wait_for(Welcome)
        self._referee.ours.add(ClientId(welcome.client_id))
        self._secret = welcome.secret
        return client

    @contextlib.contextmanager
    def _guest(self) -> Iterator[SocketIOClient]:
        mine = self._secret
        with self._client("Cleo") as cleo:
            self._secret = mine
            yield cleo

    def _open(self, ada: SocketIOClient) -> str:
        """Open a session; where the bot is to begin, its first seat is free."""
        if not self._plan.bot_begins:
            ada.send("create_game_session", game_type=GAME)
            return ada.wait_for(GameSessionCreated).session_id
        with self._guest() as cleo:
            cleo.send("create_game_session", game_type=GAME)
            table = cleo.wait_for(GameSessionCreated).session_id
            ada.send("join_game_session", session_id=table)
            ada.wait_for(PlayerJoinedGame)
            cleo.send("leave_game_session", session_id=table)
            ada.wait_for(PlayerLeftGame)
        return table

    def _oppose(self, ada: SocketIOClient, table: str) -> None:
        """Play against the bot, until the game is over or it has gone."""
        what = "the bot to join the session"
        try:
            joined = ada.wait_for(PlayerJoinedGame, MOVE_S)
            if joined.role != "player":
                self._foul("the bot to join as a player", f"it joined as a {joined.role}", JOIN)
            what = "a move, for it is the bot's turn"
            self._moves(ada, table)
        except TimeoutError:
            self._foul(what, f"nothing for {MOVE_S:g} s", JOIN)
        except NetlabError:
            pass  # the bot has returned, and everybody goes home

    def _moves(self, ada: SocketIOClient, table: str) -> None:
        plan, board = self._plan, [""] * 9
        dice = random.Random(plan.seed)  # noqa: S311 - the same moves each time
        mark, trouble = "O" if plan.bot_begins else "X", plan.trouble
        while not self._referee.end:
            turn = "X" if board.count("X") == board.count("O") else "O"
            if turn == mark:
                if plan.thinks:
                    wait_others_at_rest()
                cell = plan.choose(board, mark, dice)
                ada.send("game_action", session_id=table, action={"cell": cell})
            told = ada.wait_for(GameActionBroadcast, MOVE_S)
            board = told.state.board
            if turn == mark or told.status != "playing":
                continue
            if trouble == "leaves":
                ada.send("leave_game_session", session_id=table)
                ada.wait_for(PlayerLeftGame)
            elif trouble == "away":
                ada = self._comes_back(ada)
            elif trouble == "guests":
                self._guests(table)
            trouble = ""

    def _comes_back(self, ada: SocketIOClient) -> SocketIOClient:
        self._report("step", "Ada's connection is lost; she comes back")
        secret = self._secret
        ada.close()
        again = self._client("Ada again")
        again.send("hello", resume=secret)
        again.wait_for(PlayerBack)
        return again

    def _guests(self, table: str) -> None:
        self._report("step", "Cleo comes to watch, says hello to everybody, and leaves")
        with self._guest() as cleo:
            cleo.send("join_game_session", session_id=table, **{"as": "spectator"})
            cleo.wait_for(PlayerJoinedGame)
            cleo.say("hello")
            cleo.wait_for("echo")
            cleo.send("leave_game_session", session_id=table)
            cleo.wait_for(PlayerLeftGame)
