"""Datagrams on a simulated clock: a retransmission is examined in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.simulated import simulate
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

MESSAGES = [b"one", b"two", b"three"]


def receiver(net: Any) -> Callable[[], object]:
    got: list[bytes] = []

    def take(data: bytes) -> None:
        got.append(data)
        net.server.send(b"ACK " + data)

    net.server.on_receive = take
    return lambda: list(dict.fromkeys(got))


def stop_and_wait(end: Any, messages: list[bytes]) -> int:
    sent = 0
    for message in messages:
        while True:
            end.send(message)
            sent += 1
            try:
                while end.receive(timeout_s=10.0) != b"ACK " + message:
                    pass
                break
            except TimeoutError:
                continue
    return sent


def hopes(end: Any, messages: list[bytes]) -> None:
    for message in messages:
        end.send(message)


def repeats_for_ever(end: Any, messages: list[bytes]) -> None:
    while True:
        end.send(messages[0])


def examine(trial: Trial) -> None:
    trial.wait("answer")
    got = trial.wait("peer")
    net = trial.wait("net")
    if got != MESSAGES:
        raise Broken(repr(MESSAGES), repr(got))
    if net["sent"] > 5:
        raise Broken("at most 5 datagrams", f"{net['sent']} datagrams")
    trial.note(f"{net['time_s']:g} simulated seconds")


EXERCISE = Exercise(
    "send_all",
    chapter="99",
    kind="core",
    title="Send all",
    task="",
    rules=("All messages arrive.",),
    hints=("", "", ""),
    probes=[
        Probe("a good network", 1, examine, simulate, (receiver, {}, MESSAGES)),
        Probe("two are lost", 1, examine, simulate, (receiver, {"drop": {2, 3}, "seed": 1,
              "direction": "to_server"}, MESSAGES)),
    ],
)  # fmt: skip


def test_minutes_of_waiting_take_no_time() -> None:
    begun = time.monotonic()
    report = EXERCISE.check(stop_and_wait)
    assert report.passed, str(report)
    assert time.monotonic() - begun < 10.0, "20 simulated seconds of timeouts, and two interpreters"


@pytest.mark.parametrize(
    ("code", "probe", "told"),
    [
        (hopes, "a good network", "[]"),
        (repeats_for_ever, "a good network", "BudgetExceeded: 2,000 datagrams were sent"),
    ],
)
def test_what_was_on_the_wire_is_told(code: Any, probe: str, told: str) -> None:
    report = EXERCISE.check(code)
    assert report.failed_probe == probe
    assert told in str(report)
    assert str(EXERCISE.check(code)) == str(report)


def test_a_lost_datagram_is_in_the_story_and_in_the_picture() -> None:
    def gives_up(end: Any, messages: list[bytes]) -> None:
        for message in messages:
            end.send(message)
            end.receive(timeout_s=1.0)

    report = EXERCISE.check(gives_up)
    assert report.failed_probe == "two are lost"
    assert "your code sends b'two' (lost)" in str(report)
    assert "<svg" in report._repr_mimebundle_()["text/html"]
