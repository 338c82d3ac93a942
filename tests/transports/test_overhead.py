"""Tiny frames: what a waiting frame takes beside its bytes counts in `outbox_bytes`, too."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.service import Limits
from tests.transports.engineio_wire import Polling
from tests.transports.harness import SOCKETIO, TCP_ASYNCIO, WEBSOCKET, Transport
from tests.transports.raw_websocket import Peer, hold_up, text

PATIENCE_S = 10.0
LIMITS = Limits(messages_per_second=0, outbox_bytes=100_000)


def narrow(server: Any) -> None:
    """Let the kernel keep little of what the server sends, so that the rest waits with us."""
    for each in getattr(server, "_connections", ()) or server._websockets:
        transport = each.writer.transport if hasattr(each, "writer") else each.transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


def connect_deaf(transport: Transport, server: Any, stack: ExitStack) -> Any:
    """Connect somebody who reads nothing after its welcome."""
    if transport is SOCKETIO:
        polling = stack.enter_context(Polling(server.address))
        polling.join()
        return polling
    peer = stack.enter_context(Peer(server.address, receive_buffer_bytes=4096))
    if transport is WEBSOCKET:
        assert peer.upgrade().status == 101
        peer.read("welcome")
    else:
        assert b"welcome" in peer.sock.recv(1000)
    server.call(narrow, server.server)
    return peer


@pytest.mark.parametrize("transport", [TCP_ASYNCIO, WEBSOCKET, SOCKETIO], ids=lambda t: t.name)
def test_who_reads_no_tiny_frames_is_dropped_early(transport: Transport) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(ChatService, limits=LIMITS))
        connect_deaf(transport, server, stack)
        talker = stack.enter_context(transport.connect(server, "chat"))
        most = 0
        for _ in range(5_000):
            talker.say("x")
            talker.wait_for("echo", PATIENCE_S)
            stats = server.stats()
            if stats.ended:
                break
            most = max(most, *stats.outbox_bytes.values())
        assert stats.ended == {"slow_reader": 1}
        # A broadcast of one character is shorter than 200 bytes: most of the limit was overhead.
        assert 0 < most < LIMITS.outbox_bytes * 200 / (200 + 256)


@pytest.mark.parametrize("transport", [TCP_ASYNCIO, WEBSOCKET], ids=lambda t: t.name)
def test_who_asks_for_tiny_answers_and_does_not_read_is_held_up(transport: Transport) -> None:
    """It is by their cost, too, that the server reads no more, so that nobody is dropped."""
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(ChatService, limits=LIMITS))
        peer = connect_deaf(transport, server, stack)
        message = {"type": "ping", "pad": "x" * 4000}
        data = text(**message) if transport is WEBSOCKET else json.dumps(message).encode() + b"\n"
        asked = hold_up(peer.sock, data) // len(data)
        stats = server.stats()
        assert (stats.ended, len(stats.clients)) == ({}, 1)
        assert 100 < stats.frames_in < asked
        if transport is WEBSOCKET:
            for _ in range(asked):
                assert peer.read("pong")
        else:
            with peer.sock.makefile("rb") as lines:
                for _ in range(asked):
                    assert json.loads(lines.readline())["type"] == "pong"
