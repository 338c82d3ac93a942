"""What the operating system's kernel itself says of your sockets.

    kernel.state(sock)                                  # 'ESTABLISHED'
    kernel.wait_state(sock, "CLOSE_WAIT")
    kernel.table({"listener": listener, "client": sock})
    ends = kernel.pair(sock)                            # still good when the socket is closed:
    kernel.wait_state(ends, "TIME_WAIT")

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
from typing import Any

from netlab.lab.addresses import local_address
from netlab.lab.frames import name_order
from netlab.lab.procnet import STATES, Address, NotAvailable, Pair, Row, plain, rows

__all__ = [
    "STATES",
    "Address",
    "NotAvailable",
    "Pair",
    "Row",
    "Table",
    "connections",
    "pair",
    "rows",
    "state",
    "table",
    "wait_state",
]

POLL_S = 0.002


def pair(sock: socket.socket) -> Pair:
    """Return both addresses of a connected socket: they name the conversation after its end."""
    return plain(sock.getsockname()), plain(sock.getpeername())


def state(sock: socket.socket | Pair) -> str:
    """Return the state of an open TCP socket, or of one end of a conversation by its `pair`.

    A conversation that the kernel does not know any more is CLOSE.

    Raises:
        NotAvailable: only Linux has TCP_INFO and /proc/net/tcp.
        OSError: the socket is closed; take its `pair` before.
    """
    if isinstance(sock, tuple):
        return next((row.state for row in rows() if (row.local, row.remote) == sock), "CLOSE")
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        raise NotAvailable("this system does not tell a socket's TCP state (Linux does)")
    return STATES[sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0]]


def connections(port: int) -> list[Row]:
    """Return the rows that have `port` at one end or the other, in an order that repeats."""
    found = [row for row in rows() if port in (row.local[1], row.remote[1])]
    return sorted(found, key=lambda row: (row.state != "LISTEN", row.local, row.remote))


def wait_state(sock: socket.socket | Pair, wanted: str, timeout_s: float = 2.0) -> None:
    """Return once the socket, or the end of a conversation named by its `pair`, is in a state.

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
        places = {name: _local(whom) for name, whom in names.items()}
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
        # /proc lists them by a hash of their ports: chance.
        order = list(names)
        self.lines.sort(
            key=lambda line: (order.index(line[0]), line[2] != "LISTEN", name_order(line[1]), line)
        )

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


def _local(whom: Any) -> Address:
    return plain(whom[0] if _is_pair(whom) else local_address(whom))


def _is_pair(whom: Any) -> bool:
    return isinstance(whom, tuple) and isinstance(whom[0], tuple)


def _is_end_of(row: Row, whom: Any) -> bool:
    """Is this the row of that very socket? A listener and its connections share one port."""
    if _is_pair(whom):
        return bool(row.remote == whom[1])
    peer_of = getattr(whom, "getpeername", None)
    if peer_of is None:
        return True
    try:
        peer = plain(peer_of())
    except OSError:
        return row.state == "LISTEN"
    return bool(row.remote == peer)


def table(names: Mapping[str, Any]) -> Table:
    """Return the kernel's rows for the named sockets, addresses (all at this port) or pairs.

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    return Table(names)
