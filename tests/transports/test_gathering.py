"""What is said in one round of the loop goes out in one write, in order, within the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from netlab.transports.gathering import GATHERED_BYTES, Gathering, Rounds


class FakeTransport(asyncio.Transport):
    """A transport that records writes; what is written waits unless `reads` is true."""

    def __init__(self, *, reads: bool = True) -> None:
        super().__init__()
        self.reads = reads
        self.writes: list[bytes] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0 if self.reads else sum(map(len, self.writes))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class Client:
    """A client's gathering, and what becomes of it."""

    def __init__(self, rounds: Rounds, limit: int = 0, *, reads: bool = True) -> None:
        self.transport = FakeTransport(reads=reads)
        self.shut = False
        self.dropped = 0
        self.gathering = Gathering(rounds, self.transport, limit, lambda: self.shut, self._overflow)

    def _overflow(self) -> None:
        self.dropped += 1


def in_loop(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 10))  # type: ignore[arg-type]


def test_a_round_is_one_write_for_each_client() -> None:
    async def story() -> None:
        rounds = Rounds()
        clients = [Client(rounds) for _ in range(3)]
        for frame in (b"one\n", b"two\n", b"three\n"):
            for client in clients[:2]:
                client.gathering.post(frame)
        assert [client.gathering.waiting_bytes for client in clients] == [14, 14, 0]
        assert clients[0].transport.writes == []
        await asyncio.sleep(0)
        assert [c.transport.writes for c in clients] == 2 * [[b"one\ntwo\nthree\n"]] + [[]]
        clients[0].gathering.post(b"next\n")
        await asyncio.sleep(0)
        assert clients[0].transport.writes[1:] == [b"next\n"]

    in_loop(story)


def test_much_is_not_gathered_for_long() -> None:
    async def story() -> None:
        client = Client(Rounds())
        frame = b"x" * 1_000
        for _ in range(100):
            client.gathering.post(frame)
            assert client.gathering.waiting_bytes <= GATHERED_BYTES
        await asyncio.sleep(0)
        assert b"".join(client.transport.writes) == 100 * frame
        assert 6 <= len(client.transport.writes) <= 8

    in_loop(story)


@pytest.mark.parametrize("limit", [1_000, 100_000])
def test_who_reads_nothing_is_dropped_at_the_limit(limit: int) -> None:
    async def story() -> None:
        client = Client(Rounds(), limit, reads=False)
        posted = 0
        while not client.dropped:
            client.gathering.post(b"x" * 50)
            posted += 50
            assert posted <= 2 * limit
        assert client.gathering.waiting_bytes <= limit
        client.gathering.flush()
        assert client.dropped == 1

    in_loop(story)


def test_nothing_is_written_to_who_is_gone() -> None:
    async def story() -> None:
        shut, cleared = Client(rounds := Rounds()), Client(rounds)
        shut.gathering.post(b"late")
        cleared.gathering.post(b"late")
        shut.shut = True
        cleared.gathering.clear()
        await asyncio.sleep(0)
        assert shut.transport.writes == cleared.transport.writes == []
        assert shut.gathering.waiting_bytes == cleared.gathering.waiting_bytes == 0

    in_loop(story)


def test_a_flood_makes_its_sender_wait() -> None:
    async def story() -> None:
        client = Client(Rounds(), 10_000, reads=False)
        assert not client.gathering.must_wait
        client.gathering.post(b"x" * 6_000)
        assert client.gathering.must_wait
        drained = []

        async def drain() -> None:
            drained.append(client.gathering.waiting_bytes)

        await client.gathering.wait_for_room(drain)
        assert drained == [6_000]

    in_loop(story)
