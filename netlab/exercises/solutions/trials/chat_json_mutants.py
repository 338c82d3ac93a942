"""Faulty variants of `chat_json`, each with the probe that catches it.

What is wrong with a chat itself is wrong over any transport, so those faults are tried here alone.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from netlab.exercises.solutions.trials import chat_json as right
from netlab.exercises.solutions.trials.chat_json import Chat, Refused

Subject = Callable[[socket.socket], Any]


def _of(faulty: type[Chat]) -> Subject:
    async def chat_json(listener: socket.socket) -> None:
        await right.serve(listener, faulty())

    chat_json.__name__ = chat_json.__qualname__ = faulty.__name__
    return chat_json


class WithoutRefs(Chat):
    def answer(self, person: Any, request: Any, kind: str, **fields: Any) -> None:
        person.send({"type": kind, **fields})


class SenderHearsNothing(Chat):
    def room_message(self, person: Any, request: Any) -> None:
        room = self.room_in(person, request)
        content = right.content_in(request)
        said = {"type": "room_message", "room": room.name, **right.by(person), "content": content}
        room.history.append(said)
        for member in room.members.values():
            if member is not person:
                member.send(said)


class CaseMatters(Chat):
    def called(self, name: str) -> Any:
        return next((one for one in self.people.values() if one.name == name), None)


class Whatever(Chat):
    def set_username(self, person: Any, request: Any) -> None:
        person.name = right.text_in(request, "username").strip()
        self.answer(person, request, "username_set", username=person.name)


class OpenDoors(Chat):
    def room_in(self, person: Any, request: Any) -> Any:
        room = self.rooms.get(right.name_in(request, "room").casefold())
        if room is None:
            raise Refused("no such room")
        return room


class TellsTwice(Chat):
    def join_room(self, person: Any, request: Any) -> None:
        room = self.rooms.get(right.name_in(request, "room").casefold())
        if room is not None and person.id in room.members:
            self.tell(room, "user_joined", person)
        super().join_room(person, request)


class NewestFirst(Chat):
    def answer(self, person: Any, request: Any, kind: str, **fields: Any) -> None:
        fields.get("message_history", []).reverse()
        super().answer(person, request, kind, **fields)


class AllHistory(Chat):
    def join_room(self, person: Any, request: Any) -> None:
        super().join_room(person, request)
        room = self.room_in(person, request)
        room.history = deque(room.history)


class RoomsForEver(Chat):
    def depart(self, person: Any, room: Any) -> None:
        super().depart(person, room)
        self.rooms[room.name.casefold()] = room


class LeavesWithoutAWord(Chat):
    def leave_room(self, person: Any, request: Any) -> None:
        room = self.room_in(person, request)
        del room.members[person.id], person.rooms[room.name.casefold()]
        self.answer(person, request, "room_left", room=room.name)


class VanishesWithoutAWord(Chat):
    def leave(self, person: Any) -> None:
        self.people.pop(person.id, None)


class KeepsNames(Chat):
    def leave(self, person: Any) -> None:
        super().leave(person)
        self.taken = {*getattr(self, "taken", ()), person.name.casefold()}

    def set_username(self, person: Any, request: Any) -> None:
        if right.name_in(request, "username").casefold() in getattr(self, "taken", ()):
            raise Refused("name taken")
        super().set_username(person, request)


class ByNameOnly(Chat):
    def private_message(self, person: Any, request: Any) -> None:
        if request.get("target") in self.people:
            raise Refused("nobody there")
        super().private_message(person, request)


class RoomsForOne(Chat):
    """Everybody is in a room called like the id, for what is private."""

    def private_message(self, person: Any, request: Any) -> None:
        super().private_message(person, request)
        room = self.rooms.get(request["target"].casefold())
        said = {"type": "private_message", **right.by(person), "content": request["content"]}
        for member in room.members.values() if room else ():
            member.send(said)


class TrustsEverybody(Chat):
    def do(self, person: Any, request: Any) -> None:
        try:
            super().do(person, request)
        except Refused as refusal:
            if str(refusal).startswith("no "):  # a field that is not there, or of another type
                raise ValueError(request) from None
            raise


class ChecksLess(Chat):
    def join_room(self, person: Any, request: Any) -> None:
        super().join_room(person, request | {"room": str(request.get("room"))})


class CountsCharacters(Chat):
    def room_message(self, person: Any, request: Any) -> None:
        content = right.text_in(request, "content")
        if len(content) > right.MAX_CONTENT_BYTES:
            raise Refused("content too long")
        super().room_message(person, request | {"content": content[:2048]})


# ---------------------------------------------------------------- its connections

Lines = Callable[[asyncio.StreamReader], Any]


async def _serve(
    listener: socket.socket,
    lines: Lines,
    drain: Callable[[set[asyncio.StreamWriter]], Any] | None = None,
    limit: int = right.MAX_LINE_BYTES,
) -> None:
    chat, writers = Chat(), set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: Any) -> None:
            if drain is None:
                right.post(writer, message)
            else:
                writer.write(json.dumps(message).encode() + b"\n")

        writers.add(writer)
        person = chat.enter(send)
        with contextlib.suppress(OSError, ValueError):
            async for line in lines(reader):
                chat.take(person, right.parsed(line))
                await (drain(writers) if drain else writer.drain())
        chat.leave(person)
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve_one, sock=listener, limit=limit)
    await server.serve_forever()


async def _whole(reader: asyncio.StreamReader) -> Any:
    while (line := await reader.readline()).endswith(b"\n"):
        yield line


async def chat_json_takes_pieces_for_lines(listener: socket.socket) -> None:
    async def pieces(reader: asyncio.StreamReader) -> Any:
        while data := await reader.read(right.MAX_LINE_BYTES):
            for line in data.splitlines():
                yield line

    await _serve(listener, pieces)


async def chat_json_first_of_a_piece(listener: socket.socket) -> None:
    async def firsts(reader: asyncio.StreamReader) -> Any:
        kept = b""
        while data := await reader.read(right.MAX_LINE_BYTES):
            kept += data
            if b"\n" in kept:
                yield kept[: kept.index(b"\n")]
                kept = b""

    await _serve(listener, firsts)


async def chat_json_takes_the_unfinished(listener: socket.socket) -> None:
    async def lines(reader: asyncio.StreamReader) -> Any:
        while line := await reader.readline():
            yield line

    await _serve(listener, lines)


async def chat_json_endless_lines(listener: socket.socket) -> None:
    await _serve(listener, _whole, limit=2**24)


async def chat_json_not_so_deep(listener: socket.socket) -> None:
    async def checked(reader: asyncio.StreamReader) -> Any:
        async for line in _whole(reader):
            with contextlib.suppress(json.JSONDecodeError):
                json.loads(line)  # RecursionError and UnicodeDecodeError end the connection
            yield line

    await _serve(listener, checked)


async def chat_json_waits_for_everybody(listener: socket.socket) -> None:
    async def drain(writers: set[asyncio.StreamWriter]) -> None:
        for writer in tuple(writers):
            await writer.drain()

    await _serve(listener, _whole, drain)


async def chat_json_believes_in_farewells(listener: socket.socket) -> None:
    chat = Chat()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        person = chat.enter(lambda message: right.post(writer, message))
        with contextlib.suppress(ValueError):
            async for line in _whole(reader):
                chat.take(person, right.parsed(line))
                await writer.drain()
        chat.leave(person)  # not reached after ConnectionResetError
        writer.close()

    server = await asyncio.start_server(serve_one, sock=listener, limit=right.MAX_LINE_BYTES)
    await server.serve_forever()


MUTANTS = (
    (_of(WithoutRefs), "a welcome, a ping"),
    (_of(SenderHearsNothing), "a conversation"),
    (_of(CaseMatters), "names"),
    (_of(Whatever), "names"),
    (_of(OpenDoors), "who is not in the room"),
    (_of(TellsTwice), "joined twice"),
    (_of(NewestFirst), "what was said before"),
    (_of(AllHistory), "what was said before"),
    (_of(RoomsForEver), "what was said before"),
    (_of(LeavesWithoutAWord), "joined twice"),
    (_of(VanishesWithoutAWord), "last words"),
    (_of(KeepsNames), "a name that becomes free"),
    (_of(ByNameOnly), "private messages"),
    (_of(RoomsForOne), "a room called like somebody"),
    (_of(TrustsEverybody), "lines that are no objects"),
    (_of(ChecksLess), "requests that make no sense"),
    (_of(CountsCharacters), "texts of all kinds"),
    (chat_json_takes_pieces_for_lines, "requests cut by TCP"),
    (chat_json_first_of_a_piece, "requests in one piece"),
    (chat_json_takes_the_unfinished, "last words"),
    (chat_json_endless_lines, "long lines"),
    (chat_json_not_so_deep, "lines that are no objects"),
    (chat_json_waits_for_everybody, "a member that never reads"),
    (chat_json_believes_in_farewells, "vanishing"),
)
