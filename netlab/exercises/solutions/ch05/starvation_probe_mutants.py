"""Faulty variants of `starvation_probe`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket
from typing import Any


def probe_with_two(address: Any) -> None:
    """As in the chapter: two idle clients."""
    assert _heard(address, 2), "nothing"


def probe_that_keeps_no_clients(address: Any) -> None:
    """Nobody holds the sockets: they are closed at once."""
    for _ in range(10):
        socket.create_connection(address)
    assert _heard(address, 0), "nothing"


def probe_without_a_verdict(address: Any) -> None:
    """Lets the TimeoutError be what it is."""
    with contextlib.ExitStack() as clients:
        *_, last = [
            clients.enter_context(socket.create_connection(address, timeout=0.6)) for _ in range(11)
        ]
        last.sendall(b"hello\n")
        assert last.recv(100)


def probe_without_a_deadline(address: Any) -> None:
    """Waits for ever."""
    assert _heard(address, 10, timeout_s=None), "nothing"


def probe_that_knows_timeouts_only(address: Any) -> None:
    """Takes the end of the connection for an answer."""
    assert _heard(address, 10) is not None, "nothing"


def probe_that_wants_an_echo(address: Any) -> None:
    """Takes `waiting` for a fault."""
    assert _heard(address, 10) == b"hello\n", "no echo"


def probe_that_wants_service(address: Any) -> None:
    """Takes `full` for a fault."""
    assert _heard(address, 10) in (b"hello\n", b"waiting\n"), "not served"


def probe_in_a_hurry(address: Any) -> None:
    """Gives the server a twentieth of a second."""
    assert _heard(address, 10, timeout_s=0.05), "nothing"


def _heard(address: Any, idle: int, timeout_s: float | None = 0.6) -> bytes | None:
    with contextlib.ExitStack() as clients:
        *_, last = [
            clients.enter_context(socket.create_connection(address)) for _ in range(idle + 1)
        ]
        last.settimeout(timeout_s)
        last.sendall(b"hello\n")
        try:
            return last.recv(100)
        except TimeoutError:
            return None


MUTANTS = (
    (probe_with_two, "the pool that says nothing"),
    (probe_that_keeps_no_clients, "the pool that says nothing"),
    (probe_without_a_verdict, "the pool that says nothing"),
    (probe_without_a_deadline, "the pool that says nothing"),
    (probe_that_knows_timeouts_only, "the pool that hangs up"),
    (probe_that_wants_an_echo, "a pool that says `waiting`"),
    (probe_that_wants_service, "a pool that says `full`"),
    (probe_in_a_hurry, "a pool that sends idle clients away"),
)
