"""The load generator: a crowd of clients in one thread, which counts what comes and reads nothing.

It asks for at most what has come back already (a closed loop), so nobody is flooded and nothing
need be thrown away: every delivery that a message is good for has to come.
"""

from __future__ import annotations

import resource
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from tests.benchmarks.wires import MARK, Wire

PATIENCE_S = 30.0
BATCH = 50
"""clients that connect at the same time"""
ROOM = "hall"
MOST_PER_CPU_S = 8.0
"""seconds by the clock that a second of the server's processor time may take"""
MOST_ASKING = 64
"""clients that ask at the same time"""
_WAIT_S = 0.1
IN_FLIGHT = 3_200
"""deliveries that are asked for at the same time, at most, more or less"""


class Lost(Exception):
    """Something did not come, or came twice."""


@dataclass(frozen=True)
class Flow:
    """What came in one measurement."""

    messages: int
    deliveries: int
    seconds: float
    server_s: float
    """processor time that the server has used"""
    load_s: float
    """processor time that the load generator has used"""

    @property
    def per_s(self) -> float:
        """Deliveries a second by the clock, with whatever else the machine had to do."""
        return self.deliveries / self.seconds

    @property
    def per_cpu_s(self) -> float:
        """Deliveries a second of the server's processor time: what a core of its own would do."""
        return self.deliveries / self.server_s


@dataclass(frozen=True)
class Answers(Flow):
    """Requests and their replies."""

    p50_ms: float
    p99_ms: float


class _Budget:
    """Measures until the server has used so much processor time, or so much time has passed.

    On a busy machine a second by the clock is any part of a second of work; a second of the
    server's own processor time always is one.
    """

    def __init__(self, cpu_s: Callable[[], float], seconds: float) -> None:
        self._cpu_s = cpu_s
        self._cpu, self._load, self._begin = cpu_s(), time.process_time(), time.perf_counter()
        self._cpu_end = self._cpu + seconds
        self._clock_end = self._begin + MOST_PER_CPU_S * seconds

    def left(self) -> bool:
        return self._cpu_s() < self._cpu_end and time.perf_counter() < self._clock_end

    def used(self) -> tuple[float, float, float]:
        """Return the seconds by the clock, of the server and of the load."""
        took = time.perf_counter() - self._begin
        return took, self._cpu_s() - self._cpu, time.process_time() - self._load


class Crowd:
    """Clients of one server. Use it as a context manager.

    Args:
        wire: how they speak.
        address: where the server is.
        cpu_s: tells how much processor time the server has used.
    """

    def __init__(self, wire: Wire, address: tuple[str, int], cpu_s: Callable[[], float]) -> None:
        self._cpu_s = cpu_s
        self._wire = wire
        self._address = address
        self._socks: list[socket.socket] = []
        self._by_number: dict[int, socket.socket] = {}
        self._got: dict[int, int] = {}
        self._buffer = bytearray(65_536)
        self._poll = select.epoll()
        self._ping = wire.request("ping", ref=MARK.decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for sock in self._socks:
            sock.close()
        self._poll.close()

    def __len__(self) -> int:
        return len(self._socks)

    # ------------------------------------------------------------ coming in

    def connect(self, count: int) -> float:
        """Let that many more in, `BATCH` at a time; return the seconds until all were served.

        Raises:
            Lost: one was not served within `PATIENCE_S` seconds.
        """
        begin = time.perf_counter()
        while count > 0:
            batch = [self._connect() for _ in range(min(BATCH, count))]
            self._walk(batch)
            for sock in batch:
                sock.setblocking(False)
                self._poll.register(sock, select.EPOLLIN)
                self._by_number[sock.fileno()] = sock
            self._socks += batch
            count -= len(batch)
        return time.perf_counter() - begin

    def _connect(self) -> socket.socket:
        sock = socket.socket(type=self._wire.kind)
        sock.settimeout(PATIENCE_S)
        sock.connect(self._address)
        if self._wire.kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _walk(self, batch: list[socket.socket]) -> None:
        """Take all steps of the way in, side by side; then everybody asks and is answered."""
        ways = [(sock, self._wire.enter()) for sock in batch]
        steps = [(sock, way, next(way, None)) for sock, way in ways]
        while open_steps := [(s, way, step) for s, way, step in steps if step is not None]:
            for sock, _, (data, _) in open_steps:
                sock.sendall(data)
            steps = []
            for sock, way, (_, wanted) in open_steps:
                try:
                    steps.append((sock, way, way.send(_read(sock, wanted))))
                except StopIteration:
                    pass
        for sock in batch:
            sock.sendall(self._ping)
        for sock in batch:
            _read(sock, MARK)

    def join(self) -> None:
        """Let everybody enter the room; when this returns, nothing of that is on its way any more.

        Raises:
            Lost: somebody was not answered.
        """
        entrance = self._wire.request("join_room", room=ROOM)
        at_once = 1 if self._wire.kind == socket.SOCK_DGRAM else len(self._socks)
        for first in range(0, len(self._socks), at_once):
            part = self._socks[first : first + at_once]
            for sock in part:
                sock.sendall(entrance)
            self._ask(part)
        self._ask(self._socks)

    def _ask(self, socks: list[socket.socket]) -> None:
        self._start_counting()
        for sock in socks:
            sock.sendall(self._ping)
        self._collect({sock.fileno(): 1 for sock in socks})

    # ------------------------------------------------------------ measuring

    def fan_out(self, content: str, seconds: float, *, to_room: bool, at_once: int = 64) -> Flow:
        """Let members in turn say something to all, for so long; then wait until all is delivered.

        Args:
            content: what they say; `MARK` is put in the place of its last byte.
            seconds: of the server's processor time, that messages are sent.
            to_room: to the room that they have joined; else to everybody who is connected.
            at_once: messages that are on their way at the same time, at most.

        Raises:
            Lost: not everybody got everything exactly once.
        """
        fields = {"content": content[:-1] + MARK.decode()}
        request = (
            self._wire.request("room_message", room=ROOM, **fields)
            if to_room
            else self._wire.request("text", **fields)
        )
        size, sent, got = len(self._socks), 0, 0
        window = size * max(1, min(at_once, IN_FLIGHT // size))
        self._start_counting()
        budget = _Budget(self._cpu_s, seconds)
        while budget.left():
            while size * sent < got + window:
                if self._socks[sent % size].send(request) < len(request):
                    raise Lost("the kernel took only a part of a request: ask for less at once")
                sent += 1
            got += self._pump(_WAIT_S)
        self._collect({sock.fileno(): sent for sock in self._socks})
        return Flow(sent, sent * size, *budget.used())

    def ask(self, clients: int, seconds: float) -> Answers:
        """Let some clients ask, and ask again as soon as they are answered. Raises Lost."""
        some = [sock.fileno() for sock in self._socks[:clients]]
        clock, ping = time.perf_counter, self._ping
        waits: list[float] = []
        asked = dict.fromkeys(some, 1)
        self._start_counting()
        budget = _Budget(self._cpu_s, seconds)
        since = {}
        for number in some:
            since[number] = clock()
            self._by_number[number].send(ping)
        while budget.left():
            for number, _ in self._poll.poll(_WAIT_S):
                if self._read_one(number):
                    now = clock()
                    waits.append(now - since[number])
                    since[number] = now
                    self._by_number[number].send(ping)
                    asked[number] += 1
        self._collect(asked)
        waits.sort()
        p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        total = sum(asked.values())
        return Answers(total, total, *budget.used(), 1000 * p50, 1000 * p99)

    # ------------------------------------------------------------ counting

    def _start_counting(self) -> None:
        self._got = dict.fromkeys(self._by_number, 0)

    def _read_one(self, number: int) -> int:
        buffer = self._buffer
        size = self._by_number[number].recv_into(buffer)
        if not size:
            raise Lost("the server ended a connection")
        count = buffer.count(MARK, 0, size)
        self._got[number] += count
        return count

    def _pump(self, timeout_s: float) -> int:
        """Read once from each client for whom something has come; return what that delivered."""
        before = 0
        read = self._read_one
        for number, _ in self._poll.poll(timeout_s):
            before += read(number)
        return before

    def _collect(self, wanted: dict[int, int]) -> None:
        """Wait until everybody has got as much as that. Raises Lost."""
        deadline = time.monotonic() + PATIENCE_S
        missing = sum(wanted.values()) - sum(self._got.values())
        while missing > 0:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Lost(f"{missing:,} of {sum(wanted.values()):,} deliveries did not come")
            missing -= self._pump(left_s)
        for number, count in wanted.items():
            if self._got[number] != count:
                raise Lost(f"a client got {self._got[number]:,} deliveries instead of {count:,}")


def _read(sock: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        try:
            part = sock.recv(65_536)
        except TimeoutError:
            raise Lost(f"no {wanted!r} came, only {data[-200:]!r}") from None
        if not part:
            raise Lost(f"the server ended the connection after {data[-200:]!r}")
        data += part
    return data


def raise_descriptor_limit(wanted: int) -> int:
    """Let this process and its children open so many files, if they may; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
