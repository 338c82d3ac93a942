"""One direction of a TCP conversation: bytes in, messages and mistakes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import (
    ForeignProtocol,
    FrameTooLong,
    InvalidMessage,
    InvalidText,
    RemoteProtocolError,
    TruncatedFrame,
)
from netlab.core.json_codec import Json
from netlab.core.messages import AnyRequest, Ping, Pong, Text
from netlab.core.stream import ReplyStream, RequestStream

LIMIT = 40


def requests(*pieces: bytes) -> list[AnyRequest | type[RemoteProtocolError]]:
    stream = RequestStream(Json(), LIMIT)
    results = [result for piece in pieces for result in stream.feed(piece)] + stream.end()
    return [type(r) if isinstance(r, RemoteProtocolError) else r for r in results]


def test_mistakes_stand_in_their_place() -> None:
    data = b'{"type":"ping"}\nhello\n{"type":5}\n\xff\n' + b"x" * 41 + b'\n{"type":"ping"}\n{"ty'
    assert requests(data) == [
        *(Ping(), Text("hello"), InvalidMessage, InvalidText, FrameTooLong, Ping()),
        TruncatedFrame,
    ]


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"CONNECT a:1 HTTP/2"])
def test_a_browser_is_refused_and_nothing_after_it_is_read(line: bytes) -> None:
    assert requests(line + b"\r\nHost: a\r\n\r\n", b'{"type":"ping"}\n') == [ForeignProtocol]


def test_later_lines_may_speak_of_http() -> None:
    line = b"GET / HTTP/1.1"
    assert requests(b"look at this:\n", line + b"\n") == [
        Text("look at this:"),
        Text(line.decode()),
    ]


def test_a_url_too_long_for_a_frame_does_not_let_a_browser_in() -> None:
    url = b"GET /" + b"x" * 100
    body = b' HTTP/1.1\r\nHost: a\r\n\r\n{"type":"ping"}\n'
    assert requests(url + body) == requests(url, body) == [ForeignProtocol]
    assert requests(*(bytes([byte]) for byte in url + body)) == [ForeignProtocol]


def test_a_first_line_that_is_just_too_long_is_an_error_like_any_other() -> None:
    assert requests(b"x" * 100 + b"\n", b"hi\n") == [FrameTooLong, Text("hi")]


PARTS = [b'{"type":"ping"}', b"hi", b"\n", b"\r\n", b"\xff", b"{", b"GET /", b"x" * 41]


@given(
    st.lists(
        st.sampled_from([b'{"type":"ping"}', b"hi", b"\n", b"\r\n", b"\xff", b"{", b"x" * 41])
    ),
    st.lists(st.integers(0)),
)
def test_any_cut_gives_the_same_messages(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    assert requests(*pieces) == requests(data)


def test_a_client_reads_replies_and_cannot_go_on_after_junk() -> None:
    stream = ReplyStream(Json(), LIMIT)
    assert stream.feed(b'{"type":"pong","timestamp":"now"}\n{"t') == [Pong("now")]
    with pytest.raises(InvalidMessage):
        stream.feed(b"ype\n")
    with pytest.raises(FrameTooLong):
        stream.feed(b"x" * 41)
