"""The tap records all and changes nothing: bytes, FIN, RST and back-pressure pass through."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from types import SimpleNamespace

import pytest

from netlab.lab import Tap
from tests.transports.exhaustion import free_descriptors, warnings_of

from .servers import ThreadedServer

UP, DOWN = "client→server", "server→client"


@pytest.fixture
def server():
    with ThreadedServer() as running:
        yield running


@pytest.fixture
def tap(server):
    with Tap(server.address) as running:
        yield running


def connect(tap):
    return socket.create_connection(tap.address, timeout=5.0)


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        assert more, f"the peer finished after {len(data)} of {count} bytes"
        data += more
    return data


def receive_all(sock):
    data = bytearray()
    while more := sock.recv(1 << 20):
        data += more
    return bytes(data)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def events(tap):
    return [
        (chunk.connection, str(chunk.direction), chunk.kind) for chunk in tap.recording.events()
    ]


def test_both_directions_are_forwarded_and_recorded(tap):
    with connect(tap) as alice:
        alice.sendall(b"hello\n")
        assert receive(alice, 6) == b"hello\n"
        assert tap.recording.bytes("c1", UP) == b"hello\n"
        assert tap.recording.bytes("c1", DOWN) == b"hello\n"


def test_the_question_is_recorded_before_the_answer(tap):
    with connect(tap) as alice:
        for number in range(200):
            alice.sendall(b"%d\n" % number)
            receive(alice, len(b"%d\n" % number))
    directions = [chunk.direction for chunk in tap.recording if chunk.kind == "data"]
    assert directions == [UP, DOWN] * 200


def test_sends_of_several_clients_are_recorded_in_their_order(tap):
    clients = [connect(tap) for _ in range(6)]
    tap.settled()
    order = [3, 0, 5, 1, 4, 2] * 20
    for number in order:
        clients[number].sendall(b".")
        receive(clients[number], 1)
    for client in clients:
        client.close()
    sent = [
        chunk.connection for chunk in tap.recording if (chunk.direction, chunk.kind) == (UP, "data")
    ]
    assert sent == [f"c{number + 1}" for number in order]


def test_a_half_close_stays_a_half_close(server):
    def answer_after_the_end(sock):
        sock.sendall(receive_all(sock).upper())

    server.handle = answer_after_the_end
    with Tap(server.address) as tap:
        with connect(tap) as alice:
            alice.sendall(b"all of it")
            alice.shutdown(socket.SHUT_WR)
            assert receive_all(alice) == b"ALL OF IT"
        tap.settled()
        assert events(tap) == [("c1", UP, "open"), ("c1", UP, "fin"), ("c1", DOWN, "fin")]


def test_the_server_may_finish_first_and_still_hear(server):
    heard = []
    done = threading.Event()

    def finish_then_listen(sock):
        sock.shutdown(socket.SHUT_WR)
        heard.append(receive_all(sock))
        done.set()

    server.handle = finish_then_listen
    with Tap(server.address) as tap, connect(tap) as alice:
        assert alice.recv(1) == b""
        alice.sendall(b"still talking")
        alice.shutdown(socket.SHUT_WR)
        assert done.wait(5.0)
    assert heard == [b"still talking"]


def test_a_reset_by_the_client_reaches_the_server(server):
    raised = []
    done = threading.Event()

    def wait_for_reset(sock):
        try:
            sock.recv(1)
        except ConnectionResetError as error:
            raised.append(type(error))
        done.set()

    server.handle = wait_for_reset
    with Tap(server.address) as tap:
        alice = connect(tap)
        tap.settled()
        reset(alice)
        assert done.wait(5.0)
        assert raised == [ConnectionResetError]
        assert events(tap) == [("c1", UP, "open"), ("c1", UP, "rst")]


def test_a_reset_by_the_server_reaches_the_client(server):
    server.handle = lambda sock: (sock.recv(1), reset(sock))
    with Tap(server.address) as tap, connect(tap) as alice:
        alice.sendall(b"!")
        with pytest.raises(ConnectionResetError):
            alice.recv(1)
        assert events(tap) == [("c1", UP, "open"), ("c1", DOWN, "rst")]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only epoll tells of it unasked")
def test_a_reset_after_a_half_close_passes_though_nobody_reads(server):
    broken = threading.Event()
    sent = threading.Event()

    def send_until_it_breaks(sock):
        receive_all(sock)
        sent.set()
        try:
            while True:
                sock.sendall(bytes(65536))
        except ConnectionError:
            broken.set()

    server.handle = send_until_it_breaks
    with Tap(server.address) as tap:
        alice = connect(tap)
        alice.shutdown(socket.SHUT_WR)
        assert sent.wait(5.0)
        reset(alice)
        assert broken.wait(5.0)
        assert events(tap)[-1] == ("c1", UP, "rst")


def test_a_megabyte_each_way_is_unchanged(tap):
    data = os.urandom(1 << 20)
    with connect(tap) as alice:
        sender = threading.Thread(target=lambda: (alice.sendall(data), alice.shutdown(1)))
        sender.start()
        assert receive_all(alice) == data
        sender.join()
    tap.settled()
    assert tap.recording.bytes("c1", UP) == tap.recording.bytes("c1", DOWN) == data


def test_the_recording_is_bounded_the_forwarding_is_not(server):
    data = os.urandom(1 << 20)
    with Tap(server.address, max_bytes=100_000) as tap, connect(tap) as alice:
        sender = threading.Thread(target=lambda: (alice.sendall(data), alice.shutdown(1)))
        sender.start()
        assert receive_all(alice) == data
        sender.join()
        tap.settled()
        assert tap.recording.dropped_bytes > 1_900_000
        assert "later bytes are not recorded" in repr(tap.recording)


def test_back_pressure_passes_through(server):
    """A server that does not read makes the client wait; the tap keeps one read at most."""
    go = threading.Event()
    server.handle = lambda sock: go.wait(10.0)
    with Tap(server.address) as tap, connect(tap) as alice:
        alice.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 256 * 1024 * 1024:
                sent += alice.send(bytes(1 << 20))
                tap_has_read_what_it_can(tap)
        assert sent < 256 * 1024 * 1024
        with pytest.raises(TimeoutError, match=r"c1: \d+ bytes that the server does not read"):
            tap.settled(timeout_s=0.05)
        go.set()


def tap_has_read_what_it_can(tap):
    with contextlib.suppress(TimeoutError):
        tap.settled(timeout_s=0.02)


def test_a_client_that_never_reads_does_not_stop_the_others(server):
    def flood_or_echo(sock):
        first = sock.recv(100)
        while first == b"flood":
            sock.sendall(bytes(65536))
        sock.sendall(first)

    server.handle = flood_or_echo
    with Tap(server.address) as tap:
        deaf = connect(tap)
        deaf.sendall(b"flood")
        with connect(tap) as alice:
            alice.sendall(b"hello")
            assert receive(alice, 5) == b"hello"
        start = time.monotonic()
        tap.stop()
        assert time.monotonic() - start < 2.0
        deaf.close()


def test_a_dead_target_gives_the_client_a_reset_and_an_error_event():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with Tap(address) as tap:
        # Already connect() raises it, where the RST is quicker than the way back from the kernel.
        with pytest.raises(ConnectionResetError), connect(tap) as alice:
            alice.recv(1)
        tap.settled()
        assert events(tap) == [("c1", UP, "open"), ("c1", DOWN, "error")]
        assert tap.recording.events()[-1].data == (
            b"ConnectionRefusedError: [Errno 111] Connection refused"
        )


def test_names_by_socket_address_or_client_before_and_after(server):
    with Tap(server.address, names=["first"]) as tap, socket.socket() as early:
        early.bind(("127.0.0.1", 0))
        with connect(tap) as first, connect(tap) as second, connect(tap) as third:
            tap.settled()
            tap.name("bob", SimpleNamespace(local_address=second.getsockname()))
            tap.name("carol", third.getsockname())
            tap.name("early", early)
            early.connect(tap.address)
            tap.settled()
            assert tap.recording.connections == ["first", "bob", "carol", "early"]
            tap.name("alice", first)
            assert tap.recording.connections == ["alice", "bob", "carol", "early"]
            with pytest.raises(TypeError, match="cannot tell the address of 'dave'"):
                tap.name("dave", "dave")


def test_unnamed_connections_are_numbered_as_accepted(tap):
    with connect(tap) as one, connect(tap) as two, connect(tap):
        tap.settled()
        tap.name("bob", two)
        assert tap.recording.connections == ["c1", "bob", "c3"]
        assert tap.recording.ports[one.getsockname()[1]] == "c1"


def test_settled_has_recorded_the_fin_of_all(tap):
    clients = [connect(tap) for _ in range(5)]
    for client in clients:
        client.sendall(b"bye")
        client.shutdown(socket.SHUT_WR)
    tap.settled()
    sent = [(c.connection, c.kind) for c in tap.recording if c.direction == UP and c.kind != "open"]
    assert sorted(sent) == [(f"c{n}", kind) for n in range(1, 6) for kind in ("data", "fin")]
    for client in clients:
        assert receive_all(client) == b"bye"
        client.close()
    tap.settled()
    assert len(tap.recording.events()) == 15


def test_ipv6_target():
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with (
        ThreadedServer(host="::1") as server,
        Tap(server.address, listen_host="::1") as tap,
        connect(tap) as alice,
    ):
        tap.name("alice", alice)
        alice.sendall(b"six")
        assert receive(alice, 3) == b"six"
        assert tap.recording.connections == ["alice"]


def test_target_may_be_a_server(server):
    with Tap(server) as tap, connect(tap) as alice:
        alice.sendall(b"x")
        assert receive(alice, 1) == b"x"


def test_stop_twice_and_settled_afterwards_are_harmless(server):
    tap = Tap(server.address)
    assert repr(tap).startswith("<Tap not started")
    tap.start()
    thread = next(t for t in threading.enumerate() if t.name == "netlab-tap-pump")
    alice = connect(tap)
    tap.settled()
    tap.stop()
    tap.stop()
    tap.settled()
    assert not thread.is_alive()
    assert repr(tap) == "<Tap stopped: <Recording of c1: 0 bytes>>"
    with pytest.raises(RuntimeError, match="make a new one"):
        tap.start()
    alice.close()


def test_an_unknown_host_fails_at_the_start():
    with pytest.raises(socket.gaierror):
        Tap(("no-such-host.invalid", 1)).start()


def test_without_descriptors_it_pauses_and_goes_on(server):
    with Tap(server.address) as tap, connect(tap) as honest, warnings_of("netlab.lab.tap") as said:
        honest.sendall(b"before")
        assert receive(honest, 6) == b"before"
        for left in (1, 2):  # none for the client; one for it, and none to reach the server with
            with free_descriptors(left):
                late = connect(tap)
                said.wait_for(2 * left)
                honest.sendall(b"meanwhile")
                assert receive(honest, 9) == b"meanwhile"
            late.close()
        with connect(tap) as last:
            last.sendall(b"after")
            assert receive(last, 5) == b"after"
