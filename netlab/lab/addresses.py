"""Addresses: where to connect to, and which end of a connection somebody holds."""

from __future__ import annotations

import socket
from typing import Any


def resolve(target: Any) -> tuple[socket.AddressFamily, Any]:
    """Return the family and address to connect to.

    The place where other kinds of targets (a UNIX socket's path, TLS) will come in.
    """
    host, port = target[:2]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return family, address


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
