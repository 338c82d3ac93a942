"""Read /proc/net: the kernel's tables of all TCP, UDP and UNIX sockets of this machine, proc(5).

    procnet.rows()          # TCP: who talks to whom, in which state, with what in the queues
    procnet.udp_rows()      # UDP: what waits, what was dropped
    procnet.unix_rows()     # UNIX: by inode, for few have a name

Strictly it is the machine as this network namespace has it: a container sees its own.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Address = tuple[str, int]
Pair = tuple[Address, Address]  # the two ends of a conversation, ours first

STATES = {  # the kernel's numbers: include/net/tcp_states.h
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "NEW_SYN_RECV",
}
UNCONNECTED = "UNCONNECTED"  # a UDP or UNIX socket without a peer; TCP knows no such state

PROC_NET = Path("/proc/net")
_TIMERS = ("", "retransmit", "keepalive", "TIME_WAIT", "window probe")
_ACCEPTING = 0x10000  # in the column Flags of /proc/net/unix: __SO_ACCEPTCON


class NotAvailable(Exception):
    """This system does not say what was asked."""


@dataclass(frozen=True)
class Row:
    """One line of the kernel's table: one end of a conversation, or a listener."""

    local: Address
    remote: Address
    state: str
    unacknowledged_bytes: int
    """TCP: bytes sent by the program and not yet acknowledged; of a listener: 0"""
    unread_bytes: int
    """TCP: bytes that wait for `recv`; of a listener: connections that wait for `accept`.
    UDP: the memory in which datagrams wait, which is more than their bytes"""
    timer: str = ""
    """which timer runs: "retransmit", "keepalive", "TIME_WAIT", "window probe", or none: "" """
    timer_s: float = 0.0
    """seconds until it expires"""
    inode: int = 0
    """the number of the socket, as in `os.fstat`; 0: no program has it any more"""
    drops: int = 0
    """UDP: datagrams that came and were thrown away, most often because the buffer was full"""


@dataclass(frozen=True)
class UnixRow:
    """One line of /proc/net/unix."""

    inode: int
    kind: str
    """"stream", "datagram" or "seqpacket" """
    state: str
    """"LISTEN", "ESTABLISHED" or "UNCONNECTED" """
    path: str
    """its name; abstract ones begin with @, most sockets have none"""


def rows(ports: Collection[int] | None = None) -> list[Row]:
    """Return the kernel's table of TCP sockets: all, or what has one of `ports` at either end.

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    return _internet("tcp", ports)


def udp_rows(ports: Collection[int] | None = None) -> list[Row]:
    """Return the kernel's table of UDP sockets; the states are "ESTABLISHED" and "UNCONNECTED".

    Raises:
        NotAvailable: there is no /proc/net/udp here.
    """
    return _internet("udp", ports)


def unix_rows() -> list[UnixRow]:
    """Return the kernel's table of UNIX sockets.

    Raises:
        NotAvailable: there is no /proc/net/unix here.
    """
    return [_parse_unix(line) for line in _lines("unix")]


def inode(sock: socket.socket) -> int:
    """Return the number under which /proc/net lists an open socket."""
    return os.fstat(sock.fileno()).st_ino


def counters() -> dict[str, int]:
    """Return the sums that the kernel keeps since it started, as `TcpExt.ListenOverflows`.

    /proc/net/netstat and /proc/net/snmp: a line of names, then a line of numbers, alike begun.

    Raises:
        NotAvailable: there is no /proc/net/netstat here.
    """
    found: dict[str, int] = {}
    for name in ("netstat", "snmp"):
        lines = _read(name)
        for names, numbers in zip(lines[::2], lines[1::2], strict=False):
            group, *keys = names.split()
            values = map(int, numbers.split()[1:])
            found |= {group + key: value for key, value in zip(keys, values, strict=False)}
    return {key.replace(":", ".", 1): value for key, value in found.items()}


def _internet(protocol: str, ports: Collection[int] | None) -> list[Row]:
    found: list[Row] = []
    for name, family in ((protocol, socket.AF_INET), (protocol + "6", socket.AF_INET6)):
        if name.endswith("6") and not (PROC_NET / name).exists():
            continue  # no IPv6 here
        lines = _lines(name)
        if ports is not None:  # to look for a port costs a fifth of reading the line
            marks = [f":{port:04X} " for port in ports]
            lines = [line for line in lines if any(mark in line for mark in marks)]
        # Read while the table changes, a line may come several times, or not at all.
        rows = (_parse(line, family, protocol) for line in lines)
        found += {(row.local, row.remote, row.inode): row for row in rows}.values()
    return found


def _lines(name: str) -> list[str]:
    return _read(name)[1:]


def _read(name: str) -> list[str]:
    try:
        return (PROC_NET / name).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        raise NotAvailable(
            f"this system has no /proc/net/{name} (Linux has); try `netstat -an` in a terminal"
        ) from None


def _parse(line: str, family: socket.AddressFamily, protocol: str = "tcp") -> Row:
    _, local, remote, number, queues, timer, _, _, _, inode, *more = line.split()
    unacknowledged, unread = (int(part, 16) for part in queues.split(":"))
    kind, ticks = (int(part, 16) for part in timer.split(":"))
    state = STATES[int(number, 16)]
    if protocol == "udp" and state == "CLOSE":
        state = UNCONNECTED
    return Row(
        _address(local, family),
        _address(remote, family),
        state,
        0 if state == "LISTEN" else unacknowledged,
        unread,
        _TIMERS[kind] if kind < len(_TIMERS) else f"timer {kind}",
        ticks / os.sysconf("SC_CLK_TCK") if kind else 0.0,
        int(inode),
        int(more[2]) if protocol == "udp" and len(more) > 2 else 0,
    )


def _parse_unix(line: str) -> UnixRow:
    _, _, _, flags, kind, state, inode, *path = line.split(maxsplit=7)
    listens = int(flags, 16) & _ACCEPTING
    return UnixRow(
        int(inode),
        {1: "stream", 2: "datagram", 5: "seqpacket"}.get(int(kind, 16), "raw"),
        "LISTEN" if listens else "ESTABLISHED" if int(state, 16) == 3 else UNCONNECTED,
        path[0] if path else "",
    )


def _address(text: str, family: socket.AddressFamily) -> Address:
    """Read `0100007F:1F90`: 32-bit words in this machine's byte order, then the port."""
    host, port = text.split(":")
    words = [int(host[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(host), 8)]
    return plain((socket.inet_ntop(family, b"".join(words)), int(port, 16)))


def plain(address: Any) -> Address:
    """Return (host, port); an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2) as the former."""
    return str(address[0]).removeprefix("::ffff:"), int(address[1])
