"""Faulty variants of `echo_probe`, each with the probe that catches it."""

from __future__ import annotations

import socket
from typing import Any


def probe_with_text(address: Any) -> None:
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(b"hello\n")
        assert sock.recv(1024)


def probe_one_recv(address: Any) -> None:
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(b"\xff abc\n")
        got = sock.recv(1024)
    assert got == b"\xff abc\n"


def probe_short_and_one_recv(address: Any) -> None:
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(b"\xff\n")
        got = sock.recv(1024)
    assert got == b"\xff\n"


def probe_that_waits(address: Any) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(b"\xff\n")
        got = b""
        while len(got) < 2:
            got += sock.recv(1024)
    assert got == b"\xff\n"


MUTANTS = (
    (probe_with_text, "the server that thinks in text"),
    (probe_one_recv, "a correct server that answers in pieces"),
    (probe_short_and_one_recv, "a correct server that answers in pieces"),
    (probe_that_waits, "the server that thinks in text"),
)
