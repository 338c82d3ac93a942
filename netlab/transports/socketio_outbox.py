"""What waits for one client of the Socket.IO server: the queue between us and the library."""

from __future__ import annotations

import asyncio
from typing import Any

from netlab.transports.write_buffer import FRAME_COST

MOST_IN_A_LOT = 16
"""packets in one answer to a poll: the official Python client takes more for an attack, and goes"""
_SMALL = 16  # bytes of the library's own packets: pings, NOOP


class Outbox(asyncio.Queue[Any]):
    """The queue between us and the library, counting bytes: what waits, and what was just taken.

    The library takes all that waits in one go and then sends it; only when it asks for more was
    the last lot taken from its hands. (`_init`, `_put` and `_get` are asyncio's hooks for this.)
    """

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._waiting = 0
        self._taken = 0
        self._taken_packets = 0
        self._lot = 0
        self._delivered = asyncio.Event()

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._waiting += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self._waiting -= _size(item)
        self._taken += _size(item)
        self._taken_packets += 1
        return item

    async def get(self) -> Any:
        """Wait for the first packet of a lot; everything taken before is on its way."""
        self.delivered()
        self._lot = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """Return another packet, if there is one and the lot is not full."""
        if self._lot >= MOST_IN_A_LOT:
            raise asyncio.QueueEmpty
        self._lot += 1
        return super().get_nowait()

    def delivered(self) -> None:
        """Take note that everything taken so far is on its way."""
        self._taken = self._taken_packets = 0
        self._delivered.set()

    def clear(self) -> None:
        """Throw away what waits, and tell the library that this is the end."""
        while not self.empty():
            self._lot = 0
            self.get_nowait()
        self.put_nowait(None)
        self.delivered()

    async def wait_delivered(self) -> None:
        """Wait until something more is on its way."""
        self._delivered.clear()
        await self._delivered.wait()

    @property
    def idle(self) -> bool:
        """Nothing waits, and nothing is in the library's hands."""
        return not self._taken_packets and self.empty()

    @property
    def bytes(self) -> int:
        """Bytes of packets that wait, or are in the library's hands."""
        return self._waiting + self._taken

    @property
    def cost(self) -> int:
        """Those bytes, and what waiting costs beside them."""
        return self.bytes + FRAME_COST * (self.qsize() + self._taken_packets)


def _size(packet: Any) -> int:
    return 0 if packet is None else getattr(packet, "size_bytes", _SMALL)
