"""A sender is held to the rules on every network, and only to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.exercises.estimating import Event, Measured, Model, estimate
from netlab.exercises.solutions.ch07.rtt_estimator import RttEstimator
from netlab.exercises.solutions.ch07.send_window import send_window
from netlab.exercises.solutions.ch07.stop_and_wait import stop_and_wait
from netlab.exercises.transfer_rules import Rule
from netlab.exercises.transfers import transfer

MESSAGES = tuple(f"message {number}".encode() for number in range(8))
QUIET: tuple[float, tuple[bytes, ...]] = (0.0, ())

# Three lost each way are six at most of one message, and the seventh is not late for the end.
numbers = st.sets(st.integers(1, 20), max_size=3)
faults = st.fixed_dictionaries(
    {"drop": numbers, "duplicate": numbers},
    optional={"delay": st.dictionaries(st.integers(1, 20), st.sampled_from([62.5, 250.0]))},
)


def answer_of(
    sender: Callable[..., Any],
    window: int | None = None,
    messages: tuple[bytes, ...] = MESSAGES,
    there: Any = None,
    back: Any = None,
) -> Any:
    told: dict[str, Any] = {}

    def report(event: str, value: object = None) -> None:
        told[event] = value

    transfer(sender, report, messages, window, there or {}, back or {}, QUIET)
    return told["answer"]


@settings(deadline=None, max_examples=60)
@given(there=faults, back=faults)
def test_the_solution_waits_well_on_every_network(there: Any, back: Any) -> None:
    ended, sent, _ = answer_of(stop_and_wait, None, there=there, back=back)
    assert ended == "returned"
    assert sent >= len(MESSAGES)


@settings(deadline=None, max_examples=60)
@given(there=faults, back=faults, window=st.integers(1, 9))
def test_the_solution_has_a_window_on_every_network(there: Any, back: Any, window: int) -> None:
    ended, sent, _ = answer_of(send_window, window, there=there, back=back)
    assert ended == "returned"
    assert sent >= len(MESSAGES)


def polling(endpoint: Any, messages: list[bytes]) -> int:
    """Looks every 10 ms: late by a little, which is allowed."""
    n_sent = 0
    for number, message in enumerate(messages):
        due_s = endpoint.now_s
        while True:
            if endpoint.now_s >= due_s:
                endpoint.send(number.to_bytes(4) + message)
                n_sent, due_s = n_sent + 1, endpoint.now_s + 0.5
            try:
                if endpoint.receive(0.01) == number.to_bytes(4):
                    break
            except TimeoutError:
                continue
    return n_sent


def test_code_that_looks_at_the_clock_now_and_then_is_right() -> None:
    ended, sent, _ = answer_of(polling, there={"drop": {1, 4, 5}}, back={"drop": {2}})
    assert (ended, sent) == ("returned", 12)


def test_many_at_a_time_are_quicker() -> None:
    _, _, alone_s = answer_of(stop_and_wait, None)
    _, _, together_s = answer_of(send_window, 8)
    assert (alone_s, together_s) == (2.0, 0.25)


def catches_everything(endpoint: Any, messages: list[bytes]) -> int:
    for data in (b"nonsense", b"more of it"):
        try:
            endpoint.send(data)
        except BaseException:
            continue
    return 0


def sends_and_leaves(endpoint: Any, messages: list[bytes]) -> int:
    endpoint.send(bytes(4) + messages[0])
    return 1


def gives_up_at_once(endpoint: Any, messages: list[bytes]) -> int:
    raise TimeoutError


def sends_the_last_one_again(endpoint: Any, messages: list[bytes]) -> int:
    stop_and_wait(endpoint, messages)
    endpoint.send(bytes(4) + messages[0])
    return len(messages) + 1


@pytest.mark.parametrize(
    ("sender", "rule", "got"),
    [
        (catches_everything, Rule.FORM, "b'nonsense'"),
        (sends_and_leaves, Rule.RESULT, "it returned at 0 s, and message 0 is not acknowledged"),
        (gives_up_at_once, Rule.GIVE_UP, "it was raised at 0 s, when none was sent"),
        (sends_the_last_one_again, Rule.AGAIN, "it was sent again at 2 s"),
    ],
)
def test_the_first_breach_is_told(sender: Callable[..., Any], rule: Rule, got: str) -> None:
    _, _, came, number = answer_of(sender)
    assert (came, number) == (got, rule)


def test_hours_of_waiting_take_no_time() -> None:
    def waits(endpoint: Any, messages: list[bytes]) -> int:
        endpoint.receive(500.0)
        return 0

    before = time.monotonic()
    _, expected, got, rule = answer_of(waits)
    assert (expected, got) == ("message 0 to be sent at 0 s", "it was not sent before 500 s")
    assert rule == Rule.WINDOW
    assert time.monotonic() - before < 5.0


events = st.one_of(
    st.just("timed_out()"),
    st.builds(Measured, st.floats(0.0, 100.0), st.booleans()),
)


@given(story=st.lists(events, max_size=30))
def test_the_solution_estimates_as_the_model_does(story: list[Event]) -> None:
    answers: list[object] = []
    estimate(RttEstimator, lambda event, value=None: answers.append((event, value)), [story])
    assert answers[-1] == ("answer", None)


@given(story=st.lists(events, max_size=30))
def test_the_model_keeps_its_limits(story: list[Event]) -> None:
    model = Model()
    for event in story:
        if isinstance(event, Measured):
            model.measured(event.rtt_s, event.retransmitted)
        else:
            model.timed_out()
        assert 1.0 <= model.rto_s <= 60.0
