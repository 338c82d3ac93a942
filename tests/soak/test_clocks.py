"""Clocks that jump: the machine's, which is set; and the server's own, as after a sleep."""

from __future__ import annotations

import time

import pytest

from netlab.core.chat import ChatService
from netlab.transports.clock import SystemClock
from tests.transports.clocks import START, ManualClock
from tests.transports.harness import CHATS, Transport

PATIENCE_S = 10.0
DAY_S, YEARS_S = 86_400.0, 10 * 365 * 86_400.0
MACHINES = time.time


@pytest.mark.parametrize("jump_s", [-YEARS_S, YEARS_S])
@pytest.mark.parametrize("transport", CHATS, ids=lambda one: one.name)
def test_the_machines_clock_is_set(
    transport: Transport, jump_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is sent away for a silence of ten years, and nobody's time runs backwards."""
    # Not the lesson's clock, which asks no machine.
    with transport.serve(ChatService) as server, transport.connect(server, "chat") as ann:
        ann.wait_for("welcome", PATIENCE_S)
        ann.send("ping")
        before = ann.wait_for("pong", PATIENCE_S).timestamp
        monkeypatch.setattr(time, "time", lambda: MACHINES() + jump_s)
        server.call(server.server.switchboard.tick)
        ann.send("ping")
        after = ann.wait_for("pong", PATIENCE_S).timestamp
        assert before <= after
        assert before[:7] == after[:7] or after[8:10] == "01"  # the month, unless it just ended
        with transport.connect(server, "chat") as bob:
            bob.wait_for("welcome", PATIENCE_S)
        assert server.stats().ended.get("idle", 0) == 0


def test_the_systems_clock_follows_the_monotonic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 500.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "time", lambda: START)
    clock = SystemClock()
    monkeypatch.setattr(time, "time", lambda: START - DAY_S)
    assert clock() == clock.peek() == START
    now += 7
    assert clock() == START + 7
    assert clock.seconds_until(START) == 0
    assert clock.seconds_until(START + 9) == 2


@pytest.mark.parametrize("transport", CHATS, ids=lambda one: one.name)
def test_the_servers_clock_goes_back(transport: Transport) -> None:
    """It never should; if another clock does, nobody is sent away for that."""
    clock = ManualClock()
    with (
        transport.serve(ChatService, clock=clock) as server,
        transport.connect(server, "chat") as ann,
    ):
        ann.wait_for("welcome", PATIENCE_S)
        clock.advance(-DAY_S)
        server.call(server.server.switchboard.tick)
        ann.send("join_room", room="hall")
        assert ann.wait_for("room_joined", PATIENCE_S).members_count == 1
        clock.advance(50)  # time goes on from there, and nobody was silent for long
        server.call(server.server.switchboard.tick)
        ann.send("ping")
        ann.wait_for("pong", PATIENCE_S)
        assert len(server.stats().clients) == 1


@pytest.mark.parametrize("transport", CHATS, ids=lambda one: one.name)
def test_ten_years_pass_at_once(transport: Transport) -> None:
    """As after a machine's sleep: who was silent that long is sent away, and newcomers are served.

    The calendar has fallen due many times over; it happens once.
    """
    clock = ManualClock()
    with (
        transport.serve(ChatService, clock=clock) as server,
        transport.connect(server, "chat") as ann,
    ):
        ann.wait_for("welcome", PATIENCE_S)
        clock.advance(YEARS_S)
        server.call(server.server.switchboard.tick)
        ended = ann.wait_for("closing", PATIENCE_S)
        assert ended.code in ("idle", "heartbeat_timeout")
        assert len([one for one in ann.messages if one.type == "heartbeat"]) <= 1
        with transport.connect(server, "chat") as bob:
            bob.wait_for("welcome", PATIENCE_S)
            bob.send("ping")
            bob.wait_for("pong", PATIENCE_S)
            assert len(server.stats().clients) == 1
