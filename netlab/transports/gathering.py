"""One write for all that a client is told in one round of the event loop.

A round of the loop takes in what has come from many clients, and each receiver of what they say
would cost a system call for each of them: that call is most of what a delivery costs. So frames
are gathered, and written when the round is over. Nothing waits for more to come: where only one
thing is said in a round, it goes out as soon as all that was ready has been taken in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from netlab.transports.write_buffer import WriteBuffer

GATHERED_BYTES = 16_384
"""bytes for one client that are gathered at most; more are written at once"""


class Rounds:
    """Writes what was gathered for all of a server's clients when a round of the loop is over."""

    def __init__(self) -> None:
        self._told: list[Gathering] = []

    def add(self, gathering: Gathering) -> None:
        """Take note that there is something for a client."""
        if not self._told:
            asyncio.get_running_loop().call_soon(self._flush)
        self._told.append(gathering)

    def _flush(self) -> None:
        told, self._told = self._told, []
        for gathering in told:
            gathering.flush()


class Gathering:
    """A client's outbox: what was said in this round, before the write buffer of its transport.

    Args:
        rounds: those of the server.
        transport: the connection's.
        limit: bytes that may wait, as `WriteBuffer` counts them; 0 = unlimited.
        is_shut: says whether nothing may be written any more; what is left is then thrown away.
        overflow: called when there is no room for what was gathered.
    """

    def __init__(
        self,
        rounds: Rounds,
        transport: asyncio.WriteTransport,
        limit: int,
        is_shut: Callable[[], bool],
        overflow: Callable[[], None],
    ) -> None:
        self._rounds = rounds
        self._limit = limit
        self._buffer = WriteBuffer(transport, limit)
        # What is gathered may wait as a whole, as one frame may: so it is a small part of all.
        self._most = min(GATHERED_BYTES, limit // 4) if limit else GATHERED_BYTES
        self._is_shut = is_shut
        self._overflow = overflow
        self._frames: list[bytes] = []
        self._gathered_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes that are gathered, or wait because the client does not read them."""
        return self._gathered_bytes + self._buffer.waiting_bytes

    @property
    def cost(self) -> int:
        """What waits in the write buffer, with what waiting costs beside it."""
        return self._buffer.cost

    @property
    def must_wait(self) -> bool:
        """More than half of the limit is taken: whoever asks for more should wait for room."""
        return self._limit > 0 and 2 * self._buffer.cost > self._limit

    def post(self, frame: bytes) -> None:
        """Keep a frame until the round is over, or until there are enough."""
        if not self._frames:
            self._rounds.add(self)
        self._frames.append(frame)
        self._gathered_bytes += len(frame)
        if self._gathered_bytes > self._most:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        frames = self._frames
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self.clear()
        if self._is_shut():
            return
        if self._buffer.has_room(data):
            self._buffer.write(data)
        else:
            self._overflow()

    def clear(self) -> None:
        """Throw away what was gathered."""
        self._frames = []
        self._gathered_bytes = 0

    async def wait_for_room(self, drain: Callable[[], Awaitable[None]]) -> None:
        """Write what was gathered, then wait as `WriteBuffer.wait_for_room` does."""
        self.flush()
        await self._buffer.wait_for_room(drain)

    def set_marks(self) -> None:
        """Set the transport's marks as `WriteBuffer.set_marks` does."""
        self._buffer.set_marks()
