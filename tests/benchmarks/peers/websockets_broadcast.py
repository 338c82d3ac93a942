"""Rooms over WebSocket, with `websockets`, its `broadcast()`, and json."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

everybody: set[ServerConnection] = set()
rooms: dict[str, set[ServerConnection]] = {}


async def talk(websocket: ServerConnection) -> None:
    everybody.add(websocket)
    try:
        async for text in websocket:
            await answer(websocket, json.loads(text))
    except ConnectionClosed:
        pass
    finally:
        everybody.discard(websocket)
        for members in rooms.values():
            members.discard(websocket)


async def answer(websocket: ServerConnection, message: dict[str, Any]) -> None:
    match message["type"]:
        case "join_room":
            rooms.setdefault(message["room"], set()).add(websocket)
            await websocket.send(json.dumps({"type": "room_joined", "room": message["room"]}))
        case "room_message":
            broadcast(rooms[message["room"]], json.dumps(message))
        case "text":
            broadcast(everybody, json.dumps({"type": "broadcast", "content": message["content"]}))
        case "ping":
            await websocket.send(json.dumps({"type": "pong", "ref": message["ref"]}))


async def main() -> None:
    async with serve(talk, "127.0.0.1", 0, compression=None, backlog=1024) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on 127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main())
