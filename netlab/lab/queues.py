"""How many bytes wait in a socket's two queues, and why.

    queues = kernel.queues(sock)
    queues.unread_bytes               # came, and nobody has called recv for them yet: Recv-Q
    queues.unsent_bytes               # given to send, and still here: the other side has no room
    queues.in_flight_bytes            # on their way: sent, and not acknowledged yet
    queues.unacknowledged_bytes       # the two together: Send-Q, as `ss` and `netstat` show it
    kernel.wait_acknowledged(sock)    # until the other side's kernel has it all

`send` returns when the bytes are in the queue. An acknowledgement says that the other side's
*kernel* has them (RFC 9293, 3.4), not that the program there has read them: there, they are
unread.

Sources: the ioctls SIOCINQ, SIOCOUTQ and SIOCOUTQNSD, tcp(7), udp(7), unix(7). Of UDP and UNIX
sockets the kernel tells less: the size of the next datagram, and for what was sent the memory that
it takes, bookkeeping included.
"""

from __future__ import annotations

import array
import errno
import socket
import sys
from dataclasses import dataclass

from netlab.lab.grid import Cell, Grid, Shown
from netlab.lab.procnet import NotAvailable
from netlab.lab.socket_states import is_internet, is_tcp
from netlab.lab.waiting import wait_until

# Not in Python's termios: <linux/sockios.h>; SIOCOUTQ is TIOCOUTQ, SIOCINQ is FIONREAD.
_SIOCOUTQNSD = 0x894B
_NOT_TOLD = (
    f"{sys.platform} does not tell what waits to be sent over this socket (Linux does, of TCP); "
    "`netstat -an` in a terminal has a column Send-Q."
)


@dataclass(frozen=True, repr=False)
class Queues(Shown):
    """The queues of one socket, in bytes; None where this kind of socket does not tell."""

    kind: str
    """"TCP", "UDP" or "UNIX" """
    unread_bytes: int | None
    """Recv-Q: what `recv` would find; of datagram sockets: the next datagram alone"""
    in_flight_bytes: int | None
    """sent, and not acknowledged by the other side's kernel; TCP only"""
    unsent_bytes: int | None
    """accepted by `send`, and not sent yet, for want of room there or in the network; TCP only"""
    unacknowledged_bytes: int | None
    """Send-Q, in flight and unsent together; TCP only"""
    send_memory_bytes: int | None
    """UDP and UNIX: the memory of what was sent and has not left (UDP) or was not read (UNIX)"""

    def grid(self) -> Grid:
        stream = self.kind != "UDP"
        rows: list[tuple[Cell, Cell, Cell]] = [
            (
                "unread (Recv-Q)",
                self.unread_bytes,
                "came, and nobody has called recv for it" if stream else "the next datagram",
            )
        ]
        if self.kind == "TCP":
            rows += [
                ("in flight", self.in_flight_bytes, "sent, and not acknowledged yet"),
                ("unsent", self.unsent_bytes, "given to send, and waits here for room"),
                ("unacknowledged (Send-Q)", self.unacknowledged_bytes, "the two together"),
            ]
        else:
            rows.append(("memory of what was sent", self.send_memory_bytes, "not gone yet"))
        note = _NOT_TOLD if self.unacknowledged_bytes is self.send_memory_bytes else ""
        return Grid(f"Queues of a {self.kind} socket", ("queue", "bytes", "meaning"), rows, note)


def queues(sock: socket.socket) -> Queues:
    """Return what waits in the queues of an open socket. For a listener see `backlog`.

    Only Linux tells all; macOS tells `unread_bytes`, and the others are None there.

    Raises:
        NotAvailable: this system does not tell anything (Windows).
        OSError: the socket is closed.
        ValueError: it is a listener, which has no bytes.
    """
    if sock.type != socket.SOCK_DGRAM and _listens(sock):
        raise ValueError(
            "a listener has no bytes in queues, it has connections: ask kernel.backlog(listener)"
        )
    unread = _ask(sock, "FIONREAD")
    whole = _ask_for_sent(sock, "TIOCOUTQ")
    if not is_tcp(sock):
        kind = "UDP" if is_internet(sock) else "UNIX"
        return Queues(kind, unread, None, None, None, whole)
    # Acknowledgements come while we ask. By itself what is unsent only shrinks: asked last, it is
    # more than the whole only if another thread sends.
    unsent = _ask_for_sent(sock, _SIOCOUTQNSD)
    if whole is None or unsent is None:
        return Queues("TCP", unread, None, None, None, None)
    unsent = min(unsent, whole)
    return Queues("TCP", unread, whole - unsent, unsent, whole, None)


def _listens(sock: socket.socket) -> bool:
    try:
        return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        if sock.fileno() == -1:
            raise
        return False  # macOS cannot say


def _ask_for_sent(sock: socket.socket, request: str | int) -> int | None:
    return _ask(sock, request) if sys.platform.startswith("linux") else None


def _ask(sock: socket.socket, request: str | int) -> int:
    try:
        import fcntl
        import termios
    except ImportError:
        raise NotAvailable(
            f"{sys.platform} does not tell what waits in a socket's queues (Linux does); "
            "recv(n, MSG_PEEK) shows what is unread"
        ) from None
    number = getattr(termios, request, None) if isinstance(request, str) else request
    if number is None:
        raise NotAvailable(f"{sys.platform} has no {request} to ask what waits (Linux has)")
    answer = array.array("i", [0])
    if (descriptor := sock.fileno()) == -1:
        raise OSError(errno.EBADF, "the socket is closed")
    fcntl.ioctl(descriptor, number, answer)
    if sock.fileno() != descriptor:  # closed meanwhile: the number may be another file's by now
        raise OSError(errno.EBADF, "the socket was closed")
    return answer[0]


def wait_acknowledged(sock: socket.socket, timeout_s: float = 2.0) -> None:
    """Return once the other side's kernel has acknowledged all that was sent over TCP.

    Raises:
        TimeoutError: there was still something unacknowledged after `timeout_s` seconds.
        NotAvailable: this system does not tell (Linux does).
    """
    if queues(sock).unacknowledged_bytes is None:
        raise NotAvailable(_NOT_TOLD)
    wait_until(
        lambda: not queues(sock).unacknowledged_bytes,
        timeout_s,
        lambda: (
            f"{queues(sock).unacknowledged_bytes:,} bytes were not acknowledged "
            f"after {timeout_s:g} s"
        ),
    )
