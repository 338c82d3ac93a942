"""Frames come out the same, however the stream of bytes was cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.errors import (
    FrameTooLong,
    InvalidText,
    LocalProtocolError,
    RemoteProtocolError,
    TruncatedFrame,
)
from netlab.core.framing import (
    FrameReader,
    LengthPrefixedReader,
    LineReader,
    Utf8Decoder,
    decode_text,
    encode_length_prefixed,
    encode_line,
)

LIMIT = 8
READERS = [LineReader, LengthPrefixedReader]


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut the bytes at these places (modulo their number)."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def told(results: list[bytes | RemoteProtocolError]) -> list[bytes | str]:
    """Errors as texts, so that two runs can be compared."""
    return [r if isinstance(r, bytes) else f"{type(r).__name__}: {r}" for r in results]


def read_all(reader: FrameReader, pieces: list[bytes]) -> list[bytes | str]:
    return told([frame for piece in pieces for frame in reader.feed(piece)] + reader.end())


cuts = st.lists(st.integers(min_value=0), max_size=12)
streams = st.lists(
    st.sampled_from(
        [b"a", b"\r", b"\n", b"\r\n", b"\0\0\0", b"\x03", b"\xff", b"12345678", b"\xc3"]
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize("reader", READERS)
@given(data=streams | st.binary(max_size=60), cuts=cuts)
def test_any_cut_gives_the_same_frames(
    reader: Callable[[int], FrameReader], data: bytes, cuts: list[int]
) -> None:
    whole = read_all(reader(LIMIT), [data])
    assert read_all(reader(LIMIT), pieces_of(data, cuts)) == whole
    assert read_all(reader(LIMIT), [bytes([byte]) for byte in data]) == whole


@given(frames=st.lists(st.binary(max_size=20)), cuts=cuts)
def test_length_prefixed_frames_arrive_as_they_were_sent(
    frames: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(map(encode_length_prefixed, frames))
    assert read_all(LengthPrefixedReader(0), pieces_of(data, cuts)) == frames


@given(frames=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b""))), cuts=cuts)
def test_lines_arrive_as_they_were_sent_but_for_a_last_carriage_return(
    frames: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(map(encode_line, frames))
    expected = [frame.removesuffix(b"\r") for frame in frames]
    assert read_all(LineReader(0), pieces_of(data, cuts)) == expected


@pytest.mark.parametrize(
    ("reader", "encode"),
    [(LineReader, encode_line), (LengthPrefixedReader, encode_length_prefixed)],
)
@given(sizes=st.lists(st.integers(0, 3 * LIMIT)), cuts=cuts)
def test_an_oversized_frame_is_told_in_its_place_and_the_next_is_read(
    reader: Callable[[int], FrameReader],
    encode: Callable[[bytes], bytes],
    sizes: list[int],
    cuts: list[int],
) -> None:
    data = b"".join(encode(b"x" * size) for size in sizes)
    expected = [
        b"x" * size if size <= LIMIT else f"FrameTooLong: {FrameTooLong(LIMIT)}" for size in sizes
    ]
    assert read_all(reader(LIMIT), pieces_of(data, cuts)) == expected


@pytest.mark.parametrize("reader", READERS)
def test_of_an_oversized_frame_nothing_is_kept(reader: Callable[[int], FrameReader]) -> None:
    flood = reader(LIMIT)
    start = b"\xff\xff\xff\xff" if reader is LengthPrefixedReader else b""
    assert told(flood.feed(start + b"x" * 9)) == [f"FrameTooLong: {FrameTooLong(LIMIT)}"]
    for _ in range(1_000):
        assert flood.feed(b"x" * 1_000) == []
    kept = [value for value in vars(flood).values() if isinstance(value, bytearray)]
    assert [len(buffer) for buffer in kept] == [0]


def test_a_telnet_line_end_does_not_count_against_the_limit() -> None:
    assert LineReader(5).feed(b"12345\r\n") == [b"12345"]


def test_a_half_frame_at_the_end_is_told_once() -> None:
    lines = LineReader()
    assert lines.feed(b"no newline") == []
    (error,) = lines.end()
    assert isinstance(error, TruncatedFrame)
    assert "10 bytes had no newline" in str(error)
    assert lines.end() == []

    prefixed = LengthPrefixedReader()
    assert prefixed.feed(b"\0\0\0\x05hel") == []
    assert isinstance(prefixed.end()[0], TruncatedFrame)
    assert prefixed.end() == []

    skipping = LengthPrefixedReader(4)
    skipping.feed(b"\0\0\0\x0512")
    assert "3 bytes of an oversized frame never came" in str(skipping.end()[0])
    assert skipping.end() == []


def test_a_line_cannot_contain_a_newline() -> None:
    with pytest.raises(LocalProtocolError, match="byte 3 is one"):
        encode_line(b"one\ntwo")


class HugeFrame(bytes):
    """As long as four bytes can no longer say, without the memory."""

    def __len__(self) -> int:
        return 2**32


def test_a_length_that_four_bytes_cannot_say_is_the_callers_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="4,294,967,296 bytes"):
        encode_length_prefixed(HugeFrame())


# ---------------------------------------------------------------- text


@given(text=st.text(), cuts=cuts)
def test_characters_cut_in_half_come_out_whole(text: str, cuts: list[int]) -> None:
    decoder = Utf8Decoder()
    parts = [decoder.feed(piece) for piece in pieces_of(text.encode(), cuts)]
    assert "".join(parts) + decoder.end() == text


@given(data=st.binary(max_size=30), cuts=cuts)
def test_bytes_are_text_or_refused_never_anything_else(data: bytes, cuts: list[int]) -> None:
    try:
        expected = data.decode()
    except UnicodeDecodeError:
        with pytest.raises(InvalidText, match="encode text as UTF-8"):
            decode_text(data)
        return
    assert decode_text(data) == expected


def test_after_invalid_bytes_the_decoder_starts_afresh() -> None:
    decoder = Utf8Decoder()
    with pytest.raises(InvalidText, match=r"byte 0xff at position 0"):
        decoder.feed(b"\xff")
    assert decoder.feed(b"fine") == "fine"
    decoder.feed(b"\xc3")
    with pytest.raises(InvalidText):
        decoder.end()
    assert decoder.feed(b"fine") == "fine"
