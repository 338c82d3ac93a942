"""The text service: for `nc` and `telnet`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.echo import EchoService, TextLines
from netlab.core.errors import InvalidText, LocalProtocolError, RemoteProtocolError
from netlab.core.messages import Broadcast, Closing, Echo, Error, Ping, Pong, Text
from tests.core.stage import Stage

codec = TextLines()


def test_the_sender_hears_an_echo_the_others_a_broadcast() -> None:
    stage = Stage(EchoService)
    ann, bob, eve = stage.enter(), stage.enter(), stage.enter()
    assert ann.hears() == [], "no welcome: it would be noise to nc"
    assert ann.does("text", content="hi") == Echo("hi")
    assert bob.hears() == eve.hears() == [Broadcast("hi", "peer")]


def test_it_understands_nothing_but_text() -> None:
    stage = Stage(EchoService)
    ann = stage.enter()
    assert ann.refused("ping") == "text_only"


def test_nobody_is_told_of_coming_and_going() -> None:
    stage = Stage(EchoService)
    ann, bob = stage.enter(), stage.enter()
    bob.vanishes()
    assert ann.hears() == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_said_is_text(line: str) -> None:
    assert codec.decode_request(line.encode()) == Text(line)
    assert codec.encode_request(Text(line)) == line.encode()


def test_what_is_no_utf8_is_refused() -> None:
    with pytest.raises(InvalidText):
        codec.decode_request(b"\xff")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (Echo("hi"), "Echo: hi"),
        (Echo(""), "Echo: "),
        (Broadcast("hi: there", "('127.0.0.1', 5)"), "Broadcast from ('127.0.0.1', 5): hi: there"),
        (Error("text_only", "send text"), "Error: text_only: send text"),
        (Closing("idle", "nothing came"), "Closing: idle: nothing came"),
    ],
)
def test_lines_for_people(message: Echo | Broadcast | Error | Closing, line: str) -> None:
    assert codec.encode_reply(message) == line.encode()
    assert codec.decode_reply(line) == message


def test_other_messages_are_not_for_people() -> None:
    with pytest.raises(TypeError, match="sends no pong"):
        codec.encode_reply(Pong("now"))
    with pytest.raises(LocalProtocolError, match="understands no ping; send text"):
        codec.encode_request(Ping())


@given(st.binary(max_size=50) | st.text(max_size=50))
def test_no_line_raises_anything_but_a_remote_protocol_error(frame: bytes | str) -> None:
    for read in (codec.decode_request, codec.decode_reply):
        try:
            read(frame)
        except RemoteProtocolError:
            pass
