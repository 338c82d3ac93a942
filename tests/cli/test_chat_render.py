"""How messages look: for people, in colour, and harmless."""

from __future__ import annotations

import unicodedata
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.chat_render import _RENDERERS, colour, fragments, render
from netlab.core import messages
from netlab.core.messages import AnyReply, Broadcast, Closing, Echo, Error, Pong, RoomMessage
from netlab.terminal import harmless

ATTACK = "\x1b[2J\u202e\n\x9b"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Echo(content="hi"), "Echo: hi"),
        (Broadcast(content="hi", sender="Ada"), "Ada: hi"),
        (RoomMessage("1", "tea", "Ada", "id", "hi", "now"), "[tea] Ada: hi"),
        (Error(code="c", message="m"), "error c: m"),
        (Closing(code="c", reason="r"), "closing c: r"),
        (Pong(timestamp="now"), "pong: the server is there"),
        (messages.Waiting(position=2), "waiting: position=2"),
        (messages.GameSessionClosed("s", "old"), "game_session_closed: session_id=s reason=old"),
        (messages.UsernameSet(username="Ada"), "you are now Ada"),
        (messages.UserJoined("tea", "id", "Ada", "now"), "Ada joined tea"),
    ],
)
def test_how_messages_look(message: AnyReply, text: str) -> None:
    assert render(message) == text


@pytest.mark.parametrize("cls", get_args(AnyReply))
def test_every_message_looks_like_something_and_harms_nothing(cls: type[msgspec.Struct]) -> None:
    """Whatever a server puts into any field of any message, the terminal obeys nobody."""
    message: Any = msgspec.convert(_filled(cls), cls)
    text = render(message)
    assert text
    assert r"\x1b[2J" in text or cls in (Pong, messages.Waiting)
    lines = text.split("\n")
    assert [line for line in lines if harmless(line) != line] == []


def _filled(cls: Any) -> dict[str, Any]:
    """Return fields for a struct, each text an attack."""
    values: dict[str, Any] = {"type": cls.__struct_config__.tag}
    for field in msgspec.structs.fields(cls):
        values[field.encode_name] = _value(field.type)
    return {key: value for key, value in values.items() if value is not None}


def _value(kind: Any) -> Any:
    options = [kind, *get_args(kind)]
    if kind is Any:
        return [ATTACK]
    if getattr(kind, "__origin__", None) is tuple:
        return [_value(get_args(kind)[0])]
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return _filled(option)
    for simple, value in ((bool, True), (int, 3), (str, ATTACK)):
        if simple in options:
            return value
    if isinstance(options[1], str):  # a Literal
        return options[1]
    return None if type(None) in options else _value(options[1])


@pytest.mark.parametrize("wire_type", _RENDERERS)
def test_a_renderer_is_for_a_message_that_exists(wire_type: str) -> None:
    assert wire_type in messages.REPLY_TYPES


def test_a_name_has_its_colour_for_ever() -> None:
    assert colour("Ada") == colour("ADA") == "ansired"
    assert (colour("Ada"), "Ada") in fragments(Broadcast(content="Ada", sender="Ada"))


def test_the_secret_of_a_welcome_is_not_shown() -> None:
    welcome = messages.Welcome("id", "Ada", "SECRET", "hello", "now")
    assert "SECRET" not in render(welcome)


def test_boards() -> None:
    state = messages.GameState(["X", "", "O", "", "", "", "", "", ""], None, None, draw=True)
    player = messages.Player("id", "Ada")
    moved = messages.GameActionBroadcast("s", player, {"cell": 0}, state, "finished", "now")
    assert render(moved).split("\n") == [
        'Ada moves {"cell":0}',
        "  X . O",
        "  . . .",
        "  . . .",
        "  a draw",
    ]


# ---------------------------------------------------------------- harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grüße 日本 👩‍👩‍👧 می‌خواهم", "grüße 日本 👩‍👩‍👧 می‌خواهم"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b", r"\x9b"),
        ("a\tb\nc\rd\x7f", r"a\tb\nc\rd\x7f"),
        ("\u202e\u2066\u200f\u061c", r"\u202e\u2066\u200f\u061c"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
    ],
)
def test_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_commands_a_terminal_survives(text: str) -> None:
    shown = harmless(text)
    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert all(unicodedata.bidirectional(c) not in _TURNS for c in shown)
    shown.encode()
    assert harmless(shown) == shown


_TURNS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
