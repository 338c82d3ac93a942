"""Faulty variants of `smoke_test`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable

PIECE = 65_536


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve_one(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(PIECE):
        connection.sendall(data)


def smoke_test_waits_for_the_end(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            connection.sendall(stream.read())

    _threads(listener, serve_one)


def smoke_test_thinks_in_text(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while text := connection.recv(PIECE).decode("utf-8", "replace"):
            connection.sendall(text.encode())

    _threads(listener, serve_one)


def smoke_test_strips(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while data := connection.recv(PIECE):
            connection.sendall(data.rstrip())

    _threads(listener, serve_one)


def smoke_test_knows_an_end_of_file_character(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while (data := connection.recv(PIECE)) and data[-1:] not in (b"\x04", b"\x1a"):
            connection.sendall(data)

    _threads(listener, serve_one)


async def smoke_test_drops_the_rest(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    while data := await reader.read(PIECE):
        writer.write(data)
    writer.transport.abort()  # what the system has not taken yet is thrown away


def smoke_test_stays_open(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        _echo(connection)
        threading.Event().wait()

    _threads(listener, serve_one)


def smoke_test_takes_silence_for_an_error(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        data = connection.recv(PIECE)
        if not data:
            os._exit(1)
        connection.sendall(data)
        _echo(connection)

    _threads(listener, serve_one)


def smoke_test_sends_a_part(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while data := connection.recv(PIECE):
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.send(data)  # as much as there is room for; the rest is forgotten
            connection.setblocking(True)

    _threads(listener, serve_one)


def smoke_test_one_after_the_other(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            _echo(connection)


def smoke_test_answers_the_last_that_came(listener: socket.socket) -> None:
    last: list[socket.socket] = []

    def serve_one(connection: socket.socket) -> None:
        last[:] = [connection]
        while data := connection.recv(PIECE):
            last[0].sendall(data)

    _threads(listener, serve_one)


def smoke_test_ends_with_the_first(listener: socket.socket) -> None:
    everybody: list[socket.socket] = []

    def serve_one(connection: socket.socket) -> None:
        everybody.append(connection)
        _echo(connection)
        others = [one for one in everybody if one is not connection]
        everybody.clear()
        for one in others:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    _threads(listener, serve_one)


async def smoke_test_blocks_the_loop(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            while data:  # sends past the loop: whoever does not read stops everybody
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(sock.fileno(), data) :]
    writer.close()


def smoke_test_fragile(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _echo(connection)
        except ConnectionError:
            os._exit(1)

    _threads(listener, serve_one)


def smoke_test_counts_wrongly(listener: socket.socket) -> None:
    room = threading.Semaphore(50)

    def serve_one(connection: socket.socket) -> None:
        room.acquire()  # and never released
        _echo(connection)

    _threads(listener, serve_one)


MUTANTS = (
    (smoke_test_waits_for_the_end, "a few bytes"),
    (smoke_test_thinks_in_text, "bytes that are no text"),
    (smoke_test_strips, "bytes that are no text"),
    (smoke_test_knows_an_end_of_file_character, "bytes that are no text"),
    (smoke_test_stays_open, "bytes that are no text"),
    (smoke_test_drops_the_rest, "last words, then FIN"),
    (smoke_test_takes_silence_for_an_error, "a client that says nothing and ends"),
    (smoke_test_sends_a_part, "a client that reads late"),
    (smoke_test_one_after_the_other, "twelve clients at once"),
    (smoke_test_answers_the_last_that_came, "twelve clients at once"),
    (smoke_test_ends_with_the_first, "one ends, another stays"),
    (smoke_test_blocks_the_loop, "a client that never reads"),
    (smoke_test_fragile, "a client that vanishes"),
    (smoke_test_counts_wrongly, "a storm of clients"),
)
