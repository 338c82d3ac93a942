"""Faulty variants of `ask`, each with the probe that catches it."""

from __future__ import annotations

import time
from typing import Any

MAX_BYTES = 65_535


def _ask(
    sock: Any, server: Any, question: bytes, timeout_s: float, *, n_bytes: int = MAX_BYTES
) -> bytes:
    deadline_s = time.monotonic() + timeout_s
    sock.sendto(question, server)
    while (left_s := deadline_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        answer, sender = sock.recvfrom(n_bytes)
        if sender == server:
            return bytes(answer)
    raise TimeoutError


def ask_and_believe_anybody(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    sock.sendto(question, server)
    sock.settimeout(timeout_s)
    return bytes(sock.recv(MAX_BYTES))


def ask_and_look_at_the_port(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    deadline_s = time.monotonic() + timeout_s
    sock.sendto(question, server)
    while (left_s := deadline_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        answer, sender = sock.recvfrom(MAX_BYTES)
        if sender[1] == server[1]:
            return bytes(answer)
    raise TimeoutError


def ask_with_a_small_buffer(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    return _ask(sock, server, question, timeout_s, n_bytes=1_024)


def ask_until_there_is_something(
    sock: Any, server: Any, question: bytes, timeout_s: float
) -> bytes:
    sock.sendto(question, server)
    sock.settimeout(0.3)
    while True:
        answer, sender = sock.recvfrom(MAX_BYTES)
        if answer and sender == server:
            return bytes(answer)


def ask_anew_each_time(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    sock.sendto(question, server)
    sock.settimeout(timeout_s)
    while True:
        answer, sender = sock.recvfrom(MAX_BYTES)
        if sender == server:
            return bytes(answer)


def ask_once_more(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    """Throws away one stranger's datagram, not two."""
    sock.sendto(question, server)
    sock.settimeout(timeout_s)
    answer, sender = sock.recvfrom(MAX_BYTES)
    return bytes(answer if sender == server else sock.recv(MAX_BYTES))


def ask_connected(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    sock.connect(server)
    sock.settimeout(timeout_s)
    sock.send(question)
    return bytes(sock.recv(MAX_BYTES))


def ask_again_each_time(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    sock.settimeout(timeout_s)
    while True:
        sock.sendto(question, server)
        answer, sender = sock.recvfrom(MAX_BYTES)
        if sender == server:
            return bytes(answer)


def ask_and_close(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    with sock:
        return _ask(sock, server, question, timeout_s)


def ask_and_return_none(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes | None:
    try:
        return _ask(sock, server, question, timeout_s)
    except TimeoutError:
        return None


def ask_for_ever(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    sock.sendto(question, server)
    while True:
        answer, sender = sock.recvfrom(MAX_BYTES)
        if sender == server:
            return bytes(answer)


def ask_and_give_up_early(sock: Any, server: Any, question: bytes, timeout_s: float) -> bytes:
    return _ask(sock, server, question, timeout_s / 2)


MUTANTS = (
    (ask_connected, "an answer"),
    (ask_and_close, "an answer"),
    (ask_until_there_is_something, "an empty answer"),
    (ask_with_a_small_buffer, "a long answer"),
    (ask_and_believe_anybody, "a stranger is first"),
    (ask_once_more, "a stranger is first"),
    (ask_again_each_time, "a stranger is first"),
    (ask_and_look_at_the_port, "a stranger on another host, at the same port"),
    (ask_and_return_none, "nobody answers"),
    (ask_for_ever, "nobody answers"),
    (ask_and_give_up_early, "nobody answers"),
    (ask_anew_each_time, "strangers without end"),
)
