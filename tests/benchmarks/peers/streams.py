"""Rooms over TCP, with asyncio's streams and the standard library's json."""

from __future__ import annotations

import asyncio
import json
from typing import Any

everybody: set[asyncio.StreamWriter] = set()
rooms: dict[str, set[asyncio.StreamWriter]] = {}


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    everybody.add(writer)
    try:
        while data := await reader.readline():
            answer(writer, json.loads(data))
    except ConnectionError:
        pass
    finally:
        everybody.discard(writer)
        for members in rooms.values():
            members.discard(writer)
        writer.close()


def answer(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    match message["type"]:
        case "join_room":
            rooms.setdefault(message["room"], set()).add(writer)
            writer.write(line({"type": "room_joined", "room": message["room"]}))
        case "room_message":
            frame = line(message)
            for member in rooms[message["room"]]:
                member.write(frame)
        case "text":
            frame = line({"type": "broadcast", "content": message["content"]})
            for each in everybody:
                each.write(frame)
        case "ping":
            writer.write(line({"type": "pong", "ref": message["ref"]}))


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
