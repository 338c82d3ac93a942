"""The vocabulary: names on the wire, and the JSON of every message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import InvalidMessage, InvalidText, LocalProtocolError, RemoteProtocolError
from netlab.core.json_codec import Json, short
from netlab.core.messages import (
    REPLY_FIELDS,
    REPLY_TYPES,
    REQUEST_FIELDS,
    AnyReply,
    AnyRequest,
    Broadcast,
    GameAction,
    JoinGameSession,
    Message,
    Ping,
    RoomJoined,
    RoomMessage,
    Text,
    make_request,
    type_name,
)

codec = Json()

# ---------------------------------------------------------------- names

FROM_PROTOCOL = """
hello set_username text join_room leave_room room_message private_message typing_start typing_stop
list_rooms list_clients ping bye create_game_session list_game_sessions join_game_session
game_action leave_game_session
""".split()

TO_CLIENTS = """
welcome username_set user_renamed echo broadcast room_joined user_joined room_left user_left
room_message private_message_sent private_message user_typing user_stop_typing room_list client_list
pong closing game_session_created game_session_list player_joined_game game_action_broadcast
player_left_game player_away player_back game_session_closed waiting heartbeat error cookie
""".split()


def test_the_vocabulary_is_complete() -> None:
    assert sorted(REQUEST_FIELDS) == sorted(FROM_PROTOCOL)
    assert sorted(REPLY_TYPES) == sorted(TO_CLIENTS)


def test_one_wire_name_may_be_a_request_and_a_reply() -> None:
    request = codec.decode_request('{"type":"room_message","room":"a","content":"b"}')
    assert request.type == type_name(RoomMessage) == "room_message"
    assert type(request) is not RoomMessage


def test_python_keywords_have_their_wire_names() -> None:
    assert json.loads(codec.encode_reply(Broadcast("hi", "Ann", "id", "now"))) == {
        "type": "broadcast",
        "content": "hi",
        "from": "Ann",
        "from_id": "id",
        "timestamp": "now",
    }
    joining = codec.decode_request('{"type":"join_game_session","session_id":"x","as":"spectator"}')
    assert joining == JoinGameSession("x", "spectator")
    assert "as" in REQUEST_FIELDS["join_game_session"]
    assert "from" in REPLY_FIELDS["private_message"]


def test_requests_are_made_from_names_on_the_wire() -> None:
    assert make_request("join_game_session", session_id="x", **{"as": "spectator"}) == (
        JoinGameSession("x", "spectator")
    )
    assert make_request("ping", ref=None) == Ping()
    for wire_type, fields, complaint in [
        ("pong", {}, "no request is called 'pong'; there are: .*ping"),
        ("text", {"message": "hi"}, "text has no field message; it has: .*content"),
        ("text", {"content": 5}, r"text: Expected `str`, got `int`.*its fields are: .*content"),
        ("text", {}, "missing required field `content`"),
        ("ping", {"ref": "r" * 65}, "length <= 64"),
    ]:
        with pytest.raises(LocalProtocolError, match=complaint):
            make_request(wire_type, **fields)


# ---------------------------------------------------------------- JSON

JUNK = [
    "",
    " ",
    "5",
    "null",
    "true",
    '"hi"',
    "[1]",
    "NaN",
    "Infinity",
    "1e999",
    "[" * 100_000,
    '{"type":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}",
    "9" * 60_000,
    "{}",
    '{"type":5}',
    '{"type":null}',
    '{"type":"pong"}',
    '{"type":"nothing"}',
    '{"type":["ping"]}',
    '{"type":"ping"}{"type":"ping"}',
    '{"type":"ping",}',
    '{"type":"text"}',
    '{"type":"text","content":5}',
    '{"type":"text","content":"\\ud800"}',
    '{"type":"join_room","room":["a"]}',
    '{"type":"ping","ref":5}',
    '{"type":"create_game_session","game_type":"x","max_players":"4"}',
    '{"type":"game_action","session_id":"a","action":1e999}',
    "\ufeff{}",
]


@pytest.mark.parametrize("frame", JUNK, ids=lambda frame: repr(frame[:30]))
def test_junk_is_answered_with_an_error_that_helps(frame: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        codec.decode_request(frame, bare_text=False)
    error = caught.value
    assert error.code in ("invalid_json", "unknown_type", "invalid_message")
    assert len(str(error)) < 1_000
    assert str(error).isprintable()


@pytest.mark.parametrize("frame", ["5", "null", '"{"', "", "hello", "NaN", " \t!", "true"])
def test_on_a_stream_what_is_no_object_and_no_array_is_text(frame: str) -> None:
    assert codec.decode_request(frame) == Text(frame)
    assert codec.decode_request(frame.encode()) == Text(frame)


@pytest.mark.parametrize("frame", ["{", " {}", "\t[1]", "[", '{"type":"x"}'])
def test_what_starts_like_an_object_or_an_array_has_to_be_a_message(frame: str) -> None:
    with pytest.raises(RemoteProtocolError):
        codec.decode_request(frame)


def test_errors_say_what_came_what_is_allowed_and_what_it_was_about() -> None:
    def complaint(frame: str) -> tuple[str, str, str | None]:
        with pytest.raises(InvalidMessage) as caught:
            codec.decode_request(frame)
        return caught.value.code, str(caught.value), caught.value.in_reply_to

    assert complaint('{"type":"pnig","ref":"7"}')[0] == "unknown_type"
    assert "unknown type 'pnig'; known types: room_message" in complaint('{"type":"pnig"}')[1]
    assert complaint('{"type":"pnig","ref":"7"}')[2] == "7"
    code, text, about = complaint('{"type":"join_room","room":5}')
    assert (code, about) == ("invalid_message", "join_room")
    assert "Expected `str`, got `int` - at `$.room`" in text
    assert "its fields are: room, username" in text
    assert complaint('{"type":"ping","ref":"' + "r" * 65 + '"}')[2] == "ping"
    assert "a JSON array came" in complaint("[1]")[1]


def test_invalid_utf8_is_refused_wherever_it_stands() -> None:
    for frame in (b"\xff", b'{"type":"text","content":"\xff"}', b'{"type":"ping","\xff":1}'):
        with pytest.raises(InvalidText, match="encode text as UTF-8"):
            codec.decode_request(frame)


def test_unknown_fields_are_ignored() -> None:
    assert codec.decode_request('{"type":"ping","since":"version 9","deep":{"a":[1]}}') == Ping()


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_no_frame_raises_anything_but_a_remote_protocol_error(frame: bytes | str) -> None:
    for bare_text in (True, False):
        try:
            codec.decode_request(frame, bare_text=bare_text)
        except RemoteProtocolError:
            pass
    try:
        codec.decode_reply(frame)
    except RemoteProtocolError:
        pass


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
finite_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
almost_messages = st.fixed_dictionaries(
    {"type": st.sampled_from([*REQUEST_FIELDS, *REPLY_TYPES]) | json_values},
    optional={name: json_values for names in REQUEST_FIELDS.values() for name in names},
)


@given(almost_messages)
def test_no_object_raises_anything_but_a_remote_protocol_error(fields: dict[str, Any]) -> None:
    frame = json.dumps(fields)
    error = None
    try:
        request = codec.decode_request(frame)
    except RemoteProtocolError as caught:
        error = caught
    if error is None:
        assert codec.decode_request(codec.encode_request(request)) == request
    else:
        assert str(error).isprintable()  # it goes into logs and terminals


def messages_of(union: Any) -> st.SearchStrategy[Any]:
    """Every message of a union, its fields filled with anything that their types allow."""
    return st.sampled_from(union.__args__).flatmap(_filled)


def _filled(cls: type[Message]) -> st.SearchStrategy[Any]:
    fields = {f.name: _value(f.type) for f in msgspec.structs.fields(cls)}
    return st.builds(cls, **fields)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def _value(kind: Any) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(kind)
    match info:
        case msgspec.inspect.StrType():
            return text
        case msgspec.inspect.IntType():
            return st.integers(-(2**60), 2**60)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.UnionType(types=kinds):
            return st.one_of([_value(_annotation(k)) for k in kinds])
        case msgspec.inspect.VarTupleType(item_type=item):
            return st.lists(_value(_annotation(item)), max_size=2).map(tuple)
        case msgspec.inspect.StructType(cls=cls):
            return _filled(cls)
        case msgspec.inspect.AnyType():
            return finite_values.filter(lambda value: value is not None)
    raise AssertionError(f"no strategy for {info}")


def _annotation(info: Any) -> Any:
    plain = {
        msgspec.inspect.StrType: str,
        msgspec.inspect.IntType: int,
        msgspec.inspect.NoneType: type(None),
        msgspec.inspect.BoolType: bool,
    }
    return plain.get(type(info)) or info.cls


@given(messages_of(AnyRequest))
def test_every_request_survives_the_wire(request: Any) -> None:
    frame = codec.encode_request(request)
    assert b"\n" not in frame
    assert codec.decode_request(frame, bare_text=False) == request
    assert json.loads(frame)["type"] == request.type


@given(messages_of(AnyReply))
def test_every_reply_survives_the_wire(reply: Any) -> None:
    frame = codec.encode_reply(reply)
    assert b"\n" not in frame
    assert codec.decode_reply(frame) == reply
    assert json.loads(frame)["type"] == reply.type


def test_an_action_may_be_null_but_not_missing() -> None:
    frame = '{"type":"game_action","session_id":"a","action":null}'
    assert codec.decode_request(frame) == GameAction("a", None)
    with pytest.raises(InvalidMessage, match="missing required field `action`"):
        codec.decode_request('{"type":"game_action","session_id":"a"}')


def test_history_is_written_as_messages() -> None:
    said = RoomMessage("1", "a", "Ann", "id", "hi", "now")
    frame = codec.encode_reply(RoomJoined("a", 1, (said,)))
    assert json.loads(frame)["message_history"][0] == json.loads(codec.encode_reply(said))


@given(st.text())
def test_what_strangers_sent_is_harmless_in_an_error(text: str) -> None:
    assert short(text).isprintable()
    assert len(short(text)) <= 40
