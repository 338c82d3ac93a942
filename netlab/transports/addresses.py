"""Addresses: how they are written, and how a server comes to own one."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Any

from netlab.core.errors import AddressInUse

Address = tuple[str, int]
BACKLOG = 1024
"""connections the kernel keeps ready for `accept`; it may cut the number (listen(2), somaxconn)"""

EXCLUSIVE: int | None = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
"""Windows' option against what SO_REUSEADDR means there: to take a port that somebody has"""

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
        if EXCLUSIVE is None:
            # create_server sets SO_REUSEADDR, so that a restart need not wait for TIME_WAIT.
            listener = socket.create_server(address, family=family, backlog=backlog)
        else:
            listener = _bound(family, socket.SOCK_STREAM, address)
            listener.listen(backlog)
    except OSError as error:
        raise _cannot_have(host, port, error) from None
    # Those that it accepts inherit it. asyncio would not set it on them (their protocol number is
    # 0), and of two frames in a row the second would wait for a delayed ACK, 40 ms (RFC 1122,
    # 4.2.3.2 and 4.2.3.4).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def open_datagram_socket(host: str, port: int) -> socket.socket:
    """Return a UDP socket bound to `host`, `port` (0: any free one): datagrams reach it.

    Raises: as `open_listener`.
    """
    family, address = _resolve(host, port, socket.SOCK_DGRAM)
    try:
        # Without SO_REUSEADDR: with it two servers could share the port, and one would starve.
        return _bound(family, socket.SOCK_DGRAM, address)
    except OSError as error:
        raise _cannot_have(host, port, error) from None


def _bound(family: int, kind: socket.SocketKind, address: Any) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        if EXCLUSIVE is not None:
            sock.setsockopt(socket.SOL_SOCKET, EXCLUSIVE, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def is_loopback(host: str) -> bool:
    """Tell whether only this machine's own programs reach that IP address."""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _cannot_have(host: str, port: int, error: OSError) -> OSError:
    if error.errno == errno.EADDRINUSE:
        return AddressInUse(format_address(host, port))
    return OSError(error.errno, f"cannot listen on {format_address(host, port)}: {error.strerror}")


def _resolve(host: str, port: int, kind: socket.SocketKind) -> tuple[int, Any]:
    found = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    return found[0][0], found[0][4]
