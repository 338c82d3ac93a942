"""Datagrams through the fault proxy, between real sockets."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from netlab.lab import chaos_udp
from netlab.lab.chaos import Chaos
from tests.transports.exhaustion import free_descriptors, warnings_of

DEADLINE_S = 10.0
UP, DOWN = "client→server", "server→client"


class Clock:
    """Stands still until a test turns it."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    def seconds_until(self, due_s):
        return 0.0 if due_s <= self.now_s else None


def udp(host="127.0.0.1"):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(DEADLINE_S)
    return sock


@pytest.fixture
def server():
    with udp() as sock:
        yield sock


def letters(chaos, client, text="abcdefgh"):
    """Send each letter as a datagram; return when all was done with them."""
    for letter in text:
        client.sendto(letter.encode(), chaos.address)
        chaos.settled()


def arrived(sock):
    """Return what waits to be received."""
    found = []
    sock.setblocking(False)
    try:
        while True:
            found.append(sock.recvfrom(65536)[0])
    except BlockingIOError:
        sock.settimeout(DEADLINE_S)
        return b" ".join(found)


def chaos_before(server, **faults):
    return Chaos(server.getsockname(), transport="udp", **faults)


def test_both_ways_and_each_client_has_its_own_address(server):
    with chaos_before(server) as chaos, udp() as ann, udp() as bob:
        ann.sendto(b"ann", chaos.address)
        assert server.recvfrom(100)[0] == b"ann"
        bob.sendto(b"bob", chaos.address)
        data, bobs_address = server.recvfrom(100)
        assert data == b"bob"
        server.sendto(b"to bob", bobs_address)
        assert bob.recvfrom(100) == (b"to bob", chaos.address)
        chaos.name("bob", bob)
        assert chaos.recording.connections == ["c1", "bob"]


def test_the_script_to_the_server(server):
    script = {"drop": {2, 5}, "duplicate": {3}, "swap": {(7, 8)}}
    with chaos_before(server, direction="to_server", **script) as chaos, udp() as client:
        for letter in b"abcdefgh":
            client.sendto(bytes([letter]), chaos.address)
        chaos.settled()
        assert arrived(server) == b"a c c d f h g"
        assert str(chaos.log) == (
            "c1 to server: datagram 2: lost\n"
            "c1 to server: datagram 3: once more\n"
            "c1 to server: datagram 5: lost\n"
            "c1 to server: datagram 7: overtaken by 8"
        )
        assert str(chaos.ladder()).splitlines() == [
            "c1 → server  a",
            "c1 → server  LOST: b",
            "c1 → server  c",
            "c1 → server  c   (once more)",
            "c1 → server  d",
            "c1 → server  LOST: e",
            "c1 → server  f",
            "c1 → server  h",
            "c1 → server  g   (overtaken by 8)",
        ]
        assert "LOST" not in str(chaos.ladder(received=True))


def test_chance_by_the_seed_repeats(server):
    def run(seed):
        chances = {"loss": 0.3, "duplication": 0.3, "corruption": 0.3}
        with chaos_before(server, seed=seed, **chances) as chaos, udp() as client:
            letters(chaos, client)
            return arrived(server), str(chaos.log)

    assert run(1) == run(1) != run(2)


def test_only_one_direction_of_one_flow(server):
    with (
        chaos_before(server, direction="to_client", connection=2, drop={1}) as chaos,
        udp() as ann,
        udp() as bob,
    ):
        for client in (ann, bob):
            for _ in range(2):
                client.sendto(b"?", chaos.address)
                server.sendto(b"!", server.recvfrom(10)[1])
                chaos.settled()
        assert (arrived(ann), arrived(bob)) == (b"! !", b"!")
        assert str(chaos.log) == "c2 to client: datagram 1: lost"


def test_late_datagrams_on_a_clock_that_stands_still(server):
    clock = Clock()
    with chaos_before(server, latency_ms=50, clock=clock) as chaos, udp() as client:
        client.sendto(b"a", chaos.address)
        with pytest.raises(TimeoutError, match="c1: 1 datagram on the way"):
            chaos.settled(0.05)
        clock.now_s += 0.05
        chaos.set()
        assert server.recvfrom(10)[0] == b"a"


def test_faults_may_be_changed_on_the_way(server):
    with chaos_before(server) as chaos, udp() as client:
        letters(chaos, client, "ab")
        chaos.set(direction="to_server", loss=1)
        letters(chaos, client, "cd")
        chaos.clear()
        letters(chaos, client, "ef")
        assert arrived(server) == b"a b e f"
        with pytest.raises(TypeError, match="'slice_bytes'; it is one of TCP"):
            chaos.set(slice_bytes=3)
        chaos.release()


def test_empty_and_large_datagrams_pass(server):
    with chaos_before(server, corruption=1) as chaos, udp() as client:
        client.sendto(b"", chaos.address)
        assert server.recvfrom(10)[0] == b""
        client.sendto(bytes(60_000), chaos.address)
        data = server.recvfrom(65_536)[0]
        assert len(data) == 60_000
        assert sum(map(bool, data)) == 1


def test_a_closed_port_behind_it_is_noted_and_the_rest_goes_on():
    with udp() as gone:
        address = gone.getsockname()
    with Chaos(address, transport="udp") as chaos, udp() as client:
        client.sendto(b"a", chaos.address)
        deadline = time.monotonic() + DEADLINE_S
        while not any(chunk.kind == "error" for chunk in chaos.recording):
            assert time.monotonic() < deadline
            threading.Event().wait(0.001)
        client.sendto(b"b", chaos.address)
        chaos.settled()
        assert chaos.recording.bytes("c1", UP)[:1] == b"a"


def test_the_silent_one_is_forgotten_when_there_are_too_many(server, monkeypatch):
    monkeypatch.setattr(chaos_udp, "MAX_FLOWS", 2)
    with chaos_before(server) as chaos, udp() as ann, udp() as bob, udp() as cid:
        for client in (ann, bob, ann, cid, bob):
            letters(chaos, client, "x")
        assert chaos.recording.connections == ["c1", "c2", "c3", "c4"]
        assert arrived(server) == b"x x x x x"


def test_ipv6():
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with (
        udp("::1") as server,
        chaos_before(server, listen=("::1", 0), drop={1}) as chaos,
        udp("::1") as client,
    ):
        letters(chaos, client, "ab")
        assert arrived(server) == b"b"


def test_without_descriptors_the_most_silent_flow_makes_room(server):
    """Anybody can send from port after port; each had a descriptor, and then there was none."""
    with Chaos(server.getsockname(), transport="udp") as chaos, udp() as first, udp() as second:
        first.sendto(b"one", chaos.address)
        assert server.recvfrom(10)[0] == b"one"
        with free_descriptors(0):
            second.sendto(b"two", chaos.address)
            assert server.recvfrom(10)[0] == b"two"
        first.sendto(b"three", chaos.address)
        data, way_back = server.recvfrom(10)
        assert data == b"three"
        server.sendto(b"four", way_back)
        assert first.recv(10) == b"four"


def test_without_any_descriptor_datagrams_are_lost_and_it_goes_on(server):
    with Chaos(server.getsockname(), transport="udp") as chaos, udp() as client:
        with free_descriptors(0), warnings_of("netlab.lab.chaos") as said:
            client.sendto(b"lost", chaos.address)
            said.wait_for(1)
        client.sendto(b"here", chaos.address)
        assert server.recvfrom(10)[0] == b"here"
