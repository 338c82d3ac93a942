"""One client of a WebSocket server: how messages go out to it, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from netlab.core.service import ClientId
from netlab.transports.calendar import LINGER_S
from netlab.transports.gathering import Gathering, Rounds
from netlab.transports.write_buffer import WriteBuffer, reset, unsent_bytes

CLOSE_CODES = {
    "bye": 1000,  # normal closure
    "server_stopping": 1001,  # going away
    "idle": 1008,  # policy violation: it did not keep to a limit
    "heartbeat_timeout": 1008,
    "internal_error": 1011,
    "server_full": 1013,  # try again later
    "replaced": 4001,  # 4000 to 4999: for the two sides to agree upon (7.4.2)
}
"""the code of the close frame after `closing`, by its code; the frame's reason is that code"""
OTHER_CLOSE_CODE = 4000
"""for any other code of `closing`"""
_FAILURES = {
    1002: "protocol_error",
    1007: "invalid_utf8",
    1009: "frame_too_long",
    1011: "ping_timeout",
}
"""why a connection ended, by the code with which the library ended it"""

_FIN_TEXT = 0x81  # the last frame of its message, and the first; no extension; opcode 1, text


def encode_text(payload: bytes) -> bytes:
    """Return a text message as the bytes of one frame, as servers send it (RFC 6455, 5.2).

    The library's `Frame` gives the same, and takes ten times as long.
    """
    size = len(payload)
    if size < 126:
        return bytes((_FIN_TEXT, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", _FIN_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FIN_TEXT, 127, size) + payload


class Connection:
    """One client; the write buffer of its transport is its outbox."""

    id: ClientId

    def __init__(
        self, websocket: PromptConnection, outbox_limit: int, rounds: Rounds, *, compress: bool
    ) -> None:
        self.reason = ""
        websocket.outbox_limit = outbox_limit
        websocket.drop = self.abort
        self._websocket = websocket
        self._protocol = websocket.protocol
        self._transport = websocket.transport
        self._outbox = Gathering(
            rounds, self._transport, outbox_limit, self._is_shut, self._overflow
        )
        # Compressed, each connection has frames of its own, and they are not gathered.
        self._compressed = WriteBuffer(self._transport, outbox_limit) if compress else None
        self._over = False
        self._lingering: asyncio.TimerHandle | None = None

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait because the client does not read them."""
        return self._outbox.waiting_bytes

    @property
    def must_wait(self) -> bool:
        """Its own answers pile up."""
        return self._compressed is not None or self._outbox.must_wait

    def post(self, frame: bytes) -> None:
        """Send a frame or keep it; a client that has too much waiting is dropped."""
        # After a close frame nothing may follow (5.5.1), be it our own or the echo of theirs.
        if self._over or self._is_shut():
            return
        if self._compressed is None:
            self._outbox.post(frame)
        elif self._compressed.has_room(frame):
            self._compressed.write(frame, self._compress)
        else:
            self._overflow()

    def _is_shut(self) -> bool:
        return self._protocol.state is not State.OPEN or self._transport.is_closing()

    def _overflow(self) -> None:
        self.abort("slow_reader")

    async def wait_for_room(self) -> None:
        """Wait while its own answers pile up. Raises ConnectionClosed."""
        await (self._compressed or self._outbox).wait_for_room(self._websocket.drain)

    def _compress(self, payload: bytes) -> None:
        broadcast([self._websocket], payload.decode())

    def finish(self, reason: str) -> None:
        """Bring out what waits, then the close frame."""
        if self._over:
            return
        self._outbox.flush()
        self._over = True
        self.reason = self.reason or reason
        self._lingering = asyncio.get_running_loop().call_later(LINGER_S, self.abort, "lingered")
        if self._protocol.state is State.OPEN and not self._transport.is_closing():
            # What `close` of the library does, but for waiting: nothing here may wait.
            self._protocol.send_close(CLOSE_CODES.get(reason, OTHER_CLOSE_CODE), reason)
            self._websocket.send_data()

    def abort(self, reason: str) -> None:
        """End it now, whatever waits."""
        self._over = True
        self.reason = self.reason or reason
        self._outbox.clear()
        abort(self._websocket)

    def ended(self) -> None:
        """Take note that the connection is no more."""
        self._over = True
        if self._lingering is not None:
            self._lingering.cancel()


class PromptConnection(ServerConnection):
    """Ends at the latest `LINGER_S` seconds after either side wanted it to.

    After a close frame, or a frame that breaks the protocol, the library waits for the other side
    to end the TCP connection as well; one that does not would stay a member of all its rooms.
    """

    outbox_limit = 0
    drop: Callable[[str], None]
    _lingering: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Pass it on, and see whether it was the end."""
        waiting = unsent_bytes(self.transport)
        super().data_received(data)
        # Messages are sent elsewhere: what has come to wait here are pongs that nobody reads.
        now_waiting = unsent_bytes(self.transport)
        if self.outbox_limit and now_waiting > max(waiting, self.outbox_limit):
            self.drop("slow_reader")
        if self._lingering is None and self.protocol.close_expected():
            self._lingering = self.loop.call_later(LINGER_S, abort, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        super().connection_lost(exc)
        if self._lingering is not None:
            self._lingering.cancel()


def abort(websocket: ServerConnection) -> None:
    """Reset a connection, in whatever state it is."""
    with contextlib.suppress(AttributeError):  # it was never made
        reset(websocket.transport)


def fileno(websocket: ServerConnection) -> int:
    """Return the number of its socket; -1 if its connection was not made yet, or is closed."""
    try:
        sock = websocket.transport.get_extra_info("socket")
    except AttributeError:  # never made; or for TLS, closed twice
        return -1
    return -1 if sock is None else int(sock.fileno())


def why(end: ConnectionClosed) -> str:
    """Return in a word why a connection is over that we did not end."""
    if end.rcvd is not None and end.rcvd_then_sent:
        return "left"
    return _FAILURES.get(end.sent.code, "reset") if end.sent is not None else "reset"
