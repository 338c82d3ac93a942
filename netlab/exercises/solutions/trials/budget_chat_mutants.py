"""Faulty variants of `budget_chat`, each with the probe that catches it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
MAX_LINE_BYTES = 4_096
MAX_UNSENT_BYTES = 256 * 1024


class _Room:
    """As in the solution, in steps that a variant may get wrong."""

    def __init__(self) -> None:
        self.members: dict[Writer, bytes] = {}

    async def serve(self, reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(EOFError, ValueError, OSError):
            writer.write(b"* Your name?\n")
            name = await self.line(reader)
            if self.proper(name):
                await self.talk(name, reader, writer)
            else:
                writer.write(b"* That is no name.\n")
        writer.close()

    async def talk(self, name: bytes, reader: Reader, writer: Writer) -> None:
        self.come(name, writer)
        try:
            while True:
                text = await self.line(reader)
                self.say(b"[%s] %s" % (name, text), writer)
        finally:
            self.go(name, writer)

    async def line(self, reader: Reader) -> bytes:
        return (await reader.readuntil(b"\n"))[:-1]

    def proper(self, name: bytes) -> bool:
        return re.fullmatch(rb"[A-Za-z0-9]{1,16}", name) is not None

    def come(self, name: bytes, writer: Writer) -> None:
        self.say(b"* %s has come" % name)
        writer.write(b"* Here are: %s\n" % b", ".join(self.members.values()))
        self.members[writer] = name

    def go(self, name: bytes, writer: Writer) -> None:
        del self.members[writer]
        self.say(b"* %s has gone" % name)

    def say(self, line: bytes, sender: Writer | None = None) -> None:
        for writer in self.members.keys() - {sender}:
            writer.write(line + b"\n")
            if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                writer.transport.abort()


async def _serve(room: _Room, listener: socket.socket, limit: int = MAX_LINE_BYTES - 1) -> None:
    server = await asyncio.start_server(room.serve, sock=listener, limit=limit)
    await server.serve_forever()


async def budget_chat_echoes(listener: socket.socket) -> None:
    class Room(_Room):
        def say(self, line: bytes, sender: Writer | None = None) -> None:
            super().say(line)

    await _serve(Room(), listener)


async def budget_chat_shorter_names(listener: socket.socket) -> None:
    class Room(_Room):
        def proper(self, name: bytes) -> bool:
            return super().proper(name) and len(name) <= 12

    await _serve(Room(), listener)


async def budget_chat_letters_of_the_world(listener: socket.socket) -> None:
    class Room(_Room):
        def proper(self, name: bytes) -> bool:
            return name.decode().isalnum()

    await _serve(Room(), listener)


async def budget_chat_strips_names(listener: socket.socket) -> None:
    class Room(_Room):
        def proper(self, name: bytes) -> bool:
            return super().proper(name.strip())

    await _serve(Room(), listener)


async def budget_chat_tells_of_the_nameless(listener: socket.socket) -> None:
    class Room(_Room):
        def proper(self, name: bytes) -> bool:
            proper = super().proper(name)
            if not proper:
                self.say(b"* %s was sent away" % name)
            return proper

    await _serve(Room(), listener)


async def budget_chat_lists_itself(listener: socket.socket) -> None:
    class Room(_Room):
        def come(self, name: bytes, writer: Writer) -> None:
            self.say(b"* %s has come" % name)
            self.members[writer] = name
            writer.write(b"* Here are: %s\n" % b", ".join(self.members.values()))

    await _serve(Room(), listener)


async def budget_chat_lists_who_has_gone(listener: socket.socket) -> None:
    class Room(_Room):
        names: tuple[bytes, ...] = ()

        def come(self, name: bytes, writer: Writer) -> None:
            self.say(b"* %s has come" % name)
            writer.write(b"* Here are: %s\n" % b", ".join(self.names))
            self.members[writer] = name
            self.names += (name,)

    await _serve(Room(), listener)


async def budget_chat_no_list_of_nobody(listener: socket.socket) -> None:
    class Room(_Room):
        def come(self, name: bytes, writer: Writer) -> None:
            self.say(b"* %s has come" % name)
            if self.members:
                writer.write(b"* Here are: %s\n" % b", ".join(self.members.values()))
            self.members[writer] = name

    await _serve(Room(), listener)


async def budget_chat_strips_texts(listener: socket.socket) -> None:
    class Room(_Room):
        async def line(self, reader: Reader) -> bytes:
            return (await super().line(reader)).strip()

    await _serve(Room(), listener)


async def budget_chat_thinks_in_ascii(listener: socket.socket) -> None:
    class Room(_Room):
        async def line(self, reader: Reader) -> bytes:
            return (await super().line(reader)).decode("ascii", "replace").encode()

    await _serve(Room(), listener)


async def budget_chat_tells_the_nameless(listener: socket.socket) -> None:
    class Room(_Room):
        everybody: frozenset[Writer] = frozenset()

        async def serve(self, reader: Reader, writer: Writer) -> None:
            self.everybody |= {writer}
            await super().serve(reader, writer)
            self.everybody -= {writer}

        def come(self, name: bytes, writer: Writer) -> None:
            writer.write(b"* Here are: %s\n" % b", ".join(self.members.values()))
            self.members[writer] = name
            self.say(b"* %s has come" % name, writer)

        def say(self, line: bytes, sender: Writer | None = None) -> None:
            for writer in self.everybody - {sender}:
                writer.write(line + b"\n")

    await _serve(Room(), listener)


async def budget_chat_goes_in_silence(listener: socket.socket) -> None:
    class Room(_Room):
        def go(self, name: bytes, writer: Writer) -> None:
            del self.members[writer]

    await _serve(Room(), listener)


async def budget_chat_knows_no_rst(listener: socket.socket) -> None:
    class Room(_Room):
        async def talk(self, name: bytes, reader: Reader, writer: Writer) -> None:
            self.come(name, writer)
            with contextlib.suppress(EOFError):  # a ConnectionResetError goes past what follows
                while True:
                    self.say(b"[%s] %s" % (name, await self.line(reader)), writer)
            self.go(name, writer)

    await _serve(Room(), listener)


async def budget_chat_takes_a_piece_for_a_line(listener: socket.socket) -> None:
    class Room(_Room):
        async def line(self, reader: Reader) -> bytes:
            data = await reader.read(MAX_LINE_BYTES)
            if not data:
                raise EOFError
            return data.removesuffix(b"\n")

    await _serve(Room(), listener)


async def budget_chat_passes_on_the_unfinished(listener: socket.socket) -> None:
    class Room(_Room):
        async def line(self, reader: Reader) -> bytes:
            line = await reader.readline()
            if not line:
                raise EOFError
            return line.removesuffix(b"\n")

    await _serve(Room(), listener)


async def budget_chat_shorter_lines(listener: socket.socket) -> None:
    await _serve(_Room(), listener, 1_000)


async def budget_chat_without_limit(listener: socket.socket) -> None:
    await _serve(_Room(), listener, 1_000_000)


def _serve_with_threads(
    listener: socket.socket, send: Callable[[socket.socket, bytes], None]
) -> None:
    members: dict[socket.socket, bytes] = {}
    lock = threading.Lock()  # guards the members, and the order of what they hear

    def say(line: bytes, sender: socket.socket | None = None) -> None:
        for member in members.keys() - {sender}:
            with contextlib.suppress(OSError):
                send(member, line + b"\n")

    def serve_one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
            connection.sendall(b"* Your name?\n")
            line = stream.readline(MAX_LINE_BYTES)
            if not re.fullmatch(rb"[A-Za-z0-9]{1,16}\n", line):
                connection.sendall(b"* That is no name.\n" if line else b"")
                return
            name = line[:-1]
            with lock:
                say(b"* %s has come" % name)
                connection.sendall(b"* Here are: %s\n" % b", ".join(members.values()))
                members[connection] = name
            with contextlib.suppress(OSError):
                while (line := stream.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                    with lock:
                        say(b"[%s] %s" % (name, line[:-1]), connection)
            with lock:
                del members[connection]
                say(b"* %s has gone" % name)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=[connection], daemon=True).start()


def budget_chat_waits_for_each(listener: socket.socket) -> None:
    _serve_with_threads(listener, lambda member, data: member.sendall(data))


Mutant = Callable[[socket.socket], Awaitable[None] | None]
MUTANTS: tuple[tuple[Mutant, str], ...] = (
    (budget_chat_no_list_of_nobody, "two people talk"),
    (budget_chat_echoes, "two people talk"),
    (budget_chat_lists_itself, "two people talk"),
    (budget_chat_shorter_names, "names"),
    (budget_chat_letters_of_the_world, "what is no name"),
    (budget_chat_strips_names, "what is no name"),
    (budget_chat_tells_of_the_nameless, "what is no name"),
    (budget_chat_lists_who_has_gone, "the list of members"),
    (budget_chat_strips_texts, "what is no name"),
    (budget_chat_thinks_in_ascii, "any text"),
    (budget_chat_tells_the_nameless, "somebody without a name"),
    (budget_chat_goes_in_silence, "the list of members"),
    (budget_chat_knows_no_rst, "a member vanishes"),
    (budget_chat_takes_a_piece_for_a_line, "a name and lines in one piece"),
    (budget_chat_passes_on_the_unfinished, "last words without an end"),
    (budget_chat_shorter_lines, "the longest line"),
    (budget_chat_without_limit, "a line that is too long"),
    (budget_chat_waits_for_each, "a member that never reads"),
)
