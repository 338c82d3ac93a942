"""Stories of lost connections: `resume`, and what becomes of name, rooms and seats."""

from __future__ import annotations

from typing import Any

import pytest

import netlab.core.roster
from netlab.core.limits import LIBRARY_PINGS
from netlab.core.messages import Closing, GameSessionClosed, Hello, PlayerAway, Welcome
from netlab.core.roster import SEATS_KEPT_S
from tests.core.stage import Actor, Stage, chat


@pytest.fixture
def stage() -> Stage:
    return Stage()


def secret_of(actor: Actor) -> str:
    """Read the secret out of the last welcome."""
    return [m.secret for m in actor.inbox if isinstance(m, Welcome)][-1]


def enter(stage: Stage, name: str) -> tuple[Actor, str]:
    actor = stage.enter(Hello(username=name))
    secret = secret_of(actor)
    actor.hears()
    return actor, secret


def test_who_comes_back_has_name_and_rooms_again(stage: Stage) -> None:
    (ann, secret), (bob, _) = enter(stage, "Ann"), enter(stage, "Bob")
    for room in ("kitchen", "garden"):
        ann.does("join_room", room=room)
    bob.does("join_room", room="kitchen")
    bob.does("room_message", room="kitchen", content="still here?")
    ann.vanishes()
    stage.wait(SEATS_KEPT_S - 1)
    bob.hears()
    back = stage.enter()
    back.hears()
    welcome, *joined = back.does("hello", resume=secret, ref="1")
    assert (welcome.username, welcome.resumed, welcome.ref) == ("Ann", True, "1")
    assert (welcome.client_id, welcome.secret) == (back.id, secret)
    assert [(m.type, m.room, len(m.message_history)) for m in joined] == [
        ("room_joined", "kitchen", 1),
        ("room_joined", "garden", 0),
    ]
    (told,) = bob.hears()
    assert (told.type, told.client_id, told.username) == ("user_joined", back.id, "Ann")


def test_a_secret_can_be_used_again_and_again(stage: Stage) -> None:
    _, secret = enter(stage, "Ann")
    for _ in range(3):
        back = stage.enter(Hello(resume=secret))
        (welcome,) = back.hears()
        assert isinstance(welcome, Welcome)
        assert (welcome.username, welcome.resumed) == ("Ann", True)
        back.vanishes()


def test_the_hello_that_a_transport_heard_first_may_resume(stage: Stage) -> None:
    ann, secret = enter(stage, "Ann")
    ann.does("join_room", room="kitchen")
    ann.vanishes()
    back = stage.enter(Hello(resume=secret, username="ignored: the old name comes back"))
    assert back.types() == ["welcome", "room_joined"]


def test_a_connection_that_still_stands_is_replaced(stage: Stage) -> None:
    (ann, secret), (bob, _) = enter(stage, "Ann"), enter(stage, "Bob")
    for actor in (ann, bob):
        actor.does("join_room", room="kitchen")
    bob.hears()
    back = stage.enter(Hello(resume=secret))
    assert isinstance(ann.ended, Closing)
    assert ann.ended.code == "replaced"
    assert bob.types() == ["user_left", "user_joined"]
    assert back.types() == ["welcome", "room_joined"]
    ann.vanishes()
    assert bob.hears() == []
    assert back.does("list_rooms").rooms[0].members_count == 2


def test_after_a_minute_there_is_nothing_to_come_back_to(stage: Stage) -> None:
    ann, secret = enter(stage, "Ann")
    ann.does("join_room", room="kitchen")
    ann.vanishes()
    stage.wait(SEATS_KEPT_S)
    back = stage.enter(Hello(resume=secret, username="Ann"))
    (welcome,) = back.hears()
    assert isinstance(welcome, Welcome)
    assert (welcome.resumed, welcome.username) == (False, "Ann")
    assert welcome.secret != secret


@pytest.mark.parametrize("secret", ["", "0" * 24, "x" * 60_000])
def test_a_wrong_secret_makes_a_newcomer(stage: Stage, secret: str) -> None:
    (welcome,) = stage.enter(Hello(resume=secret)).hears()
    assert isinstance(welcome, Welcome)
    assert not welcome.resumed


def test_ones_own_secret_changes_nothing(stage: Stage) -> None:
    ann = stage.enter()
    secret = secret_of(ann)
    ann.hears()
    welcome = ann.does("hello", resume=secret, username="Ann")
    assert (welcome.username, welcome.secret, welcome.resumed) == ("Ann", secret, False)


def test_one_connection_is_one_user(stage: Stage) -> None:
    (ann, anns), (bob, bobs) = enter(stage, "Ann"), enter(stage, "Bob")
    ann.does("join_room", room="kitchen")
    ann.vanishes()
    back = stage.enter(Hello(resume=anns))
    back.hears()
    assert back.refused("hello", resume=bobs) == "hello_late"
    assert bob.does("list_rooms").rooms[0].members_count == 1
    assert back.does("ping").type == "pong"
    back.vanishes()
    assert stage.enter(Hello(resume=anns)).types() == ["welcome", "room_joined"]


def test_who_came_back_may_say_hello_again(stage: Stage) -> None:
    ann, secret = enter(stage, "Ann")
    ann.does("ping")
    ann.vanishes()
    back = stage.enter()
    for _ in range(2):
        back.hears()
        assert back.does("hello", resume=secret).resumed, "the first answer may have been lost"


def test_who_said_bye_does_not_come_back(stage: Stage) -> None:
    ann, secret = enter(stage, "Ann")
    ann.does("bye")
    ann.vanishes()
    (welcome,) = stage.enter(Hello(resume=secret)).hears()
    assert isinstance(welcome, Welcome)
    assert not welcome.resumed


def test_a_name_that_somebody_else_took_meanwhile_is_lost(stage: Stage) -> None:
    ann, secret = enter(stage, "Ann")
    ann.vanishes()
    enter(stage, "ann")
    back = stage.enter(Hello(resume=secret))
    (welcome,) = back.hears()
    assert isinstance(welcome, Welcome)
    assert (welcome.resumed, welcome.username) == (True, f"User_{back.id[:8]}")


def test_who_was_sent_away_for_silence_may_come_back() -> None:
    stage = Stage(chat(idle_seconds=10))
    _ann, secret = enter(stage, "Ann")
    stage.wait(10)
    (welcome,) = stage.enter(Hello(resume=secret)).hears()
    assert isinstance(welcome, Welcome)
    assert welcome.resumed


# ---------------------------------------------------------------- seats


def game(stage: Stage, kind: str = "tic-tac-toe") -> tuple[Actor, str, Actor, str, str]:
    (ann, ann_secret), (bob, bob_secret) = enter(stage, "Ann"), enter(stage, "Bob")
    session_id = ann.does("create_game_session", game_type=kind).session_id
    bob.does("join_game_session", session_id=session_id)
    ann.hears()
    bob.hears()
    return ann, ann_secret, bob, bob_secret, session_id


def test_a_seat_is_kept_for_a_minute() -> None:
    stage = Stage()
    ann, secret, bob, _, session_id = game(stage)
    ann.does("game_action", session_id=session_id, action={"cell": 4})
    ann.vanishes()
    (_, away) = bob.hears()
    assert isinstance(away, PlayerAway)
    assert (away.session_id, away.player.client_id) == (session_id, ann.id)
    bob.does("game_action", session_id=session_id, action={"cell": 0})
    bob.hears()
    stage.wait(SEATS_KEPT_S - 1)

    back = stage.enter(Hello(resume=secret))
    _, told = back.hears()
    assert told in bob.hears()
    assert told.type == "player_back"
    assert told.player.client_id == back.id
    assert told.old_client_id == ann.id
    session = told.session
    assert (session.host.client_id, session.status) == (back.id, "playing")
    assert session.state.turn.client_id == back.id
    assert (
        back.does("game_action", session_id=session_id, action={"cell": 8}).player.username == "Ann"
    )


def test_after_a_minute_the_seat_is_given_up_and_the_host_hands_over() -> None:
    stage = Stage()
    ann, secret, bob, _, session_id = game(stage)
    ann.vanishes()
    bob.hears()
    stage.wait(SEATS_KEPT_S - 1)
    assert bob.does("ping")
    assert bob.types() == ["pong"]
    stage.wait(1)
    (left,) = bob.hears()
    assert left.type == "player_left_game"
    assert left.player.client_id == ann.id
    assert left.host.client_id == bob.id
    assert [p.client_id for p in left.players] == [bob.id]
    assert left.status == "waiting"
    back = stage.enter(Hello(resume=secret))
    assert back.types() == ["welcome"]
    assert back.does("join_game_session", session_id=session_id).session.status == "playing"


def test_bye_gives_the_seat_up_at_once() -> None:
    stage = Stage()
    ann, _, bob, _, _ = game(stage)
    ann.does("bye")
    assert bob.types() == ["player_left_game"]


def test_when_all_players_are_gone_for_good_spectators_hear_that_it_is_over() -> None:
    stage = Stage(liveness=LIBRARY_PINGS)
    ann, _, bob, _, session_id = game(stage)
    eve, _ = enter(stage, "Eve")
    eve.does("join_game_session", session_id=session_id, **{"as": "spectator"})
    eve.hears()
    ann.vanishes()
    bob.vanishes()
    assert eve.types() == ["player_away", "player_away"]
    stage.wait(SEATS_KEPT_S)
    heard = [m for m in eve.hears() if m.type != "heartbeat"]
    assert [m.type for m in heard[:-1]] == ["player_left_game", "player_left_game"]
    assert heard[-1] == GameSessionClosed(session_id, "all its players have left")
    assert eve.does("list_game_sessions").sessions == ()


def test_when_everybody_vanishes_at_once_nobody_is_told_and_nothing_stays() -> None:
    stage = Stage(chat(idle_seconds=10))
    ann, _, bob, _, _ = game(stage)
    stage.wait(10)
    assert ann.types() == bob.types() == ["closing"]
    ann.vanishes()
    bob.vanishes()
    stage.wait(SEATS_KEPT_S)
    assert stage.service.stats(stage.now).games == {}
    assert stage.service.next_tick() is None


def test_those_who_vanished_are_not_kept_in_mind_without_end(monkeypatch: Any) -> None:
    monkeypatch.setattr(netlab.core.roster, "_MOST_AWAY", 2)
    stage = Stage()
    ann, ann_secret, bob, _, _ = game(stage)
    ann.vanishes()
    for name in ("Eve", "Zoe"):
        enter(stage, name)[0].vanishes()
    assert bob.types() == ["player_away", "player_left_game"]
    (welcome,) = stage.enter(Hello(resume=ann_secret)).hears()
    assert not welcome.resumed


def test_a_spectators_place_is_kept_too() -> None:
    stage = Stage()
    ann, _, bob, _, session_id = game(stage)
    eve, secret = enter(stage, "Eve")
    eve.does("join_game_session", session_id=session_id, **{"as": "spectator"})
    eve.vanishes()
    ann.hears()
    back = stage.enter(Hello(resume=secret))
    assert back.types() == ["welcome", "player_back"]
    ann.hears()
    ann.does("game_action", session_id=session_id, action={"cell": 4})
    assert back.types() == bob.types()[-1:] == ["game_action_broadcast"]


def test_a_session_that_was_closed_meanwhile_is_gone_for_who_comes_back() -> None:
    stage = Stage()
    ann, secret, bob, _, session_id = game(stage)
    ann.vanishes()
    bob.does("leave_game_session", session_id=session_id)
    back = stage.enter(Hello(resume=secret))
    assert back.types() == ["welcome", "player_back"], "the seat kept the session alive"
    assert back.does("list_game_sessions").sessions[0].host.client_id == back.id
