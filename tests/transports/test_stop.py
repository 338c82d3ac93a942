"""Stopping: whoever calls `stop`, and however often, when it returns everything has ended."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.errors import AddressInUse, LocalProtocolError
from netlab.core.service import Limits
from netlab.transports.async_server import AsyncServer
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.tcp_asyncio import AsyncTCPServer
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tcp_selectors import SelectorTCPServer
from netlab.transports.tcp_threads import TCPServer
from netlab.transports.udp import UDPServer
from netlab.transports.websocket import WebSocketServer

PATIENCE_S = 10.0
WITH_THREADS = [TCPServer, PoolTCPServer, SelectorTCPServer, UDPServer]
IN_A_LOOP = [AsyncTCPServer, WebSocketServer, SocketIOServer]
HANDSHAKE = (
    b"GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
FIRST_WORDS = {
    WebSocketServer: HANDSHAKE % b"",
    SocketIOServer: HANDSHAKE % b"socket.io/?EIO=4&transport=websocket",
}


@pytest.mark.parametrize("make", WITH_THREADS)
def test_no_stop_returns_before_the_end(make: Callable[..., Any]) -> None:
    """While the switchboard is locked nobody can be told `closing`: no stop can be over."""
    server = make(ChatService)
    server.start()
    left: list[set[str]] = []

    def stop() -> None:
        server.stop()
        names = {thread.name for thread in threading.enumerate()}
        left.append({name for name in names if name.startswith("netlab-") and "test" not in name})

    stops = [threading.Thread(target=stop, name=f"netlab-test-stop-{n}") for n in range(2)]
    with server.switchboard.lock:
        for each in stops:
            each.start()
        for each in stops:
            each.join(0.1)
            assert each.is_alive()
    for each in stops:
        each.join(PATIENCE_S)
    assert left == [set(), set()]


@pytest.mark.parametrize("make", IN_A_LOOP)
def test_all_stops_in_a_loop_return_at_the_end(make: Callable[..., AsyncServer]) -> None:
    async def stop_three_times() -> None:
        server = make(ChatService)
        await server.start()
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(FIRST_WORDS.get(make, b""))
        async with asyncio.timeout(PATIENCE_S):
            await reader.read(1)  # it is served; and as it says no more, `stop` has to wait
        given_up = asyncio.create_task(server.stop())
        first = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        given_up.cancel()  # one caller less: no reason to leave the server half stopped
        await server.stop()
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert not [name for name in names if name.startswith("netlab-")]
        await first
        assert given_up.cancelled()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*server.address)
        writer.close()

    asyncio.run(stop_three_times())


@pytest.mark.parametrize("make", IN_A_LOOP)
def test_a_stop_waits_for_the_start_before_it(make: Callable[..., AsyncServer]) -> None:
    async def stop_at_once() -> None:
        server = make(ChatService)
        starting = asyncio.create_task(server.start())
        await asyncio.sleep(0)  # it has begun
        await server.stop()
        assert starting.done()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*server.address)
        with pytest.raises(LocalProtocolError, match="started before"):
            await server.start()

    asyncio.run(stop_at_once())


@pytest.mark.parametrize("make", IN_A_LOOP)
def test_a_start_that_failed_may_be_tried_again(make: Callable[..., AsyncServer]) -> None:
    async def start_twice() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            server = make(ChatService, port=port, limits=Limits())
            with pytest.raises(AddressInUse):
                await server.start()
            with pytest.raises(LocalProtocolError, match="no address yet"):
                _ = server.address
            await server.stop()  # of nothing
        async with server:
            assert server.address[1] == port

    asyncio.run(start_twice())
