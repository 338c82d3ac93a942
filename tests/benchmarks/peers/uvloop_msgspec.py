"""Rooms over TCP, with uvloop, asyncio.Protocol and msgspec, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import uvloop


class Message(msgspec.Struct, omit_defaults=True):
    type: str
    room: str = ""
    content: str = ""
    ref: str = ""


decode = msgspec.json.Decoder(Message).decode
encode = msgspec.json.Encoder().encode
everybody: set[Member] = set()
rooms: dict[str, set[Member]] = {}


class Member(asyncio.Protocol):
    partial = b""

    def connection_made(self, transport: Any) -> None:
        self.write = transport.write
        everybody.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        everybody.discard(self)
        for members in rooms.values():
            members.discard(self)

    def data_received(self, data: bytes) -> None:
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            self.answer(decode(line))

    def answer(self, message: Message) -> None:
        if message.type == "room_message":
            frame = encode(message) + b"\n"
            for member in rooms[message.room]:
                member.write(frame)
        elif message.type == "ping":
            self.write(encode(Message("pong", ref=message.ref)) + b"\n")
        elif message.type == "text":
            frame = encode(Message("broadcast", content=message.content)) + b"\n"
            for member in everybody:
                member.write(frame)
        elif message.type == "join_room":
            rooms.setdefault(message.room, set()).add(self)
            self.write(encode(Message("room_joined", room=message.room)) + b"\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Member, "127.0.0.1", 0, backlog=1024)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


uvloop.run(main())
