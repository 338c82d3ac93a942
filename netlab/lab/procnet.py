"""Read /proc/net/tcp and tcp6: the kernel's table of all TCP sockets of this machine, proc(5)."""

from __future__ import annotations

import socket
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


class NotAvailable(Exception):
    """This system does not say what was asked."""


@dataclass(frozen=True)
class Row:
    """One line of the kernel's table: one end of a conversation, or a listener."""

    local: Address
    remote: Address
    state: str
    unsent_bytes: int
    """bytes sent by the program and not yet acknowledged; of a listener: 0"""
    unread_bytes: int
    """bytes that wait for `recv`; of a listener: connections that wait for `accept`"""


def rows() -> list[Row]:
    """Return the kernel's whole table of TCP sockets on this machine.

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    found: list[Row] = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = Path("/proc/net", name)
        if not path.exists() and name == "tcp":
            raise NotAvailable("this system has no /proc/net/tcp (Linux has); try `netstat -an`")
        lines = path.read_text().splitlines()[1:] if path.exists() else []  # no IPv6 here
        found += [_parse(line, family) for line in lines]
    return found


def _parse(line: str, family: socket.AddressFamily) -> Row:
    _, local, remote, number, queues, *_ = line.split()
    unsent, unread = (int(part, 16) for part in queues.split(":"))
    listening = int(number, 16) == 10
    return Row(
        _address(local, family),
        _address(remote, family),
        STATES[int(number, 16)],
        0 if listening else unsent,
        unread,
    )


def _address(text: str, family: socket.AddressFamily) -> Address:
    """Read `0100007F:1F90`: 32-bit words in this machine's byte order, then the port."""
    host, port = text.split(":")
    words = [bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8)]
    return plain((socket.inet_ntop(family, b"".join(words)), int(port, 16)))


def plain(address: Any) -> Address:
    """Return (host, port); an IPv4 address inside IPv6 (RFC 4291, 2.5.5.2) as the former."""
    return str(address[0]).removeprefix("::ffff:"), int(address[1])
