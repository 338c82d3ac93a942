"""A client of any transport on asyncio, at the level of bytes; and the honest client made of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from tests.benchmarks.wires import MARK, SocketIO, WebSocket, Wire, frame
from tests.soak.server import Server

PATIENCE_S = 20.0
ROOM = "hall"
PING_EVERY_S, SAY_EVERY_S = 0.25, 2.0
CONTENT = "x" * 1_000
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with 0 seconds: close() throws away what waits, and sends RST (TCP) (socket(7))"""


class Conversation:
    """A connected socket and the way in. Use it as an asynchronous context manager.

    Args:
        server: with whom.
        source: the loopback address to come from, such as 127.0.3.7.
        receive_buffer: bytes that the kernel keeps for us; 0 = as many as it likes.
    """

    def __init__(self, server: Server, source: str, *, receive_buffer: int = 0) -> None:
        self.wire: Wire = server.wire
        self.address = server.address
        self.sock = socket.socket(type=self.wire.kind)
        self.sock.setblocking(False)
        try:
            self.sock.bind((source, 0))
            if receive_buffer:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        except OSError:
            self.sock.close()
            raise

    @property
    def is_stream(self) -> bool:
        return self.wire.kind == socket.SOCK_STREAM

    async def __aenter__(self) -> Conversation:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.get_running_loop().sock_connect(self.sock, self.address)
        except BaseException:
            self.sock.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        self.sock.close()

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self.sock, 65_536)

    async def read_to(self, wanted: bytes) -> bytes:
        """Read until that has come. Raises EOFError, TimeoutError."""
        data = b""
        async with asyncio.timeout(PATIENCE_S):
            while wanted not in data:
                part = await self.receive()
                if not part:
                    raise EOFError(f"the server ended the connection after {data[-200:]!r}")
                data += part
        return data

    async def enter(self) -> None:
        """Take all steps to the first request, which is then answered."""
        way = self.wire.enter()
        step = next(way, None)
        with contextlib.suppress(StopIteration):
            while step is not None:
                await self.send(step[0])
                step = way.send(await self.read_to(step[1]))
        await self.send(self.wire.request("ping", ref=MARK.decode()))
        await self.read_to(MARK)

    def reset(self) -> None:
        """End it at once, with RST where there is a connection."""
        if self.sock.fileno() >= 0 and self.is_stream:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.close()


class Answering:
    """Finds the frames in what a WebSocket server sends, so that its pings can be answered."""

    def __init__(self, *, engine_io: bool) -> None:
        self._engine_io = engine_io
        self._data = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Take in bytes; return what has to be sent for them (RFC 6455, 5.5.2; Engine.IO 4)."""
        self._data += data
        reply = b""
        while (found := self._next()) is not None:
            opcode, payload = found
            if opcode == 0x9:
                reply += bytes([0x8A, 0x80 | len(payload)]) + bytes(4) + payload
            elif self._engine_io and payload == b"2":
                reply += frame(b"3")
        return reply

    def _next(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        found = data[0] & 0x0F, bytes(data[start : start + min(size, 126)])
        del data[: start + size]
        return found


async def be_honest(server: Server, source: str, tell: Callable[[float], None]) -> None:
    """Join the room, say something now and then, and tell how long each `ping` took, in seconds.

    Goes on until it is cancelled; then it says goodbye.

    Raises:
        EOFError: the server ended the conversation.
        TimeoutError: a `ping` was not answered in time.
    """
    loop = asyncio.get_running_loop()
    async with Conversation(server, source) as talk:
        await talk.enter()
        await talk.send(talk.wire.request("join_room", room=ROOM))
        answered = asyncio.Event()
        reader = asyncio.create_task(_read(talk, answered), name="soak-reader")
        ping = talk.wire.request("ping", ref=MARK.decode())
        said = loop.time()
        try:
            while not reader.done():
                if loop.time() - said >= SAY_EVERY_S:
                    said = loop.time()
                    await talk.send(talk.wire.request("room_message", room=ROOM, content=CONTENT))
                answered.clear()
                begin = loop.time()
                await talk.send(ping)
                waiting = asyncio.create_task(answered.wait())
                await asyncio.wait(
                    {waiting, reader}, timeout=PATIENCE_S, return_when="FIRST_COMPLETED"
                )
                waiting.cancel()
                if not answered.is_set() and not reader.done():
                    raise TimeoutError(f"a ping was not answered within {PATIENCE_S:.0f} s")
                tell(loop.time() - begin)
                await asyncio.sleep(PING_EVERY_S)
            await reader
        finally:
            reader.cancel()
            with contextlib.suppress(OSError):
                talk.sock.send(talk.wire.request("bye"))


async def _read(talk: Conversation, answered: asyncio.Event) -> None:
    frames = isinstance(talk.wire, WebSocket | SocketIO)
    parser = Answering(engine_io=isinstance(talk.wire, SocketIO)) if frames else None
    while True:
        data = await talk.receive()
        if not data:
            raise EOFError("the server ended an honest client's conversation")
        if MARK in data:
            answered.set()
        if parser is not None and (reply := parser.feed(data)):
            await talk.send(reply)
