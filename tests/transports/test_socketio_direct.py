"""Events go straight to an upgraded connection, in order with what the library sends by itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
from engineio.packet import PING, Packet

from netlab.transports.gathering import Rounds
from netlab.transports.socketio_outbox import Outbox
from netlab.transports.socketio_packets import Event
from netlab.transports.socketio_session import Session
from tests.transports.test_gathering import FakeTransport, in_loop


def make_session(limit: int = 0) -> tuple[Session, Outbox, FakeTransport]:
    """Return a session that was upgraded, its queue, and its connection."""
    queue, transport = Outbox(), FakeTransport()
    engine = SimpleNamespace(sockets={"sid": SimpleNamespace(queue=queue)})
    session = Session(engine, "sid", "", limit, Rounds())
    writable = asyncio.Event()
    writable.set()
    session.upgraded(SimpleNamespace(transport=transport, writable=writable, is_shut=lambda: False))
    return session, queue, transport


def event(number: int) -> Event:
    return Event.from_json(msgspec.json.encode({"type": "room_message", "id": number}))


def numbers(writes: list[bytes]) -> list[int]:
    """Return the events' numbers in some writes, each of whole frames."""
    text = b"".join(writes).decode("latin-1")
    return [int(part.split("}")[0]) for part in text.split('"id":')[1:]]


def test_an_upgraded_session_needs_no_queue() -> None:
    async def story() -> None:
        session, queue, transport = make_session()
        for number in range(3):
            session.post(event(number))
        await asyncio.sleep(0)
        assert queue.empty()
        assert len(transport.writes) == 1
        assert numbers(transport.writes) == [0, 1, 2]
        assert transport.writes[0].startswith(b"\x81")

    in_loop(story)


def test_what_comes_after_something_in_the_queue_waits_behind_it() -> None:
    async def story() -> None:
        session, queue, transport = make_session()
        session.post(event(1))
        queue.put_nowait(Packet(PING))  # as the library does, in its own time
        session.post(event(2))
        assert numbers(transport.writes) == [1]
        taken: list[Any] = [await queue.get(), queue.get_nowait()]
        assert taken[0].packet_type == PING
        assert taken[1].data == '2["room_message",{"id":2}]'
        session.post(event(3))  # the library has the others in its hands, and not sent them yet
        assert queue.qsize() == 1
        await queue.get()
        more = asyncio.create_task(queue.get())  # it asks for more: all is on its way
        await asyncio.sleep(0)
        session.post(event(4))
        await asyncio.sleep(0)
        assert numbers(transport.writes) == [1, 4]
        more.cancel()
        await asyncio.wait([more])

    in_loop(story)


def test_goodbye_comes_after_all_events() -> None:
    async def story() -> None:
        session, queue, transport = make_session()
        session.post(event(1))
        session.finish("bye")
        assert numbers(transport.writes) == [1]
        assert queue.get_nowait().data == "1"  # DISCONNECT
        assert queue.get_nowait() is None
        session.post(event(2))
        await asyncio.sleep(0)
        assert numbers(transport.writes) == [1]
        if session._lingering is not None:
            session._lingering.cancel()

    in_loop(story)


def test_both_ways_share_one_limit() -> None:
    async def story() -> None:
        session, queue, transport = make_session(limit=4_000)
        ended: list[str] = []
        session.abort = ended.append  # type: ignore[method-assign]
        transport.reads = False
        while not transport.writes or sum(map(len, transport.writes)) < 2_000:
            session.post(event(1))
        queue.put_nowait(Packet(PING))
        for _ in range(100):
            session.post(event(2))
            if ended:
                break
        assert ended == ["slow_reader"]
        assert session.outbox_bytes <= 4_000

    in_loop(story)
