"""Faulty variants of `conversation`, each with the probe that catches it."""

from __future__ import annotations

import socket
import threading


def _answer_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(connection.recv(100))


_kept: list[object] = []


def conversation_open_listener() -> bytes:
    listener = socket.create_server(("127.0.0.1", 0))
    _kept.append(listener)
    server = threading.Thread(target=_answer_one, args=[listener])
    server.start()
    with socket.create_connection(listener.getsockname()) as sock:
        sock.sendall(b"hello")
        reply = sock.recv(100)
    server.join()
    return reply


def conversation_running_thread() -> bytes:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        server = threading.Thread(target=_answer_one, args=[listener])
        server.start()
        with socket.create_connection(listener.getsockname()) as sock:
            sock.sendall(b"hello")
            reply = sock.recv(100)
        server.join()
        return reply


def conversation_only_once() -> bytes:
    if _kept:
        raise OSError("Address already in use")
    _kept.append(1)
    return b"hello"


MUTANTS = (
    (conversation_open_listener, "one run"),
    (conversation_running_thread, "one run"),
    (conversation_only_once, "three runs in a row"),
)
