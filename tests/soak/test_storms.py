"""Faults that come in storms, against `netlab serve` in a process of its own, on each transport."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from netlab.transports.addresses import BACKLOG
from netlab.transports.socketio_rooms import SocketIOClient
from netlab.transports.tcp_threads import TCPClient
from netlab.transports.udp import UDPClient
from netlab.transports.websocket import WebSocketClient
from tests.benchmarks.load import raise_descriptor_limit
from tests.soak.idle import IdleCrowd
from tests.soak.server import WIRES, Reading, Server, wait_back
from tests.soak.talk import RESET

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="reads a process's descriptors from Linux's /proc"
)
PATIENCE_S = 20.0
STREAMS = [name for name in WIRES if name != "udp"]
FLOOD, BEYOND = 300, 100
STARTS: dict[int, Reading] = {}
"""each server's figures before the storms, by its process's id"""
CLIENTS: dict[str, Callable[..., Any]] = {"udp": UDPClient, "websocket": WebSocketClient}


@pytest.fixture(scope="module", params=STREAMS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    raise_descriptor_limit(BACKLOG + BEYOND + 500)
    with Server(request.param, "--max-clients", "0") as running:
        with people(running, 2):  # whatever is imported or made for a first client is no leak
            before = running.read()
        # Both are gone when two descriptors are free again that they had.
        gone = replace(before, descriptors=before.descriptors - 2)
        STARTS[running.pid] = wait_back(running, gone, PATIENCE_S)
        yield running


def people(server: Server, count: int) -> contextlib.AbstractContextManager[IdleCrowd]:
    """Let so many come, each of whom is served once."""
    crowd = IdleCrowd(server.wire, server.address, server.cpu_s)
    crowd.come(count)
    return crowd


def connecting(server: Server) -> socket.socket:
    """Return a socket that is on its way to the server, if it is not there already."""
    sock = socket.socket()
    sock.setblocking(False)
    assert sock.connect_ex(server.address) in (0, errno.EINPROGRESS)
    return sock


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


def assert_back(server: Server) -> None:
    """Nobody is there: so there is nothing open for anybody, and no thread."""
    start = STARTS[server.pid]
    end = wait_back(server, start, PATIENCE_S)
    assert end.descriptors <= start.descriptors
    assert end.threads <= start.threads


def wait_full(server: Server, limit: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (now := server.read().descriptors) < limit:
        assert time.monotonic() < deadline, f"it has {now} descriptors, and room for {limit}"
        select.select([], [], [], 0.01)


def test_a_flood_of_resets(server: Server) -> None:
    """Some before the server has accepted them, some in the middle of what they send."""
    with people(server, 2) as crowd:
        beginning = next(server.wire.enter(), (server.wire.request("ping"), b""))[0]
        for number in range(FLOOD):
            sock = socket.create_connection(server.address, PATIENCE_S)
            if cut := number % 3 * len(beginning) // 2:
                sock.sendall(beginning[:cut])
            reset(sock)
        crowd.all_served()
        with people(server, 2):
            pass
    assert_back(server)
    assert server.faults() == []


def test_a_burst_against_the_backlog(server: Server) -> None:
    """More connect than the backlog holds while nobody accepts; half of them have gone by then."""
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        burst = [connecting(server) for _ in range(BACKLOG + BEYOND)]
        for sock in burst[::2]:
            reset(sock)
    finally:
        os.kill(pid, signal.SIGCONT)
    for sock in burst[1::2]:
        sock.close()
    with people(server, 2) as crowd:
        crowd.all_served()
    assert_back(server)
    assert server.faults() == []


def test_without_descriptors_and_with_them_again(server: Server) -> None:
    process = psutil.Process(server.pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    with people(server, 2) as crowd:
        limit = server.read().descriptors + 3
        process.rlimit(psutil.RLIMIT_NOFILE, (limit, before[1]))
        try:
            more = [socket.create_connection(server.address, PATIENCE_S) for _ in range(20)]
            wait_full(server, limit)
            for _ in range(3):
                crowd.all_served()  # who is there already feels nothing of it
            for sock in more:
                sock.close()
        finally:
            process.rlimit(psutil.RLIMIT_NOFILE, before)
        with people(server, 5) as others:
            others.all_served()
        crowd.all_served()
    assert_back(server)
    assert server.faults() == []


@pytest.mark.parametrize("transport", [name for name in WIRES if name != "socketio"])
def test_killed_and_started_again_at_the_same_port(transport: str) -> None:
    """Clients find out; who comes again with the old secret is let in, as somebody new."""
    client = CLIENTS.get(transport, TCPClient)
    with Server(transport) as first, client(first.address) as ann:
        secret = ann.wait_for("welcome", PATIENCE_S).secret
        ann.send("join_room", room="hall")
        ann.wait_for("room_joined", PATIENCE_S)
        first.kill()
        if transport == "udp":  # nothing tells it but the answer to what it sends: ICMP
            with contextlib.suppress(OSError):
                ann.send("ping")
        assert ann.wait_ended(PATIENCE_S)
        with Server(transport, port=first.address[1]) as second:
            assert second.address == first.address
            with client(second.address) as again:
                assert again.wait_for("welcome", PATIENCE_S).secret != secret
                if transport != "udp":  # there, connecting has said hello already
                    again.send("hello", resume=secret)
                    assert not again.wait_for("welcome", PATIENCE_S).resumed
                again.send("join_room", room="hall")
                assert again.wait_for("room_joined", PATIENCE_S).members_count == 1


@pytest.mark.parametrize("way", ["polling", "websocket"])
def test_socketio_clients_come_back_by_themselves_after_kill_9(way: str) -> None:
    with (
        Server("socketio") as first,
        SocketIOClient(first.address, transports=(way,), username="ann") as ann,
    ):
        old = ann.wait_for("welcome", PATIENCE_S)
        first.kill()
        with Server("socketio", port=first.address[1]):
            new = ann.wait_for("welcome", 2 * PATIENCE_S)
            assert (new.username, new.resumed) == ("ann", False)
            assert new.secret != old.secret
            assert ann.call("ping", PATIENCE_S) == {"ok": True}
            ann.close()
