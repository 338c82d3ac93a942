"""Faulty variants of `tls_echo`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT = 65_536


def _context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # was set in Python before 3.11.4
    context.load_cert_chain(certificate)
    context.sni_callback = _refuse_strangers
    return context


def _refuse_strangers(_: object, name: str | None, __: object) -> int | None:
    if name not in (None, "localhost"):
        return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
    return None


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve_one(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _shake_hands(context: ssl.SSLContext, connection: socket.socket) -> ssl.SSLSocket:
    return context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)


def _lines(
    secure: ssl.SSLSocket,
    answer: Callable[[bytes], bytes] = bytes,
    limit: int = LIMIT,
    goodbye: bool = True,
) -> None:
    with secure, secure.makefile("rb") as stream:
        while line := stream.readline(limit):
            if len(line) == limit and not line.endswith(b"\n"):
                return
            secure.sendall(answer(line))
        if goodbye:
            secure.unwrap()


def _echo(listener: socket.socket, context: ssl.SSLContext, **options: Any) -> None:
    _threads(listener, lambda one: _lines(_shake_hands(context, one), **options))


def tls_echo_strips(listener: socket.socket, certificate: str) -> None:
    _echo(listener, _context(certificate), answer=lambda line: line.strip() + b"\n")


def tls_echo_newest_only(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    _echo(listener, context)


def tls_echo_for_old_clients(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    _echo(listener, context)


def tls_echo_dies_of_a_bad_handshake(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    while True:
        connection, _ = listener.accept()
        secure = _shake_hands(context, connection)
        threading.Thread(target=_quietly, args=[_lines, secure], daemon=True).start()


def tls_echo_with_a_strange_certificate(listener: socket.socket, certificate: str) -> None:
    import trustme

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "other.pem")
        issued = trustme.CA().issue_cert("echo.example")
        path.write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        context = _context(str(path))
    _echo(listener, context)


def tls_echo_for_everybody(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    context.sni_callback = None
    _echo(listener, context)


def tls_echo_takes_a_record_for_lines(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure:
            while data := secure.recv(LIMIT):
                secure.sendall(data[: data.rfind(b"\n") + 1])  # and the rest is forgotten
            secure.unwrap()

    _threads(listener, serve_one)


def tls_echo_shorter_lines(listener: socket.socket, certificate: str) -> None:
    _echo(listener, _context(certificate), limit=16_384)  # as long as a record


def tls_echo_endless_lines(listener: socket.socket, certificate: str) -> None:
    _echo(listener, _context(certificate), limit=2**30)


def tls_echo_just_closes(listener: socket.socket, certificate: str) -> None:
    _echo(listener, _context(certificate), goodbye=False)


def tls_echo_forgets_the_rest(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    _echo(listener, context, answer=lambda line: line if line.endswith(b"\n") else b"")


def tls_echo_believes_any_end(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF  # "gets rid of the error"
    _echo(listener, context)


def tls_echo_in_plain_too(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)

    def serve_one(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            _lines(_shake_hands(context, connection))
            return
        while data := connection.recv(LIMIT):
            connection.sendall(data)

    _threads(listener, serve_one)


def tls_echo_shakes_hands_at_the_door(listener: socket.socket, certificate: str) -> None:
    door = _context(certificate).wrap_socket(listener, server_side=True, suppress_ragged_eofs=False)
    while True:
        try:
            secure, _ = door.accept()
        except OSError:
            continue
        threading.Thread(target=_quietly, args=[_lines, secure], daemon=True).start()


def tls_echo_one_at_a_time(listener: socket.socket, certificate: str) -> None:
    context, lock = _context(certificate), threading.Lock()

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure, secure.makefile("rb") as stream:
            while line := stream.readline(LIMIT):
                if len(line) == LIMIT and not line.endswith(b"\n"):
                    return
                with lock:  # "so that answers do not mix"
                    secure.sendall(line)
            secure.unwrap()

    _threads(listener, serve_one)


def tls_echo_fragile(listener: socket.socket, certificate: str) -> None:
    context = _context(certificate)

    def serve_one(connection: socket.socket) -> None:
        try:
            _lines(_shake_hands(context, connection))
        except (ConnectionError, ssl.SSLEOFError):
            os._exit(1)

    _threads(listener, serve_one)


def tls_echo_counts_wrongly(listener: socket.socket, certificate: str) -> None:
    context, room = _context(certificate), threading.Semaphore(30)

    def serve_one(connection: socket.socket) -> None:
        room.acquire()
        _lines(_shake_hands(context, connection))  # after a handshake that fails,
        room.release()  # this is not reached

    _threads(listener, serve_one)


def _quietly(work: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(OSError):
        work(*arguments)


MUTANTS = (
    (tls_echo_strips, "a line, then others"),
    (tls_echo_newest_only, "a client of TLS 1.2"),
    (tls_echo_for_old_clients, "a client of TLS 1.1"),
    (tls_echo_dies_of_a_bad_handshake, "a client of TLS 1.1"),
    (tls_echo_with_a_strange_certificate, "the certificate"),
    (tls_echo_for_everybody, "a client that seeks another host"),
    (tls_echo_takes_a_record_for_lines, "records cut by TCP"),
    (tls_echo_shorter_lines, "a long line"),
    (tls_echo_endless_lines, "a line that is too long"),
    (tls_echo_just_closes, "goodbye"),
    (tls_echo_forgets_the_rest, "last words, then close_notify"),
    (tls_echo_believes_any_end, "a connection that is cut"),
    (tls_echo_in_plain_too, "clients that speak no TLS"),
    (tls_echo_shakes_hands_at_the_door, "clients that stall in the handshake"),
    (tls_echo_one_at_a_time, "a client that never reads"),
    (tls_echo_fragile, "clients that vanish"),
    (tls_echo_counts_wrongly, "a storm of clients"),
)
