"""A network on a simulated clock: hours of retransmissions, decided by the seed, in no time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import SimulatedNetwork
from netlab.lab.recording import Direction
from netlab.lab.simnet import BudgetExceeded

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def acknowledging(**options):
    """A network whose server answers each datagram with its first byte."""
    net = SimulatedNetwork(**options)
    net.server.on_receive = lambda data: net.server.send(data[:1])
    return net


def stop_and_wait(net, datagrams, timeout_s=0.1):
    """Send each until its acknowledgement comes; return how often each was sent."""
    tries = []
    for number, data in enumerate(datagrams):
        tries.append(0)
        while True:
            tries[-1] += 1
            net.client.send(bytes([number]) + data)
            try:
                while net.client.receive(timeout_s) != bytes([number]):
                    pass  # the acknowledgement of an earlier one, late or twice
                break
            except TimeoutError:
                continue
    return tries


def test_the_example():
    net = SimulatedNetwork(seed=1, drop={1}, direction="to_server", latency_ms=20)
    net.server.on_receive = lambda data: net.server.send(b"ACK")
    net.client.send(b"hello")
    with pytest.raises(TimeoutError, match="client: no datagram within 1 simulated seconds"):
        net.client.receive(timeout_s=1.0)
    net.client.send(b"hello")
    assert net.client.receive(timeout_s=1.0) == b"ACK"
    assert net.now_s == pytest.approx(1.02)
    assert net.sent == {UP: 2, DOWN: 1}
    assert net.outcomes == {(UP, "lost"): 1, (UP, "data"): 1, (DOWN, "data"): 1}
    assert str(net.log) == "client to server: datagram 1: lost"
    assert str(net.ladder()).splitlines() == [
        "client → server  LOST: hello",
        "client → server  hello",
        "server → client  ACK",
    ]


def test_a_thousand_retransmissions_take_no_time_and_repeat():
    def run(seed):
        net = acknowledging(seed=seed, loss=0.5, duplication=0.2, jitter_ms=80, latency_ms=10)
        return stop_and_wait(net, [b"data"] * 200), net.now_s, str(net.log), net.sent

    before = time.process_time()
    first = run(1)
    assert sum(first[0]) > 500
    assert first[1] > 20
    assert first == run(1) != run(2)
    assert time.process_time() - before < 5.0


@given(st.integers(0, 5_000), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_stop_and_wait_gets_everything_across(seed, loss, duplication, reordering):
    net = SimulatedNetwork(
        seed=seed, loss=loss, duplication=duplication, reordering=reordering, jitter_ms=50
    )
    got = []

    def serve(data):
        if data[0] == len(got):
            got.append(data[1:])
        net.server.send(data[:1])

    net.server.on_receive = serve
    datagrams = [bytes([65 + number]) for number in range(8)]
    stop_and_wait(net, datagrams)
    assert got == datagrams


def test_step_by_step():
    net = SimulatedNetwork(latency_ms=10, swap={(1, 2)}, drop={3})
    for data in (b"a", b"b", b"c"):
        net.client.send(data)
    assert net.due_s == 0.0
    first = net.deliver_next()
    assert (first.data, first.time_s, first.kind, first.number) == (b"b", 0.01, "data", 2)
    late = net.deliver_next()
    assert (late.data, late.kind, late.note) == (b"a", "late", "overtaken by 2")
    assert net.deliver_next() is None
    assert list(net.server.inbox) == [b"b", b"a"]
    assert net.server.receive(0) == b"b"


def test_advance_tells_all_that_happened():
    net = SimulatedNetwork(direction="to_server", drop={2}, duplicate={1})
    net.set(direction="both", latency_ms=10)
    net.client.send(b"a")
    net.client.send(b"b")
    net.server.send(b"c")
    assert [(one.kind, one.data) for one in net.advance(0.009)] == [("lost", b"b")]
    assert [(one.kind, one.data) for one in net.advance(0.001)] == [
        ("data", b"a"),
        ("duplicate", b"a"),
        ("data", b"c"),
    ]
    assert net.now_s == pytest.approx(0.01)
    assert net.advance(5) == []
    assert repr(net.client) == "<client: 1 datagrams to be received>"


def test_timers_ring_on_the_way():
    net = SimulatedNetwork(latency_ms=10)
    rung = []
    net.call_later(0.2, lambda: rung.append(net.now_s))
    net.call_later(0.1, lambda: net.client.send(b"from a timer"))
    assert net.server.receive(1.0) == b"from a timer"
    assert net.now_s == pytest.approx(0.11)
    net.advance(1.0)
    assert rung == [0.2]


def test_faults_may_change():
    net = SimulatedNetwork()
    net.set(loss=1.0)
    assert net.describe() == "both ways: lose 1 of all"
    net.client.send(b"a")
    net.set(loss=0)
    net.client.send(b"b")
    assert net.server.receive(0) == b"b"
    assert repr(net) == "<SimulatedNetwork at 0 s, 2 sent: no faults>"


def test_what_never_ends_is_ended():
    def ping_pong(net):
        net.server.on_receive = net.server.send
        net.client.on_receive = net.client.send
        net.client.send(b"!")
        net.advance(1_000)

    with pytest.raises(BudgetExceeded, match="100 datagrams were sent"):
        ping_pong(SimulatedNetwork(max_datagrams=100))
    with pytest.raises(BudgetExceeded, match="1,000 sends, receives and deliveries"):
        ping_pong(SimulatedNetwork(max_steps=1_000))
    with pytest.raises(BudgetExceeded, match="more than 60 simulated seconds"):
        stop_and_wait(SimulatedNetwork(max_time_s=60), [b"x"])

    def ask_without_waiting():
        net = SimulatedNetwork()
        while True:
            try:
                net.client.receive(0)
            except TimeoutError:
                pass

    with pytest.raises(BudgetExceeded, match="does a loop ask"):
        ask_without_waiting()


def test_wrong_calls_are_told():
    net = SimulatedNetwork()
    with pytest.raises(TypeError, match="str came; bytes are sent"):
        net.client.send("text")
    with pytest.raises(ValueError, match="65,508 bytes; a datagram has at most 65,507"):
        net.client.send(bytes(65_508))
    with pytest.raises(ValueError, match="-1 came"):
        net.advance(-1)
    with pytest.raises(ValueError, match="timeout_s=nan"):
        net.client.receive(float("nan"))
    with pytest.raises(ValueError, match="delay_s=-1"):
        net.call_later(-1, print)
    with pytest.raises(TypeError, match="it is one of TCP"):
        SimulatedNetwork(slice_bytes=1)
    net.server.on_receive = lambda data: net.server.receive(1.0)
    net.client.send(b"x")
    with pytest.raises(RuntimeError, match="the clock stands still while on_receive"):
        net.advance(1.0)
