"""Faulty variants of `write_some`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket


def write_with_sendall(sock: socket.socket, unsent: bytearray) -> bool:
    sock.sendall(unsent)
    unsent.clear()
    return False


def write_and_forget(sock: socket.socket, unsent: bytearray) -> bool:
    with contextlib.suppress(BlockingIOError):
        sock.send(unsent)
    unsent.clear()
    return False


def write_a_copy(sock: socket.socket, unsent: bytearray) -> bool:
    try:
        unsent = unsent[sock.send(unsent) :]
    except BlockingIOError:
        return True
    return bool(unsent)


def write_blocking(sock: socket.socket, unsent: bytearray) -> bool:
    sock.setblocking(True)
    sock.sendall(unsent)
    sock.setblocking(False)
    unsent.clear()
    return False


def write_without_room(sock: socket.socket, unsent: bytearray) -> bool:
    del unsent[: sock.send(unsent)]
    return bool(unsent)


def write_and_say_sent(sock: socket.socket, unsent: bytearray) -> bool:
    try:
        sent = sock.send(unsent)
    except BlockingIOError:
        return True
    del unsent[:sent]
    return sent == 0 or bool(unsent)


def write_to_the_dead(sock: socket.socket, unsent: bytearray) -> bool:
    with contextlib.suppress(OSError):
        del unsent[: sock.send(unsent)]
    return bool(unsent)


MUTANTS = (
    (write_a_copy, "room for all of it"),
    (write_with_sendall, "room for a part"),
    (write_and_forget, "room for a part"),
    (write_blocking, "room for a part"),
    (write_without_room, "no room at all"),
    (write_and_say_sent, "nothing to send"),
    (write_to_the_dead, "the other end is gone"),
)
