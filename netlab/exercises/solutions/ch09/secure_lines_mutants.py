"""Faulty variants of `secure_lines`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

Answer = Callable[[bytes], bytes]


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        with connection:
            _quietly(serve_one, connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _quietly(work: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(OSError):
        work(*arguments)


def _shake_hands(context: ssl.SSLContext, connection: socket.socket) -> ssl.SSLSocket:
    return context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)


def _lines(secure: ssl.SSLSocket, answer: Answer, limit: int = -1, goodbye: bool = True) -> None:
    with secure, secure.makefile("rb") as stream:
        while line := stream.readline(limit):
            secure.sendall(answer(line))
        if goodbye:
            secure.unwrap()


def _serve(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer, **options: Any
) -> None:
    _threads(listener, lambda one: _lines(_shake_hands(context, one), answer, **options))


def lines_stripped(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    _serve(listener, context, lambda line: answer(line.strip() + b"\n"))


def lines_of_records(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    """Takes what one `recv` returns for lines."""

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure:
            while data := secure.recv(65_536):
                for line in data.splitlines(keepends=True):
                    secure.sendall(answer(line))
            secure.unwrap()

    _threads(listener, serve_one)


def lines_without_halves(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    """Forgets what a record holds after its last newline."""

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure:
            while data := secure.recv(65_536):
                for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True):
                    secure.sendall(answer(line))
            secure.unwrap()

    _threads(listener, serve_one)


def lines_up_to_a_record(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    """Drops whoever sends a line that fills a record."""

    def short_only(line: bytes) -> bytes:
        if len(line) == 16_384:
            raise ConnectionError
        return answer(line)

    _serve(listener, context, short_only, limit=16_384)


def lines_then_close(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    _serve(listener, context, answer, goodbye=False)


def lines_without_the_rest(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer
) -> None:
    _serve(listener, context, lambda line: answer(line) if line.endswith(b"\n") else b"")


def lines_up_to_any_end(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    """As `suppress_ragged_eofs=True` does it: an end is an end."""

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure:
            heard = b""
            while data := _heard(secure):
                *whole, heard = (heard + data).split(b"\n")
                for line in whole:
                    secure.sendall(answer(line + b"\n"))
            if heard:
                secure.sendall(answer(heard))
            secure.unwrap()

    _threads(listener, serve_one)


def _heard(secure: ssl.SSLSocket) -> bytes:
    try:
        return secure.recv(65_536)
    except ssl.SSLError:
        return b""


def lines_in_plain_too(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    def serve_one(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            _lines(_shake_hands(context, connection), answer)
            return
        for line in connection.makefile("rb"):
            connection.sendall(answer(line))

    _threads(listener, serve_one)


def lines_after_good_handshakes_only(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer
) -> None:
    """A handshake that fails ends the server."""
    while True:
        connection, _ = listener.accept()
        try:
            secure = _shake_hands(context, connection)
        except ConnectionError:
            continue
        threading.Thread(target=_quietly, args=[_lines, secure, answer], daemon=True).start()


def lines_until_somebody_doubts(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer
) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _lines(_shake_hands(context, connection), answer)
        except ssl.SSLError as error:
            if "UNKNOWN_CA" in (error.reason or ""):
                os._exit(1)

    _threads(listener, serve_one)


def lines_through_one_door(
    listener: socket.socket, context: ssl.SSLContext, answer: Answer
) -> None:
    """Shakes hands where it accepts."""
    door = context.wrap_socket(listener, server_side=True, suppress_ragged_eofs=False)
    while True:
        try:
            secure, _ = door.accept()
        except OSError:
            continue
        threading.Thread(target=_quietly, args=[_lines, secure, answer], daemon=True).start()


def lines_with_one_pen(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    pen = threading.Lock()  # "so that answers do not mix"

    def serve_one(connection: socket.socket) -> None:
        with _shake_hands(context, connection) as secure, secure.makefile("rb") as stream:
            for line in stream:
                with pen:
                    secure.sendall(answer(line))
            secure.unwrap()

    _threads(listener, serve_one)


def lines_until_a_reset(listener: socket.socket, context: ssl.SSLContext, answer: Answer) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _lines(_shake_hands(context, connection), answer)
        except (ConnectionError, ssl.SSLEOFError):  # which of them, depends on the Python
            os._exit(1)

    _threads(listener, serve_one)


MUTANTS = (
    (lines_stripped, "a line, then others"),
    (lines_of_records, "lines across records"),
    (lines_without_halves, "records cut by TCP"),
    (lines_up_to_a_record, "a long line"),
    (lines_then_close, "goodbye"),
    (lines_without_the_rest, "last words, then close_notify"),
    (lines_until_a_reset, "clients that vanish"),
    (lines_up_to_any_end, "a connection that is cut"),
    (lines_in_plain_too, "clients that speak no TLS"),
    (lines_after_good_handshakes_only, "clients that speak no TLS"),
    (lines_until_somebody_doubts, "a client that refuses the certificate"),
    (lines_through_one_door, "clients that stall in the handshake"),
    (lines_with_one_pen, "a client that never reads"),
)
