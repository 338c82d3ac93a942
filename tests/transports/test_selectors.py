"""The server with one thread: readiness, turns, outboxes. What all servers promise is elsewhere."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.echo import EchoService, TextLines
from netlab.core.messages import AnyRequest, Echo, Text
from netlab.core.service import ClientId, Limits, Send
from netlab.core.stream import RequestStream
from netlab.transports import calendar
from netlab.transports.nonblocking import NonblockingConnection
from netlab.transports.tcp_selectors import SelectorTCPServer
from netlab.transports.tcp_threads import TCPClient
from tests.transports.clocks import ManualClock
from tests.transports.exhaustion import free_descriptors, warnings_of

PATIENCE_S = 10.0
UNLIMITED = Limits(messages_per_second=0)


def raw(server: Any) -> socket.socket:
    return socket.create_connection(server.address, PATIENCE_S)


def echo_client(server: Any) -> TCPClient:
    return TCPClient(server.address, service="echo")


def wait_until(server: Any, condition: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


def test_one_thread_however_many_clients() -> None:
    """Fault 32: a thread for each idle client costs memory; here there is one for all."""
    before = set(threading.enumerate())
    with ExitStack() as stack:
        server = stack.enter_context(SelectorTCPServer(EchoService))
        for _ in range(100):
            stack.enter_context(raw(server))
        wait_until(server, lambda stats: len(stats.clients) == 100)
        new = set(threading.enumerate()) - before
        assert [thread.name for thread in new] == ["netlab-selector"]
    assert set(threading.enumerate()) == before


class Slow(EchoService):
    """Notes who said what; its first message waits for the test."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.began, self.go_on = threading.Event(), threading.Event()
        self.order: list[str] = []

    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        self.began.set()
        self.go_on.wait(PATIENCE_S)
        assert isinstance(message, Text)
        self.order.append(message.content)
        return super()._received(client, message, now)


def test_a_flood_waits_for_its_turn_like_everybody() -> None:
    service = Slow(limits=UNLIMITED)
    with SelectorTCPServer(service) as server, raw(server) as talker, echo_client(server) as other:
        talker.sendall(b"f\n" * 5000)
        assert service.began.wait(PATIENCE_S)
        other.say("me too")
        service.go_on.set()
        assert other.wait_for(Echo, PATIENCE_S).content == "me too"
        assert service.order.index("me too") < 500
        read = 0
        while read < 5000 * len("Echo: f\n") + len("Broadcast from "):
            read += len(talker.recv(65_536))


def test_without_descriptors_it_pauses_and_goes_on() -> None:
    """Fault 30: EMFILE ended the server, and dropped all its clients."""
    with (
        SelectorTCPServer(EchoService) as server,
        echo_client(server) as honest,
        warnings_of("netlab.transports.tcp_selectors") as warnings,
    ):
        honest.say("before")
        honest.wait_for(Echo)
        with free_descriptors(1):
            late = raw(server)  # the kernel lets it in; the server cannot
            began = time.monotonic()
            warnings.wait_for(3)
            assert time.monotonic() - began > 0.15, "it spins"
            honest.say("meanwhile")
            assert honest.wait_for(Echo, PATIENCE_S).content == "meanwhile"
        with late:
            late.sendall(b"hello\n")
            assert late.recv(100) == b"Echo: hello\n"


def test_time_that_another_thread_moves_on_wakes_the_selector() -> None:
    clock = ManualClock()
    with SelectorTCPServer(EchoService, clock=clock) as server, echo_client(server) as client:
        client.say("here")
        client.wait_for(Echo)
        clock.advance(300)
        server.switchboard.tick()
        assert "idle" in client.wait_ended(PATIENCE_S)


def test_who_lingers_too_long_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar, "LINGER_S", 0.05)
    with SelectorTCPServer(EchoService, limits=UNLIMITED) as server, raw(server) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_until(server, lambda stats: stats.ended == {"foreign_protocol": 1})
        sock.settimeout(PATIENCE_S)
        assert b"foreign_protocol" in sock.recv(1000)


class Broken(EchoService):
    """Fails when a client leaves."""

    def disconnect(self, client: ClientId, now: float) -> list[Send]:
        super().disconnect(client, now)
        raise RuntimeError("a mistake of ours")


def test_a_mistake_of_ours_costs_one_client(caplog: pytest.LogCaptureFixture) -> None:
    with SelectorTCPServer(Broken) as server, echo_client(server) as honest:
        with raw(server) as sock:
            sock.sendall(b"bye\n")
            sock.recv(100)
        wait_until(server, lambda stats: len(stats.clients) == 1)
        honest.say("still there?")
        assert honest.wait_for(Echo, PATIENCE_S).content == "still there?"
    assert "a mistake of ours" in caplog.text


# ---------------------------------------------------------------- one connection, without a server


class Harbour:
    """A connection and its peer; the calendar and the selector are fakes."""

    def __init__(self, outbox_limit: int) -> None:
        ours, self.peer = socket.socketpair()
        self.changes = 0
        self.lingering: list[Any] = []
        stream = RequestStream(TextLines(), 65_536)
        self.connection = NonblockingConnection(
            ours,
            stream,
            outbox_limit,
            self,
            lambda _: self.count(),  # type: ignore[arg-type]
        )
        self.peer.settimeout(PATIENCE_S)

    def count(self) -> None:
        self.changes += 1

    def abort_later(self, connection: Any) -> None:
        self.lingering.append(connection)

    def fill_kernel(self) -> int:
        """Post until something waits; return how much went out at once."""
        posted = 0
        while not self.connection.outbox_bytes:
            self.connection.post(b"x" * 10_000)
            posted += 10_000
        return posted - self.connection.outbox_bytes


@pytest.fixture
def harbour() -> Iterator[Harbour]:
    harbour = Harbour(outbox_limit=100_000)
    with harbour.connection.sock, harbour.peer:
        yield harbour


def test_an_empty_outbox_is_sent_to_at_once(harbour: Harbour) -> None:
    harbour.connection.post(b"hello\n")
    assert harbour.peer.recv(100) == b"hello\n"
    assert harbour.connection.interest == selectors.EVENT_READ
    assert harbour.changes == 0


def test_room_is_asked_for_only_while_something_waits(harbour: Harbour) -> None:
    harbour.fill_kernel()
    assert harbour.connection.interest & selectors.EVENT_WRITE
    while harbour.connection.outbox_bytes:
        harbour.peer.recv(100_000)
        harbour.connection.write()
    assert harbour.connection.interest == selectors.EVENT_READ


def test_who_does_not_read_its_answers_is_not_read_from(harbour: Harbour) -> None:
    """Fault 22: the server's reads and writes do not wait for each other."""
    harbour.fill_kernel()
    while not harbour.connection.must_wait:
        harbour.connection.post(b"x" * 10_000)
    assert harbour.connection.interest == selectors.EVENT_WRITE


def test_one_byte_too_much_and_it_is_dropped(harbour: Harbour) -> None:
    """Fault 18: what waits for one client has a limit."""
    harbour.fill_kernel()
    free = 100_000 - harbour.connection.outbox_bytes
    harbour.connection.post(b"x" * free)
    assert not harbour.connection.dead
    harbour.connection.post(b"x")
    assert harbour.connection.dead
    assert harbour.connection.reason == "slow_reader"
    assert harbour.connection.outbox_bytes == 0


def test_fin_comes_after_everything_posted(harbour: Harbour) -> None:
    harbour.connection.post(b"first\n")
    sent = harbour.fill_kernel() + len(b"first\n") + harbour.connection.outbox_bytes
    harbour.connection.finish("bye")
    harbour.connection.post(b"nothing after closing\n")
    assert harbour.lingering == [harbour.connection]
    got = 0
    while data := harbour.peer.recv(100_000):
        got += len(data)
        harbour.connection.write()
    assert got == sent
    assert not harbour.connection.over  # the peer has not closed its direction
    harbour.peer.shutdown(socket.SHUT_WR)
    harbour.connection.read()
    assert harbour.connection.over


def test_what_comes_after_closing_is_read_and_thrown_away(harbour: Harbour) -> None:
    harbour.connection.finish("bye")
    harbour.peer.sendall(b"too late\n")
    harbour.connection.read()
    assert not harbour.connection.requests
    assert harbour.connection.interest == selectors.EVENT_READ


def test_no_more_is_read_while_requests_wait(harbour: Harbour) -> None:
    harbour.peer.sendall(b"one\ntwo\n")
    harbour.connection.read()
    assert len(harbour.connection.requests) == 2
    assert harbour.connection.interest == 0


def test_ready_but_empty_is_no_end(harbour: Harbour) -> None:
    """select(2): what is reported as ready may block all the same."""
    harbour.connection.read()
    assert not harbour.connection.at_end
    assert not harbour.connection.dead


def test_a_reset_is_the_end(harbour: Harbour) -> None:
    harbour.peer.close()
    harbour.connection.post(b"x" * 10)
    assert harbour.connection.dead
    assert harbour.connection.reason == "reset"
