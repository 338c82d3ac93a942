"""What a client on asyncio has received: its reader puts messages in, a cell awaits them."""

from __future__ import annotations

import asyncio

from netlab.core.messages import AnyReply, Ping, Reply
from netlab.transports.inbox import Mail


class AsyncInbox:
    """Mail that one task puts in and others of the same loop await."""

    def __init__(self) -> None:
        self.mail = Mail()
        self._changed = asyncio.Event()

    def put(self, message: AnyReply) -> Ping | None:
        """Take in a message that came; return what to answer to it, if it asks for an answer."""
        answer = self.mail.put(message)
        self._wake()
        return answer

    def end(self, reason: str) -> None:
        """Take note that no more messages will come. The first reason given is kept."""
        self.mail.end(reason)
        self._wake()

    async def wait_ended(self, timeout_s: float) -> str:
        """Wait until no more messages will come, and return why. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.mail.ended is None:
                await self._changed.wait()
        return self.mail.ended

    async def wait_for(self, wanted: str | type[Reply], timeout_s: float) -> AnyReply:
        """Return the first message of that type not taken yet; raises as `Inbox.wait_for`."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := self.mail.take(wanted)) is None:
                    await self._changed.wait()
        except TimeoutError:
            raise self.mail.too_late(wanted, timeout_s) from None
        return found

    def _wake(self) -> None:
        # Everyone who waits now is woken; whoever comes later waits for the next message.
        self._changed.set()
        self._changed = asyncio.Event()
