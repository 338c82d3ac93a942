"""Rooms over Socket.IO, with python-socketio's own rooms, on uvicorn and uvloop."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi")


@sio.event
async def join_room(sid: str, data: dict[str, Any]) -> None:
    await sio.enter_room(sid, data["room"])
    await sio.emit("room_joined", {"room": data["room"]}, to=sid)


@sio.event
async def room_message(sid: str, data: dict[str, Any]) -> None:
    await sio.emit("room_message", data, room=data["room"])


@sio.event
async def text(sid: str, data: dict[str, Any]) -> None:
    await sio.emit("broadcast", data)


@sio.event
async def ping(sid: str, data: dict[str, Any]) -> None:
    await sio.emit("pong", data, to=sid)


listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
config = uvicorn.Config(
    socketio.ASGIApp(sio), log_level="error", loop="uvloop", ws_per_message_deflate=False
)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
    runner.run(uvicorn.Server(config).serve([listener]))
