"""Faulty variants of `greet`, each with the probe that catches it."""

from __future__ import annotations

import socket
from typing import Any


def greet_one_recv(address: Any) -> bytes:
    with socket.create_connection(address) as sock:
        sock.sendall(b"hello\n")
        return sock.recv(1024)


def greet_without_newline(address: Any) -> bytes:
    with socket.create_connection(address) as sock, sock.makefile("rb") as file:
        sock.sendall(b"hello\n")
        return file.readline().rstrip(b"\n")


def greet_twice(address: Any) -> bytes:
    with socket.create_connection(address) as sock, sock.makefile("rb") as file:
        sock.sendall(b"hello\n")
        line = file.readline()
        sock.sendall(b"hello\n")
        return line


MUTANTS = (
    (greet_one_recv, "an answer in three pieces"),
    (greet_without_newline, "an answer in one piece"),
    (greet_twice, "an answer in one piece"),
)
