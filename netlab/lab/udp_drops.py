"""What waits at a UDP socket, and what was thrown away because it came too fast.

    box = kernel.udp_queue(sock)
    box.next_bytes          # size of the datagram that recv would return
    box.drops               # datagrams that came and were thrown away: nobody is told
    kernel.wait_drops(sock, 1)

UDP promises nothing (RFC 768): a datagram for which the buffer has no room is gone, and its
sender's `sendto` has succeeded all the same. The buffer counts memory, not bytes: a datagram of
one byte takes several hundred. From /proc/net/udp, proc(5), and FIONREAD, udp(7).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from netlab.lab.grid import Grid, Shown
from netlab.lab.procnet import NotAvailable, inode, udp_rows
from netlab.lab.socket_states import is_internet
from netlab.lab.waiting import unread_bytes, wait_until


@dataclass(frozen=True, repr=False)
class UdpQueue(Shown):
    """What waits at a UDP socket."""

    next_bytes: int
    """size of the next datagram; 0: none waits, or an empty one"""
    memory_bytes: int
    """memory that the waiting datagrams take"""
    limit_bytes: int
    """memory that they may take: SO_RCVBUF"""
    drops: int
    """datagrams thrown away since the socket was made"""

    def grid(self) -> Grid:
        rows = [
            ("next datagram", self.next_bytes, "bytes that recv would return"),
            ("memory", self.memory_bytes, "bytes of memory in which datagrams wait"),
            ("limit", self.limit_bytes, "SO_RCVBUF: no datagram gets in once this is passed"),
            ("dropped", self.drops, "datagrams that came and were thrown away"),
        ]
        return Grid("What waits at a UDP socket", ("queue", "now", "meaning"), rows)


def udp_queue(sock: socket.socket) -> UdpQueue:
    """Return what waits at an open UDP socket that has a port.

    Raises:
        NotAvailable: there is no /proc/net/udp here.
        ValueError: it is no UDP socket, or it has no port yet.
        OSError: the socket is closed.
    """
    if sock.type != socket.SOCK_DGRAM or not is_internet(sock):
        raise ValueError(f"this is no UDP socket (a {sock.type.name} of {sock.family.name})")
    port = sock.getsockname()[1]
    if port == 0:
        raise ValueError("this UDP socket has no port yet: bind it, or send something with it")
    number = inode(sock)
    row = next((row for row in udp_rows({port}) if row.inode == number), None)
    if row is None:
        raise NotAvailable(
            f"/proc/net/udp does not list this socket of port {port}; "
            "it may belong to another network namespace"
        )
    limit = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return UdpQueue(unread_bytes(sock), row.unread_bytes, limit, row.drops)


def wait_drops(sock: socket.socket, drops: int, timeout_s: float = 2.0) -> None:
    """Return once the kernel has thrown away at least `drops` datagrams of this socket.

    Raises:
        TimeoutError: it was fewer when `timeout_s` seconds were over.
        NotAvailable: there is no /proc/net/udp here.
    """
    wait_until(
        lambda: udp_queue(sock).drops >= drops,
        timeout_s,
        lambda: f"{udp_queue(sock).drops} of {drops} datagrams were dropped after {timeout_s:g} s",
    )
