"""The socket options that the course speaks of: their numbers, for which sockets, what they mean.

From socket(7), tcp(7), ip(7), ipv6(7). Where Python has no constant, Linux's number stands here.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

Value = int | str | None
Meaning = Callable[[int], str]

INT, TEXT, LINGER, SECONDS = "int", "text", "linger", "seconds"


@dataclass(frozen=True)
class Option:
    """One socket option."""

    name: str
    level: int
    number: int | None
    """None: this system has no such option"""
    sockets: str
    """those that have it: "any", "internet", "tcp", "ipv4", "ipv6", "stream", "udp" """
    meaning: str | Meaning
    kind: str = INT
    by_kernel: bool = False
    """whether the kernel itself changes it, as connections are made and data flows"""

    def explain(self, value: Value) -> str:
        """Return what this value means."""
        if callable(self.meaning):
            return self.meaning(value) if isinstance(value, int) else ""
        return self.meaning

    def read(self, sock: socket.socket) -> Value:
        """Return the value. Raises OSError where this socket does not tell."""
        assert self.number is not None
        if self.kind == TEXT:
            return sock.getsockopt(self.level, self.number, 64).split(b"\0")[0].decode()
        if self.kind == LINGER:  # struct linger
            on, seconds = struct.unpack("=2i", sock.getsockopt(self.level, self.number, 8))
            return f"{seconds} s" if on else "off"
        if self.kind == SECONDS:  # struct timeval
            size = struct.calcsize("@ll")
            whole, micro = struct.unpack("@ll", sock.getsockopt(self.level, self.number, size))
            return f"{whole + micro / 1e6:g} s" if whole or micro else "never"
        return sock.getsockopt(self.level, self.number)


def _yes(yes: str, no: str) -> Meaning:
    return lambda value: yes if value else no


def _number(name: str, on_linux: int | None = None) -> int | None:
    found = getattr(socket, name, None)
    return found if found is not None or sys.platform != "linux" else on_linux


def _name(prefix: str) -> Meaning:
    """Return what turns 2 into AF_INET, 1 into SOCK_STREAM, 6 into IPPROTO_TCP."""

    def meaning(value: int) -> str:
        for name in sorted(vars(socket)):
            if name.startswith(prefix) and getattr(socket, name) == value:
                return name
        return f"{prefix}… {value}"

    return meaning


def _buffer(what: str) -> str:
    return f"bytes of memory for {what}; Linux doubles what is set, for its own bookkeeping"


_SOCKET, _TCP, _IP, _IPV6 = (
    socket.SOL_SOCKET,
    socket.IPPROTO_TCP,
    socket.IPPROTO_IP,
    socket.IPPROTO_IPV6,
)

SO_BUF_LOCK = _number("SO_BUF_LOCK", 72)  # which buffers the program has set (Linux 5.15)
_LOCK_BITS = {"SO_SNDBUF": 1, "SO_RCVBUF": 2}


def _make() -> list[Option]:
    def at(
        level: int,
        name: str,
        sockets: str,
        meaning: str | Meaning,
        kind: str = INT,
        on_linux: int | None = None,
        by_kernel: bool = False,
    ) -> Option:
        number = _number(name, on_linux)
        return Option(name, level, number, sockets, meaning, kind, by_kernel)

    on_off = _yes
    return [
        at(_SOCKET, "SO_DOMAIN", "any", _name("AF_"), on_linux=39),
        at(_SOCKET, "SO_TYPE", "any", _name("SOCK_")),
        at(_SOCKET, "SO_PROTOCOL", "internet", _name("IPPROTO_"), on_linux=38),
        at(_SOCKET, "SO_ACCEPTCONN", "stream", on_off("listens", "does not listen"),
           by_kernel=True),
        at(_SOCKET, "SO_REUSEADDR", "internet",
           on_off("binds a port that old connections in TIME_WAIT have (TCP), or others (UDP)",
                  "binds no port that anybody has, not even a connection in TIME_WAIT")),
        at(_SOCKET, "SO_REUSEPORT", "internet",
           on_off("shares its port with others that say so, too: the kernel deals out",
                  "has its port for itself")),
        at(_SOCKET, "SO_RCVBUF", "any", _buffer("what came")),
        at(_SOCKET, "SO_SNDBUF", "any", _buffer("what was sent")),
        at(_SOCKET, "SO_RCVTIMEO", "any", "recv fails after that time (setsockopt only; "
           "Python's settimeout is something else)", SECONDS),
        at(_SOCKET, "SO_LINGER", "any", "how long close waits until all is sent; "
           "0 s: it resets the connection (RST) instead", LINGER),
        at(_SOCKET, "SO_KEEPALIVE", "tcp",
           on_off("asks a silent peer whether it is still there", "never asks a silent peer")),
        at(_TCP, "TCP_KEEPIDLE", "tcp", "seconds of silence before it asks first"),
        at(_TCP, "TCP_KEEPINTVL", "tcp", "seconds between two questions"),
        at(_TCP, "TCP_KEEPCNT", "tcp", "questions without an answer before it gives up"),
        at(_TCP, "TCP_USER_TIMEOUT", "tcp", lambda ms: (
            f"gives up when data is not acknowledged for {ms:,} ms (RFC 5482)" if ms
            else "gives up after some 15 minutes without an acknowledgement (RFC 5482)")),
        at(_TCP, "TCP_NODELAY", "tcp",
           on_off("sends small segments at once",
                  "holds a small segment while one is unacknowledged (Nagle, RFC 896)")),
        at(_TCP, "TCP_CORK", "tcp",
           on_off("sends full segments only", "sends what it has")),
        at(_TCP, "TCP_QUICKACK", "tcp",
           on_off("acknowledges at once, for now", "may delay acknowledgements (RFC 1122)"),
           by_kernel=True),
        at(_TCP, "TCP_MAXSEG", "tcp", "bytes in the largest segment it sends", by_kernel=True),
        at(_TCP, "TCP_CONGESTION", "tcp", "how it finds out what the network can bear", TEXT),
        at(_TCP, "TCP_FASTOPEN", "tcp", lambda n: (
            f"up to {n:,} clients may send data with their SYN (RFC 7413)" if n
            else "takes no data with a SYN (RFC 7413)")),
        at(_TCP, "TCP_DEFER_ACCEPT", "tcp", lambda s: (
            f"accept returns when data came, for about {s:,} s" if s
            else "accept returns at once, whether data came or not")),
        at(_SOCKET, "SO_BROADCAST", "udp",
           on_off("may send to a broadcast address", "may not send to a broadcast address")),
        at(_IP, "IP_TTL", "ipv4", "routers a packet may pass: Time To Live (RFC 791)"),
        at(_IP, "IP_TOS", "ipv4", "how urgent a packet is, and ECN (RFC 2474)"),
        at(_IP, "IP_MTU", "ipv4", "bytes in the largest packet on the path known so far",
           on_linux=14, by_kernel=True),
        at(_IP, "IP_MULTICAST_TTL", "udp4", "routers a multicast packet may pass"),
        at(_IP, "IP_MULTICAST_LOOP", "udp4",
           on_off("hears its own multicasts", "does not hear its own multicasts")),
        at(_IPV6, "IPV6_V6ONLY", "ipv6",
           on_off("takes IPv6 only", "takes IPv4, too, as ::ffff:a.b.c.d (RFC 3493, 5.3)")),
        at(_IPV6, "IPV6_UNICAST_HOPS", "ipv6", "routers a packet may pass: Hop Limit (RFC 8200)"),
        at(_IPV6, "IPV6_MULTICAST_HOPS", "udp6", "routers a multicast packet may pass"),
        at(_IPV6, "IPV6_MULTICAST_LOOP", "udp6",
           on_off("hears its own multicasts", "does not hear its own multicasts")),
    ]  # fmt: skip


OPTIONS = {option.name: option for option in _make()}
"""By name, in the order in which they are shown. SO_ERROR is not here: to read it clears it."""


def kinds(sock: socket.socket) -> set[str]:
    """Return the words of `Option.sockets` that fit a socket."""
    found = {"any"}
    if sock.type == socket.SOCK_STREAM:
        found.add("stream")
    family = {socket.AF_INET: "4", socket.AF_INET6: "6"}.get(socket.AddressFamily(sock.family))
    if family:
        kind = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}.get(sock.type, "raw")
        found |= {"internet", f"ipv{family}", kind, kind + family}
    return found


def is_tuned(sock: socket.socket, name: str) -> bool:
    """Tell whether the kernel may have changed the option without being asked to."""
    if name not in _LOCK_BITS or "tcp" not in kinds(sock):
        return OPTIONS[name].by_kernel
    if SO_BUF_LOCK is None:
        return True
    try:
        return not sock.getsockopt(_SOCKET, SO_BUF_LOCK) & _LOCK_BITS[name]
    except OSError:  # a Linux before 5.15
        return True
