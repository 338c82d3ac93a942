"""Stories of the chat: names, texts, private messages, lists, and what is refused."""

from __future__ import annotations

import pytest

from netlab.core.chat import ChatService
from netlab.core.messages import (
    Broadcast,
    Closing,
    Echo,
    Error,
    Hello,
    Pong,
    PrivateMessage,
    PrivateMessageSent,
    UsernameSet,
    UserRenamed,
    Welcome,
)
from tests.core.stage import SECRET, START, Actor, Stage, chat

NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def welcome(actor: Actor) -> Welcome:
    (message,) = actor.hears()
    assert isinstance(message, Welcome)
    return message


# ---------------------------------------------------------------- connecting


def test_whoever_connects_is_welcome(stage: Stage) -> None:
    ann = stage.enter()
    message = welcome(ann)
    assert message.client_id == ann.id
    assert message.username == f"User_{ann.id[:8]}"
    assert message.server_time == NOW
    assert message.resumed is False


def test_ids_and_secrets_are_all_different_and_follow_from_the_secret() -> None:
    ids = [welcome(Stage().enter()) for _ in range(2)]
    assert ids[0] == ids[1], "with the same secret, the same ids"
    stage = Stage()
    given = [welcome(stage.enter()) for _ in range(50)]
    assert len({m.client_id for m in given} | {m.secret for m in given}) == 100
    other = Stage(lambda: ChatService(secret=b"another sixteen bytes"))
    assert welcome(other.enter()).client_id != ids[0].client_id


def test_a_secret_has_to_be_long_enough_and_all_of_it_counts() -> None:
    with pytest.raises(ValueError, match="a secret of 15 bytes, at least 16"):
        ChatService(secret=b"x" * 15)
    long = [ChatService(secret=b"x" * 100 + end).new_client() for end in (b"a", b"b")]
    assert long[0] != long[1]


def test_hello_brings_a_name(stage: Stage) -> None:
    ann = stage.enter()
    ann.hears()
    message = ann.does("hello", username=" Ann ", ref="1")
    assert isinstance(message, Welcome)
    assert (message.username, message.ref, message.client_id) == ("Ann", "1", ann.id)


def test_hello_may_be_said_again_but_not_later(stage: Stage) -> None:
    ann = stage.enter()
    ann.hears()
    assert ann.does("hello", username="Ann").username == "Ann"  # its answer may have been lost
    assert ann.does("hello", username="Ann").username == "Ann"
    ann.does("ping")
    assert ann.refused("hello", username="Annie") == "hello_late"


def test_a_transport_may_have_heard_the_hello_already(stage: Stage) -> None:
    ann = stage.enter(Hello(username="Ann", ref="1"))
    message = welcome(ann)
    assert (message.username, message.ref) == ("Ann", "1")
    twin = stage.enter(Hello(username="ANN", ref="2"))
    first, second = twin.hears()
    assert isinstance(first, Welcome)
    assert first.username == f"User_{twin.id[:8]}"
    assert isinstance(second, Error)
    assert (second.code, second.in_reply_to) == ("name_taken", "2")


# ---------------------------------------------------------------- names


def test_renaming_is_told_to_the_members_of_ones_rooms_each_once(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    for room in ("kitchen", "garden"):
        ann.does("join_room", room=room)
        bob.does("join_room", room=room)
    eve.does("join_room", room="cellar")
    for actor in (ann, bob, eve):
        actor.hears()
    assert ann.does("set_username", username=" Anna ", ref="7") == UsernameSet("Anna", ref="7")
    assert bob.hears() == [UserRenamed(ann.id, "Anna", "Ann")]
    assert eve.hears() == []


def test_the_same_name_again_is_no_news(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    assert ann.does("set_username", username="Ann") == UsernameSet("Ann")
    assert bob.hears() == []
    assert ann.does("set_username", username="ANN") == UsernameSet("ANN")
    assert bob.types() == ["user_renamed"]


def test_two_people_cannot_have_one_name(stage: Stage) -> None:
    ann, bob = stage.cast("Zoë", "Bob")
    for name in ("Zoë", "ZOE\u0308", " zoë "):
        assert bob.refused("set_username", username=name) == "name_taken"
    assert bob.refused("set_username", username=f"user_{stage.enter().id[:8]}") == "name_taken"
    assert bob.does("ping")
    ann.vanishes()
    assert bob.does("set_username", username="zoë") == UsernameSet("zoë")


def test_a_name_given_up_is_free(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    ann.does("set_username", username="Anna")
    assert bob.does("set_username", username="Ann") == UsernameSet("Ann")


def test_a_default_name_that_somebody_took_gets_longer(stage: Stage) -> None:
    foreseen = Stage()
    foreseen.cast("thief")
    coming = foreseen.enter().id
    (thief,) = stage.cast("thief")
    thief.does("set_username", username=f"USER_{coming[:8]}")
    assert welcome(stage.enter()).username == f"User_{coming[:9]}"


def test_bad_names_change_nothing(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    for name in ("", "  ", "x" * 33, "A\u202enn", "A\x1b[2J", "0" * 24):
        assert ann.refused("set_username", username=name) == "invalid_name"
    assert ann.does("list_clients").clients[0].username == "Ann"


def test_the_length_of_names_can_be_limited_otherwise() -> None:
    stage = Stage(chat(max_name_length=3))
    ann = stage.enter()
    ann.hears()
    assert ann.refused("set_username", username="Anna") == "invalid_name"
    assert ann.refused("join_room", room="kitchen") == "invalid_name"
    assert ann.does("join_room", room="den").room == "den"


# ---------------------------------------------------------------- texts


def test_a_text_comes_back_and_goes_to_everybody_else(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    assert ann.does("text", content="hi", ref="1") == Echo("hi", NOW, ref="1")
    assert bob.hears() == eve.hears() == [Broadcast("hi", "Ann", ann.id, NOW)]


def test_a_text_to_nobody_is_only_echoed(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    assert ann.does("text", content="") == Echo("", NOW)


@pytest.mark.parametrize(
    ("wire_type", "fields"),
    [("text", {}), ("room_message", {"room": "kitchen"}), ("private_message", {"target": "Bob"})],
)
def test_content_is_at_most_4096_bytes(
    stage: Stage, wire_type: str, fields: dict[str, str]
) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    assert ann.refused(wire_type, content="é" * 2_049, **fields) == "content_too_long"
    assert bob.hears() == []
    ann.does(wire_type, content="é" * 2_048, **fields)
    assert len(bob.hears()) == 1


# ---------------------------------------------------------------- private messages


def test_a_private_message_by_name_and_by_id(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    for target in ("bOB", bob.id):
        sent = ann.does("private_message", target=target, content="hi", ref="1")
        assert isinstance(sent, PrivateMessageSent)
        assert (sent.to, sent.to_id, sent.content, sent.ref) == ("Bob", bob.id, "hi", "1")
        assert bob.hears() == [PrivateMessage(sent.id, "Ann", ann.id, "hi", NOW)]
    assert eve.hears() == []


def test_a_private_message_to_oneself(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    sent, received = ann.does("private_message", target="Ann", content="note to self")
    assert (sent.type, received.type) == ("private_message_sent", "private_message")


def test_a_private_message_to_nobody_is_an_error(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    bob.vanishes()
    for target in ("Bob", bob.id, "", "x" * 60_000):
        assert ann.refused("private_message", target=target, content="hi") == "no_such_user"


def test_nobody_can_take_the_place_of_an_id(stage: Stage) -> None:
    ann, bob, eve = stage.cast("Ann", "Bob", "Eve")
    bob.vanishes()
    assert eve.refused("set_username", username=bob.id) == "invalid_name"
    assert eve.refused("set_username", username=bob.id.upper()) == "invalid_name"
    assert ann.refused("private_message", target=bob.id, content="secret") == "no_such_user"


# ---------------------------------------------------------------- lists, ping, bye


def test_the_list_of_clients(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob")
    bob.does("join_room", room="kitchen")
    bob.does("join_room", room="cellar")
    stage.wait(7)
    listed = ann.does("list_clients", ref="1")
    assert (listed.total, listed.truncated, listed.ref) == (2, False, "1")
    first, second = listed.clients
    assert (first.client_id, first.username, first.rooms) == (ann.id, "Ann", ())
    assert (first.connected_at, first.last_activity) == (NOW, "2026-01-01T00:00:07.000Z")
    assert (second.username, second.rooms) == ("Bob", ("kitchen", "cellar"))
    assert second.last_activity == NOW


def test_lists_are_cut_to_what_a_frame_can_hold() -> None:
    stage = Stage(chat(max_clients=0), max_reply_bytes=4_000)
    actors = [stage.enter() for _ in range(60)]
    for number, actor in enumerate(actors):
        actor.does("join_room", room=f"room {number}")
    clients, rooms = actors[0].does("list_clients"), actors[0].does("list_rooms")
    assert clients.total == 60
    assert clients.truncated
    assert rooms.truncated
    for listed in (clients, rooms):
        size = len(stage.service.codec.encode_reply(listed))
        assert 3_600 < size <= 4_000, "nearly as many as fit"
    assert [info.client_id for info in clients.clients] == [
        actor.id for actor in actors[: len(clients.clients)]
    ]


def test_ping(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    assert ann.does("ping") == Pong(NOW)
    assert ann.does("ping", ref="x" * 64) == Pong(NOW, ref="x" * 64)


def test_bye_is_answered_with_the_last_message(stage: Stage) -> None:
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    last = ann.does("bye", ref="1")
    assert isinstance(last, Closing)
    assert (last.code, last.ref) == ("bye", "1")
    assert bob.types() == ["user_left"]
    assert ann.does("ping") is None, "what still comes from it is not answered"
    ann.vanishes()
    assert bob.hears() == []


def test_an_error_says_what_it_is_about(stage: Stage) -> None:
    (ann,) = stage.cast("Ann")
    error = ann.does("leave_room", room="nowhere\x1b", ref="r1")
    assert (error.code, error.in_reply_to) == ("not_a_member", "r1")
    assert r"room 'nowhere\x1b'; join it first" in error.message
    assert ann.does("leave_room", room="nowhere").in_reply_to == "leave_room"


def test_figures(stage: Stage) -> None:
    ann, _bob = stage.cast("Ann", "Bob", room="kitchen")
    ann.refused("leave_room", room="cellar")
    ann.does("create_game_session", game_type="tic-tac-toe")
    stage.wait(5)
    figures = stage.service.stats(stage.now)
    assert [c.client_id for c in figures.clients] == list(stage.actors)
    assert {(c.peer, c.connected_s, c.idle_s) for c in figures.clients} == {("peer", 5, 5)}
    assert [c.frames_in for c in figures.clients] == [3, 1]
    assert figures.frames_in == 4
    assert figures.refused == {"not_a_member": 1}
    assert figures.rooms == {"kitchen": 2}
    assert figures.games == {"waiting": 1}


def test_time_comes_in_and_nothing_else_does() -> None:
    service = ChatService(secret=SECRET)
    client = service.new_client()
    (send,) = service.connect(client, START + 0.25)
    assert isinstance(send.message, Welcome)
    assert send.message.server_time == "2026-01-01T00:00:00.250Z"
