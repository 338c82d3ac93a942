"""Faulty variants of `ws_chat`, each with the probe that catches it.

Most are WebSocket by hand, with one thing forgotten. What may be wrong with the chat itself is
tried in `chat_json_mutants`.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import socket
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from netlab.exercises.solutions.trials import ws_chat as right
from netlab.exercises.solutions.trials.chat_json import MAX_WAITING_BYTES, Chat, parsed

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The connection is to be closed with this code."""


class ByHand:
    """WebSocket without a library. Each argument is what somebody thought of."""

    def __init__(
        self,
        *,
        checks_handshake: bool = True,
        checks_origin: bool = True,
        joins_fragments: bool = True,
        answers_pings: bool = True,
        reads_exactly: bool = True,
        answers_nonsense: bool = True,
        answers_closes: bool = True,
        checks_masks: bool = True,
        checks_text: bool = True,
        most_bytes: int = 65_536,
    ) -> None:
        self.thinks_of = {name: value for name, value in locals().items() if name != "self"}
        self.chat = Chat()

    async def serve(self, listener: socket.socket) -> None:
        server = await asyncio.start_server(self._serve_one, sock=listener)
        await server.serve_forever()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if await self._shake_hands(reader, writer):
                await self._converse(reader, writer)
        writer.close()

    async def _shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = dict(re.findall(rb"([\w-]+): *([^\r]*)\r\n", head.lower()))
        found = re.search(rb"(?i)sec-websocket-key: *([^\r]*)", head)
        own = b"http://" + headers.get(b"host", b"")
        if self.thinks_of["checks_handshake"] and (
            found is None or headers.get(b"sec-websocket-version") != b"13"
        ):
            writer.write(b"HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\r\n")
            return False
        if self.thinks_of["checks_origin"] and headers.get(b"origin", own) != own:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n")
            return False
        key = hashlib.sha1((found[1] if found else b"") + GUID).digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n"
        )
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(message: Any) -> None:
            self._write(writer, TEXT, json.dumps(message).encode())

        person = self.chat.enter(send)
        try:
            while True:
                text = await self._message(reader, writer)
                request = parsed(text)
                if not isinstance(request, dict) and not self.thinks_of["answers_nonsense"]:
                    continue
                self.chat.take(person, request)
                await writer.drain()
        except Closed as end:
            code = end.args[0]
            if self.thinks_of["answers_closes"] or code >= 1002:
                self._write(writer, CLOSE, code.to_bytes(2, "big"))
        finally:
            self.chat.leave(person)

    def _write(self, writer: asyncio.StreamWriter, opcode: int, data: bytes) -> None:
        size = len(data)
        length = b"\x7f" + size.to_bytes(8, "big")  # beyond 65,535 bytes
        if size < 65_536:
            length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        if not writer.is_closing():
            writer.write(bytes([0x80 | opcode]) + length + data)
            if writer.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
                writer.transport.abort()

    async def _message(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str | bytes:
        message = b""
        fragments = 0
        while True:
            head, opcode, data = await self._frame(reader)
            if head & 0x70 or opcode not in (0, TEXT, 2, CLOSE, PING, PONG):
                raise Closed(1002)
            if opcode >= CLOSE and not head & 0x80:
                raise Closed(1002)
            if opcode == CLOSE:
                raise Closed(int.from_bytes(data[:2], "big"))
            if opcode == PING and self.thinks_of["answers_pings"]:
                self._write(writer, PONG, data)
            if opcode >= CLOSE:
                continue
            if (opcode == 0) != bool(fragments) and self.thinks_of["joins_fragments"]:
                raise Closed(1002)
            message, fragments = message + data, fragments + 1
            if len(message) > self.thinks_of["most_bytes"]:
                raise Closed(1009)
            if head & 0x80 or not self.thinks_of["joins_fragments"]:
                break
        try:
            return message.decode()
        except UnicodeDecodeError:
            if self.thinks_of["checks_text"]:
                raise Closed(1007) from None
            return message.decode(errors="replace")

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        head, second = await reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
        if size > 2 * self.thinks_of["most_bytes"]:
            raise Closed(1009)
        if not second & 0x80 and self.thinks_of["checks_masks"]:
            raise Closed(1002)
        mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
        read = reader.readexactly if self.thinks_of["reads_exactly"] else reader.read
        data = await read(size) if size else b""
        return head, head & 0x0F, bytes(one ^ mask[i % 4] for i, one in enumerate(data))


async def ws_chat_lets_everybody_in(listener: socket.socket) -> None:
    await ByHand(checks_origin=False).serve(listener)


async def ws_chat_shakes_any_hand(listener: socket.socket) -> None:
    await ByHand(checks_handshake=False).serve(listener)


async def ws_chat_without_fragments(listener: socket.socket) -> None:
    await ByHand(joins_fragments=False).serve(listener)


async def ws_chat_without_pongs(listener: socket.socket) -> None:
    await ByHand(answers_pings=False).serve(listener)


async def ws_chat_takes_what_is_there(listener: socket.socket) -> None:
    await ByHand(reads_exactly=False).serve(listener)


async def ws_chat_ignores_nonsense(listener: socket.socket) -> None:
    await ByHand(answers_nonsense=False).serve(listener)


async def ws_chat_just_hangs_up(listener: socket.socket) -> None:
    await ByHand(answers_closes=False).serve(listener)


async def ws_chat_reads_unmasked_frames(listener: socket.socket) -> None:
    await ByHand(checks_masks=False).serve(listener)


async def ws_chat_reads_any_text(listener: socket.socket) -> None:
    await ByHand(checks_text=False).serve(listener)


async def ws_chat_endless_messages(listener: socket.socket) -> None:
    await ByHand(most_bytes=2**24).serve(listener)


async def ws_chat_awaits_everybody(listener: socket.socket) -> None:
    await _with_library(listener, awaits=True)


async def ws_chat_believes_in_farewells(listener: socket.socket) -> None:
    await _with_library(listener, leaves_always=False)


async def _with_library(
    listener: socket.socket, *, awaits: bool = False, leaves_always: bool = True
) -> None:
    chat = Chat()
    outgoing: list[tuple[ServerConnection, str]] = []

    async def serve_one(connection: ServerConnection) -> None:
        def send(message: Any) -> None:
            if awaits:
                outgoing.append((connection, json.dumps(message)))
            else:
                right.post(connection, message)

        async def flush() -> None:
            while outgoing:
                to, text = outgoing.pop(0)
                with contextlib.suppress(ConnectionClosed):
                    await to.send(text)

        person = chat.enter(send)
        await flush()
        try:
            async for text in connection:
                chat.take(person, parsed(text))
                await flush()
        except ConnectionClosed:
            if not leaves_always:
                return
        chat.leave(person)
        await flush()

    async with serve(
        serve_one,
        sock=listener,
        process_request=right.check_origin,
        max_size=right.MAX_MESSAGE_BYTES,
        compression=None,
    ) as server:
        await server.serve_forever()


MUTANTS = (
    (ws_chat_shakes_any_hand, "what is no handshake"),
    (ws_chat_lets_everybody_in, "pages of other servers"),
    (ws_chat_without_fragments, "messages in several frames"),
    (ws_chat_without_pongs, "messages in several frames"),
    (ws_chat_takes_what_is_there, "messages in several frames"),
    (ws_chat_ignores_nonsense, "messages that are no objects"),
    (ws_chat_just_hangs_up, "goodbye"),
    (ws_chat_reads_unmasked_frames, "frames that break the protocol"),
    (ws_chat_reads_any_text, "frames that break the protocol"),
    (ws_chat_endless_messages, "long messages"),
    (ws_chat_awaits_everybody, "a member that never reads"),
    (ws_chat_believes_in_farewells, "goodbye"),
)
