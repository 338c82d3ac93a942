"""Faulty variants of `stop_and_wait`, each with the probe that catches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RESEND_S = 0.5
MOST_SENDINGS = 8

Wait = Callable[[Any, int], bool]


def acknowledged(endpoint: Any, number: int) -> bool:
    """Wait as the solution does."""
    due_s = endpoint.now_s + RESEND_S
    while True:
        try:
            data = endpoint.receive(due_s - endpoint.now_s)
        except TimeoutError:
            return False
        if data == number.to_bytes(4):
            return True


def _sent(
    endpoint: Any,
    messages: list[bytes],
    *,
    wait: Wait = acknowledged,
    most: int = MOST_SENDINGS,
    first: int = 0,
) -> int:
    n_sent = 0
    for number, message in enumerate(messages, first):
        for _ in range(most):
            endpoint.send(number.to_bytes(4) + message)
            n_sent += 1
            if wait(endpoint, number):
                break
        else:
            raise TimeoutError
    return n_sent


def stop_and_count_from_one(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, first=1)


def stop_and_hope(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, wait=lambda endpoint, number: True)


def stop_and_return_nothing(endpoint: Any, messages: list[bytes]) -> None:
    _sent(endpoint, messages)


def stop_and_count_messages(endpoint: Any, messages: list[bytes]) -> int:
    _sent(endpoint, messages)
    return len(messages)


def stop_and_look_up(endpoint: Any, messages: list[bytes]) -> int:
    """`index` finds the first of equal messages."""
    for message in messages:
        number = messages.index(message)
        endpoint.send(number.to_bytes(4) + message)
        acknowledged(endpoint, number)
    return len(messages)


def stop_at_nothing(endpoint: Any, messages: list[bytes]) -> int:
    """Takes it for granted that there is a first message."""
    assert messages[0] is not None
    return _sent(endpoint, messages)


def send_once(endpoint: Any, messages: list[bytes]) -> int:
    for number, message in enumerate(messages):
        endpoint.send(number.to_bytes(4) + message)
        while endpoint.receive(RESEND_S) != number.to_bytes(4):
            pass
    return len(messages)


def wait_longer(endpoint: Any, messages: list[bytes]) -> int:
    def wait(endpoint: Any, number: int) -> bool:
        return any(acknowledged(endpoint, number) for _ in range(2))

    return _sent(endpoint, messages, wait=wait)


def wait_less(endpoint: Any, messages: list[bytes]) -> int:
    def wait(endpoint: Any, number: int) -> bool:
        try:
            return bool(endpoint.receive(0.2) == number.to_bytes(4))
        except TimeoutError:
            return False

    return _sent(endpoint, messages, wait=wait)


def send_three_times(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, most=3)


def send_for_ever(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, most=10**9)


def believe_any_answer(endpoint: Any, messages: list[bytes]) -> int:
    def wait(endpoint: Any, number: int) -> bool:
        try:
            endpoint.receive(RESEND_S)
        except TimeoutError:
            return False
        return True

    return _sent(endpoint, messages, wait=wait)


def answer_old_answers(endpoint: Any, messages: list[bytes]) -> int:
    """The sorcerer's apprentice: what is not the right answer makes it send again."""

    def wait(endpoint: Any, number: int) -> bool:
        try:
            return bool(endpoint.receive(RESEND_S) == number.to_bytes(4))
        except TimeoutError:
            return False

    return _sent(endpoint, messages, wait=wait)


def believe_the_beginning(endpoint: Any, messages: list[bytes]) -> int:
    def wait(endpoint: Any, number: int) -> bool:
        due_s = endpoint.now_s + RESEND_S
        while True:
            try:
                if endpoint.receive(due_s - endpoint.now_s)[:4] == number.to_bytes(4):
                    return True
            except TimeoutError:
                return False

    return _sent(endpoint, messages, wait=wait)


def _anew_after(is_ignored: Callable[[bytes], bool]) -> Wait:
    """Wait 0.5 s anew after each such datagram."""

    def wait(endpoint: Any, number: int) -> bool:
        due_s = endpoint.now_s + RESEND_S
        while True:
            try:
                data = endpoint.receive(due_s - endpoint.now_s)
            except TimeoutError:
                return False
            if data == number.to_bytes(4):
                return True
            if is_ignored(data):
                due_s = endpoint.now_s + RESEND_S

    return wait


def wait_anew(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, wait=_anew_after(lambda data: True))


def wait_anew_after_old_answers(endpoint: Any, messages: list[bytes]) -> int:
    return _sent(endpoint, messages, wait=_anew_after(lambda data: len(data) == 4))


MUTANTS = (
    (stop_and_count_from_one, "a network without faults"),
    (stop_and_hope, "a network without faults"),
    (stop_and_return_nothing, "a network without faults"),
    (wait_less, "a network without faults"),
    (stop_and_look_up, "equal messages, and an empty one"),
    (stop_at_nothing, "no message at all"),
    (stop_and_count_messages, "a message is lost"),
    (send_once, "a message is lost"),
    (wait_longer, "a message is lost"),
    (send_three_times, "lost seven times"),
    (believe_any_answer, "each acknowledgement comes twice"),
    (answer_old_answers, "each acknowledgement comes twice"),
    (believe_the_beginning, "other datagrams"),
    (wait_anew, "other datagrams"),
    (wait_anew_after_old_answers, "an old acknowledgement, again and again"),
    (send_for_ever, "nobody is there"),
)
