"""Socket.IO packets: whatever comes is a request or a mistake, and replies keep their content."""

from __future__ import annotations

import json
import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import InvalidMessage, RemoteProtocolError
from netlab.core.json_codec import Json
from netlab.core.messages import (
    REPLY_FIELDS,
    Echo,
    Error,
    Hello,
    Ping,
    RoomList,
    RoomMessage,
    SendRoomMessage,
    Text,
)
from netlab.transports.socketio_packets import (
    RESERVED,
    Event,
    acknowledgement,
    connect_error,
    parse_event,
    parse_hello,
    parse_packet,
)

CODEC = Json()
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
NAMES = st.text(string.ascii_lowercase + "-_", min_size=1)
# What a socket can deliver: text that was UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT | st.from_regex(r"[0-9](\d*-)?(/[^,]*,)?\d*(\[.*)?", fullmatch=True))
def test_any_text_is_a_packet_or_a_mistake(text: str) -> None:
    with suppress(RemoteProtocolError):  # and nothing else
        parse_event(parse_packet(text), CODEC)


@given(st.sampled_from("0123456"), NAMES, st.integers(0, 10**16 - 1) | st.none(), JSON)
def test_the_parts_of_a_packet(kind: str, namespace: str, ack: int | None, payload: object) -> None:
    number = "" if ack is None else str(ack)
    content = json.dumps([payload])
    plain = parse_packet(kind + number + content)
    assert (plain.kind, plain.namespace, plain.ack, plain.payload) == (kind, "/", number, content)
    elsewhere = parse_packet(f"{kind}/{namespace}?query,{number}{content}")
    assert (elsewhere.namespace, elsewhere.ack) == (f"/{namespace}", number)
    assert plain.attachments == 0


@given(st.sampled_from("56"), st.integers(0, 999_999_999))
def test_attachments_are_counted(kind: str, count: int) -> None:
    assert parse_packet(f'{kind}{count}-["x"]').attachments == count


@given(TEXT, TEXT)
def test_an_event_is_a_request(room: str, content: str) -> None:
    fields = {"room": room, "content": content, "unknown": [{"type": "bye"}]}
    for text in (json.dumps(fields), json.dumps(fields, ensure_ascii=False, indent=1)):
        request = parse_event(parse_packet(f'2["room_message", {text} ]'), CODEC)
        assert request == SendRoomMessage(room=room, content=content)


def test_an_event_without_fields() -> None:
    for text in ('2["ping"]', '2["ping",{}]', '2["ping",{ }]', '2["p\\u0069ng"]'):
        assert parse_event(parse_packet(text), CODEC) == Ping()


@given(st.sampled_from(sorted(RESERVED)), st.lists(JSON))
def test_reserved_names_are_no_requests(name: str, arguments: list[object]) -> None:
    packet = parse_packet("2" + json.dumps([name, *arguments]))
    with pytest.raises(InvalidMessage) as caught:
        parse_event(packet, CODEC)
    assert caught.value.code == "reserved_event"


@given(TEXT)
def test_any_text_is_a_hello_or_a_mistake(text: str) -> None:
    with suppress(RemoteProtocolError):
        parse_hello(text, CODEC)


def test_hello() -> None:
    for nothing in ("", " ", "null"):
        assert parse_hello(nothing, CODEC) is None
    for empty in ("{}", " { } "):
        assert parse_hello(empty, CODEC) == Hello()
    assert parse_hello('{"resume":"s","username":null}', CODEC) == Hello(resume="s")
    with pytest.raises(InvalidMessage) as caught:
        parse_hello('{"resume":"secret" "username":"Ann"}', CODEC)
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- to the client


@given(TEXT, TEXT)
def test_an_event_keeps_what_a_reply_says(sender: str, content: str) -> None:
    reply = RoomMessage(
        id="1", room="hall", sender=sender, from_id="2", content=content, timestamp="now"
    )
    encoded = CODEC.encode_reply(reply)
    event = Event.from_json(encoded)
    assert event.startswith(b'42["room_message",')
    name, fields = json.loads(event[2:])
    assert {"type": name, **fields} == json.loads(encoded)
    assert (event.name, json.loads(event.fields)) == (b"room_message", fields)
    assert event.packet.encode() == event.decode()
    assert event.packet.size_bytes == len(event)
    assert event.packet is event.packet  # made once, for all receivers


def test_a_type_alone_is_an_event_with_an_empty_argument() -> None:
    for name in REPLY_FIELDS:
        assert Event.from_json(f'{{"type":"{name}"}}'.encode()) == f'42["{name}",{{}}]'.encode()


def test_the_tag_comes_first_whatever_the_reply() -> None:
    for reply in (RoomList(()), Echo("x"), Error("c", 'm"', in_reply_to="x")):
        assert CODEC.encode_reply(reply).startswith(f'{{"type":"{reply.type}"'.encode())


def test_acknowledgements() -> None:
    assert acknowledgement("7", None) == b'437[{"ok":true}]'
    refusal = Event.from_json(CODEC.encode_reply(Error("code", "message", in_reply_to="text")))
    (answer,) = json.loads(acknowledgement("12", refusal)[4:])
    assert answer == {
        "ok": False,
        "error": {"code": "code", "message": "message", "in_reply_to": "text"},
    }


def test_connect_errors() -> None:
    assert connect_error("/", "no") == '4{"message":"no"}'
    assert connect_error("/x", 'n"o') == '4/x,{"message":"n\\"o"}'


def test_a_text_that_looks_like_a_packet_stays_text() -> None:
    request = parse_event(parse_packet('2["text",{"content":"42[\\"bye\\"]"}]'), CODEC)
    assert request == Text(content='42["bye"]')
