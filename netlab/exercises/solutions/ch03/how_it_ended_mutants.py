"""Faulty variants of `how_it_ended`, each with the probe that catches it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable


def _closed(error: OSError) -> str:
    if error.errno != errno.EBADF:
        raise error
    return "closed"


def _rightly(read: Callable[[], object]) -> str:
    try:
        read()
    except TimeoutError:
        return "timeout"
    except ConnectionResetError:
        return "RST"
    except OSError as error:
        return _closed(error)
    return "FIN"


def _to_the_end(sock: socket.socket) -> None:
    while sock.recv(65_536):
        pass


def reads_once(sock: socket.socket) -> str:
    """Takes what has come for the end."""
    return _rightly(lambda: sock.recv(65_536))


def reads_once_and_wonders(sock: socket.socket) -> str | None:
    """Knows that `b''` is the end, and does not ask again if it is not."""
    try:
        if sock.recv(65_536) == b"":
            return "FIN"
    except TimeoutError:
        return "timeout"
    except ConnectionResetError:
        return "RST"
    except OSError as error:
        return _closed(error)
    return None


def strips(sock: socket.socket) -> str:
    """Takes an empty line for the end."""

    def read() -> None:
        while sock.recv(65_536).strip():
            pass

    return _rightly(read)


def takes_a_short_read_for_the_end(sock: socket.socket) -> str:
    """Reads on only while `recv` returns as much as was asked for."""

    def read() -> None:
        while len(sock.recv(1_000)) == 1_000:
            pass

    return _rightly(read)


def lets_rst_out(sock: socket.socket) -> str:
    """Does not know ConnectionResetError."""
    try:
        _to_the_end(sock)
    except TimeoutError:
        return "timeout"
    except ConnectionResetError:
        raise
    except OSError as error:
        return _closed(error)
    return "FIN"


def takes_every_error_for_rst(sock: socket.socket) -> str:
    """`except OSError` first: a timeout is one, too."""
    try:
        _to_the_end(sock)
    except OSError:
        return "RST"
    return "FIN"


def waits_for_ever(sock: socket.socket) -> str:
    """Takes the timeout away."""
    if sock.fileno() != -1:
        sock.settimeout(None)
    return _rightly(lambda: _to_the_end(sock))


def waits_on(sock: socket.socket) -> str:
    """Takes a timeout for a reason to try again."""
    while True:
        ended = _rightly(lambda: _to_the_end(sock))
        if ended != "timeout":
            return ended


def lets_closed_out(sock: socket.socket) -> str:
    """Does not know Errno 9."""
    try:
        _to_the_end(sock)
    except TimeoutError:
        return "timeout"
    except ConnectionResetError:
        return "RST"
    return "FIN"


def takes_the_rest_for_closed(sock: socket.socket) -> str:
    """Whatever it does not know, it calls closed."""
    try:
        _to_the_end(sock)
    except TimeoutError:
        return "timeout"
    except ConnectionResetError:
        return "RST"
    except OSError:
        return "closed"
    return "FIN"


def closes(sock: socket.socket) -> str:
    """Closes what is not its own."""
    with sock:
        return _rightly(lambda: _to_the_end(sock))


def answers_with_fin(sock: socket.socket) -> str:
    """Shuts down what is not its own."""
    ended = _rightly(lambda: _to_the_end(sock))
    if ended == "FIN":
        sock.shutdown(socket.SHUT_WR)
    return ended


def has_its_own_timeout(sock: socket.socket) -> str:
    """Sets a timeout of its own, and leaves it set."""
    sock.settimeout(0.5)
    return _rightly(lambda: _to_the_end(sock))


MUTANTS = (
    (reads_once, "FIN behind 100,000 bytes"),
    (reads_once_and_wonders, "FIN behind some words"),
    (strips, "silence behind an empty line"),
    (takes_a_short_read_for_the_end, "RST behind some words"),
    (lets_rst_out, "RST"),
    (takes_every_error_for_rst, "silence"),
    (waits_for_ever, "FIN, at once"),
    (waits_on, "silence"),
    (lets_closed_out, "a closed socket"),
    (takes_the_rest_for_closed, "a socket that was never connected"),
    (closes, "FIN, at once"),
    (answers_with_fin, "FIN, at once"),
    (has_its_own_timeout, "FIN, at once"),
)
