"""One client of the asyncio TCP server: its streams, its outbox, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import cast

from netlab.core.service import ClientId
from netlab.transports.calendar import LINGER_S
from netlab.transports.gathering import Gathering, Rounds
from netlab.transports.tls import HANDSHAKE_S
from netlab.transports.write_buffer import reset_unless_done


class AsyncConnection:
    """One client's streams; the write buffer of its transport is its outbox.

    Args:
        reader, writer: the streams.
        outbox_limit: bytes that may wait for a client that does not read; 0 = unlimited.
        rounds: those of the server.
    """

    id: ClientId

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        outbox_limit: int,
        rounds: Rounds,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.reason = ""
        self._transport = cast(asyncio.Transport, writer.transport)
        self._outbox = Gathering(
            rounds, self._transport, outbox_limit, self._transport.is_closing, self._overflow
        )
        self._outbox.set_marks()
        self._finishing = False
        self._lingering: asyncio.TimerHandle | None = None

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait because the client does not read them."""
        return self._outbox.waiting_bytes

    @property
    def must_wait(self) -> bool:
        """Its own answers pile up."""
        return self._outbox.must_wait

    def post(self, frame: bytes) -> None:
        """Send a frame or keep it; a client that has too much waiting is dropped."""
        if self._finishing or self._transport.is_closing():  # or it was reset a moment ago
            return
        self._outbox.post(frame)

    async def wait_for_room(self) -> None:
        """Wait while its own answers pile up."""
        await self._outbox.wait_for_room(self.writer.drain)

    def finish(self, reason: str) -> None:
        """Bring out what waits, then send FIN."""
        if self._finishing:
            return
        self._outbox.flush()
        self._finishing = True
        self.reason = self.reason or reason
        if self._transport.is_closing():  # it is lost (uvloop complains of what follows)
            pass
        elif self._transport.can_write_eof():
            with contextlib.suppress(OSError):  # it was reset a moment ago: the reader will see
                self._transport.write_eof()  # FIN follows what waits; we read on until theirs
        else:
            self._transport.close()  # TLS knows no half-close
        self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self.abort, "lingered")

    async def close(self) -> None:
        """Wait until what was posted is out, or the linger time is over."""
        self.finish("left")
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
        if self._lingering is not None:
            self._lingering.cancel()

    def abort(self, reason: str) -> None:
        """End it now, whatever waits."""
        self._finishing = True
        self.reason = self.reason or reason
        self._outbox.clear()
        reset_unless_done(self._transport)

    def _overflow(self) -> None:
        self.abort("slow_reader")


async def connection_on(
    sock: socket.socket,
    outbox_limit: int,
    rounds: Rounds,
    context: ssl.SSLContext | None = None,
) -> AsyncConnection:
    """Return a connection on a socket that was accepted; with a context, after a TLS handshake.

    Over TLS, asyncio's streams take an end without close_notify for an orderly one (3.11), so what
    was cut looks like what was ended; and the client's close_notify ends our direction, too.

    Raises: OSError: the handshake has failed, or was not done in time; the socket is closed.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    patience_s = None if context is None else HANDSHAKE_S
    goodbye_s = None if context is None else LINGER_S
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        sock,
        ssl=context,
        ssl_handshake_timeout=patience_s,
        ssl_shutdown_timeout=goodbye_s,
    )
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    return AsyncConnection(reader, writer, outbox_limit, rounds)
