"""Stories of rooms: entering, talking, leaving, and what a room remembers."""

from __future__ import annotations

import pytest

from netlab.core.messages import RoomLeft, RoomMessage, UserJoined, UserLeft, UserTyping
from tests.core.stage import Stage, chat

NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_joining_is_told_to_the_others(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    joined = ann.does("join_room", room="Kitchen", ref="1")
    assert (joined.room, joined.members_count, joined.message_history) == ("Kitchen", 1, ())
    assert joined.ref == "1"
    assert bob.does("join_room", room="kitchen").members_count == 2
    assert ann.hears()[-1] == UserJoined("Kitchen", bob.id, "Bob", NOW)
    assert eve.hears() == []


def test_a_room_is_called_as_its_first_member_wrote_it(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    ann.does("join_room", room=" Zoë's ")
    assert bob.does("join_room", room="ZOE\u0308'S").room == "Zoë's"
    assert bob.does("room_message", room="zoë's", content="hi").room == "Zoë's"


def test_joining_twice_is_one_membership_and_leaves_the_name_as_it_is(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    again = ann.does("join_room", room="KITCHEN", username="Someone else")
    assert (again.type, again.members_count) == ("room_joined", 2)
    assert bob.hears() == []
    ann.does("room_message", room="kitchen", content="hi")
    assert [m.sender for m in bob.hears() if isinstance(m, RoomMessage)] == ["Ann"]
    ann.does("leave_room", room="kitchen")
    assert ann.refused("leave_room", room="kitchen") == "not_a_member"


def test_joining_under_another_name(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    assert ann.does("join_room", room="garden", username="Anna").room == "garden"
    assert bob.types() == ["user_renamed"]
    assert ann.does("join_room", room="cellar").room == "cellar"
    assert ann.does("list_clients").clients[0].username == "Anna", "no name given, none changed"


def test_joining_under_a_name_that_is_taken_changes_nothing(stage: Stage) -> None:
    ann, _bob = stage.cast("Ann", "Bob")
    assert ann.refused("join_room", room="kitchen", username="bob") == "name_taken"
    assert ann.does("list_rooms").rooms == ()


def test_a_join_that_is_refused_leaves_the_name_as_it_is() -> None:
    stage = Stage(chat(max_rooms=1))
    (ann,) = stage.cast("Ann", room="kitchen")
    assert ann.refused("join_room", room="garden", username="Anna") == "too_many_rooms"
    assert ann.refused("join_room", room="\n", username="Anna") == "invalid_name"
    assert ann.does("list_clients").clients[0].username == "Ann"
    assert ann.does("join_room", room="kitchen").room == "kitchen", "that one it is in already"
    ann.does("leave_room", room="kitchen")
    assert ann.does("join_room", room="garden").room == "garden"


def test_a_message_goes_to_every_member_in_one_send(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    (eve,) = stage.cast("Eve", room="cellar")
    ann.does("room_message", room="kitchen", content="hi")
    (said,) = ann.hears()
    assert isinstance(said, RoomMessage)
    assert (said.room, said.sender, said.from_id, said.content) == ("kitchen", "Ann", ann.id, "hi")
    (heard,) = bob.hears()
    assert heard is said, "encoded once"
    assert eve.hears() == []


def test_with_a_ref_the_sender_has_a_copy_of_its_own(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    own = ann.does("room_message", room="kitchen", content="hi", ref="1")
    (heard,) = bob.hears()
    assert (own.ref, heard.ref) == ("1", None)
    assert isinstance(heard, RoomMessage)
    assert own.id == heard.id
    eve = stage.named("Eve")
    assert eve.does("join_room", room="kitchen").message_history == (heard,)


def test_message_ids_are_all_different(stage: Stage) -> None:
    (ann,) = stage.cast("Ann", room="kitchen")
    ids = {ann.does("room_message", room="kitchen", content="hi").id for _ in range(300)}
    assert len(ids) == 300


@pytest.mark.parametrize(
    ("wire_type", "fields"),
    [
        ("room_message", {"content": "let me in"}),
        ("typing_start", {}),
        ("typing_stop", {}),
        ("leave_room", {}),
    ],
)
def test_outsiders_can_do_nothing(stage: Stage, wire_type: str, fields: dict[str, str]) -> None:
    stage.cast("Ann", "Bob", room="kitchen")
    (eve,) = stage.cast("Eve", room="cellar")
    assert eve.refused(wire_type, room="kitchen", **fields) == "not_a_member"
    assert eve.refused(wire_type, room="nowhere", **fields) == "not_a_member"
    assert eve.refused(wire_type, room="x" * 50_000, **fields) == "not_a_member"


def test_typing_is_shown_to_the_other_members(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    assert ann.does("typing_start", room="kitchen") is None
    assert bob.hears() == [UserTyping("kitchen", ann.id, "Ann")]
    assert ann.does("typing_stop", room="kitchen") is None
    assert bob.types() == ["user_stop_typing"]
    bob.vanishes()
    assert ann.does("typing_start", room="kitchen") is None


def test_leaving(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    assert ann.does("leave_room", room="kitchen", ref="1") == RoomLeft("kitchen", ref="1")
    assert bob.hears() == [UserLeft("kitchen", ann.id, "Ann", NOW)]
    bob.does("room_message", room="kitchen", content="gone?")
    assert ann.hears()[1:] == []


def test_who_vanishes_has_left_every_room(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    for room in ("a", "b", "c"):
        ann.does("join_room", room=room)
        bob.does("join_room", room=room)
    bob.hears()
    ann.vanishes()
    assert bob.hears() == [UserLeft(room, ann.id, "Ann", NOW) for room in ("a", "b", "c")]
    assert [room.members_count for room in bob.does("list_rooms").rooms] == [1, 1, 1]


def test_a_room_without_members_is_no_more(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    ann.does("join_room", room="Kitchen")
    ann.does("room_message", room="kitchen", content="hi")
    ann.does("leave_room", room="kitchen")
    assert bob.does("list_rooms").rooms == ()
    anew = bob.does("join_room", room="KITCHEN")
    assert (anew.room, anew.message_history) == ("KITCHEN", ())


def test_the_list_of_rooms(stage: Stage) -> None:
    (ann,) = stage.cast("Ann", room="kitchen")
    stage.wait(3)
    ann.does("join_room", room="garden")
    stage.wait(3)
    ann.does("room_message", room="kitchen", content="hi")
    kitchen, garden = ann.does("list_rooms").rooms
    assert (kitchen.name, kitchen.members_count) == ("kitchen", 1)
    assert (kitchen.created_at, kitchen.last_activity) == (NOW, "2026-01-01T00:00:06.000Z")
    assert garden.created_at == garden.last_activity == "2026-01-01T00:00:03.000Z"


# ---------------------------------------------------------------- history


def history(stage: Stage, room: str = "kitchen") -> list[str]:
    return [said.content for said in stage.enter().does("join_room", room=room).message_history]


def test_who_joins_sees_the_last_fifty_oldest_first() -> None:
    stage = Stage(chat(messages_per_second=0))
    (ann,) = stage.cast("Ann", room="kitchen")
    for number in range(120):
        ann.does("room_message", room="kitchen", content=str(number))
    assert history(stage) == [str(number) for number in range(70, 120)]


def test_a_room_keeps_no_more_than_its_limit() -> None:
    stage = Stage(chat(history=3))
    (ann,) = stage.cast("Ann", room="kitchen")
    for number in range(5):
        ann.does("room_message", room="kitchen", content=str(number))
    assert history(stage) == ["2", "3", "4"]


def test_the_history_shown_is_the_newest_that_fits_into_a_frame() -> None:
    stage = Stage(max_reply_bytes=10_000)
    (ann,) = stage.cast("Ann", room="kitchen")
    for number in range(10):
        ann.does("room_message", room="kitchen", content=f"{number}" + "\x01" * 300)  # 6 bytes each
    assert [said[0] for said in history(stage)] == ["6", "7", "8", "9"]
    ann.does("room_message", room="kitchen", content="\x01" * 4_000)
    assert history(stage) == [], "the newest does not fit"
