"""The packets that would have carried a recording: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792).

A recording holds what programs sent and got; segments, acknowledgements and handshakes were the
kernel's. They are made anew here, as they would pass on a loopback that loses nothing: segments as
long as loopback allows, each acknowledged at once. What is inside them is the very bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import dpkt
from dpkt.ip import IP, IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_TCP, IP_PROTO_UDP
from dpkt.ip6 import IP6
from dpkt.tcp import TCP, TH_ACK, TH_FIN, TH_PUSH, TH_RST, TH_SYN
from dpkt.udp import UDP

from netlab.lab.recording import Direction

MSS_BYTES = {socket.AF_INET: 65_495, socket.AF_INET6: 65_476}
"""what Linux announces on its loopback, whose MTU is 65,536; IPv4 says lengths up to 65,535"""
MAX_DATAGRAM_BYTES = {socket.AF_INET: 65_507, socket.AF_INET6: 65_527}
WINDOW_BYTES = 65_535
FIRST_SEQUENCE = {Direction.TO_SERVER: 1_000, Direction.TO_CLIENT: 5_000}
QUOTED_BYTES = 512
"""of a datagram that could not be delivered, how much ICMP repeats at most"""
_SEQUENCES = 2**32


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection: a packed IP address, and a port."""

    address: bytes
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET if len(self.address) == 4 else socket.AF_INET6


class Stream:
    """The packets of one connection between two ends of the same family."""

    def __init__(self, client: End, server: End) -> None:
        self._ends = {Direction.TO_SERVER: client, Direction.TO_CLIENT: server}
        self._family = client.family

    def _packet(self, direction: Direction, protocol: int, inside: dpkt.Packet) -> bytes:
        source, target = self._ends[direction], self._ends[direction.opposite]
        if self._family == socket.AF_INET:
            packet = IP(src=source.address, dst=target.address, p=protocol, data=inside, df=1)
        else:
            packet = IP6(src=source.address, dst=target.address, nxt=protocol, data=inside)
            packet.plen = len(inside)
        return bytes(packet)  # with the checksums of IP and of what is inside


class TCPStream(Stream):
    """The segments of one TCP connection. A method returns what it makes, in order.

    `first` gives the first sequence numbers; without `open` the connection is there already.
    """

    def __init__(
        self, client: End, server: End, first: dict[Direction, int] = FIRST_SEQUENCE
    ) -> None:
        super().__init__(client, server)
        self._next = {direction: (number + 1) % _SEQUENCES for direction, number in first.items()}
        self._finished: set[Direction] = set()
        self._reset = False
        self.mss_bytes = MSS_BYTES[self._family]

    def carries(self, direction: Direction) -> bool:
        """Whether bytes can still be sent this way: after FIN and after RST they cannot."""
        return not self._reset and direction not in self._finished

    def open(self) -> Iterator[bytes]:
        """SYN, SYN and ACK, ACK (RFC 9293, 3.5)."""
        for direction in self._next:
            self._skip(direction, -1)  # SYN stands before the first byte
        yield self._segment(Direction.TO_SERVER, TH_SYN)
        self._skip(Direction.TO_SERVER, 1)
        yield self._segment(Direction.TO_CLIENT, TH_SYN | TH_ACK)
        self._skip(Direction.TO_CLIENT, 1)
        yield self._segment(Direction.TO_SERVER, TH_ACK)

    def data(self, direction: Direction, data: bytes) -> Iterator[bytes]:
        """Segments of at most `mss_bytes`, the last with PSH; an ACK for each."""
        for start in range(0, len(data), self.mss_bytes):
            part = data[start : start + self.mss_bytes]
            last = start + len(part) == len(data)
            yield self._segment(direction, TH_ACK | (TH_PUSH if last else 0), part)
            self._skip(direction, len(part))
            yield self._segment(direction.opposite, TH_ACK)

    def fin(self, direction: Direction) -> Iterator[bytes]:
        """FIN, and the ACK for it."""
        if self.carries(direction):
            self._finished.add(direction)
            yield self._segment(direction, TH_FIN | TH_ACK)
            self._skip(direction, 1)
            yield self._segment(direction.opposite, TH_ACK)

    def rst(self, direction: Direction) -> Iterator[bytes]:
        """RST; the connection is over, both ways."""
        if not self._reset:
            self._reset = True
            yield self._segment(direction, TH_RST | TH_ACK)

    def _segment(self, direction: Direction, flags: int, data: bytes = b"") -> bytes:
        tcp = TCP(
            sport=self._ends[direction].port,
            dport=self._ends[direction.opposite].port,
            seq=self._next[direction],
            ack=self._next[direction.opposite] if flags & TH_ACK else 0,
            flags=flags,
            win=WINDOW_BYTES,
            data=data,
        )
        if flags & TH_SYN:
            tcp.opts = struct.pack(">BBH", 2, 4, self.mss_bytes)  # RFC 9293, 3.7.1
            tcp.off = 6
        return self._packet(direction, IP_PROTO_TCP, tcp)

    def _skip(self, direction: Direction, count: int) -> None:
        self._next[direction] = (self._next[direction] + count) % _SEQUENCES


class UDPStream(Stream):
    """The datagrams between two addresses."""

    def __init__(self, client: End, server: End) -> None:
        super().__init__(client, server)
        self.max_bytes = MAX_DATAGRAM_BYTES[self._family]
        self._last: dict[Direction, bytes] = {}

    def data(self, direction: Direction, data: bytes) -> Iterator[bytes]:
        """One datagram, or as many as it takes: those of a UNIX socket may be longer."""
        for start in range(0, len(data) or 1, self.max_bytes):
            yield self._datagram(direction, data[start : start + self.max_bytes])

    def unreachable(self, direction: Direction, *, refused: bool) -> Iterator[bytes]:
        """ICMP: the last datagram the other way was not delivered, for nobody listens (`refused`).

        RFC 792 and RFC 4443, 3.1: destination unreachable, and the beginning of that datagram.
        """
        last = self._last.get(direction.opposite) or self._datagram(direction.opposite, b"")
        quoted = struct.pack(">I", 0) + last[:QUOTED_BYTES]
        if self._family == socket.AF_INET:
            from dpkt.icmp import ICMP

            icmp = ICMP(type=3, code=3 if refused else 1, data=quoted)
            yield self._packet(direction, IP_PROTO_ICMP, icmp)
        else:
            from dpkt.icmp6 import ICMP6

            icmp = ICMP6(type=1, code=4 if refused else 3, data=quoted)
            yield self._packet(direction, IP_PROTO_ICMP6, icmp)

    def _datagram(self, direction: Direction, data: bytes) -> bytes:
        udp = UDP(
            sport=self._ends[direction].port,
            dport=self._ends[direction.opposite].port,
            data=data,
        )
        udp.ulen = len(udp)
        if self._family == socket.AF_INET6:
            udp.sum = self._checksum(direction, udp)
        packet = self._packet(direction, IP_PROTO_UDP, udp)
        self._last[direction] = packet[:QUOTED_BYTES]
        return packet

    def _checksum(self, direction: Direction, udp: dpkt.Packet) -> int:
        """Return UDP's checksum over IPv6, where it is never 0 (RFC 8200, 8.1; dpkt gives 0)."""
        source, target = self._ends[direction], self._ends[direction.opposite]
        before = source.address + target.address + struct.pack(">II", len(udp), IP_PROTO_UDP)
        return int(dpkt.in_cksum(before + bytes(udp))) or 0xFFFF
