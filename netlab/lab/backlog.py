"""A listener's queue: connections that are made already, and that nobody has accepted yet.

    backlog = kernel.backlog(listener)
    backlog.waiting, backlog.limit           # (2, 5)
    kernel.wait_backlog(listener, 3)         # until three wait
    before = kernel.counters()
    ...                                      # more clients than fit
    kernel.counters().since(before)          # TcpExt.ListenOverflows 1, ...

The kernel makes the connection by itself: the client's `connect` returns, and what it sends is
kept, before the server calls `accept`. listen(2): `backlog` is the limit, which the system's own
(/proc/sys/net/core/somaxconn) lowers silently. Linux lets one more in than the limit says, and to
the next ones it does not answer: they repeat their SYN and wait.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from netlab.lab.grid import Grid, Shown
from netlab.lab.procnet import NotAvailable
from netlab.lab.procnet import counters as read_counters
from netlab.lab.socket_states import is_tcp, state
from netlab.lab.waiting import wait_until

SOMAXCONN = Path("/proc/sys/net/core/somaxconn")

# Offsets of tcpi_unacked and tcpi_sacked in struct tcp_info: of a listener they are something else,
# the length of the queue and its limit. net/ipv4/tcp.c, tcp_get_info().
_QUEUE = struct.Struct("=24x2I")


@dataclass(frozen=True, repr=False)
class Backlog(Shown):
    """How many connections wait for `accept`, and how many may."""

    waiting: int
    limit: int
    """what `listen` was told, or the system's limit where that is lower"""
    system_limit: int
    """net.core.somaxconn"""

    @property
    def is_full(self) -> bool:
        """Whether the next client gets no answer; Linux lets `limit + 1` connections wait."""
        return self.waiting > self.limit

    def grid(self) -> Grid:
        rows = [
            ("waiting", self.waiting, "connections made, and not accepted yet"),
            ("limit", self.limit, "as listen(limit) said; one more fits"),
            ("system's limit", self.system_limit, "net.core.somaxconn: no listener gets more"),
        ]
        note = "Full: further clients get no answer, and try again." if self.is_full else ""
        return Grid("Queue of a listener", ("queue", "connections", "meaning"), rows, note)


def backlog(listener: socket.socket) -> Backlog:
    """Return the queue of a TCP listener.

    Raises:
        NotAvailable: only Linux tells.
        ValueError: the socket is no TCP listener.
        OSError: the socket is closed.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None or not sys.platform.startswith("linux"):
        raise NotAvailable(
            f"{sys.platform} does not tell how many connections wait for accept (Linux does); "
            "on macOS and FreeBSD `netstat -Lan` in a terminal does"
        )
    if not is_tcp(listener):
        raise ValueError("only a TCP listener tells how many wait for accept")
    if (now := state(listener)) != "LISTEN":
        raise ValueError(f"this socket is {now}, not LISTEN: pass the one on which you call accept")
    info = listener.getsockopt(socket.IPPROTO_TCP, option, _QUEUE.size)
    waiting, limit = _QUEUE.unpack(info)
    return Backlog(waiting, limit, _somaxconn())


def _somaxconn() -> int:
    try:
        return int(SOMAXCONN.read_text())
    except OSError:
        return socket.SOMAXCONN  # what the C library was built with


def wait_backlog(listener: socket.socket, waiting: int, timeout_s: float = 2.0) -> None:
    """Return once at least `waiting` connections wait for `accept`.

    Raises:
        TimeoutError: fewer were there when `timeout_s` seconds were over.
        NotAvailable: only Linux tells.
    """
    wait_until(
        lambda: backlog(listener).waiting >= waiting,
        timeout_s,
        lambda: (
            f"{backlog(listener).waiting} of {waiting} connections waited after {timeout_s:g} s"
        ),
    )


# What the course speaks of, and what a rise means.
LOSSES = {
    "TcpExt.ListenOverflows": "a connection came, and the listener's queue was full",
    "TcpExt.ListenDrops": "a SYN or its end was thrown away at a listener, for whatever reason",
    "TcpExt.TCPReqQFullDrop": "a SYN was thrown away: too many half-made connections",
    "TcpExt.TCPBacklogDrop": "a segment was thrown away: the socket was busy, its queue full",
    "Tcp.RetransSegs": "a segment was sent again",
    "Tcp.AttemptFails": "a connection could not be made: refused, or nobody answered",
    "Udp.NoPorts": "a datagram came for a port at which nobody listens",
    "Udp.RcvbufErrors": "a datagram was thrown away: the receiver's buffer was full (IPv4)",
    "Udp6.RcvbufErrors": "a datagram was thrown away: the receiver's buffer was full (IPv6)",
}


@dataclass(frozen=True, repr=False)
class Counters(Shown):
    """Sums that the kernel keeps, for the whole machine: other programs count, too.

    `values` has them by name, as "Udp.RcvbufErrors"; `counters["Udp.RcvbufErrors"]` is one.
    """

    values: dict[str, int]
    is_difference: bool = False

    def __getitem__(self, name: str) -> int:
        """Return one of the sums; NotAvailable where this kernel does not keep it."""
        if name not in self.values:
            raise NotAvailable(f"this kernel keeps no count of {name}; .values has what it counts")
        return self.values[name]

    def since(self, before: Counters) -> Counters:
        """Return what has been counted since `before` was taken."""
        change = {name: value - before.values.get(name, 0) for name, value in self.values.items()}
        return Counters(change, is_difference=True)

    def grid(self) -> Grid:
        known = [name for name in LOSSES if name in self.values]
        rows = [
            (name, self.values[name], LOSSES[name])
            for name in known
            if self.values[name] or not self.is_difference
        ]
        caption = "Lost since then" if self.is_difference else "Lost since the system started"
        note = "Counted for the whole machine." if rows else "Nothing lost."
        return Grid(caption, ("counter", "times", "meaning"), rows, note)


def counters() -> Counters:
    """Return the kernel's sums of what was lost, and of much else.

    Raises:
        NotAvailable: there is no /proc/net/netstat here.
    """
    return Counters(read_counters())
