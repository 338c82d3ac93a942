"""Faulty variants of `line_echo`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import socket
import threading
from collections.abc import Callable

LIMIT = 65_536


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve_one(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _lines(connection: socket.socket, answer: Callable[[bytes], bytes]) -> None:
    with connection.makefile("rb") as stream:
        while (line := stream.readline(LIMIT)).endswith(b"\n"):
            connection.sendall(answer(line))


def line_echo_once(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            connection.sendall(stream.readline(LIMIT))

    _threads(listener, serve_one)


def line_echo_strips(listener: socket.socket) -> None:
    _threads(listener, lambda one: _lines(one, lambda line: line.strip() + b"\n"))


def line_echo_thinks_in_text(listener: socket.socket) -> None:
    _threads(
        listener, lambda one: _lines(one, lambda line: line.decode("utf-8", "ignore").encode())
    )


def line_echo_takes_a_piece_for_a_line(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while data := connection.recv(LIMIT):
            if b"\n" in data:
                connection.sendall(data)

    _threads(listener, serve_one)


def line_echo_decodes_each_piece(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        kept = ""
        while data := connection.recv(LIMIT):
            # What follows the last whole character is forgotten.
            kept += codecs.utf_8_decode(data, "surrogateescape", False)[0]
            *lines, kept = kept.split("\n")
            for line in lines:
                connection.sendall(line.encode("utf-8", "surrogateescape") + b"\n")

    _threads(listener, serve_one)


def line_echo_first_line_of_a_piece(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        kept = b""
        while data := connection.recv(LIMIT):
            kept += data
            line, newline, rest = kept.partition(b"\n")
            if newline:
                connection.sendall(line + newline)
                kept = rest if b"\n" not in rest else b""

    _threads(listener, serve_one)


def line_echo_echoes_at_once(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        while data := connection.recv(LIMIT):
            connection.sendall(data)

    _threads(listener, serve_one)


def line_echo_answers_the_unfinished(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline(LIMIT):
                connection.sendall(line)

    _threads(listener, serve_one)


def line_echo_stays_open(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        _lines(connection, lambda line: line)
        threading.Event().wait()

    _threads(listener, serve_one)


def line_echo_shorter_lines(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (line := stream.readline(4096)).endswith(b"\n"):
                connection.sendall(line)

    _threads(listener, serve_one)


def line_echo_without_limit(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (line := stream.readline()).endswith(b"\n"):
                connection.sendall(line)

    _threads(listener, serve_one)


def line_echo_one_after_the_other(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            _lines(connection, lambda line: line)


async def line_echo_blocks_the_loop(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    sock = writer.get_extra_info("socket")
    kept = b""
    with contextlib.suppress(OSError):
        while (data := await reader.read(LIMIT)) and len(kept) < LIMIT:
            *lines, kept = (kept + data).split(b"\n")
            for line in lines:
                answer = line + b"\n"
                while answer:  # sends past the loop: whoever does not read stops everybody
                    with contextlib.suppress(BlockingIOError):
                        answer = answer[os.write(sock.fileno(), answer) :]
    writer.close()


def line_echo_fragile(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _lines(connection, lambda line: line)
        except ConnectionResetError:
            os._exit(1)

    _threads(listener, serve_one)


def line_echo_counts_wrongly(listener: socket.socket) -> None:
    room = threading.Semaphore(60)

    def serve_one(connection: socket.socket) -> None:
        room.acquire()  # and never released
        _lines(connection, lambda line: line)

    _threads(listener, serve_one)


MUTANTS = (
    (line_echo_once, "a line, then another"),
    (line_echo_strips, "lines that are no text"),
    (line_echo_thinks_in_text, "lines that are no text"),
    (line_echo_takes_a_piece_for_a_line, "every split"),
    (line_echo_decodes_each_piece, "characters cut in two"),
    (line_echo_first_line_of_a_piece, "several lines in one piece"),
    (line_echo_echoes_at_once, "half a line"),
    (line_echo_answers_the_unfinished, "last words without a newline"),
    (line_echo_stays_open, "lines that are no text"),
    (line_echo_shorter_lines, "the longest line"),
    (line_echo_without_limit, "a line that is too long"),
    (line_echo_one_after_the_other, "twenty clients at once"),
    (line_echo_blocks_the_loop, "a client that never reads"),
    (line_echo_fragile, "a client that vanishes"),
    (line_echo_counts_wrongly, "a storm of clients"),
)
