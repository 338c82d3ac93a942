"""Times in messages."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from netlab.core.iso_time import iso_time


def test_it_looks_like_this() -> None:
    assert iso_time(1_767_225_600) == "2026-01-01T00:00:00.000Z"
    assert iso_time(1_767_225_600.001) == "2026-01-01T00:00:00.001Z"
    assert iso_time(1_767_225_599.9999) == "2026-01-01T00:00:00.000Z"
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"


@given(st.floats(0, 4_000_000_000))
def test_it_is_right_to_half_a_millisecond(now: float) -> None:
    text = iso_time(now)
    assert len(text) == 24
    assert abs(datetime.fromisoformat(text).timestamp() - now) < 0.000_502


@given(st.integers(0, 4_000_000_000_000))
def test_whole_milliseconds_come_back(milliseconds: int) -> None:
    parsed = datetime.fromisoformat(iso_time(milliseconds / 1000))
    assert round(parsed.timestamp() * 1000) == milliseconds


@given(st.floats(0, 4_000_000_000), st.floats(0, 10))
def test_later_is_never_earlier(now: float, later: float) -> None:
    assert iso_time(now) <= iso_time(now + later)
