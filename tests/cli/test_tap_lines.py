"""The lines of `netlab tap`, without a proxy: any bytes, any cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab.recording import Chunk, Direction
from netlab.tap_lines import FRAMINGS, MAX_WAITING_BYTES, TapLines, hex_rows

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def chunk(data: bytes = b"", way: Direction = UP, kind: str = "data") -> Chunk:
    return Chunk(0.0, "c1", way, kind, data)


def made(framing: str, *chunks: Chunk, hex_dump: bool = False, color: bool = False) -> list[str]:
    lines = TapLines(framing, columns=100, hex_dump=hex_dump, color=color)
    found = [lines.opened("c1", "(connects from here)")]
    for one in chunks:
        found += lines.lines(one)
    return found


evil = [b"GET / HTTP/1.1\r\n\r\n", b"\x81\x05hello", b"a\n", b"\x1b[2J", b"\x16\x03\x01\0\x05abcde"]
pieces = st.lists(
    st.tuples(
        st.one_of(
            st.binary(max_size=40),
            st.text(max_size=20).map(str.encode),
            st.sampled_from(evil),
        ),
        st.sampled_from([UP, DOWN]),
        st.sampled_from(["data", "data", "data", "data", "fin", "rst", "error"]),
    ),
    max_size=12,
)


@given(st.sampled_from(FRAMINGS), pieces)
def test_every_line_is_harmless(framing, happened):
    for line in made(framing, *(chunk(*one) for one in happened), hex_dump=True):
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in line)
        assert not any("\u2028" <= char <= "\u202e" for char in line)


@given(pieces)
def test_lines_are_the_same_wherever_they_were_cut(happened):
    data = b"".join(piece.replace(b"\n", b"") for piece, _, _ in happened)[:40] + b"\n"
    whole = made("lines", chunk(data))
    assert made("lines", *(chunk(bytes([byte])) for byte in data)) == whole


def test_a_frame_that_never_ends_takes_no_more_memory():
    part = chunk(b"x" * 100_000)
    lines = TapLines("lines", columns=100, hex_dump=False, color=False)
    lines.opened("c1", "")
    said = [line for _ in range(12) for line in lines.lines(part)]
    assert MAX_WAITING_BYTES < 100_000 * 11
    assert said[0].startswith("c1 → server     (no frame ends within 1,100,000 bytes: shown as it")
    assert said[1].endswith("(100,000 bytes)")
    assert not lines._talks


def test_a_connection_that_is_over_takes_none():
    lines = TapLines("auto", columns=100, hex_dump=False, color=False)
    for ending in ([chunk(kind="fin"), chunk(kind="fin", way=DOWN)], [chunk(kind="rst")]):
        lines.opened("c1", "")
        for one in (chunk(b"x"), *ending):
            list(lines.lines(one))
        assert (lines._talks, lines._ended, lines._waiting) == ({}, {}, {})


@pytest.mark.parametrize("way", [UP, DOWN])
def test_colors_are_not_all_that_tells_the_direction(way):
    plain, colored = (made("chunks", chunk(b"a", way), color=color)[1] for color in (False, True))
    assert plain == ("c1 → server     a" if way is UP else "server → c1     a")
    assert colored.replace("\x1b[36m", "").replace("\x1b[35m", "").replace("\x1b[0m", "") == plain
    assert colored.count("\x1b[") == 2


def test_long_dumps_are_cut():
    rows = list(hex_rows(bytes(1_000)))
    assert len(rows) == 33
    assert rows[-1] == "    … 488 bytes more"
