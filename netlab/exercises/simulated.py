"""Code that sends datagrams, on a network of a simulated clock: retransmissions in milliseconds.

    def receiver(net):                       # the other end, in the chapter's module
        got = []
        net.server.on_receive = lambda data: (got.append(data), net.server.send(b"ACK"))
        return lambda: got                   # what it says at the end

    Probe("the first is lost", 2, examine, simulate, (receiver, {"drop": {1}, "seed": 3}, b"hello"))

The learner's `function(endpoint, *arguments)` sends and receives at `net.client`; see
`netlab.lab.simnet`. In `examine`, `trial.wait("answer")` is what it returned, `trial.wait("peer")`
what the other end says, and `trial.wait("net")` how much was sent and how long it took.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.exercises.words import count, in_short
from netlab.lab.recording import Direction
from netlab.lab.simnet import SimulatedNetwork

Peer = Callable[[SimulatedNetwork], Callable[[], object]]

BUDGET = {"max_datagrams": 2_000, "max_time_s": 3_600.0}
"""what a network carries unless a probe says otherwise"""
TOLD_DATAGRAMS = 30


def simulate(
    function: Function, report: Report, peer: Peer, faults: Mapping[str, Any], *arguments: Any
) -> None:
    """Run the code at one end of a simulated network.

    Reported, in this order: `answer`, what it returned; `peer`, what the other end says; `net`, a
    dict of `sent` (datagrams of the code), `answered` (of the other end) and `time_s` (simulated
    seconds). What was on the wire is told even if the code raises.
    """
    net = SimulatedNetwork(**{**BUDGET, **faults})
    says = peer(net)
    try:
        value = result(function, net.client, *arguments)
    finally:
        _tell(net, report)
    report("answer", value)
    report("peer", says())
    report(
        "net",
        {
            "sent": net.sent[Direction.TO_SERVER],
            "answered": net.sent[Direction.TO_CLIENT],
            "time_s": net.now_s,
        },
    )


def tell_wire(net: SimulatedNetwork, report: Report) -> None:
    """Report, for the diagram, all that has arrived or was lost."""
    report("datagrams")
    for chunk in net.recording:
        report("wire", ("your code", str(chunk.direction), str(chunk.kind), chunk.data, chunk.note))


def _tell(net: SimulatedNetwork, report: Report) -> None:
    tell_wire(net, report)
    chunks = list(net.recording)
    for chunk in chunks[:TOLD_DATAGRAMS]:
        ours = chunk.direction is Direction.TO_SERVER
        who = "your code sends" if ours else "the other end sends"
        fate = " (lost)" if chunk.kind == "lost" else f" ({chunk.note})" if chunk.note else ""
        report("step", f"{who} {in_short(chunk.data)}{fate}")
    if len(chunks) > TOLD_DATAGRAMS:
        report("step", f"… and {count(len(chunks) - TOLD_DATAGRAMS, 'more datagram')}")
