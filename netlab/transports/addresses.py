"""Addresses: how they are written, and how a server comes to own one."""

from __future__ import annotations

import errno
import socket
from typing import Any

from netlab.core.errors import AddressInUse

Address = tuple[str, int]
BACKLOG = 1024
"""connections the kernel keeps ready for `accept`; it may cut the number (listen(2), somaxconn)"""

OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""why `accept` may fail although a client waits: nothing is wrong with the client"""


def format_address(host: str, port: int) -> str:
    """Return `host:port`, an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_listener(host: str, port: int, *, backlog: int = BACKLOG) -> socket.socket:
    """Return a TCP socket that listens on `host`, `port` (0: any free one): clients can connect.

    A name with several addresses gives the first of them.

    Raises:
        AddressInUse: somebody else listens there.
        OSError: the address is not this machine's, or the name is unknown.
    """
    family, address = _resolve(host, port, socket.SOCK_STREAM)
    try:
        # create_server sets SO_REUSEADDR on POSIX, so that a restart need not wait for TIME_WAIT.
        return socket.create_server(address, family=family, backlog=backlog)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(format_address(host, port)) from None
        error.filename = None
        raise OSError(
            error.errno, f"cannot listen on {format_address(host, port)}: {error.strerror}"
        ) from None


def _resolve(host: str, port: int, kind: socket.SocketKind) -> tuple[int, Any]:
    found = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    return found[0][0], found[0][4]
