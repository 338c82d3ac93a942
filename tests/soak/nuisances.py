"""Clients that no server asked for: slow, hostile, vanishing. Each is bounded in bytes and time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
from collections.abc import Awaitable, Callable

from tests.benchmarks.wires import Lines, SocketIO, WebSocket, frame
from tests.soak.server import Server
from tests.soak.talk import ROOM, Conversation

Attack = Callable[[Conversation, random.Random], Awaitable[None]]
TAKES_S = 3.0
"""seconds after which an attack gives up"""
HOLD_S = 8.0
"""seconds that someone who vanished leaves the connection open without a word"""
SMALL_BUFFER = 4_096
SLOW_EVERY_S, SLOW_FOR_S = 0.05, 60.0
ENDLESS_BYTES = 1_048_576


async def _garbage(talk: Conversation, rng: random.Random) -> None:
    await talk.send(rng.randbytes(rng.randint(1, 4_000)))
    await _drain(talk)


async def _half(talk: Conversation, rng: random.Random) -> None:
    """Leave in the middle of a frame, with FIN."""
    await talk.enter()
    request = talk.wire.request("room_message", room=ROOM, content="x" * 500)
    await talk.send(request[: rng.randrange(1, len(request))])


async def _half_way_in(talk: Conversation, rng: random.Random) -> None:
    """Leave in the middle of the handshake, or of a first line."""
    first = next(talk.wire.enter(), (talk.wire.request("hello"), b""))[0]
    await talk.send(first[: rng.randrange(1, len(first))])


async def _oversize(talk: Conversation, rng: random.Random) -> None:
    await talk.enter()
    size = 60_000 if not talk.is_stream else 100_000
    text = json.dumps({"type": "text", "content": "x" * size}).encode()
    if isinstance(talk.wire, Lines):
        await talk.send(text + b"\n")
    elif talk.is_stream:
        await talk.send(struct.pack("!BBQ", 0x81, 0x80 | 127, len(text)) + bytes(4) + text)
    else:
        await talk.send(text)
    await _drain(talk)


async def _endless(talk: Conversation, rng: random.Random) -> None:
    """A line, a header or a fragmented message that has no end."""
    wire = talk.wire
    if isinstance(wire, WebSocket | SocketIO) and rng.random() < 0.5:
        await talk.enter()
        begin, piece = b"\x01\x81\0\0\0\0{", b"\x00\xfe" + struct.pack("!H", 4_096) + bytes(4_100)
    elif isinstance(wire, Lines):
        begin, piece = b'{"type": "text", "content": "', b"x" * 4_096
    else:
        begin, piece = b"GET / HTTP/1.1\r\nX-Long: ", b"x" * 4_096
    await talk.send(begin)
    for _ in range(ENDLESS_BYTES // len(piece) if talk.is_stream else 20):
        await talk.send(piece)
    await _drain(talk)


async def _deep(talk: Conversation, rng: random.Random) -> None:
    await talk.enter()
    text = b"[" * 20_000
    if isinstance(talk.wire, Lines):
        text += b"\n"
    elif talk.is_stream:
        text = frame((b"42" if isinstance(talk.wire, SocketIO) else b"") + text)
    await talk.send(text)
    await _drain(talk)


async def _too_many(talk: Conversation, rng: random.Random) -> None:
    """More requests than a client may make, at once, and none of the answers read."""
    await talk.enter()
    await talk.send(talk.wire.request("list_clients") * (1_500 if talk.is_stream else 1))
    await _drain(talk)


async def _wrong_order(talk: Conversation, rng: random.Random) -> None:
    """Requests that make no sense: of rooms and games in which it is not, and unknown ones."""
    await talk.enter()
    for wire_type in ("leave_room", "room_message", "game_action", "no_such_type", "hello"):
        await talk.send(talk.wire.request(wire_type, room="elsewhere", content="x", session_id="?"))
    await _drain(talk)


async def _rst_at_once(talk: Conversation, rng: random.Random) -> None:
    talk.reset()


async def _rst_in_room(talk: Conversation, rng: random.Random) -> None:
    await talk.enter()
    await talk.send(talk.wire.request("join_room", room=ROOM))
    await talk.send(talk.wire.request("room_message", room=ROOM, content="gone"))
    talk.reset()


async def _silence(talk: Conversation, rng: random.Random) -> None:
    """Join, and be heard of no more; the connection stays as it does when a cable is cut."""
    await talk.enter()
    await talk.send(talk.wire.request("join_room", room=ROOM))
    await asyncio.sleep(rng.uniform(0.0, HOLD_S))
    talk.reset()


ATTACKS: dict[str, Attack] = {
    "garbage": _garbage,
    "half a frame": _half,
    "half a handshake": _half_way_in,
    "oversize": _oversize,
    "endless": _endless,
    "deeply nested": _deep,
    "too many": _too_many,
    "senseless": _wrong_order,
    "RST at once": _rst_at_once,
    "RST in a room": _rst_in_room,
    "silence": _silence,
}


async def be_hostile(
    server: Server, source: str, every_s: float, seed: int, tell: Callable[[str], None]
) -> None:
    """Make one attack after the other, each on a connection of its own, until cancelled.

    Args:
        server: the victim.
        source: the loopback address to come from.
        every_s: seconds between two attacks, on average.
        seed: of their order and of what they send.
        tell: told the name of each that was made.
    """
    rng = random.Random(seed)
    while True:
        name = rng.choice(list(ATTACKS))
        limit = HOLD_S + TAKES_S if name == "silence" else TAKES_S
        # That the server ends it, refuses it or does not answer it is what an attacker may expect.
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with asyncio.timeout(limit), Conversation(server, source) as talk:
                tell(name)
                await ATTACKS[name](talk, rng)
        await asyncio.sleep(rng.uniform(0.0, 2 * every_s))


async def be_slow(server: Server, source: str, tell: Callable[[str], None]) -> None:
    """Join the room, ask for its long history again and again, and read nothing; until cancelled.

    Whoever is dropped for that comes back.
    """
    while True:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with Conversation(server, source, receive_buffer=SMALL_BUFFER) as talk:
                await talk.enter()
                tell("stall")
                async with asyncio.timeout(SLOW_FOR_S):
                    while True:
                        await talk.send(talk.wire.request("join_room", room=ROOM))
                        await asyncio.sleep(SLOW_EVERY_S)
        await asyncio.sleep(0.5)


async def _drain(talk: Conversation) -> None:
    """Read until the server ends it or is silent."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(0.5):
            while await talk.receive():
                pass
