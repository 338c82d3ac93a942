"""Faulty variants of `war_probe`, each with the probe that catches it."""

from __future__ import annotations

import socket
from typing import Any

MAX_BYTES = 65_535


def _first_answer(start_server: Any, *datagrams: bytes, timeout_s: float | None = 1.0) -> bytes:
    """Send all; return what comes first, b'' if nothing does."""
    with start_server() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s)
        for data in datagrams:
            sock.sendto(data, server.address)
        try:
            return sock.recv(MAX_BYTES)
        except TimeoutError:
            return b""


def probe_with_a_question(start_server: Any) -> None:
    assert _first_answer(start_server, b"ask hello") == b"answer hello"


def probe_with_the_question_first(start_server: Any) -> None:
    first = _first_answer(start_server, b"ask hello", b"answer hello", b"\xff")
    assert first == b"answer hello"


def probe_with_a_text(start_server: Any) -> None:
    assert _first_answer(start_server, b"answer hello", b"ask hello") == b"answer hello"


def probe_with_bytes(start_server: Any) -> None:
    assert _first_answer(start_server, b"\xff\xfe", b"ask hello") == b"answer hello"


def probe_that_raises_timeout(start_server: Any) -> None:
    with start_server() as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.6)
        for data in (b"answer hello", b"\xff", b"ask hello"):
            sock.sendto(data, server.address)
        assert sock.recv(MAX_BYTES) == b"answer hello"


def probe_that_waits_for_ever(start_server: Any) -> None:
    datagrams = b"answer hello", b"\xff", b"ask hello"
    assert _first_answer(start_server, *datagrams, timeout_s=None) == b"answer hello"


def probe_that_wants_an_error(start_server: Any) -> None:
    assert _first_answer(start_server, b"\xff", b"ask hello") not in (b"answer hello", b"")


def probe_that_accuses_all(start_server: Any) -> None:
    raise AssertionError("I do not like it")


def probe_in_a_hurry(start_server: Any) -> None:
    datagrams = b"answer hello", b"\xff", b"ask hello"
    assert _first_answer(start_server, *datagrams, timeout_s=0.1) == b"answer hello"


MUTANTS = (
    (probe_with_a_question, "the server that answers answers"),
    (probe_with_the_question_first, "the server that answers answers"),
    (probe_with_bytes, "the server that answers answers"),
    (probe_with_a_text, "the server that takes everything for text"),
    (probe_that_raises_timeout, "the server that takes everything for text"),
    (probe_that_waits_for_ever, "the server that takes everything for text"),
    (probe_that_wants_an_error, "a correct server"),
    (probe_that_accuses_all, "a correct server"),
    (probe_in_a_hurry, "a correct server that takes its time"),
)
