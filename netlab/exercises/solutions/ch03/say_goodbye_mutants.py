"""Faulty variants of `say_goodbye`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time


def _drain(sock: socket.socket, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while (left_s := until - time.monotonic()) > 0:
        sock.settimeout(left_s)
        if not sock.recv(65_536):
            break


def says_and_closes(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """As everyone does it."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)


def closes_without_a_word(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Keeps what it has to say to itself."""
    sock.close()


def does_not_say_that_it_is_over(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Waits for the client's end without FIN, while the client waits for its."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        _drain(sock, timeout_s)


def shuts_both_halves(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """SHUT_RDWR: reads `b''` at once, and takes that for the client's end."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_RDWR)
        _drain(sock, timeout_s)


def does_not_drain(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Says it and shuts down, and closes at once."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)


def drains_what_is_there(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Reads once."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(timeout_s)
        sock.recv(65_536)


def drains_first(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Waits for the client's end, and then speaks."""
    with sock, contextlib.suppress(OSError):
        _drain(sock, timeout_s)
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)


def drains_a_megabyte(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Has a limit, and it is one of bytes."""
    until, n_bytes = time.monotonic() + timeout_s, 0
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        while (left_s := until - time.monotonic()) > 0 and n_bytes < 1_000_000:
            sock.settimeout(left_s)
            data = sock.recv(65_536)
            if not data:
                break
            n_bytes += len(data)


def says_nothing_to_who_has_ended(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Takes `b''` for gone."""
    until = time.monotonic() + timeout_s
    with sock, contextlib.suppress(OSError):
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sock.recv(65_536):
                pass
            return
        sock.setblocking(True)
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        _drain(sock, until - time.monotonic())


def sleeps(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Gives the client all the time, whether it needs it or not."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        time.sleep(timeout_s)
        _drain(sock, 0.1)


def waits_for_ever(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Drains without a limit."""
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65_536):
            pass


def waits_for_each(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Sets the timeout once: each byte makes it start anew."""
    with sock, contextlib.suppress(OSError):
        sock.settimeout(timeout_s)
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65_536):
            pass


def lets_the_timeout_out(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Does not expect silence."""
    with sock, contextlib.suppress(ConnectionError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        _drain(sock, timeout_s)


def breaks_off(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """When the time is up, throws away what has not been delivered: SO_LINGER."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with sock, contextlib.suppress(OSError):
        sock.sendall(last_words)
        _drain(sock, timeout_s)


def knows_connection_errors(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Thinks that `shutdown` raises ConnectionError, too."""
    with sock, contextlib.suppress(ConnectionError, TimeoutError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        _drain(sock, timeout_s)


def catches_each_by_itself(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Catches what `sendall` raises, and goes on as if it had not."""
    with sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            _drain(sock, timeout_s)


def trusts_the_sending(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Guards `shutdown` as the error clinic says, and nothing else."""
    with sock:
        sock.sendall(last_words)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
            _drain(sock, timeout_s)


def trusts_the_draining(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Guards what sends, and the timeout of what reads."""
    with sock:
        try:
            sock.sendall(last_words)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            return
        with contextlib.suppress(TimeoutError):
            _drain(sock, timeout_s)


def forgets_to_close(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Has said goodbye, and keeps the door open."""
    with contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        _drain(sock, timeout_s)


def closes_when_all_goes_well(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Closes in the last line of the `try`."""
    with contextlib.suppress(OSError):
        sock.sendall(last_words)
        sock.shutdown(socket.SHUT_WR)
        _drain(sock, timeout_s)
        sock.close()


def leaves_it_to_a_thread(sock: socket.socket, last_words: bytes, timeout_s: float) -> None:
    """Has a thread drain, and returns."""
    sock.sendall(last_words)
    sock.shutdown(socket.SHUT_WR)
    threading.Thread(target=sock.recv, args=[1], daemon=True).start()


MUTANTS = (
    (closes_without_a_word, "a client who listens"),
    (does_not_say_that_it_is_over, "a client who listens"),
    (drains_first, "a client who listens"),
    (forgets_to_close, "a client who listens"),
    (breaks_off, "a client who listens"),
    (sleeps, "a client who listens"),
    (leaves_it_to_a_thread, "a client who listens"),
    (says_and_closes, "a client whose words are unread"),
    (shuts_both_halves, "a client who answers"),
    (does_not_drain, "a client who answers"),
    (drains_what_is_there, "a client who answers"),
    (drains_a_megabyte, "a client who finishes first"),
    (says_nothing_to_who_has_ended, "a client who has ended"),
    (waits_for_ever, "a client who is silent"),
    (lets_the_timeout_out, "a client who is silent"),
    (closes_when_all_goes_well, "a client who is silent"),
    (waits_for_each, "a client who never ends"),
    (knows_connection_errors, "a client who has left"),
    (catches_each_by_itself, "a client who has left"),
    (trusts_the_sending, "a client who has vanished"),
    (trusts_the_draining, "a client who vanishes"),
)
