"""Connections held in a state that would otherwise pass too quickly to be looked at."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

from netlab.lab import kernel


@contextlib.contextmanager
def connected(host: str = "127.0.0.1") -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a connection: the client's, which connected, and the server's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2], timeout=5) as client,
    ):
        server, _ = listener.accept()
        with server:
            server.settimeout(5)
            yield client, server


def fill(sock: socket.socket) -> int:
    """Send until nothing more fits into the queues of both sides; return how many bytes."""
    sent, timeout_s = 0, sock.gettimeout()
    sock.setblocking(False)
    # A delayed acknowledgement (RFC 1122: up to half a second, Linux: 40 ms) may make room again.
    while select.select([], [sock], [], 0.1)[1]:
        with contextlib.suppress(BlockingIOError):
            sent += sock.send(bytes(65_536))
    sock.settimeout(timeout_s)
    return sent


def drain(sock: socket.socket) -> int:
    """Receive until the end of the stream; return how many bytes."""
    return sum(len(data) for data in iter(lambda: sock.recv(1_000_000), b""))


@contextlib.contextmanager
def small_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield both ends of a connection with small buffers, quickly filled."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            client.settimeout(5)
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                server.settimeout(5)
                yield client, server


@contextlib.contextmanager
def full_listener(backlog: int = 2) -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """Yield a listener whose queue is full, and the clients that wait in it: backlog + 1."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=backlog))
        clients = [
            stack.enter_context(socket.create_connection(listener.getsockname(), timeout=5))
            for _ in range(backlog + 1)
        ]
        kernel.wait_backlog(listener, backlog + 1)
        yield listener, clients


@contextlib.contextmanager
def knocking(address: tuple[str, int]) -> Iterator[socket.socket]:
    """Yield a socket that has begun to connect and does not wait for the answer."""
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(address)
        yield sock
