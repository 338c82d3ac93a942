"""The state of a socket or of a conversation: asked now, or waited for.

    kernel.state(sock)                                  # 'ESTABLISHED'
    kernel.wait_state(sock, "CLOSE_WAIT")
    ends = kernel.pair(sock)                            # still good when the socket is closed:
    kernel.wait_state(ends, "TIME_WAIT")

Sources on Linux: the first byte of TCP_INFO (tcp(7)) for a socket that is still open, and the files
/proc/net/tcp and tcp6 (proc(5)) for whole conversations, also those whose socket is closed already.
The states are those of RFC 9293, 3.3.2. UDP has no states: its sockets have a peer ("ESTABLISHED",
the kernel's word for it) or not ("UNCONNECTED"), and UNIX sockets can LISTEN besides.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from netlab.lab.procnet import STATES, UNCONNECTED, NotAvailable, Pair, Row, plain, rows
from netlab.lab.waiting import wait_until


def pair(sock: socket.socket) -> Pair:
    """Return both addresses of a connected socket: they name the conversation after its end."""
    return plain(sock.getsockname()), plain(sock.getpeername())


def is_pair(whom: Any) -> bool:
    """Tell whether this is what `pair` returns, and not one address."""
    return isinstance(whom, tuple) and bool(whom) and isinstance(whom[0], tuple)


def is_tcp(sock: socket.socket) -> bool:
    """Tell whether this is a TCP socket."""
    return is_internet(sock) and sock.type == socket.SOCK_STREAM


def is_internet(sock: socket.socket) -> bool:
    """Tell whether this is a socket of IPv4 or IPv6."""
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def state(sock: socket.socket | Pair) -> str:
    """Return the state of an open socket, or of one end of a TCP conversation by its `pair`.

    A conversation that the kernel does not know any more is CLOSE. So is an open socket whose
    conversation is in TIME_WAIT, which the kernel keeps apart from it: ask for the `pair`.

    Raises:
        NotAvailable: only Linux has TCP_INFO and /proc/net/tcp.
        OSError: the socket is closed; take its `pair` before.
    """
    if isinstance(sock, tuple):
        ports = {sock[0][1]}
        return next((row.state for row in rows(ports) if (row.local, row.remote) == sock), "CLOSE")
    if not is_tcp(sock):
        return _state_of_another(sock)
    option = getattr(socket, "TCP_INFO", None)
    if option is None or not sys.platform.startswith("linux"):
        raise NotAvailable(
            f"{sys.platform} does not tell a socket's TCP state as Linux does; "
            "try `netstat -an` in a terminal"
        )
    return STATES[sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0]]


def _state_of_another(sock: socket.socket) -> str:
    """Return the state of a UDP or UNIX socket; every system can tell these."""
    if sock.type != socket.SOCK_DGRAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return "LISTEN"
    try:
        sock.getpeername()
    except OSError:
        if sock.fileno() == -1:
            raise
        return UNCONNECTED
    return "ESTABLISHED"


def connections(port: int) -> list[Row]:
    """Return the rows that have `port` at one end or the other, in an order that repeats."""
    found = [row for row in rows({port}) if port in (row.local[1], row.remote[1])]
    return sorted(found, key=lambda row: (row.state != "LISTEN", row.local, row.remote))


def wait_state(sock: socket.socket | Pair, wanted: str, timeout_s: float = 2.0) -> None:
    """Return once the socket, or the end of a conversation named by its `pair`, is in a state.

    The kernel announces no change of state to a program that did not cause it, so this asks every
    two milliseconds.

    Raises:
        TimeoutError: it was in another state when `timeout_s` seconds were over.
        ValueError: there is no such state.
    """
    known_state(wanted)
    wait_until(
        lambda: state(sock) == wanted,
        timeout_s,
        lambda: f"not {wanted} within {timeout_s:g} s; the socket is {state(sock)}",
    )


def known_state(name: str) -> str:
    """Return `name`; ValueError where no state is called so."""
    if name not in STATES.values() and name != UNCONNECTED:
        raise ValueError(
            f"no state is called {name!r}; there are: {', '.join(STATES.values())}, {UNCONNECTED}"
        )
    return name
