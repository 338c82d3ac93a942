"""What falls due, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netlab.core.deadlines import Deadlines, earliest


def test_a_touch_starts_the_time_anew() -> None:
    deadlines = Deadlines[str](60)
    deadlines.touch("a", 0)
    deadlines.touch("b", 10)
    assert deadlines.next() == 60
    deadlines.touch("a", 20)
    assert deadlines.next() == 70
    assert deadlines.take_due(69.9) == []
    assert deadlines.take_due(80) == ["b", "a"]
    assert deadlines.next() is None
    assert len(deadlines) == 0


def test_what_is_forgotten_is_never_due() -> None:
    deadlines = Deadlines[str](60)
    deadlines.touch("a", 0)
    deadlines.forget("a")
    deadlines.forget("never there")
    assert "a" not in deadlines
    assert deadlines.take_due(1_000) == []


def test_without_a_delay_nothing_is_kept() -> None:
    deadlines = Deadlines[str](0)
    deadlines.touch("a", 0)
    assert len(deadlines) == 0
    assert deadlines.next() is None


def test_of_too_many_the_first_are_due_at_once() -> None:
    deadlines = Deadlines[str](60, most=2)
    for number, key in enumerate("abcd"):
        deadlines.touch(key, number)
    deadlines.touch("a", 4)
    assert deadlines.take_due(4) == ["b", "c"]
    assert deadlines.take_due(5) == []
    assert deadlines.take_due(63) == ["d"]
    assert deadlines.next() == 64


def test_never_is_later_than_any_time() -> None:
    assert earliest(None, 5, None, 3) == 3
    assert earliest(None, None) is None
    assert earliest() is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20))))
def test_all_that_is_due_is_taken_and_nothing_else(touches: list[tuple[int, int]]) -> None:
    deadlines, last, now = Deadlines[int](10), dict[int, int](), 0
    for key, passed in touches:
        now += passed
        due = deadlines.take_due(now)
        assert due == sorted(due, key=lambda key: last[key])
        assert set(due) == {key for key, at in last.items() if at + 10 <= now}
        for gone in due:
            del last[gone]
        deadlines.touch(key, now)
        last[key] = now
        assert deadlines.next() == min(last.values()) + 10
