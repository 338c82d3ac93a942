"""Faulty variants of `mask_probe`, each with the probe that catches it."""

from __future__ import annotations

from typing import Any

_FIRST, _SECOND = b"\x37\xfa\x21\x3d", b"\x01\x02\x03\x04"


def _frame(text: str, mask: bytes) -> bytes:
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text.encode()))
    return bytes([0x81, 0x80 | len(masked)]) + mask + masked


def _read(make_reader: Any, *pieces: bytes) -> list[Any]:
    reader = make_reader()
    return [message for piece in pieces for message in reader.feed(piece)]


def probe_in_one_piece(make_reader: Any) -> None:
    frames = _frame("hello", _FIRST), _frame("world", _SECOND)
    assert _read(make_reader, *frames) == [("text", "hello"), ("text", "world")]


def probe_that_cuts_after_four(make_reader: Any) -> None:
    frames = _frame("hello", _FIRST), _frame("world", _SECOND)
    pieces = [part for one in frames for part in (one[:10], one[10:])]
    assert _read(make_reader, *pieces) == [("text", "hello"), ("text", "world")]


def probe_with_one_mask(make_reader: Any) -> None:
    stream = _frame("hello", _FIRST) + _frame("world", _FIRST)
    pieces = [bytes([byte]) for byte in stream]
    assert _read(make_reader, *pieces) == [("text", "hello"), ("text", "world")]


def probe_that_wants_it_at_once(make_reader: Any) -> None:
    stream = _frame("hello", _FIRST) + _frame("world", _SECOND)
    reader = make_reader()
    for byte in stream:
        assert reader.feed(bytes([byte])), "nothing was read"


def probe_that_sends_more_than_is_known(make_reader: Any) -> None:
    stream = _frame("hello", _FIRST) + _frame("world", _SECOND)
    pieces = [bytes([byte]) for byte in stream]
    assert _read(make_reader, *pieces) == [("text", "hello"), ("text", "world")]
    ping = bytes([0x89, 0x80]) + _FIRST
    assert _read(make_reader, ping) == [], "a ping is no text"


MUTANTS = (
    (probe_in_one_piece, "the reader whose mask begins anew"),
    (probe_that_cuts_after_four, "the reader whose mask begins anew"),
    (probe_with_one_mask, "the reader that keeps the first mask"),
    (probe_that_wants_it_at_once, "a correct reader"),
    (probe_that_sends_more_than_is_known, "a correct reader"),
)
