"""Faulty variants of `spin_probe`, each with the probe that catches it."""

from __future__ import annotations

import socket
import threading
from typing import Any

MOMENT_S = 0.2


def _rounds_in_a_moment(server: Any) -> int:
    before = server.rounds
    threading.Event().wait(MOMENT_S)
    return int(server.rounds - before)


def probe_with_echo(start_server: Any) -> None:
    with start_server() as server, socket.create_connection(server.address, 2) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"


def probe_while_connected(start_server: Any) -> None:
    with start_server() as server, socket.create_connection(server.address):
        assert _rounds_in_a_moment(server) < 100


def probe_after_leaving(start_server: Any) -> None:
    with start_server() as server:
        socket.create_connection(server.address).close()
        assert _rounds_in_a_moment(server) < 100


def probe_that_allows_none(start_server: Any) -> None:
    with start_server() as server, socket.create_connection(server.address) as sock:
        sock.sendall(b"hello")
        sock.recv(100)
        socket.create_connection(server.address).close()
        threading.Event().wait(MOMENT_S)
        assert _rounds_in_a_moment(server) == 0


def probe_that_does_not_wait(start_server: Any) -> None:
    with start_server() as server, socket.create_connection(server.address):
        before = server.rounds
        assert server.rounds - before < 100


def probe_that_waits_for_ever(start_server: Any) -> None:
    with start_server() as server, socket.create_connection(server.address) as sock:
        sock.recv(100)
        assert _rounds_in_a_moment(server) < 100


MUTANTS = (
    (probe_with_echo, "the server that watches who has left"),
    (probe_while_connected, "the server that watches who has left"),
    (probe_that_does_not_wait, "the server that watches who has left"),
    (probe_that_waits_for_ever, "the server that watches who has left"),
    (probe_after_leaving, "the server that always asks for room to write"),
    (probe_that_allows_none, "a correct server that looks at the clock"),
)
