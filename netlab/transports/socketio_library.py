"""The Socket.IO library's asyncio client (python-socketio on aiohttp), as ours needs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import socketio
from engineio import AsyncClient as EngineClient

from netlab.transports.write_buffer import end

# The library logs messages at INFO, and its WARNINGs are events that the inbox tells better.
_log = logging.getLogger("netlab.transports.socketio_client.library")
_log.setLevel(logging.CRITICAL)

CLOSE_TIMEOUT_S = 1.0
"""seconds that closing gives the library to say goodbye"""


class RememberingLoop(asyncio.SelectorEventLoop):
    """A loop that ends its connections when it is closed.

    One for TLS takes its time to close, for the other side is to say goodbye, and aiohttp forgets
    it meanwhile; or nobody has it yet, since whoever wanted it was cancelled just then.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connections: weakref.WeakKeyDictionary[asyncio.Transport, Any] = (
            weakref.WeakKeyDictionary()
        )

    async def create_connection(
        self, protocol_factory: Callable[[], Any], *args: Any, **options: Any
    ) -> Any:
        """Connect, and remember it as soon as there is something to be closed."""

        def make_protocol() -> Any:
            protocol = protocol_factory()
            connection_made = protocol.connection_made

            def remember(transport: asyncio.Transport) -> None:
                self.connections[transport] = transport.get_extra_info("socket")
                connection_made(transport)

            protocol.connection_made = remember
            return protocol

        return await super().create_connection(make_protocol, *args, **options)

    def close(self) -> None:
        """End every connection at once, those too that are being closed."""
        if not self.is_closed():
            for transport, sock in tuple(self.connections.items()):
                end(transport, sock)
            for _ in range(3):  # a loop closes sockets in one of its next rounds
                self.run_until_complete(asyncio.sleep(0))
        super().close()


class _Engine(EngineClient):  # type: ignore[misc]  # the library has no types
    """Engine.IO that leaves no connection half read or half closed; aiohttp would complain."""

    _ended = False

    async def _send_request(self, *args: Any, **options: Any) -> Any:
        if self._ended:  # it would open another connection for its last words
            return "this client closed the connection"
        response = await super()._send_request(*args, **options)
        if response is not None and not isinstance(response, str):
            try:
                await response.read()  # kept there for whoever reads it again
            except (aiohttp.ClientError, TimeoutError) as error:
                return str(error)
        return response

    async def close(self) -> None:
        """Close everything, however little the server does for it. Twice is once."""
        self._ended = True
        deadline = asyncio.get_running_loop().time() + CLOSE_TIMEOUT_S
        for one in (self.ws, self.http):
            if one is not None and not one.closed:
                with contextlib.suppress(TimeoutError):
                    # The session's part begins, and so is done, even where no time is left.
                    async with asyncio.timeout_at(deadline):
                        await one.close()
        await asyncio.sleep(0)  # closed sockets leave the loop in its next round


class _Library(socketio.AsyncClient):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine


def make_library(
    timeout_s: float,
    max_frame_bytes: int,
    context: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Return a client of the library's, for one connection. Call it in the loop it is for.

    Args:
        timeout_s: seconds that an HTTP request may take.
        max_frame_bytes: longest WebSocket message the server may send; 0 = unlimited.
        context: what to trust; makes it `https:`.
        headers: for every request. Those that the library's own `connect` takes are sent with the
            first poll and the WebSocket, but not with the polls after that.
    """
    connector = None if context is None else aiohttp.TCPConnector(ssl=context)
    return _Library(
        # Ours, because the library may open a second one while it closes the first.
        http_session=aiohttp.ClientSession(connector=connector, headers=headers),
        reconnection=False,  # we begin anew instead: nothing of the lost connection remains
        handle_sigint=False,
        logger=_log,
        engineio_logger=_log,
        request_timeout=timeout_s,
        websocket_extra_options={"max_msg_size": max_frame_bytes},
    )
