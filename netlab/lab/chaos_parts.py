"""What the parts of a fault proxy share: where to note, whom to tell, what time it is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netlab.lab.polling import Poller
from netlab.lab.recording import Direction, Recording


@dataclass(frozen=True)
class Parts:
    """Passed to whatever carries bytes; all of it is used in the proxy's thread alone."""

    poller: Poller
    clock: Callable[[], float]
    received: Recording
    """what came to the proxy"""
    passed_on: Recording
    """what it made of it"""
    tell: Callable[[str, Direction, str, str], None]
    """called with connection, direction, place and what was done there"""
    admitted: Callable[[str, Any], None]
    """called with the key of a new connection and the client's address"""
    faults_for: Callable[[Direction, int], Any]
    """returns the faults of one direction of the connection with that number"""
    seed: object
    patience_s: float
    """seconds that a piece waits for the one before to be read"""


def resolve(target: Any, kind: socket.SocketKind) -> tuple[socket.AddressFamily, Any]:
    """Return family and address of (host, port) or of a UNIX path. Raises: OSError: unknown."""
    if isinstance(target, str):
        if kind != socket.SOCK_STREAM:
            raise ValueError(f"{target!r}: UNIX sockets pass here as streams, not as datagrams")
        return socket.AF_UNIX, target
    host, port = target[:2]
    found = socket.getaddrinfo(host, port, type=kind)
    return found[0][0], found[0][4]


def open_listener(where: Any, kind: socket.SocketKind) -> socket.socket:
    """Return a socket that clients can reach."""
    family, address = resolve(where, kind)
    if kind == socket.SOCK_STREAM and family != socket.AF_UNIX:
        return socket.create_server(address, family=family, backlog=128)
    sock = socket.socket(family, kind)
    try:
        sock.bind(address)
        if kind == socket.SOCK_STREAM:
            sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock
