"""Faulty variants of `mob_in_the_middle`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable

Address = tuple[str, int]
Pump = Callable[[socket.socket, socket.socket], None]
LIMIT = 100_000
OURS = b"bx0postoffice"
CODE = re.compile(rb"(?<![^ ])bx[a-z0-9]{8,12}(?![^ ])")


def _rewrite(line: bytes) -> bytes:
    return CODE.sub(OURS, line)


def _pump(
    source: socket.socket, sink: socket.socket, rewrite: Callable[[bytes], bytes] = _rewrite
) -> None:
    with source.makefile("rb") as stream:
        while (line := stream.readline(LIMIT)).endswith(b"\n"):
            sink.sendall(rewrite(line[:-1]) + b"\n")


def _bytes(source: socket.socket, sink: socket.socket) -> None:
    while data := source.recv(LIMIT):
        sink.sendall(data)


def _close(*socks: socket.socket) -> None:
    for sock in socks:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _threads(
    listener: socket.socket,
    upstream_address: Address,
    up: Pump = _pump,
    down: Pump = _pump,
    close: Callable[[socket.socket, socket.socket], None] = _close,
) -> None:
    def one_way(pump: Pump, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            pump(source, sink)
        close(source, sink)

    def serve_one(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            upstream = socket.create_connection(upstream_address)
            back = threading.Thread(target=one_way, args=[down, upstream, client], daemon=True)
            back.start()
            one_way(up, client, upstream)
            back.join()
            upstream.close()

    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve_one, args=[client], daemon=True).start()


def _with(rewrite: Callable[[bytes], bytes]) -> Callable[[socket.socket, Address], None]:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        _pump(source, sink, rewrite)

    return lambda listener, upstream: _threads(listener, upstream, pump, pump)


def mob_in_the_middle_connects_late(listener: socket.socket, upstream: Address) -> None:
    def serve_one(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            first = client.recv(LIMIT)
            with socket.create_connection(upstream) as server:
                server.sendall(first)
                _pump(client, server)

    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve_one, args=[client], daemon=True).start()


def mob_in_the_middle_skips_empty_lines(listener: socket.socket, upstream: Address) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        with source.makefile("rb") as stream:
            while (line := stream.readline(LIMIT)).endswith(b"\n"):
                if line.strip():
                    sink.sendall(_rewrite(line[:-1]) + b"\n")

    _threads(listener, upstream, pump, pump)


def mob_in_the_middle_one_way(listener: socket.socket, upstream: Address) -> None:
    _threads(listener, upstream, down=_bytes)


def mob_in_the_middle_first_code(listener: socket.socket, upstream: Address) -> None:
    _with(lambda line: CODE.sub(OURS, line, count=1))(listener, upstream)


def mob_in_the_middle_takes_the_space(listener: socket.socket, upstream: Address) -> None:
    code = re.compile(rb"(^| )bx[a-z0-9]{8,12}( |$)")
    _with(lambda line: code.sub(rb"\1" + OURS + rb"\2", line))(listener, upstream)


def mob_in_the_middle_joins_words(listener: socket.socket, upstream: Address) -> None:
    _with(lambda line: b" ".join(_rewrite(word) for word in line.split()))(listener, upstream)


def mob_in_the_middle_any_length(listener: socket.socket, upstream: Address) -> None:
    code = re.compile(rb"(?<![^ ])bx[a-z0-9]{8,}(?![^ ])")
    _with(lambda line: code.sub(OURS, line))(listener, upstream)


def mob_in_the_middle_word_borders(listener: socket.socket, upstream: Address) -> None:
    code = re.compile(rb"\bbx[a-z0-9]{8,12}\b")
    _with(lambda line: code.sub(OURS, line))(listener, upstream)


def mob_in_the_middle_any_white_space(listener: socket.socket, upstream: Address) -> None:
    code = re.compile(rb"(?<!\S)bx[a-z0-9]{8,12}(?!\S)")
    _with(lambda line: code.sub(OURS, line))(listener, upstream)


def mob_in_the_middle_thinks_in_text(listener: socket.socket, upstream: Address) -> None:
    code = re.compile(r"(?<![^ ])bx[a-z0-9]{8,12}(?![^ ])")

    def rewrite(line: bytes) -> bytes:
        return code.sub(OURS.decode(), line.decode("utf-8", "replace")).encode()

    _with(rewrite)(listener, upstream)


def mob_in_the_middle_letters_of_the_world(listener: socket.socket, upstream: Address) -> None:
    def word(text: str) -> str:
        code = 10 <= len(text) <= 14 and text.startswith("bx") and text.isalnum()
        return OURS.decode() if code and text == text.lower() else text

    def rewrite(line: bytes) -> bytes:
        words = line.decode("utf-8", "surrogateescape").split(" ")
        return " ".join(map(word, words)).encode("utf-8", "surrogateescape")

    _with(rewrite)(listener, upstream)


def mob_in_the_middle_piece_by_piece(listener: socket.socket, upstream: Address) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(LIMIT):
            sink.sendall(b"\n".join(map(_rewrite, data.split(b"\n"))))

    _threads(listener, upstream, pump, pump)


def mob_in_the_middle_line_of_a_piece(listener: socket.socket, upstream: Address) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        kept = b""
        while data := source.recv(LIMIT):
            kept += data
            if kept.endswith(b"\n"):  # takes several lines for one
                sink.sendall(_rewrite(kept[:-1]) + b"\n")
                kept = b""

    _threads(listener, upstream, pump, pump)


def mob_in_the_middle_passes_on_the_unfinished(listener: socket.socket, upstream: Address) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        with source.makefile("rb") as stream:
            while line := stream.readline(LIMIT):
                end = line[-1:] if line.endswith(b"\n") else b""
                sink.sendall(_rewrite(line.removesuffix(b"\n")) + end)

    _threads(listener, upstream, pump, pump)


def mob_in_the_middle_half_closes(listener: socket.socket, upstream: Address) -> None:
    def close(_: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    _threads(listener, upstream, close=close)


async def mob_in_the_middle_usual_limit(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: Address
) -> None:
    from_server, to_server = await asyncio.open_connection(*upstream)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError, ValueError, OSError):
            while True:  # a line longer than 64 KiB raises ValueError
                line = await source.readuntil(b"\n")
                sink.write(_rewrite(line[:-1]) + b"\n")
                await sink.drain()
        writer.close()
        to_server.close()

    await asyncio.gather(pump(reader, to_server), pump(from_server, writer))


def mob_in_the_middle_one_after_the_other(listener: socket.socket, upstream: Address) -> None:
    while True:
        client, _ = listener.accept()
        with client, socket.create_connection(upstream) as server:
            back = threading.Thread(target=_back, args=[server, client], daemon=True)
            back.start()
            _back(client, server)
            back.join()


def _back(server: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        _pump(server, client)
    _close(client, server)


def mob_in_the_middle_fragile(listener: socket.socket, upstream: Address) -> None:
    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            _pump(source, sink)
        except ConnectionResetError:
            os._exit(1)

    _threads(listener, upstream, pump, pump)


def mob_in_the_middle_needs_the_server(listener: socket.socket, upstream: Address) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(upstream)
        threading.Thread(target=_back, args=[server, client], daemon=True).start()
        threading.Thread(target=_back, args=[client, server], daemon=True).start()


MUTANTS: tuple[tuple[Callable[..., object], str], ...] = (
    (mob_in_the_middle_connects_late, "a chat without codes"),
    (mob_in_the_middle_skips_empty_lines, "a chat without codes"),
    (mob_in_the_middle_one_way, "codes"),
    (mob_in_the_middle_first_code, "codes"),
    (mob_in_the_middle_joins_words, "codes"),
    (mob_in_the_middle_takes_the_space, "one code after another"),
    (mob_in_the_middle_any_length, "too short or too long"),
    (mob_in_the_middle_word_borders, "what only looks like a code"),
    (mob_in_the_middle_any_white_space, "what only looks like a code"),
    (mob_in_the_middle_thinks_in_text, "bytes that are no ASCII"),
    (mob_in_the_middle_letters_of_the_world, "bytes that are no ASCII"),
    (mob_in_the_middle_line_of_a_piece, "several lines in one piece"),
    (mob_in_the_middle_piece_by_piece, "lines in pieces"),
    (mob_in_the_middle_passes_on_the_unfinished, "the client's last words"),
    (mob_in_the_middle_half_closes, "several lines in one piece"),
    (mob_in_the_middle_usual_limit, "the longest line"),
    (mob_in_the_middle_one_after_the_other, "ten clients at once"),
    (mob_in_the_middle_fragile, "an end that vanishes"),
    (mob_in_the_middle_needs_the_server, "a server that cannot be reached"),
)
