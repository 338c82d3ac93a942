"""Faulty variants: each is caught by the probe named beside it, or the examiner is at fault."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

# ---------------------------------------------------------------- greet


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


# ---------------------------------------------------------------- conversation


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


# ---------------------------------------------------------------- thread_probe


def probe_counts_all(cell: Any) -> None:
    cell()
    assert threading.active_count() == 1


def probe_never_objects(cell: Any) -> None:
    cell()


def probe_calls_twice(cell: Any) -> None:
    cell()
    before = set(threading.enumerate())
    cell()
    assert not set(threading.enumerate()) - before


# ---------------------------------------------------------------- family


def family_by_letters(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    return int(socket.AF_INET6 if ":" in text else socket.AF_INET)


def family_that_looks_up(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    return int(socket.getaddrinfo(text, 80)[0][0])


def family_that_accepts_halves(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        socket.inet_aton(text)  # takes 127.1 for an address
        return int(socket.AF_INET)
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET6, text)
        return int(socket.AF_INET6)
    raise ValueError(text)


# ---------------------------------------------------------------- echo_server


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


# ---------------------------------------------------------------- connect_any


def connect_first(candidates: Any) -> socket.socket:
    family, address = candidates[0]
    sock = socket.socket(family)
    sock.connect(address)
    return sock


def connect_ipv4_only(candidates: Any) -> socket.socket:
    for family, address in candidates:
        if family == socket.AF_INET:
            with contextlib.suppress(OSError):
                return socket.create_connection(address)
    raise OSError("nobody answers")


def connect_leaking(candidates: Any) -> socket.socket:
    for family, address in candidates:
        sock = socket.socket(family)
        try:
            sock.connect(address)
            return sock
        except OSError:
            _kept.append(sock)
    raise OSError("nobody answers")


def connect_none(candidates: Any) -> socket.socket | None:
    for family, address in candidates:
        sock = socket.socket(family)
        try:
            sock.connect(address)
            return sock
        except OSError:
            sock.close()
    return None


# ---------------------------------------------------------------- echo_probe


def probe_with_text(address: Any) -> None:
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(b"hello\n")
        assert sock.recv(1024)


def probe_one_recv(address: Any) -> None:
    with socket.create_connection(address, timeout=1) as sock:
        sock.sendall(b"\xff abc\n")
        got = sock.recv(1024)
    assert got == b"\xff abc\n"


def probe_that_waits(address: Any) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(b"\xff\n")
        got = b""
        while len(got) < 2:
            got += sock.recv(1024)
    assert got == b"\xff\n"


MUTANTS = {
    "greet": (
        (greet_one_recv, "an answer in three pieces"),
        (greet_without_newline, "an answer in one piece"),
        (greet_twice, "an answer in one piece"),
    ),
    "conversation": (
        (conversation_open_listener, "one run"),
        (conversation_running_thread, "one run"),
        (conversation_only_once, "three runs in a row"),
    ),
    "thread_probe": (
        (probe_counts_all, "a clean cell beside somebody else's thread"),
        (probe_never_objects, "a cell that leaves a thread"),
        (probe_calls_twice, "a cell that cleans up"),
    ),
    "family": (
        (family_by_letters, "family('localhost')"),
        (family_that_looks_up, "family('localhost')"),
        (family_that_accepts_halves, "family('127.1')"),
    ),
    "echo_server": (
        (echo_once, "one byte at a time"),
        (echo_text, "bytes that are no text"),
        (echo_stripped, "a line of text"),
        (echo_lines, "one byte at a time"),
        (echo_left_open, "a half-close"),
        (echo_first_client_only, "a client that says nothing"),
        (echo_limited, "a megabyte"),
        (echo_fragile, "a client that vanishes"),
    ),
    "connect_any": (
        (connect_first, "the first address is dead"),
        (connect_ipv4_only, "both alive: the first counts"),
        (connect_leaking, "the first address is dead"),
        (connect_none, "all dead"),
    ),
    "echo_probe": (
        (probe_with_text, "the server that thinks in text"),
        (probe_one_recv, "a correct server that answers in pieces"),
        (probe_that_waits, "the server that thinks in text"),
    ),
}
