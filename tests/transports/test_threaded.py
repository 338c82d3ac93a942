"""A connection that threads share, without a server around it."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Callable

import pytest

from netlab.core.echo import EchoService
from netlab.core.service import ClientId
from netlab.transports.calendar import Calendar
from netlab.transports.clock import SystemClock
from netlab.transports.switchboard import Switchboard
from netlab.transports.threaded import ThreadedConnection

PATIENCE_S = 10.0


class Server:
    """As much of a server as a connection needs."""

    def __init__(self) -> None:
        self.service = EchoService()
        self.switchboard = Switchboard(self.service, SystemClock(), bytes)
        self.calendar = Calendar(self.switchboard)

    def start_thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=f"netlab-{name}")
        thread.start()
        return thread


def test_an_aborted_connection_does_not_look_like_an_orderly_end() -> None:
    """Even if the client reads all there is before the socket is closed: no FIN, but a reset."""
    server = Server()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        sock, _ = listener.accept()
    with client:
        connection = ThreadedConnection(sock, server)
        connection.id = ClientId("client")
        while not connection.outbox_bytes:  # its writer is blocked after this
            with server.switchboard.lock:
                connection.post(b"x" * 100_000)
        with server.switchboard.lock:
            connection.abort("slow_reader")
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            read_all(client)
        connection.close()
        client.settimeout(PATIENCE_S)
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_tiny_frames_that_wait_take_little_more_than_their_bytes() -> None:
    """As a queue of objects they would take a hundred times as much."""
    server = Server()
    ours, theirs = socket.socketpair()
    with theirs:
        connection = ThreadedConnection(ours, server)
        connection.id = ClientId("client")
        with server.switchboard.lock:
            while not connection.outbox_bytes:
                connection.post(b"x" * 100_000)
            before = connection.outbox_bytes
            tracemalloc.start()
            try:
                for _ in range(20_000):
                    connection.post(b"x\n")
                memory, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert connection.outbox_bytes == before + 40_000
            connection.abort("slow_reader")
        connection.close()
    assert memory < 500_000  # the buffer may have been copied to grow


def read_all(sock: socket.socket) -> None:
    while sock.recv(1_000_000):
        pass
