"""Making a failing case short: what is found fails, is no longer, and is the same each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netlab.exercises.shrink import Pieces, shrink

PIECES = st.lists(st.binary(max_size=8), min_size=1, max_size=6).map(tuple)


def weight(case: Pieces) -> tuple[int, int]:
    return len(case), sum(map(len, case))


@given(PIECES, st.sampled_from(b"a\n\xff"))
def test_what_is_found_still_fails_and_is_no_longer(case: Pieces, culprit: int) -> None:
    def fails(pieces: Pieces) -> bool:
        return culprit in b"".join(pieces)

    if fails(case):
        shortest = shrink(case, fails)
        assert fails(shortest)
        assert weight(shortest) <= weight(case)
        assert shortest == (bytes([culprit]),)
        assert shrink(case, fails) == shortest


def test_a_cut_that_matters_stays() -> None:
    def fails(pieces: Pieces) -> bool:
        return any(piece.startswith(b"\n") for piece in pieces[1:])

    assert shrink((b"first ", b"line and more", b"\nrest", b"of it"), fails) == (b"a", b"\n")


@given(PIECES, st.integers(0, 30))
def test_it_is_bounded(case: Pieces, max_tries: int) -> None:
    tried = []

    def fails(pieces: Pieces) -> bool:
        tried.append(pieces)
        return len(tried) % 2 == 0

    shrink(case, fails, max_tries)
    assert len(tried) <= max_tries
    assert len(set(tried)) == len(tried), "no case twice"
