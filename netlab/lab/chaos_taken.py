"""Has the receiver taken what was sent? Asked of the kernel, for a cut that its recv shall see.

Two pieces become two `recv`s only if the receiver has read the first when the second comes. An
acknowledgement does not tell: it means that the receiver's kernel has the bytes. But where both
ends are on this machine the kernel can be asked about the other end, too: sock_diag(7) gives the
unread bytes of any TCP socket, and how many bytes it has ever received (tcp_info), unprivileged.
Elsewhere there is only the number of unacknowledged bytes (SIOCOUTQ, tcp(7)).
"""

from __future__ import annotations

import array
import socket
import struct

from netlab.lab.addresses import UNIX

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_INET_DIAG_INFO = 2  # the attribute that carries struct tcp_info
_NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, pid
_HEADER_AND_MESSAGE = 16 + 72  # and struct inet_diag_msg; the attributes follow
_RQUEUE_AT = 16 + 56
_RECEIVED_AT = 128  # tcpi_bytes_received in struct tcp_info


class Kernel:
    """Answers for the sockets of one thread. Close it when done."""

    def __init__(self) -> None:
        self._netlink: socket.socket | None = None
        try:
            self._netlink = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_SOCK_DIAG
            )
        except (OSError, AttributeError):  # no Linux, or a sandbox that forbids it
            pass

    def taken(self, sock: socket.socket, sent_bytes: int) -> bool:
        """Tell whether the peer's program has read all `sent_bytes` that ever went into `sock`.

        Where that cannot be known: whether the peer's kernel has acknowledged them.
        """
        if sock.family == UNIX:
            return unacknowledged(sock) == 0  # here it counts what the receiver has not read
        peer = self._peer(sock)
        if peer is None:
            return unacknowledged(sock) == 0
        unread, received = peer
        return unread == 0 and received >= sent_bytes

    def delivered(self, sock: socket.socket, sent_bytes: int) -> bool:
        """Tell whether all that went into `sock` has reached the peer's kernel."""
        if sock.family == UNIX or unacknowledged(sock) == 0:
            return True
        peer = self._peer(sock)
        return peer is not None and peer[1] >= sent_bytes

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()

    def _peer(self, sock: socket.socket) -> tuple[int, int] | None:
        """Return what the other end of `sock` has unread and has ever received, in bytes.

        None: it is not on this machine, is closed, or this kernel does not tell.
        """
        if self._netlink is None:
            return None
        try:
            peer, here = sock.getpeername(), sock.getsockname()
            self._netlink.send(_question(sock.family, peer, here))
            answer = self._netlink.recv(8192)  # the kernel answers within send()
        except OSError:
            return None
        if len(answer) < _HEADER_AND_MESSAGE or _HEADER.unpack_from(answer)[1] == _NLMSG_ERROR:
            return None
        # No such connection, but a listener on that port: the kernel answers with the listener.
        if struct.unpack_from("!HH", answer, 16 + 4) != (peer[1], here[1]):
            return None
        received = _bytes_received(answer)
        if received is None:
            return None
        return struct.unpack_from("=I", answer, _RQUEUE_AT)[0], received


def unacknowledged(sock: socket.socket) -> int:
    """Return the bytes sent and not yet acknowledged; 0 where the system does not tell."""
    try:
        import fcntl
        import termios
    except ImportError:
        return 0
    answer = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, answer)
    except OSError:
        return 0
    return answer[0]


def _question(family: int, local: tuple[str, int], remote: tuple[str, int]) -> bytes:
    """Return a request for one socket: struct inet_diag_req_v2 after its header."""
    addresses = b"".join(
        socket.inet_pton(family, one[0].partition("%")[0]).ljust(16, b"\0")
        for one in (local, remote)
    )
    ports = struct.pack("!HH", local[1], remote[1])
    ask = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), _NO_COOKIE)
    body = ask + ports + addresses + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    return _HEADER.pack(16 + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body


def _bytes_received(answer: bytes) -> int | None:
    """Find struct tcp_info among the attributes (netlink(7): length, type, data, padding)."""
    at = _HEADER_AND_MESSAGE
    while at + 4 <= len(answer):
        size, kind = struct.unpack_from("=HH", answer, at)
        if kind == _INET_DIAG_INFO and size >= 4 + _RECEIVED_AT + 8:
            return int(struct.unpack_from("=Q", answer, at + 4 + _RECEIVED_AT)[0])
        if size < 4:
            return None
        at += (size + 3) & ~3
    return None
