"""How the stories reach each transport: a server that runs, and clients that talk to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from netlab.core.service import Service
from netlab.lab import LESSON, background
from netlab.lab.background import Background
from netlab.transports.services import ServiceName
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from netlab.transports.tcp_asyncio import AsyncTCPClient, AsyncTCPServer
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tcp_selectors import SelectorTCPServer
from netlab.transports.tcp_threads import TCPClient, TCPServer
from netlab.transports.udp import UDPClient, UDPServer
from netlab.transports.websocket import WebSocketClient, WebSocketServer
from tests.certificates import client_side, server_side

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Transport:
    """One way to carry a service."""

    name: str
    server: Callable[..., Any]
    client: Callable[..., Any]
    has_connections: bool = True
    """False: the text service meets a client when it says something, and answers no answers"""

    def serve(self, service: type[Service], **options: Any) -> Background[Any]:
        """Start a server; leaving it as a context stops it. Errors of starting are raised here."""
        # A name of its own: two servers in one test must not replace each other.
        return background(self.server(service, **options), name=f"{self.name}-{next(_numbers)}")

    def serve_lesson(self, service: type[Service], **options: Any) -> Background[Any]:
        """Start one with lesson time, so that nothing happens because of the machine's pace."""
        return self.serve(service, **LESSON, **options)

    def connect(self, server: Any, service: ServiceName) -> Any:
        """Connect a client with a blocking face."""
        return self.client(server.address, service=service).connect()


class AsyncClientFace:
    """The blocking face of an asyncio client, for the stories: each call runs in its loop."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._client = AsyncTCPClient(*args, **options)
        self.address = self._client.address

    async def start(self) -> None:
        await self._client.connect()

    async def stop(self) -> None:
        await self._client.close()

    def connect(self) -> Self:
        self._running = background(self, name=f"client-{next(_numbers)}")
        return self

    def close(self) -> None:
        self._running.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def local_address(self) -> Any:
        return self._client.local_address

    @property
    def messages(self) -> Any:
        return self._client.messages

    def send(self, *args: Any, **fields: Any) -> Any:
        return self._running.call(partial(self._client.send, *args, **fields))

    def say(self, content: str) -> Any:
        return self._running.call(self._client.say, content)

    def wait_for(self, *args: Any, **options: Any) -> Any:
        return self._running.call(partial(self._client.wait_for, *args, **options), timeout_s=20)

    def wait_ended(self, *args: Any) -> Any:
        return self._running.call(partial(self._client.wait_ended, *args), timeout_s=20)


TCP_THREADS = Transport("tcp_threads", TCPServer, TCPClient)
TCP_ASYNCIO = Transport("tcp_asyncio", AsyncTCPServer, TCPClient)
TCP_ASYNCIO_CLIENT = Transport("tcp_asyncio_client", AsyncTCPServer, AsyncClientFace)
TCP_SELECTORS = Transport("tcp_selectors", SelectorTCPServer, TCPClient)
# With workers enough for the stories; who has to wait has stories of its own.
TCP_POOL = Transport("tcp_pool", partial(PoolTCPServer, workers=60), TCPClient)
UDP = Transport("udp", UDPServer, UDPClient, has_connections=False)


def _socketio(name: str, *transports: str) -> Transport:
    # Without `reconnect`: in a story, an end is an end.
    client = partial(SocketIOClient, transports=transports, reconnect=False)
    return Transport(name, SocketIOServer, client)


SOCKETIO = _socketio("socketio", "polling", "websocket")
SOCKETIO_POLLING = _socketio("socketio_polling", "polling")
SOCKETIO_WEBSOCKET = _socketio("socketio_websocket", "websocket")

WEBSOCKET = Transport("websocket", WebSocketServer, WebSocketClient)

TRANSPORTS = [
    TCP_THREADS,
    TCP_POOL,
    TCP_ASYNCIO,
    TCP_ASYNCIO_CLIENT,
    TCP_SELECTORS,
    UDP,
    WEBSOCKET,
]
"""every way in which the stories of the text service are told"""
CHATS = [*TRANSPORTS, SOCKETIO, SOCKETIO_POLLING, SOCKETIO_WEBSOCKET]
"""every way in which those of the chat service are told"""


def secured(transport: Transport) -> Transport:
    """Return the same over TLS, with a client that trusts the tests' authority."""
    server = partial(transport.server, ssl=server_side())
    client = partial(transport.client, ssl=client_side())
    return Transport(f"{transport.name}_tls", server, client)


SECURED = [secured(transport) for transport in CHATS if transport is not UDP]
"""the same for every stream, over TLS"""
STREAMS = [TCP_THREADS, TCP_POOL, TCP_ASYNCIO, TCP_SELECTORS]
"""servers to which anybody can connect with a plain TCP socket and lines"""
