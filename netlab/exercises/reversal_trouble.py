"""Conversations of `line-reversal` in trouble: loss, acknowledgements, silence, many sessions."""

from __future__ import annotations

import itertools
from typing import Any

from netlab.exercises.clocked import TICK_S
from netlab.exercises.reversal_peer import Peer, Rule, Session
from netlab.exercises.wires import Wire, on_wire
from netlab.exercises.words import Broken

AGAIN_EARLIEST_S, AGAIN_LATEST_S = 0.1, 0.4
SILENT_S = 2.0
"""seconds without a word from the client, after which a session is over"""
SILENT_LATEST_S = 2.7
ON_ITS_WAY_S = 0.05
"""seconds in which what was sent before an acknowledgement came still arrives"""
CROWD = 12
"""sessions at the same time"""
BUSY_S = 0.5
"""seconds by which a busy machine may be late, where time is real"""
STREAM = b"".join(b"line %d of many: a/b\\c\n" % number for number in range(1, 41))
BAD_NETWORK: dict[str, Any] = {
    "loss": 0.2,
    "duplication": 0.15,
    "reordering": 0.2,
    "jitter_ms": 20.0,
}
MOST_S = 15.0
"""seconds for all of STREAM over a bad network"""


@on_wire
def never_acknowledged(wire: Wire) -> None:
    session = Peer(wire).open(20, acks=False)
    session.say(b"hello\n")
    session.expect_answer()
    for number in (2, 3, 4):
        if not session.sent_again(AGAIN_LATEST_S + _late_s(wire)):
            expected = f"/data/20/… for the {number}. time within {AGAIN_LATEST_S:g} s"
            raise Broken(expected, "nothing of the kind")
    _not_too_often(session)
    session.acknowledge(6)
    _no_more(session)


def _late_s(wire: Wire) -> float:
    return 2 * TICK_S if wire.simulated else BUSY_S


def _not_too_often(session: Session) -> None:
    times = [copy.time_s for copy in session.copies if copy.position == 0]
    least_s = AGAIN_EARLIEST_S - TICK_S
    if session.peer.wire.simulated:
        early = any(b - a < least_s for a, b in itertools.pairwise(times))
    else:  # a busy machine may hand over two at once: only the whole is measured
        early = times[-1] - times[0] < least_s
    if early:
        raise Broken(f"at least {AGAIN_EARLIEST_S:g} s from one time to the next", "less")


def _no_more(session: Session) -> None:
    """Nothing of the server's stream comes any more (but what is on its way)."""
    session.peer.pass_time(ON_ITS_WAY_S)
    if session.sent_again(AGAIN_LATEST_S):
        raise Broken("nothing more of what was acknowledged", "it was sent once more", Rule.AGAIN)


@on_wire
def in_part(wire: Wire) -> None:
    session = Peer(wire).open(21, acks=False)
    session.say(b"hello\n")
    session.expect_answer()
    session.acknowledge(3)
    session.acknowledge(1)  # an old one, which comes late
    session.peer.pass_time(ON_ITS_WAY_S)
    before = len(session.copies)
    if not session.sent_again(AGAIN_LATEST_S + _late_s(wire)):
        raise Broken("the rest once more: /data/21/3/…", "nothing of the kind")
    for copy in session.copies[before:]:
        if copy.position < 3:
            got = f"bytes from {copy.position} on"
            raise Broken("bytes from 3 on, which are not acknowledged", got)
    session.acknowledge(6)
    _no_more(session)
    session.acks = True
    session.say(b"bye\n")
    session.expect_answer()


@on_wire
def more_than_sent(wire: Wire) -> None:
    peer = Peer(wire)
    session = peer.open(22)
    session.say(b"hello\n")
    session.expect_answer()
    session.acknowledge(7)
    session.expect_close()
    session.say(b"still there?\n")
    session.expect_close(Rule.CLOSE)


@on_wire
def not_open(wire: Wire) -> None:
    session = Peer(wire).session(30)
    session.send_close()
    session.expect_close()
    session.acknowledge(0)
    session.expect_close()
    session.said = b"hello\n"
    session.data(0)
    session.expect_close()


@on_wire
def once_more(wire: Wire) -> None:
    peer = Peer(wire)
    for words in (b"a long first life\nand more\n", b"a second\n"):
        session = peer.open(31)
        session.say(words)
        session.expect_answer()
        session.send_close()
        session.expect_close()
        session.data(0)
        session.expect_close()


@on_wire
def two_addresses(wire: Wire) -> None:
    ours, theirs = (Peer(wire, name).open(40) for name in ("one", "another"))
    ours.say(b"from one: hel")
    theirs.say(b"from another\n")
    theirs.expect_answer()
    ours.expect_answer()
    theirs.send_close()
    theirs.expect_close()
    ours.say(b"lo\n")
    ours.expect_answer()


@on_wire
def crowd(wire: Wire) -> None:
    peer = Peer(wire)
    crowd = [peer.open(number) for number in range(50, 50 + CROWD)]
    for words in (b"I am num", b"ber %d\nand", b" that is all from %d\n"):
        for session in crowd:
            session.say(words % session.number if b"%" in words else words)
    for session in reversed(crowd):
        session.expect_answer()
    wire.trial.tally(CROWD)


@on_wire
def silent(wire: Wire) -> None:
    peer = Peer(wire)
    silent, speaks = peer.open(60, acks=False), peer.open(61)
    silent.say(b"hello\n")
    silent.expect_answer()
    for _ in range(2):
        peer.pass_time(0.6 * SILENT_S)
        speaks.acknowledge(0)  # nothing new, but a sign of life
    if len(silent.copies) < 4:
        raise Broken("/data/60/… again and again, while the session is open", "less", Rule.AGAIN)
    peer.pass_time(SILENT_LATEST_S - 1.2 * SILENT_S)
    if silent.sent_again(AGAIN_LATEST_S):
        raise Broken("nothing more to who is silent", "it was sent once more")
    silent.said += b"too late\n"
    silent.data(6)
    silent.expect_close()
    speaks.say(b"hello\n")
    speaks.expect_answer()


@on_wire
def each_lost(wire: Wire) -> None:
    for number in range(1, 7) if wire.simulated else (2, 3):
        for fault in ("drop", "duplicate"):
            wire.trial.forget()
            wire.trial.tally()
            faults: dict[str, Any] = {fault: {number}}
            peer = Peer(wire, f"client {fault} {number}", **faults)
            peer.session(70).converse(b"hello\nworld\n", MOST_S)


@on_wire
def bad_network(wire: Wire) -> None:
    for number in (1, 2) if wire.simulated else (1,):
        wire.trial.forget()
        wire.trial.tally()
        seed = f"{wire.trial.random.random()}"
        peer = Peer(wire, f"client {number}", seed=seed, **BAD_NETWORK)
        stream = STREAM if wire.simulated else STREAM[: len(STREAM) // 2]
        peer.session(80 + number).converse(stream, MOST_S)
