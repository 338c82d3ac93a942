"""Faulty variants of `reader_probe`, each with the probe that catches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def probe_with_one_piece(make_reader: Callable[[], Any]) -> None:
    assert make_reader().feed(b"hello\n") == [b"hello"]


def probe_with_every_cut_in_two(make_reader: Callable[[], Any]) -> None:
    stream = b"hello\nworld\n"
    for cut in range(len(stream)):
        reader = make_reader()
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == [b"hello", b"world"]


def probe_that_wants_a_line_a_piece(make_reader: Callable[[], Any]) -> None:
    reader = make_reader()
    for byte in b"hello\n":
        assert reader.feed(bytes([byte])), "no line"


MUTANTS = (
    (probe_with_one_piece, "the reader that forgets"),
    (probe_with_every_cut_in_two, "the reader that forgets"),
    (probe_that_wants_a_line_a_piece, "a correct reader"),
)
