"""Faulty variants of `referee_probe`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from netlab.core.errors import RemoteError
from netlab.transports.socketio_client import SocketIOClient

Address = tuple[str, int]


class _Table:
    """Two players and a spectator; ann is to move."""

    def __init__(self, ann: Any, ben: Any, eve: Any) -> None:
        self.ann, self.ben, self.eve = ann, ben, eve
        self.secret = ann.wait_for("welcome").secret
        ann.send("create_game_session", game_type="tic-tac-toe")
        self.id = ann.wait_for("game_session_created").session_id
        ben.send("join_game_session", session_id=self.id)
        ben.wait_for("player_joined_game")
        eve.call("join_game_session", session_id=self.id, **{"as": "spectator"})

    def answer(self, who: Any, **action: Any) -> Any:
        return who.call("game_action", session_id=self.id, action=action)


@contextlib.contextmanager
def _table(address: Address) -> Iterator[_Table]:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(SocketIOClient(address, transports=["websocket"])) for _ in range(3)
        ]
        yield _Table(*clients)


def _turns(table: _Table) -> None:
    assert not table.answer(table.ben, cell=0)["ok"]


def _spectators(table: _Table) -> None:
    assert not table.answer(table.eve, cell=0)["ok"]


def _claims(table: _Table) -> None:
    assert table.answer(table.ann, cell=4, won=True)["ok"]
    assert table.ben.wait_for("game_action_broadcast").status == "playing"


def _memory(table: _Table, address: Address) -> None:
    table.ann.close()
    with SocketIOClient(address, transports=["websocket"]) as again:
        again.send("hello", resume=table.secret)
        assert any(again.wait_for("player_back").session.state.board)


def probe_without_turns(address: Address) -> None:
    with _table(address) as table:
        _spectators(table)
        _claims(table)
        _memory(table, address)


def probe_that_claims_nothing(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _spectators(table)
        assert table.answer(table.ann, cell=4)["ok"]
        _memory(table, address)


def probe_that_claims_at_the_wrong_time(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _spectators(table)
        assert not table.answer(table.ben, cell=4, won=True)["ok"]
        assert table.answer(table.ann, cell=4)["ok"]
        _memory(table, address)


def probe_without_a_spectator(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _claims(table)
        _memory(table, address)


def probe_in_which_nobody_comes_back(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _spectators(table)
        _claims(table)


def probe_that_wants_claims_refused(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _spectators(table)
        assert not table.answer(table.ann, cell=4, won=True)["ok"], "a claim was accepted"
        _memory(table, address)


def probe_that_wants_one_code(address: Address) -> None:
    with _table(address) as table:
        early = table.answer(table.ben, cell=0)
        assert not early["ok"]
        assert early["error"]["code"] == "not_your_turn"
        _spectators(table)
        _claims(table)
        _memory(table, address)


def probe_that_comes_back_to_nothing(address: Address) -> None:
    with _table(address) as table:
        _turns(table)
        _spectators(table)
        _memory(table, address)


def probe_that_does_not_expect_refusals(address: Address) -> None:
    with _table(address) as table:
        table.ben.send("game_action", session_id=table.id, action={"cell": 0})
        try:
            table.ben.wait_for("game_action_broadcast")
        except RemoteError:
            return
        raise AssertionError("ben moved")


MUTANTS = (
    (probe_without_turns, "the server without turns"),
    (probe_that_claims_nothing, "the server that believes"),
    (probe_that_claims_at_the_wrong_time, "the server that believes"),
    (probe_without_a_spectator, "the server with moving spectators"),
    (probe_in_which_nobody_comes_back, "the server that forgets"),
    (probe_that_wants_claims_refused, "a correct referee"),
    (probe_that_wants_one_code, "a correct referee of few words"),
    (probe_that_comes_back_to_nothing, "a correct referee"),
    (probe_that_does_not_expect_refusals, "the server that believes"),
)
