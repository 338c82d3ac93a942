"""The lesson's secret and clock repeat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from netlab.lab import LESSON, LessonClock


def test_the_clock_starts_in_2026_and_advances_a_second_a_call() -> None:
    clock = LessonClock()
    times = [clock() for _ in range(3)]
    assert datetime.fromtimestamp(times[0], UTC).isoformat() == "2026-01-01T00:00:00+00:00"
    assert [time - times[0] for time in times] == [0.0, 1.0, 2.0]


def test_waiting_makes_no_lesson_time_pass() -> None:
    assert LessonClock().seconds_until(0.0) is None


def test_the_clock_counts_each_call_of_each_thread_once() -> None:
    clock = LessonClock()
    with ThreadPoolExecutor(4, "lesson-test") as pool:
        times = list(pool.map(lambda _: clock(), range(1000)))
    assert len(set(times)) == 1000
    assert max(times) - min(times) == 999.0


def test_lesson_is_keyword_arguments_with_a_fresh_clock_each_time() -> None:
    def make(*, secret: bytes, clock: LessonClock) -> tuple[bytes, LessonClock]:
        return secret, clock

    (secret, clock), (secret_again, clock_again) = make(**LESSON), make(**LESSON)
    assert len(secret) == 32
    assert secret == secret_again
    assert clock is not clock_again
    assert clock() == clock_again()


def test_lesson_has_two_keys_and_no_others() -> None:
    assert list(LESSON) == ["secret", "clock"]
    assert "port" not in LESSON
    assert len(LESSON) == 2
