"""Rooms over UDP, with asyncio's DatagramProtocol and json. Whoever says hello is a client."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

everybody: dict[Any, None] = {}
rooms: dict[str, dict[Any, None]] = {}


class Rooms(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        message = json.loads(data)
        match message["type"]:
            case "hello":
                everybody[address] = None
                self.send({"type": "welcome"}, [address])
            case "join_room":
                rooms.setdefault(message["room"], {})[address] = None
                self.send({"type": "room_joined", "room": message["room"]}, [address])
            case "room_message":
                self.send(message, rooms[message["room"]])
            case "text":
                self.send({"type": "broadcast", "content": message["content"]}, everybody)
            case "ping":
                self.send({"type": "pong", "ref": message["ref"]}, [address])

    def send(self, message: dict[str, Any], to: Any) -> None:
        frame = json.dumps(message).encode()
        for address in to:
            self.transport.sendto(frame, address)


async def main() -> None:
    loop = asyncio.get_running_loop()
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)  # as ours asks for
    await loop.create_datagram_endpoint(Rooms, sock=sock)
    print(f"listening on 127.0.0.1:{sock.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
