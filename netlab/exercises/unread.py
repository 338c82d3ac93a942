"""How many bytes wait at the other end of a connection, which is another process's.

On Linux the kernel is asked for that one socket (sock_diag(7)): 20 µs, where reading the whole
table in /proc/net/tcp takes milliseconds on a machine with many connections.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

from netlab.lab.procnet import NotAvailable, plain, rows

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 4, 20, 1
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence number, port id
_ASK = struct.Struct("=BBBxI")  # inet_diag_req_v2: family, protocol, extensions, states
_PORTS = struct.Struct("!HH")  # inet_diag_sockid: both ports; then both addresses, 16 bytes each,
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, cookie: any
_RQUEUE = struct.Struct("=I")
_RQUEUE_AT = _HEADER.size + 4 + 48 + 4  # in inet_diag_msg, after state, sockid and expires


def unread_at_peer(sock: socket.socket) -> int | None:
    """Return how many bytes the peer of this connected TCP socket has not read yet.

    None: the peer's socket is not in this system's table: it is closed, or elsewhere.

    Raises:
        NotAvailable: this system does not tell.
        OSError: the socket is not connected.
    """
    ours, theirs = sock.getsockname(), sock.getpeername()
    with contextlib.suppress(OSError, AttributeError):  # no netlink here, or not for us
        return _ask(sock.family, theirs, ours)
    wanted = plain(theirs), plain(ours)
    row = next((row for row in rows() if (row.local, row.remote) == wanted), None)
    return row.unread_bytes if row else None


def held_by_kernel(sock: socket.socket) -> int:
    """Return how many bytes the kernel holds for this TCP connection: both ends, both directions.

    What has arrived and is not acknowledged yet counts twice.

    Raises:
        NotAvailable: this system does not tell.
        OSError: the socket is not connected.
    """
    ours, theirs = plain(sock.getsockname()), plain(sock.getpeername())
    ends = ((ours, theirs), (theirs, ours))
    found = [row for row in rows() if (row.local, row.remote) in ends]
    return sum(row.unread_bytes + row.unacknowledged_bytes for row in found)


def _ask(family: int, local: Any, remote: Any) -> int | None:
    addresses = b"".join(
        socket.inet_pton(family, one[0].partition("%")[0]).ljust(16, b"\0")
        for one in (local, remote)
    )
    wanted = _PORTS.pack(local[1], remote[1]) + addresses + _ANY
    body = _ASK.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + wanted
    size = _HEADER.size + len(body)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1.0)
        head = _HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
        netlink.send(head + body)
        answer = netlink.recv(8192)
    if _HEADER.unpack_from(answer)[1] == _SOCK_DIAG_BY_FAMILY:
        return int(_RQUEUE.unpack_from(answer, _RQUEUE_AT)[0])
    error = -struct.unpack_from("=i", answer, _HEADER.size)[0]
    if error == 2:  # ENOENT: there is no such socket
        return None
    raise OSError(error, "sock_diag")


__all__ = ["NotAvailable", "held_by_kernel", "unread_at_peer"]
