"""What the kernel says of several sockets at one moment, quick enough to be asked often.

    names = {"listener": listener, "server": connection, "client": sock}
    for row in kernel.snapshot(names):
        row.name, row.state, row.unread_bytes

A socket is asked directly, which takes microseconds. A pair, or an address for whatever has that
port, is looked up in /proc/net/tcp: some milliseconds when the machine has a thousand connections.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from netlab.lab.addresses import local_address
from netlab.lab.backlog import backlog
from netlab.lab.frames import name_order
from netlab.lab.grid import Grid, Shown
from netlab.lab.kernel_table import is_end_of
from netlab.lab.procnet import NotAvailable, Pair, Row, plain, rows
from netlab.lab.queues import queues
from netlab.lab.socket_states import is_internet, is_pair, is_tcp, pair, state
from netlab.lab.tcp_info import tcp_info
from netlab.lab.udp_drops import udp_queue

CLOSED = "CLOSE"
NOT_TOLD = "not told"


@dataclass(frozen=True)
class SocketNow:
    """One socket at one moment. None: this kind of socket, or this system, does not tell."""

    name: str
    protocol: str
    """"TCP", "UDP", "UNIX"; "" of a closed one"""
    state: str
    """as `kernel.state` says; "CLOSE" of a closed socket, "not told" where the system does not"""
    talks_to: str = ""
    """the name of the other end; "?": it has none here; "": there is no other end, or UNIX"""
    unread_bytes: int | None = None
    in_flight_bytes: int | None = None
    unsent_bytes: int | None = None
    unacknowledged_bytes: int | None = None
    waiting: int | None = None
    """listener: connections that wait for accept"""
    limit: int | None = None
    """listener: how many may"""
    drops: int | None = None
    """UDP: datagrams thrown away"""
    rtt_us: int | None = None
    total_retransmits: int | None = None


class Snapshot(Shown, tuple[SocketNow, ...]):
    """Sockets at one moment, in the order of their names as given."""

    __slots__ = ()

    def grid(self) -> Grid:
        """Return state and queues. Not the round-trip time, which never repeats."""
        head = ("socket", "talks to", "state", "unread", "in flight", "unsent", "waiting", "drops")
        lines = [
            (
                row.name,
                row.talks_to,
                row.state,
                row.unread_bytes,
                row.in_flight_bytes,
                row.unsent_bytes,
                None if row.waiting is None else f"{row.waiting} of {row.limit}",
                row.drops,
            )
            for row in self
        ]
        used = [n for n in range(len(head)) if n < 3 or any(line[n] is not None for line in lines)]
        return Grid(
            "As the kernel sees it; queues in bytes",
            [head[n] for n in used],
            [[line[n] for n in used] for line in lines],
        )


def snapshot(names: Mapping[str, Any]) -> Snapshot:
    """Return what the kernel says of the named sockets, pairs and addresses (all at this port).

    Nothing is raised for a closed socket, nor where this system does not tell: the rows say so.

    Raises:
        TypeError: a value is no socket, pair or address.
    """
    found: list[tuple[SocketNow, Pair | None]] = []
    elsewhere = {name: whom for name, whom in names.items() if not hasattr(whom, "getsockopt")}
    table = _table(elsewhere)
    for name, whom in names.items():
        if name not in elsewhere:
            found.append((of_socket(name, whom), _ends(whom)))
        elif table is None:
            found.append((SocketNow(name, "TCP", NOT_TOLD), None))
        else:
            found += _of_rows(name, whom, table)
    owners = {ends: row.name for row, ends in found if ends is not None}
    named = [
        row if ends is None else replace(row, talks_to=owners.get((ends[1], ends[0]), "?"))
        for row, ends in found
    ]
    order = list(names)
    named.sort(
        key=lambda row: (order.index(row.name), row.state != "LISTEN", name_order(row.talks_to))
    )
    return Snapshot(named)


def of_socket(name: str, sock: socket.socket) -> SocketNow:
    """Return what a socket tells; a closed one is in the state CLOSE."""
    try:
        if is_tcp(sock):
            return _of_tcp(name, sock)
        protocol = "UDP" if is_internet(sock) else "UNIX"
        now = SocketNow(name, protocol, state(sock))
        if now.state == "LISTEN":
            return now
        with contextlib.suppress(NotAvailable):
            now = replace(now, unread_bytes=queues(sock).unread_bytes)
        with contextlib.suppress(NotAvailable, ValueError):  # it may have no port yet
            now = replace(now, drops=udp_queue(sock).drops if protocol == "UDP" else None)
        return now
    except OSError:
        return SocketNow(name, "", CLOSED)


def _of_tcp(name: str, sock: socket.socket) -> SocketNow:
    try:
        now = SocketNow(name, "TCP", state(sock))
        if now.state == "LISTEN":
            queue = backlog(sock)
            return replace(now, waiting=queue.waiting, limit=queue.limit)
        waiting, info = queues(sock), tcp_info(sock)
    except NotAvailable:
        return SocketNow(name, "TCP", NOT_TOLD)
    except ValueError:  # it began to listen between the questions
        return SocketNow(name, "TCP", "LISTEN")
    return replace(
        now,
        unread_bytes=waiting.unread_bytes,
        in_flight_bytes=waiting.in_flight_bytes,
        unsent_bytes=waiting.unsent_bytes,
        unacknowledged_bytes=waiting.unacknowledged_bytes,
        rtt_us=info.rtt_us,
        total_retransmits=info.total_retransmits,
    )


def _table(elsewhere: Mapping[str, Any]) -> list[Row] | None:
    """Read the rows of those that are no sockets; None where this system has none."""
    ports = {_address(whom)[1] for whom in elsewhere.values()}
    try:
        return rows(ports) if ports else []
    except NotAvailable:
        return None


def _address(whom: Any) -> tuple[str, int]:
    return plain(whom[0] if is_pair(whom) else local_address(whom))


def _of_rows(name: str, whom: Any, table: list[Row]) -> list[tuple[SocketNow, Pair | None]]:
    place = _address(whom)
    mine = [row for row in table if row.local == place and is_end_of(row, whom)]
    if not mine:
        return [(SocketNow(name, "", CLOSED), None)]
    return [(_of_row(name, row), _ends_of(row)) for row in mine]


def _of_row(name: str, row: Row) -> SocketNow:
    if row.state == "LISTEN":
        return SocketNow(name, "TCP", row.state, waiting=row.unread_bytes)
    return SocketNow(
        name,
        "TCP",
        row.state,
        unread_bytes=row.unread_bytes,
        unacknowledged_bytes=row.unacknowledged_bytes,
    )


def _ends_of(row: Row) -> Pair | None:
    return None if row.state == "LISTEN" else (row.local, row.remote)


def _ends(sock: socket.socket) -> Pair | None:
    """Return both addresses of a connected IPv4 or IPv6 socket; None of any other."""
    if not is_internet(sock):
        return None
    try:
        return pair(sock)
    except OSError:
        return None
