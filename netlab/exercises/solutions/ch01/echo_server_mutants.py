"""Faulty variants of `echo_server`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket

_kept: list[object] = []


def echo_once(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(connection.recv(65_536))


def echo_text(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(65_536):
                connection.sendall(data.decode().encode())


def echo_stripped(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(65_536):
                connection.sendall(data.strip())


def echo_lines(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError), connection.makefile("rb") as file:
            for line in file:
                connection.sendall(line)


def echo_left_open(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        _kept.append(connection)
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65_536):
                connection.sendall(data)


def echo_first_client_only(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ConnectionError):
        while data := connection.recv(65_536):
            connection.sendall(data)


def echo_fragile(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65_536):
                connection.sendall(data)


def echo_limited(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            room = 100_000
            while room > 0 and (data := connection.recv(min(65_536, room))):
                connection.sendall(data)
                room -= len(data)


MUTANTS = (
    (echo_once, "one byte at a time"),
    (echo_text, "bytes that are no text"),
    (echo_stripped, "a line of text"),
    (echo_lines, "one byte at a time"),
    (echo_left_open, "a half-close"),
    (echo_first_client_only, "a client that says nothing"),
    (echo_limited, "a megabyte"),
    (echo_fragile, "a client that vanishes"),
)
