"""Hostile and unlucky clients: whatever one of them does, the others do not notice."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.echo import EchoService
from netlab.core.errors import AddressInUse
from netlab.core.messages import Echo
from netlab.core.service import Limits
from netlab.transports.client import Client
from tests.transports.harness import STREAMS, Transport

pytestmark = pytest.mark.parametrize("transport", STREAMS, ids=lambda t: t.name)

PATIENCE_S = 10.0


@pytest.fixture
def server(transport: Transport) -> Iterator[Any]:
    with transport.serve_lesson(EchoService, limits=Limits(messages_per_second=0)) as running:
        yield running


@pytest.fixture
def honest(transport: Transport, server: Any) -> Iterator[Client]:
    """Somebody who must not notice anything."""
    with transport.connect(server, "echo") as client:
        yield client
        client.say("still there?")
        while client.wait_for(Echo, PATIENCE_S).content != "still there?":
            pass


def raw(server: Any) -> socket.socket:
    return socket.create_connection(server.address, PATIENCE_S)


def read_line(sock: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        data = sock.recv(1)
        assert data, f"the connection ended after {line!r}"
        line += data
    return line


def read_all(sock: socket.socket) -> None:
    while sock.recv(1_000_000):
        pass


def send_for_ever(sock: socket.socket) -> None:
    while True:
        sock.send(b"x" * 1000 + b"\n")


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def wait_until(server: Any, condition: Any) -> Any:
    """Ask for the server's figures until they fulfil the condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


def test_any_split_gives_the_same_lines(server: Any, honest: Client) -> None:
    data = "one\r\nzwö\n\nthree\n".encode()
    for cut in range(1, len(data)):
        with raw(server) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(data[:cut])
            sock.sendall(data[cut:])
            lines = [read_line(sock).decode() for _ in range(4)]
            assert lines == ["Echo: one\n", "Echo: zwö\n", "Echo: \n", "Echo: three\n"]


def test_invalid_text_is_an_error_to_its_sender_alone(server: Any, honest: Client) -> None:
    with raw(server) as sock:
        sock.sendall(b"caf\xe9\nfine\n")
        assert read_line(sock).startswith(b"Error: invalid_utf8: byte 0xe9 at position 3")
        assert read_line(sock) == b"Echo: fine\n"


def test_a_line_too_long_is_thrown_away_whole(server: Any, honest: Client) -> None:
    with raw(server) as sock:
        sock.sendall(b"x" * 200_000 + b"\nfine\n")
        assert read_line(sock).startswith(b"Error: frame_too_long: ")
        assert read_line(sock) == b"Echo: fine\n"


def test_a_web_page_cannot_talk_here(server: Any, honest: Client) -> None:
    with raw(server) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nhello from a web page\r\n")
        assert read_line(sock).startswith(b"Closing: foreign_protocol: ")
        assert sock.recv(100) == b""
    assert not any("web page" in str(message) for message in honest.messages)


def test_half_a_line_at_the_end_is_an_error_and_what_went_before_counts(
    server: Any, honest: Client
) -> None:
    with raw(server) as sock:
        sock.sendall(b"whole\nhal")
        sock.shutdown(socket.SHUT_WR)
        assert read_line(sock) == b"Echo: whole\n"
        assert read_line(sock).startswith(b"Error: truncated_frame: ")
        assert sock.recv(100) == b""


def test_reset_at_every_step(server: Any, honest: Client) -> None:
    for step in (b"", b"hal", b"line\n", b"line\n" * 1000):
        for _ in range(20):
            sock = raw(server)
            sock.sendall(step)
            reset(sock)
    wait_until(server, lambda stats: len(stats.clients) <= 1)


def test_a_storm_of_clients_that_come_and_go(server: Any, honest: Client) -> None:
    socks = []
    for number in range(500):
        sock = raw(server)
        sock.sendall(b"hello\n")
        if number % 2:
            reset(sock)
        else:
            socks.append(sock)
        if len(socks) > 40:
            socks.pop(0).close()
    for sock in socks:
        sock.close()
    wait_until(server, lambda stats: len(stats.clients) <= 1)


def test_who_never_reads_is_dropped_and_nobody_waits(transport: Transport) -> None:
    limits = Limits(outbox_bytes=100_000, messages_per_second=0)
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(EchoService, limits=limits))
        talker = stack.enter_context(transport.connect(server, "echo"))
        deaf = stack.enter_context(raw(server))
        wait_until(server, lambda stats: len(stats.clients) == 2)
        text = "x" * 50_000
        for _ in range(1000):  # the kernel's buffers take some megabytes before anything waits
            talker.say(text)
            talker.wait_for(Echo, PATIENCE_S)
            if server.stats().ended:
                break
        assert server.stats().ended == {"slow_reader": 1}
        deaf.settimeout(PATIENCE_S)
        with pytest.raises(ConnectionResetError):  # what was on its way, then the reset
            read_all(deaf)


def test_memory_for_a_deaf_client_is_bounded(transport: Transport) -> None:
    limits = Limits(outbox_bytes=100_000, messages_per_second=0)
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve_lesson(EchoService, limits=limits))
        talker = stack.enter_context(transport.connect(server, "echo"))
        stack.enter_context(raw(server))
        wait_until(server, lambda stats: len(stats.clients) == 2)
        most = 0
        while not server.stats().ended:
            talker.say("x" * 50_000)
            talker.wait_for(Echo, PATIENCE_S)
            most = max(most, *server.stats().outbox_bytes.values(), 0)
        assert 0 < most <= 100_000


def test_who_asks_much_and_reads_nothing_is_held_up_not_dropped(server: Any) -> None:
    """Its own answers pile up, so the server stops reading from it: TCP passes the pressure on."""
    with raw(server) as sock:
        sock.setblocking(False)
        sent = 0
        line = b"x" * 60_000 + b"\n"
        deadline = time.monotonic() + PATIENCE_S
        stuck_since = time.monotonic()
        while time.monotonic() - stuck_since < 0.3:
            assert time.monotonic() < deadline, "the server swallowed everything"
            try:
                sent += sock.send(line[sent % len(line) :])
                stuck_since = time.monotonic()
            except BlockingIOError:
                threading.Event().wait(0.01)
        sock.settimeout(PATIENCE_S)
        want = (sent // len(line)) * (len(line) + len("Echo: "))
        got = 0
        while got < want:
            got += len(sock.recv(1_000_000))
        assert server.stats().ended == {}


def test_a_silent_client_is_sent_away(transport: Transport) -> None:
    with transport.serve(EchoService, limits=Limits(idle_seconds=1)) as server:
        with raw(server) as sock:
            assert read_line(sock).startswith(b"Closing: idle: nothing came for 1 s")
            assert sock.recv(100) == b""
        wait_until(server, lambda stats: stats.ended == {"idle": 1})


def test_too_many_messages_are_refused_one_by_one(transport: Transport) -> None:
    limits = Limits(messages_per_second=1)
    with transport.serve(EchoService, limits=limits) as server, raw(server) as sock:
        sock.sendall(b"hello\n" * 15)
        lines = [read_line(sock) for _ in range(15)]
        assert lines[:10] == [b"Echo: hello\n"] * 10
        assert lines[14].startswith(b"Error: rate_limited: more than 1 messages a second")


def test_stop_ends_within_two_seconds_whatever_clients_do(transport: Transport) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(
            transport.serve(EchoService, limits=Limits(messages_per_second=0))
        )
        for _ in range(20):
            stack.enter_context(raw(server))  # silent
        for _ in range(10):  # flooding, never reading
            sock = stack.enter_context(raw(server))
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                send_for_ever(sock)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2.0
        server.stop()  # twice is once


def test_the_port_is_free_again_after_stop(transport: Transport) -> None:
    with transport.serve(EchoService) as server:
        address = server.address
        with transport.connect(server, "echo") as alice:
            alice.say("x")
            alice.wait_for(Echo)
    with transport.serve(EchoService, port=address[1]) as server:
        assert server.address == address


def test_a_busy_port_is_told_to_the_caller(transport: Transport, server: Any) -> None:
    port = server.address[1]
    with pytest.raises(AddressInUse, match=rf"127.0.0.1:{port} is already in use.*port=0"):
        transport.serve(EchoService, port=port)


def test_loopback_only_unless_told_otherwise(transport: Transport, server: Any) -> None:
    assert server.address[0] == "127.0.0.1"


def test_ipv6(transport: Transport) -> None:
    with transport.serve(EchoService, host="::1") as server:
        assert server.address[0] == "::1"
        with transport.connect(server, "echo") as alice:
            alice.say("over six")
            assert alice.wait_for(Echo).content == "over six"
