"""The write buffer as an outbox: what waits there is counted, tiny frames with their overhead."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.transports.write_buffer import FRAME_COST, WriteBuffer, reset, reset_unless_done


class FakeTransport(asyncio.Transport):
    """A transport to a client that reads when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = bytearray()
        self.kernel_room = 0
        self.marks: list[tuple[int | None, int | None]] = []
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if self.closing:
            raise RuntimeError("the handler is closed")  # as uvloop's
        self.marks.append((high, low))

    def write(self, data: Any) -> None:
        taken = 0 if self.waiting else min(self.kernel_room, len(data))
        self.kernel_room -= taken
        self.waiting += data[taken:]

    def is_read(self, count: int) -> None:
        del self.waiting[:count]


def test_tiny_frames_count_with_their_overhead() -> None:
    transport = FakeTransport()
    buffer = WriteBuffer(transport, limit=10 * (FRAME_COST + 1))
    written = 0
    while buffer.has_room(b"x"):
        buffer.write(b"x")
        written += 1
    assert written == 10
    assert (buffer.waiting_bytes, buffer.cost) == (10, 10 * (FRAME_COST + 1))
    transport.is_read(1)
    assert buffer.has_room(b"x")
    assert not buffer.has_room(b"xx")


def test_one_frame_may_always_wait_however_long() -> None:
    buffer = WriteBuffer(FakeTransport(), limit=1)
    assert buffer.has_room(b"x" * 1_000)
    buffer.write(b"x" * 1_000)
    assert not buffer.has_room(b"")


def test_without_a_limit_there_is_always_room() -> None:
    buffer = WriteBuffer(FakeTransport(), limit=0)
    for _ in range(1_000):
        buffer.write(b"x")
        assert buffer.has_room(b"x" * 1_000_000)


def test_a_frame_that_goes_out_at_once_costs_nothing() -> None:
    transport = FakeTransport()
    transport.kernel_room = 5
    buffer = WriteBuffer(transport, limit=1_000)
    buffer.write(b"12345")
    assert buffer.cost == 0
    transport.kernel_room = 2
    buffer.write(b"123")  # one byte is left over
    assert buffer.cost == 1 + FRAME_COST


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 100))))
def test_the_cost_is_that_of_the_frames_that_wait(moves: list[tuple[int, int, int]]) -> None:
    """Against a list of frames: each move writes one, with some room in the kernel, then reads."""
    transport = FakeTransport()
    buffer = WriteBuffer(transport, limit=10**9)
    frames: list[int] = []
    for size, read, room in moves:
        transport.kernel_room = room
        if left := size if frames else max(0, size - room):
            frames.append(left)
        buffer.write(b"x" * size)
        transport.is_read(read)
        while frames and read >= frames[0]:
            read -= frames.pop(0)
        if frames:
            frames[0] -= read
        assert buffer.cost == sum(frames) + FRAME_COST * len(frames)


def test_waiting_for_room_is_by_cost_and_marks_are_put_back() -> None:
    transport = FakeTransport()
    buffer = WriteBuffer(transport, limit=100 * (FRAME_COST + 1))
    drained = 0

    async def drain() -> None:
        nonlocal drained
        drained += 1

    async def write(frames: int) -> None:
        for _ in range(frames):
            buffer.write(b"x")
            await buffer.wait_for_room(drain)

    asyncio.run(write(50))
    assert (drained, transport.marks) == (0, [])
    asyncio.run(write(1))
    half = 50 * (FRAME_COST + 1)
    assert (drained, transport.marks) == (1, [(25, 25), (half, half // 2)])


@pytest.mark.parametrize("before", [True, False])
def test_a_reset_before_or_while_one_waits_is_what_drain_says(before: bool) -> None:
    transport = FakeTransport()
    buffer = WriteBuffer(transport, limit=100)
    buffer.write(b"x" * 60)
    transport.closing = before

    async def drain() -> None:
        transport.closing = True
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(buffer.wait_for_room(drain))


class Accepted:
    """A transport's socket, which notes the options it is given, and the transport of nobody."""

    def __init__(self, closing: bool, waiting: int) -> None:
        self.options: list[Any] = []
        self.aborted = False
        self._closing, self._waiting = closing, waiting

    def get_extra_info(self, _: str) -> Accepted:
        return self

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return self._waiting

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize(
    ("closing", "waiting", "is_reset"), [(True, 0, False), (True, 1, True), (False, 0, True)]
)
def test_only_who_was_closed_with_nothing_left_to_send_is_not_reset(
    closing: bool, waiting: int, is_reset: bool
) -> None:
    transport: Any = Accepted(closing, waiting)
    reset_unless_done(transport)
    assert (bool(transport.options), transport.aborted) == (is_reset, True)
    reset(transport)
    linger = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert transport.options[-1] == linger
