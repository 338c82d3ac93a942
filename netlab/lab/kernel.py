"""What the operating system's kernel itself says of your sockets.

    kernel.state(sock)                                  # 'ESTABLISHED'
    kernel.wait_state(sock, "CLOSE_WAIT")
    kernel.table({"listener": listener, "client": sock})

Sources on Linux: the first byte of TCP_INFO (tcp(7)) for a socket that is still open, and the files
/proc/net/tcp and tcp6 (proc(5)) for whole conversations, also those whose socket is closed already.
The states are those of RFC 9293, 3.3.2.
"""

from __future__ import annotations

import html
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.lab.addresses import local_address

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
POLL_S = 0.002


class NotAvailable(Exception):
    """This system does not say what was asked."""


@dataclass(frozen=True)
class Row:
    """One line of the kernel's table: one end of a conversation, or a listener."""

    local: tuple[str, int]
    remote: tuple[str, int]
    state: str
    unsent_bytes: int
    """bytes sent by the program and not yet acknowledged; of a listener: 0"""
    unread_bytes: int
    """bytes that wait for `recv`; of a listener: connections that wait for `accept`"""


def state(sock: socket.socket) -> str:
    """Return the state of an open TCP socket.

    Raises:
        NotAvailable: only Linux has TCP_INFO.
        OSError: the socket is closed; ask `rows` about its addresses.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        raise NotAvailable("this system does not tell a socket's TCP state (Linux does)")
    return STATES[sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0]]


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
        lines = path.read_text().splitlines()[1:] if path.exists() else []
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


def _address(text: str, family: socket.AddressFamily) -> tuple[str, int]:
    """Read `0100007F:1F90`: 32-bit words in this machine's byte order, then the port."""
    host, port = text.split(":")
    words = [bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8)]
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


def wait_state(sock: socket.socket, wanted: str, timeout_s: float = 2.0) -> None:
    """Return once the socket is in a state.

    The kernel announces no change of state to a program that did not cause it, so this asks every
    two milliseconds.

    Raises:
        TimeoutError: it was in another state when `timeout_s` seconds were over.
        ValueError: there is no such state.
    """
    if wanted not in STATES.values():
        raise ValueError(f"no state is called {wanted!r}; there are: {', '.join(STATES.values())}")
    deadline = time.monotonic() + timeout_s
    while (now := state(sock)) != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {wanted} within {timeout_s:g} s; the socket is {now}")
        threading.Event().wait(POLL_S)


class Table:
    """The kernel's rows for some sockets, with names in place of ports."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        places = {name: local_address(whom) for name, whom in names.items()}
        everything = rows()
        found = [
            (name, row)
            for name, whom in names.items()
            for row in everything
            if row.local == places[name] and _is_end_of(row, whom)
        ]
        ends = {(row.local, row.remote): name for name, row in found}
        self.lines: list[tuple[str, str, str, int, int]] = []
        for name, row in found:
            other = "" if row.state == "LISTEN" else ends.get((row.remote, row.local), "?")
            self.lines.append((name, other, row.state, row.unsent_bytes, row.unread_bytes))

    HEAD = ("socket", "talks to", "state", "unsent", "unread")

    def __repr__(self) -> str:
        lines = [self.HEAD, *(tuple(map(str, line)) for line in self.lines)]
        widths = [max(len(line[i]) for line in lines) for i in range(5)]
        return "\n".join(
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        def row(tag: str, cells: Any) -> str:
            inner = "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)
            return f"<tr>{inner}</tr>"

        body = "".join(row("td", line) for line in self.lines)
        head = row("th", self.HEAD)
        caption = "<caption>As the kernel sees it; queues in bytes</caption>"
        page = f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"
        return {"text/html": page, "text/plain": repr(self)}


def _is_end_of(row: Row, whom: Any) -> bool:
    """Is this the row of that very socket? A listener and its connections share one port."""
    peer_of = getattr(whom, "getpeername", None)
    if peer_of is None:
        return True
    try:
        peer = peer_of()[:2]
    except OSError:
        return row.state == "LISTEN"
    return bool(row.remote == peer)


def table(names: Mapping[str, Any]) -> Table:
    """Return the kernel's rows for the named sockets (or addresses).

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    return Table(names)
