"""Thousands of clients that do nothing: all are let in, all are served, all are gone at the end."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from tests.benchmarks.load import BATCH, PATIENCE_S, Crowd, Lost, raise_descriptor_limit
from tests.benchmarks.wires import MARK, WebSocket
from tests.soak.server import Server, wait_back
from tests.soak.talk import Answering

SOURCES = 10
"""loopback addresses that they come from: an address has 28,232 ports of its own by default"""
SPARE_DESCRIPTORS = 200
TRANSPORTS = ("tcp_asyncio", "websocket")


@dataclass(frozen=True)
class Idle:
    """What so many clients were like to a server."""

    transport: str
    clients: int
    connect_s: float
    served_s: float
    """seconds until each of them had an answer to a `ping`, when all were there"""
    kb_each: float
    """of the server's resident memory; 1 kB is 1,000 bytes"""
    start_descriptors: int
    most_descriptors: int
    end_descriptors: int
    gone_s: float
    """seconds from the end of all connections until the server had let go of the last"""

    @property
    def back(self) -> bool:
        return self.end_descriptors <= self.start_descriptors


class IdleCrowd(Crowd):
    """A crowd from many addresses, that answers a WebSocket server's pings."""

    def _connect(self) -> socket.socket:
        sock = socket.socket(type=self._wire.kind)
        try:
            sock.settimeout(PATIENCE_S)
            # Without this, bind(2) would choose a port before it knows where we are going, and
            # would want one that nobody else has at this address (ip(7)).
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((f"127.0.5.{1 + len(self) // BATCH % SOURCES}", 0))
            sock.connect(self._address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _read_one(self, number: int) -> int:
        if not isinstance(self._wire, WebSocket):
            return super()._read_one(number)
        data = self._by_number[number].recv(65_536)
        # Whoever is idle is sent little, so a frame is not cut in two.
        if reply := Answering(engine_io=False).feed(data):
            self._by_number[number].send(reply)
        if not data:
            raise Lost("the server ended an idle connection")
        self._got[number] += data.count(MARK)
        return data.count(MARK)

    def come(self, count: int) -> float:
        """Let so many in; answer meanwhile what those are asked who are there already."""
        begin, self._got = time.perf_counter(), {}
        while len(self) < count:
            self.connect(min(BATCH, count - len(self)))
            self._start_counting()
            self._pump(0.0)
        return time.perf_counter() - begin

    def all_served(self) -> float:
        """Let everybody ask, and be answered. Raises Lost."""
        begin = time.perf_counter()
        self._ask(self._socks)
        return time.perf_counter() - begin


def be_idle(transport: str, clients: int) -> Idle:
    """Let so many clients come to a server of their own, as far as the descriptors allow.

    Raises:
        Lost: somebody was not let in, or not served.
        RuntimeError: the server did not start, or its log holds a fault.
    """
    clients = min(clients, raise_descriptor_limit(clients + SPARE_DESCRIPTORS) - SPARE_DESCRIPTORS)
    with Server(transport, "--max-clients", "0") as server:
        with IdleCrowd(server.wire, server.address, server.cpu_s) as crowd:
            before = server.read()
            crowd.come(1)  # whatever is imported or made for a first client is none of theirs
        start = wait_back(server, before, 1.0)  # some of what it opened may well stay
        with IdleCrowd(server.wire, server.address, server.cpu_s) as crowd:
            connect_s = crowd.come(clients)
            served_s = crowd.all_served()
            full = server.read()
        begin = time.perf_counter()
        end = wait_back(server, start, PATIENCE_S)
        return Idle(
            transport,
            clients,
            connect_s,
            served_s,
            (full.memory_bytes - start.memory_bytes) / clients / 1_000,
            start.descriptors,
            full.descriptors,
            end.descriptors,
            time.perf_counter() - begin,
        )
