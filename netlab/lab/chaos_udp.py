"""UDP through a fault proxy: a flow for each client address, with a line of faults each way.

To the server each client has a socket, and so an address, of its own, as it would have without the
proxy in between. A client is its address: when the most flows are there, the one that has been
silent for longest is forgotten.
"""

from __future__ import annotations

import logging
import socket
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from netlab.lab.chaos_datagrams import DatagramLine, Outcome
from netlab.lab.chaos_parts import Parts
from netlab.lab.polling import Ready
from netlab.lab.recording import Direction

log = logging.getLogger("netlab.lab.chaos")

MAX_DATAGRAM_BYTES = 65_535
MAX_FLOWS = 1_000
AT_ONCE = 64
"""datagrams that are received from one socket before others have their turn"""


class Flow:
    """The datagrams between one client's address and the server."""

    def __init__(
        self,
        key: str,
        client: Any,
        upstream: socket.socket,
        lines: tuple[DatagramLine, DatagramLine],
        listener: socket.socket,
        parts: Parts,
    ) -> None:
        self.key = key
        self.client = client
        self.closed = False
        self._upstream = upstream
        self._listener = listener
        self._parts = parts
        self.lines = {Direction.TO_SERVER: lines[0], Direction.TO_CLIENT: lines[1]}
        upstream.setblocking(False)
        parts.poller.watch(upstream, self, read=True, write=False)

    @property
    def due_s(self) -> float | None:
        dues = (line.due_s for line in self.lines.values())
        return min((due for due in dues if due is not None), default=None)

    def handle(self, ready: Ready) -> None:
        """The server has sent something, or its kernel that nobody listens there."""
        for _ in range(AT_ONCE):
            if self.closed:
                return
            try:
                data = self._upstream.recv(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP message came, udp(7)
                self._failed(Direction.TO_CLIENT, error)
                return
            self.feed(Direction.TO_CLIENT, data)

    def feed(self, direction: Direction, data: bytes) -> None:
        """A datagram has come."""
        now_s = self._parts.clock()
        self._parts.received.append(self.key, direction, "data", data)
        self.lines[direction].feed(data, now_s)
        self.work(now_s)

    def work(self, now_s: float) -> None:
        """Pass on, or lose, what is due."""
        for direction, line in self.lines.items():
            for outcome in line.take(now_s):
                self._do(direction, outcome)

    def _do(self, direction: Direction, outcome: Outcome) -> None:
        if outcome.note:
            self._parts.tell(self.key, direction, f"datagram {outcome.number:,}", outcome.note)
        if outcome.kind == "lost":
            self._parts.passed_on.append(self.key, direction, "lost", outcome.data)
            return
        self._parts.passed_on.append(self.key, direction, "data", outcome.data, outcome.note)
        try:
            if direction is Direction.TO_SERVER:
                self._upstream.send(outcome.data)
            else:
                self._listener.sendto(outcome.data, self.client)
        except BlockingIOError:
            text = "lost: this machine's send queue is full"
            self._parts.tell(self.key, direction, f"datagram {outcome.number:,}", text)
        except OSError as error:
            self._failed(direction, error)

    def _failed(self, direction: Direction, error: OSError) -> None:
        message = f"{type(error).__name__}: {error}"
        self._parts.passed_on.append(self.key, direction, "error", message.encode())

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._parts.poller.forget(self._upstream)
            self._upstream.close()


class UDPEngine:
    """All flows through one proxy."""

    def __init__(self, listener: socket.socket, target: Any, parts: Parts) -> None:
        self._listener = listener
        self._target = target
        self._parts = parts
        self._flows: OrderedDict[Any, tuple[int, Flow]] = OrderedDict()  # the silent ones first
        self._count = 0
        listener.setblocking(False)
        parts.poller.watch(listener, self, read=True, write=False)

    @property
    def due_s(self) -> float | None:
        dues = (flow.due_s for _, flow in self._flows.values())
        return min((due for due in dues if due is not None), default=None)

    def handle(self, ready: Ready) -> None:
        """Clients have sent something."""
        for _ in range(AT_ONCE):
            try:
                data, client = self._listener.recvfrom(MAX_DATAGRAM_BYTES)
            except OSError:  # nothing more, or an ICMP message about a client that has gone
                return
            flow = self._flow(client)
            if flow is not None:
                flow.feed(Direction.TO_SERVER, data)

    def work(self, now_s: float) -> None:
        for _, flow in list(self._flows.values()):
            flow.work(now_s)

    def apply(self, now_s: float) -> None:
        """The rules have changed."""
        for number, flow in self._flows.values():
            for direction, line in flow.lines.items():
                line.set(self._parts.faults_for(direction, number))

    def release(self, direction: Direction | None, connection: int | None, now_s: float) -> None:
        """Datagrams do not stall: there is nothing to release."""

    def outstanding(self) -> Iterator[str]:
        for _, flow in self._flows.values():
            held = sum(line.held for line in flow.lines.values())
            if held:
                yield f"{flow.key}: {held} datagram{'' if held == 1 else 's'} on the way"

    def close(self) -> None:
        for _, flow in self._flows.values():
            flow.close()
        self._flows.clear()
        self._parts.poller.forget(self._listener)
        self._listener.close()

    def _flow(self, client: Any) -> Flow | None:
        if client in self._flows:
            self._flows.move_to_end(client)
            return self._flows[client][1]
        if len(self._flows) >= MAX_FLOWS:
            self._forget_the_most_silent()
        upstream = self._new_socket()
        if upstream is None:
            return None
        try:
            upstream.connect(self._target[1])
        except OSError:  # no route: the datagram is lost, as it would be without us
            upstream.close()
            return None
        self._count += 1
        number, key = self._count, f"c{self._count}"
        self._parts.admitted(key, client)
        lines = tuple(
            DatagramLine(
                self._parts.faults_for(direction, number),
                seed=self._parts.seed,
                flow=number,
                direction=direction,
            )
            for direction in Direction
        )
        flow = Flow(key, client, upstream, (lines[0], lines[1]), self._listener, self._parts)
        for recording in (self._parts.received, self._parts.passed_on):
            recording.note_port(upstream.getsockname()[1], key)
        self._flows[client] = number, flow
        return flow

    def _new_socket(self) -> socket.socket | None:
        """Return a socket; where there are no more, at a silent flow's cost; None: none at all."""
        while True:
            try:
                return socket.socket(self._target[0], socket.SOCK_DGRAM)
            except OSError as error:
                if not self._flows:
                    log.warning("the fault proxy has no socket to reach the server: %s", error)
                    return None
                self._forget_the_most_silent()

    def _forget_the_most_silent(self) -> None:
        self._flows.popitem(last=False)[1][1].close()
