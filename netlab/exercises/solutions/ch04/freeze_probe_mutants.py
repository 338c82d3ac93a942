"""Faulty variants of `freeze_probe`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

LINE = b"x" * 59_999 + b"\n"


@contextlib.contextmanager
def _clients(address: Any, timeout_s: float | None = 0.5) -> Iterator[list[socket.socket]]:
    """A silent one and one who talks, both in the room."""
    with contextlib.ExitStack() as stack:
        found = []
        for timeout in (None, timeout_s):
            sock = stack.enter_context(socket.create_connection(address, timeout=timeout))
            sock.recv(8, socket.MSG_WAITALL)
            found.append(sock)
        yield found


def _talk(speaker: socket.socket, lines: int) -> None:
    with speaker.makefile("rb") as heard:
        for _ in range(lines):
            speaker.sendall(LINE)
            assert heard.readline() == LINE


def probe_without_a_silent_client(address: Any) -> None:
    with socket.create_connection(address, timeout=0.5) as speaker:
        speaker.recv(8, socket.MSG_WAITALL)
        _talk(speaker, 200)


def probe_that_says_little(address: Any) -> None:
    with _clients(address) as (_, speaker):
        _talk(speaker, 10)


def probe_with_the_wrong_error(address: Any) -> None:
    with _clients(address) as (_, speaker):
        _talk(speaker, 200)


def probe_that_waits_for_ever(address: Any) -> None:
    with _clients(address, None) as (_, speaker):
        _talk(speaker, 200)


def probe_that_only_talks(address: Any) -> None:
    with _clients(address) as (_, speaker):
        try:
            for _ in range(200):
                speaker.sendall(LINE)
        except TimeoutError:
            raise AssertionError("it takes no more") from None


def probe_that_listens_later(address: Any) -> None:
    with _clients(address) as (_, speaker), speaker.makefile("rb") as heard:
        try:
            for _ in range(200):
                speaker.sendall(LINE)
            for _ in range(200):
                assert heard.readline() == LINE
        except OSError:
            raise AssertionError("not everything came") from None


def probe_that_is_sorry_for_the_silent(address: Any) -> None:
    with _clients(address) as (silent, speaker), silent.makefile("rb") as kept:
        try:
            _talk(speaker, 200)
        except TimeoutError:
            raise AssertionError("silence") from None
        for _ in range(200):
            assert kept.readline() == LINE, "the silent one has missed something"


def probe_without_patience(address: Any) -> None:
    with _clients(address, 0.05) as (_, speaker):
        try:
            _talk(speaker, 200)
        except TimeoutError:
            raise AssertionError("it takes its time") from None


MUTANTS = (
    (probe_without_a_silent_client, "the room that freezes"),
    (probe_that_says_little, "the room that freezes"),
    (probe_with_the_wrong_error, "the room that freezes"),
    (probe_that_waits_for_ever, "the room that freezes"),
    (probe_that_only_talks, "the room in which nobody is heard"),
    (probe_that_listens_later, "a correct room"),
    (probe_that_is_sorry_for_the_silent, "a correct room"),
    (probe_without_patience, "a correct room that takes its time"),
)
