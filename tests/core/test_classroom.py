"""Stories of a class: the teacher sees who is here, mutes and sends away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.classroom import WINDOW_S, ClassroomService, Pace, Person
from netlab.core.errors import Refused
from netlab.core.limits import LIBRARY_PINGS, Limits
from netlab.core.messages import Closing, Hello, RoomMessage, UserLeft, Welcome
from netlab.core.sends import Send
from tests.core.stage import SECRET, START, Actor, Stage


@pytest.fixture
def stage() -> Stage:
    # Nothing falls due by itself: what is told here takes minutes.
    limits = Limits(idle_seconds=0, heartbeat_seconds=0, max_clients=3)
    return Stage(lambda: ClassroomService(limits=limits, secret=SECRET), liveness=LIBRARY_PINGS)


def people(stage: Stage) -> tuple[Person, ...]:
    return cast(ClassroomService, stage.service).people(stage.now)


def teacher(stage: Stage, does: Callable[[ClassroomService, float], list[Send]]) -> None:
    stage.tell(lambda service, now: does(cast(ClassroomService, service), now))


def mute(stage: Stage, actor: Actor, *, muted: bool = True) -> None:
    teacher(stage, lambda service, _: service.mute(actor.id, muted=muted))


def kick(stage: Stage, actor: Actor) -> None:
    teacher(stage, lambda service, now: service.kick(actor.id, now))


# ---------------------------------------------------------------- who is here


def test_the_teacher_sees_who_is_here_and_how_much_they_say(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="tea")
    ann.does("join_room", room="cake")
    stage.wait(10)
    ann.does("room_message", room="tea", content="one")
    ann.does("private_message", target=bob.id, content="two")
    ann.does("text", content="three")
    for uncounted in ("ping", "list_clients", "list_rooms"):
        ann.does(uncounted)
    ann.does("typing_start", room="tea")
    assert ann.refused("room_message", room="elsewhere", content="four") == "not_a_member"
    stage.wait(5)
    assert people(stage) == (
        Person(ann.id, "Ann", "peer", ("tea", "cake"), 3, 3.0, 5.0, muted=False),
        Person(bob.id, "Bob", "peer", ("tea",), 0, 0.0, 15.0, muted=False),
    )
    ann.vanishes()
    assert [one.username for one in people(stage)] == ["Bob"]


def test_who_finds_the_house_full_is_not_here(stage: Stage) -> None:
    stage.cast("Ann", "Bob", "Cid")
    late = stage.enter()
    assert isinstance(late.hears()[0], Closing)
    assert len(people(stage)) == 3
    late.vanishes()


def test_a_pace_is_forgotten_after_a_while() -> None:
    pace = Pace(START)  # a full minute
    for _ in range(30):
        pace.add(START + 30)
    assert pace.per_minute(START + 59) == 30
    assert pace.per_minute(START + 60) == 30
    assert pace.per_minute(START + 90) == 15
    assert pace.per_minute(START + 120) == 0
    assert pace.total == 30


@given(st.lists(st.floats(0, 600), max_size=50), st.floats(0, 200))
def test_a_pace_is_never_more_than_was_said_in_two_minutes(
    times: list[float], after: float
) -> None:
    pace = Pace(0)
    for time in sorted(times):
        pace.add(time)
    now = max(times, default=0) + after
    recent = sum(time > now - 2 * WINDOW_S for time in times)
    surely = sum(time >= now - now % WINDOW_S for time in times)
    assert surely <= pace.per_minute(now) <= recent
    assert pace.total == len(times)


# ---------------------------------------------------------------- mute


SAID: list[tuple[str, dict[str, Any]]] = [
    ("room_message", {"room": "tea", "content": "psst"}),
    ("private_message", {"target": "Bob", "content": "psst"}),
    ("text", {"content": "psst"}),
    ("set_username", {"username": "psst"}),
    ("join_room", {"room": "psst"}),
    ("join_room", {"room": "tea", "username": "psst"}),
    ("hello", {"username": "psst"}),
    ("create_game_session", {"game_type": "generic", "session_name": "psst"}),
    ("game_action", {"session_id": "any", "action": {"cell": 1, "psst": "psst"}}),
    ("typing_start", {"room": "tea"}),
]


@pytest.mark.parametrize(("wire_type", "fields"), SAID)
def test_who_is_muted_reaches_nobody(stage: Stage, wire_type: str, fields: dict[str, Any]) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="tea")
    mute(stage, ann)
    assert (ann.hears(), bob.hears()) == ([], [])  # nobody else is told
    assert ann.refused(wire_type, **fields) == "muted"
    assert [one.muted for one in people(stage)] == [True, False]
    assert people(stage)[0].messages == 0
    mute(stage, ann, muted=False)
    ann.does("room_message", room="tea", content="thanks")
    assert bob.types() == ["room_message"]


def test_even_a_hello_that_comes_first_changes_no_name(stage: Stage) -> None:
    ann = stage.enter()
    mute(stage, ann)
    ann.hears()
    assert ann.refused("hello", username="psst") == "muted"


def test_who_is_muted_reads_and_looks_on(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="tea")
    bob.does("join_room", room="cake")
    bob.does("create_game_session", game_type="tic-tac-toe")
    mute(stage, ann)
    ann.hears()
    assert ann.does("join_room", room=" CAKE ").type == "room_joined"
    ann.hears()
    bob.hears()
    bob.does("room_message", room="cake", content="hello")
    bob.does("private_message", target="Ann", content="hello")
    assert ann.types() == ["room_message", "private_message"]
    for wire_type in ("list_rooms", "list_clients", "list_game_sessions", "ping"):
        assert ann.does(wire_type).type != "error"
    assert ann.does("leave_room", room="cake").type == "room_left"
    assert ann.does("typing_stop", room="tea") is None
    assert ann.does("bye").code == "bye"


def test_who_vanishes_and_comes_back_is_muted_still(stage: Stage) -> None:
    ann = stage.enter(Hello(username="Ann"))
    welcome = next(one for one in ann.hears() if isinstance(one, Welcome))
    ann.does("join_room", room="tea")
    mute(stage, ann)
    ann.vanishes()
    back = stage.enter(Hello(username="psst", resume=welcome.secret))
    back.hears()
    (person,) = people(stage)
    assert (person.username, person.muted) == ("Ann", True)
    assert back.refused("text", content="psst") == "muted"


# ---------------------------------------------------------------- kick


def test_who_is_kicked_hears_it_last_and_the_others_that_somebody_left(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="tea")
    kick(stage, ann)
    (last,) = ann.hears()
    assert (last.type, last.code) == ("closing", "kicked")
    (left,) = bob.hears()
    assert isinstance(left, UserLeft)
    assert [one.username for one in people(stage)] == ["Bob"]
    ann.vanishes()  # as the transport tells it afterwards
    assert bob.hears() == []


def test_who_was_kicked_gets_nothing_back(stage: Stage) -> None:
    ann = stage.enter(Hello(username="Ann"))
    welcome = next(one for one in ann.hears() if isinstance(one, Welcome))
    ann.does("join_room", room="tea")
    kick(stage, ann)
    ann.vanishes()
    again = stage.enter(Hello(resume=welcome.secret))
    (heard,) = again.hears()
    assert isinstance(heard, Welcome)
    assert not heard.resumed
    assert people(stage)[0].rooms == ()


def test_what_was_said_before_stays(stage: Stage) -> None:
    ann, _ = stage.cast("Ann", "Bob", room="tea")
    ann.does("room_message", room="tea", content="hello")
    kick(stage, ann)
    late = stage.named("Cid")
    (said,) = late.does("join_room", room="tea").message_history
    assert isinstance(said, RoomMessage)


@pytest.mark.parametrize("target", ["nobody", "Ann", ""])
def test_people_are_named_by_their_id_alone(stage: Stage, target: str) -> None:
    """A name may have got to somebody else while the teacher looked at it."""
    stage.cast("Ann")
    service = cast(ClassroomService, stage.service)
    for act in (lambda: service.kick(target, stage.now), lambda: service.mute(target)):
        with pytest.raises(Refused, match="nobody here has that id") as caught:
            act()
        assert caught.value.code == "no_such_user"
    assert len(people(stage)) == 1
