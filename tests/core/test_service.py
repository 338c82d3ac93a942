"""What holds for every service: limits, silence, and how a client is sent away."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest

import netlab.core.deadlines
from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import (
    ForeignProtocol,
    FrameTooLong,
    InvalidMessage,
    InvalidText,
    LocalProtocolError,
)
from netlab.core.limits import DATAGRAMS, LIBRARY_PINGS, STREAM, Limits, Liveness
from netlab.core.messages import Closing, Heartbeat, Ping, Text, Welcome
from tests.core.stage import SECRET, START, Stage, chat

# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("value", [-1, 1.5, "5", True, None])
def test_a_limit_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ValueError, match="a limit is a whole number, 1 or more, or 0"):
        Limits(max_clients=value)


def test_only_the_heartbeat_may_be_left_to_the_transport() -> None:
    assert Limits().heartbeat_seconds is None
    assert Limits(heartbeat_seconds=0).heartbeat_seconds == 0
    with pytest.raises(ValueError, match="heartbeat_seconds=-1"):
        Limits(heartbeat_seconds=-1)


def test_one_client_too_many_hears_it_and_is_told_to_go() -> None:
    stage = Stage(chat(max_clients=2))
    ann, bob = stage.cast("Ann", "Bob")
    eve = stage.enter()
    assert [m.code for m in eve.hears()] == ["server_full"]
    assert eve.does("text", content="hello?") is None
    assert ann.hears() == bob.hears() == []
    eve.vanishes()
    assert ann.hears() == bob.hears() == []
    bob.vanishes()
    assert stage.enter().types() == ["welcome"]


def test_who_is_on_its_way_out_takes_no_place() -> None:
    stage = Stage(chat(max_clients=1))
    (ann,) = stage.cast("Ann")
    ann.does("bye")
    assert stage.enter().types() == ["welcome"]


def test_who_sends_too_much_is_told_so_and_nothing_else_happens() -> None:
    stage = Stage(chat(messages_per_second=2))
    ann, bob = stage.cast("Ann", "Bob")
    for _ in range(20):
        assert ann.does("text", content="spam").type == "echo"
    bob.hears()
    assert ann.refused("text", content="spam") == "rate_limited"
    ann.garbles(InvalidMessage("invalid_json", "junk"))
    assert ann.hears()[-1].code == "rate_limited", "mistakes count, too"
    assert bob.hears() == []
    stage.wait(0.5)
    assert ann.does("text", content="more").type == "echo"
    assert ann.refused("text", content="spam") == "rate_limited"
    stage.wait(30)
    for _ in range(20):
        assert ann.does("text", content="spam").type == "echo"
    assert ann.refused("text", content="spam") == "rate_limited"


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    service = ChatService(limits=Limits(messages_per_second=1), secret=SECRET)
    client = service.new_client()
    service.connect(client, START)
    for _ in range(5):
        (send,) = service.receive(client, Ping(), START - 1_000)
        assert send.message.type == "pong"


# ---------------------------------------------------------------- mistakes of the peer


def test_a_mistake_is_answered_in_its_place() -> None:
    stage = Stage()
    ann, bob = stage.cast("Ann", "Bob")
    ann.garbles(FrameTooLong(10))
    ann.garbles(InvalidText("byte 0xff …"))
    ann.garbles(InvalidMessage("unknown_type", "unknown type 'x'", "ref"))
    assert [(m.type, m.code, m.in_reply_to) for m in ann.hears()] == [
        ("error", "frame_too_long", None),
        ("error", "invalid_utf8", None),
        ("error", "unknown_type", "ref"),
    ]
    assert bob.hears() == []
    assert ann.does("ping").type == "pong"


def test_another_protocol_is_the_end() -> None:
    stage = Stage()
    (ann,) = stage.cast("Ann")
    ann.garbles(ForeignProtocol("this is HTTP"))
    assert ann.hears() == [Closing("foreign_protocol", "this is HTTP")]
    ann.garbles(ForeignProtocol("this is HTTP"))


def test_a_client_that_nobody_knows_is_the_transports_mistake() -> None:
    service = EchoService()
    client = service.new_client()
    with pytest.raises(LocalProtocolError, match="never connected, or is disconnected"):
        service.receive(client, Text("hi"), START)
    service.connect(client, START)
    service.disconnect(client, START)
    with pytest.raises(LocalProtocolError, match="never connected, or is disconnected"):
        service.disconnect(client, START)


# ---------------------------------------------------------------- silence


def silence(stage: Stage, seconds: int) -> list[tuple[float, str]]:
    """Connect, say nothing, and return what is heard when."""
    ann = stage.enter()
    ann.hears()
    heard = []
    while stage.now < START + seconds:
        stage.wait(1)
        heard += [(stage.now - START, getattr(m, "code", m.type)) for m in ann.hears()]
    return heard


@pytest.mark.parametrize(
    ("liveness", "limits", "expected"),
    [
        (STREAM, {}, [(60, "heartbeat"), (120, "heartbeat_timeout")]),
        (STREAM, {"heartbeat_seconds": 0}, [(300, "idle")]),
        (STREAM, {"heartbeat_seconds": 10}, [(10, "heartbeat"), (20, "heartbeat_timeout")]),
        (STREAM, {"idle_seconds": 90}, [(60, "heartbeat"), (90, "idle")]),
        (STREAM, {"idle_seconds": 0, "heartbeat_seconds": 0}, []),
        (DATAGRAMS, {}, [(20, "heartbeat"), (40, "heartbeat"), (60, "heartbeat_timeout")]),
        (LIBRARY_PINGS, {}, [*((60 * n, "heartbeat") for n in range(1, 5)), (300, "idle")]),
        (LIBRARY_PINGS, {"heartbeat_seconds": 200}, [(200, "heartbeat"), (300, "idle")]),
    ],
)
def test_silence(
    liveness: Liveness, limits: dict[str, int], expected: list[tuple[float, str]]
) -> None:
    assert silence(Stage(chat(**limits), liveness=liveness), 310) == expected


def test_the_text_service_knows_only_idleness() -> None:
    for liveness in (STREAM, DATAGRAMS, LIBRARY_PINGS):
        assert silence(Stage(EchoService, liveness=liveness), 310) == [(300, "idle")]


def test_any_frame_is_a_sign_of_life() -> None:
    stage = Stage()
    ann, bob = stage.cast("Ann", "Bob")
    for _ in range(20):
        stage.wait(59)
        ann.does("ping")
        bob.garbles(InvalidText("junk"))
    assert set(ann.types()) == {"pong"}
    assert set(bob.types()) == {"error"}


def test_who_answers_heartbeats_stays() -> None:
    stage = Stage()
    (ann,) = stage.cast("Ann")
    for minute in range(1, 10):
        stage.wait(60)
        assert [m for m in ann.hears() if m.type == "heartbeat"] == [
            Heartbeat(f"2026-01-01T00:{minute:02}:00.000Z", 1)
        ]
        ann.does("ping")


def test_all_who_are_asked_at_once_get_one_message() -> None:
    stage = Stage()
    actors = stage.cast("Ann", "Bob", "Eve")
    stage.wait(60)
    (first,), *others = [actor.hears() for actor in actors]
    assert first.clients_count == 3
    assert all(heard[0] is first for heard in others)


def test_the_transport_has_to_say_how_it_is_before_the_first_client() -> None:
    service = EchoService()
    service.carried_by(DATAGRAMS, max_reply_bytes=60_000)
    assert service.max_reply_bytes == 60_000
    service.connect(service.new_client(), START)
    with pytest.raises(LocalProtocolError, match="call this before the first one"):
        service.carried_by(STREAM)


def test_replies_are_no_longer_than_the_frame_limit_nor_than_the_transport_allows() -> None:
    for frame, transport, expected in [(0, 0, 0), (100, 0, 100), (0, 50, 50), (100, 50, 50)]:
        service = EchoService(limits=Limits(max_frame_bytes=frame))
        service.carried_by(STREAM, max_reply_bytes=transport)
        assert service.max_reply_bytes == expected


# ---------------------------------------------------------------- sent away


def test_who_is_sent_away_is_out_of_everything_at_once() -> None:
    stage = Stage()
    ann, bob = stage.cast("Ann", "Bob", room="kitchen")
    session_id = ann.does("create_game_session", game_type="tic-tac-toe").session_id
    bob.does("join_game_session", session_id=session_id)
    bob.hears()
    stage.tell(lambda service, now: service.close(ann.id, "slow_reader", "too slow", now))
    assert bob.types() == ["user_left", "player_away"]
    for wire_type, fields in [
        ("text", {"content": "hi"}),
        ("room_message", {"room": "kitchen", "content": "hi"}),
        ("game_action", {"session_id": session_id, "action": {"cell": 0}}),
        ("set_username", {"username": "Bobby"}),
    ]:
        bob.does(wire_type, **fields)
    assert bob.refused("private_message", target=ann.id, content="hi") == "no_such_user"
    assert bob.does("list_clients").total == 1
    ann.vanishes()
    assert "user_left" not in bob.types()


def test_the_end_of_all_is_one_message_to_all() -> None:
    stage = Stage(chat(max_clients=0))
    actors = [stage.enter() for _ in range(200)]
    for actor in actors:
        actor.does("join_room", room="kitchen")
        actor.hears()
    sends = stage.tell(lambda service, now: service.close_all("server_stopping", "bye", now))
    assert len(sends) == 1
    assert {actor.ended for actor in actors} == {Closing("server_stopping", "bye")}
    for actor in actors:
        actor.vanishes()
    assert stage.service.stats(stage.now).rooms == {}


def test_who_is_sent_away_twice_hears_it_once() -> None:
    stage = Stage()
    (ann,) = stage.cast("Ann")
    for _ in range(2):
        stage.tell(lambda service, now: service.close(ann.id, "x", "y", now))
    assert ann.types() == ["closing"]


# ---------------------------------------------------------------- ten thousand


class Counted(OrderedDict[Any, Any]):
    """A dictionary that counts how many of its entries anybody looked at one after the other."""

    looked_at = 0

    def _count(self, items: Any) -> Iterator[Any]:
        for item in items:
            Counted.looked_at += 1
            yield item

    def __iter__(self) -> Iterator[Any]:
        return self._count(super().__iter__())

    def keys(self) -> Any:
        return self._count(super().keys())

    def values(self) -> Any:
        return self._count(super().values())

    def items(self) -> Any:
        return self._count(super().items())


def test_with_ten_thousand_clients_nobody_looks_at_them_all(monkeypatch: Any) -> None:
    monkeypatch.setattr(netlab.core.deadlines, "OrderedDict", Counted)
    monkeypatch.setattr(Counted, "looked_at", 0)
    service = ChatService(limits=Limits(max_clients=0), secret=SECRET)
    service._clients = Counted()
    service._roster.here = Counted()
    clients = []
    now = START
    for _ in range(10_000):
        now += 0.001
        clients.append(service.new_client())
        (send,) = service.connect(clients[-1], now)
        assert isinstance(send.message, Welcome)
    assert Counted.looked_at == 0, "connecting looks at nobody"

    for _ in range(100):
        assert service.next_tick() == START + 60.001
        assert service.tick(now) == []
    assert Counted.looked_at <= 100 * 8, "what is due first is found without a search"

    Counted.looked_at = 0
    for client in clients:
        now += 0.001
        service.receive(client, Ping(), now)
    assert Counted.looked_at == 0, "a frame looks at nobody"

    now = service.next_tick() or 0
    (send,) = service.tick(now)
    assert send.to == (clients[0],)
    assert Counted.looked_at < 20, "only who is due, and the next one"

    Counted.looked_at = 0
    sent_away, asked = service.tick(now + 60)
    assert isinstance(sent_away.message, Closing)
    assert sent_away.to == (clients[0],)
    assert isinstance(asked.message, Heartbeat)
    assert asked.to == tuple(clients[1:]), "one message to all who are due"
    Counted.looked_at = 0
    service.disconnect(clients[1], now)
    assert Counted.looked_at < 20
