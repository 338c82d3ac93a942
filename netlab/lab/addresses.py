"""Addresses: where to connect to, and which end of a connection somebody holds."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

UNIX: socket.AddressFamily | None = getattr(socket, "AF_UNIX", None)  # Windows' Python has none


def resolve(
    target: Any, kind: socket.SocketKind = socket.SOCK_STREAM
) -> tuple[socket.AddressFamily, Any]:
    """Return family and address of (host, port) or of a UNIX path. Raises: OSError: unknown."""
    if isinstance(target, str | os.PathLike):
        if kind != socket.SOCK_STREAM:
            raise ValueError(f"{target!r}: UNIX sockets pass here as streams, not as datagrams")
        if UNIX is None:
            raise OSError(
                errno.EAFNOSUPPORT,
                f"this system's Python has no UNIX sockets, as {os.fspath(target)!r} would be one; "
                "pass (host, port)",
            )
        return UNIX, os.fspath(target)
    host, port = target[:2]
    found = socket.getaddrinfo(host, port, type=kind)
    return found[0][0], found[0][4]


def open_listener(where: Any, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket that clients can reach at `where`: (host, port), or a UNIX path."""
    family, address = resolve(where, kind)
    if kind == socket.SOCK_STREAM and family != UNIX:
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


def local_address(whom: Any) -> tuple[str, int]:
    """Return (host, port) of a socket, of a client with ``local_address``, or of such a pair."""
    if hasattr(whom, "getsockname"):
        whom = whom.getsockname()
    whom = getattr(whom, "local_address", whom)
    if not isinstance(whom, tuple) or len(whom) < 2:
        raise TypeError(
            f"cannot tell the address of {whom!r}; pass a socket, a client with local_address, "
            "or (host, port)"
        )
    return str(whom[0]), int(whom[1])
