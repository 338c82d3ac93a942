"""The event loop of Socket.IO's client: no connection outlives it, whoever has forgotten it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from netlab.transports.socketio_library import RememberingLoop
from tests.certificates import HOST, client_side, server_side

Address = tuple[str, int]


class Ear(asyncio.Protocol):
    """A protocol with attributes, as those of aiohttp are; asyncio's own has none."""


@pytest.fixture
def never_says_goodbye() -> Iterator[Address]:
    """A TLS server that shakes hands with one client, and does not answer its close_notify."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ssl.SSLError, OSError):
            connection.settimeout(5)
            with server_side().wrap_socket(connection, server_side=True):
                over.wait(5)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve, name="netlab-silent-server")
        thread.start()
        yield listener.getsockname()
        over.set()
        thread.join()


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_who_is_cancelled_when_the_handshake_is_done_leaves_nothing_open(
    never_says_goodbye: Address,
) -> None:
    async def visit() -> None:
        class Cancels(Ear):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connecting.cancel()

        loop = asyncio.get_running_loop()
        connecting = asyncio.ensure_future(
            loop.create_connection(Cancels, *never_says_goodbye, ssl=client_side())
        )
        await asyncio.wait([connecting], timeout=5)
        assert connecting.cancelled()

    with asyncio.Runner(loop_factory=RememberingLoop) as runner:
        runner.run(visit())
    gc.collect()


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_a_connection_that_is_still_saying_goodbye_ends_with_the_loop(
    never_says_goodbye: Address,
) -> None:
    async def visit() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(Ear, *never_says_goodbye, ssl=client_side())
        transport.close()

    with asyncio.Runner(loop_factory=RememberingLoop) as runner:
        runner.run(visit())
    gc.collect()
