"""Conversations of `line-reversal` in which nothing gets lost: datagrams, streams and lines."""

from __future__ import annotations

from netlab.exercises.clocked import TICK_S
from netlab.exercises.reversal_peer import (
    MAX_DATAGRAM_BYTES,
    MAX_NUMBER,
    Peer,
    Rule,
    Session,
    escape,
)
from netlab.exercises.wires import Wire, on_wire
from netlab.exercises.words import Broken, in_short

MAX_LINE_BYTES = 4_000
NOT_TO_BE_ANSWERED = (
    b"",
    b"/",
    b"//",
    b"hello",
    b"/hello/7/",
    b"/connect/7",
    b"connect/7/",
    b"/connect/",
    b"/connect//",
    b"/connect/7/0/",
    b"/connect/8/\n",
    b"/connect/+8/",
    b"/connect/-8/",
    b"/connect/ 8/",
    b"/connect/1_0/",
    b"/connect/eight/",
    b"/connect/\xd9\xa8/",  # the digit 8, as Arabic writes it
    b"/connect/%d/" % (MAX_NUMBER + 1),
    b"/CONNECT/7/",
    b"/close/7/0/",
    b"/ack/7/",
    b"/ack/7/zero/",
    b"/data/7/0/",
    b"/data/7/0/unfinished",
    b"/data/7/-1/x/",
    b"/data/7/0/a/b/",
    b"/data/7/0/a\\b/",
    b"/data/7/0/a\\/",
    b"/data/7/%d/x/" % (MAX_NUMBER + 1),
    b"/data/7/0/" + b"x" * (MAX_DATAGRAM_BYTES - 10) + b"/",
)


@on_wire
def whole_life(wire: Wire) -> None:
    session = Peer(wire).open(12_345)
    session.say(b"hello\n")
    session.expect_answer()
    session.say(b"Hello, world!\n")
    session.expect_answer()
    session.send_close()
    session.expect_close(Rule.CLOSE)


@on_wire
def splits(wire: Wire) -> None:
    peer = Peer(wire)
    stream = b"ab\ncd\n\nx"
    for cut in range(len(stream)):
        wire.trial.forget()
        wire.trial.tally()
        session = peer.open(100 + cut)
        for piece in (stream[:cut], stream[cut:], b"yz\n"):
            if piece:
                session.say(piece)
        session.expect_answer()


@on_wire
def not_early(wire: Wire) -> None:
    session = Peer(wire).open(1)
    session.say(b"half a li")
    session.expect_answer()
    session.peer.pass_time(2 * TICK_S)
    session.say(b"ne\n")
    session.expect_answer()


@on_wire
def numbers(wire: Wire) -> None:
    for number in (0, MAX_NUMBER):
        session = Peer(wire, f"client of {number}").open(number)
        session.say(b"hello\n")
        session.expect_answer()


@on_wire
def connect_again(wire: Wire) -> None:
    session = Peer(wire).open(5)
    session.connect()
    session.say(b"hello\nwo")
    session.expect_answer()
    session.connect()  # it came late
    session.say(b"rld\n")
    session.expect_answer()


@on_wire
def twice(wire: Wire) -> None:
    session = Peer(wire).open(6)
    session.say(b"hello\n")
    session.expect_answer()
    session.data(0)
    session.expect_ack(6)
    session.said += b"world\n"
    session.data(3)  # some of it is known, some is new
    session.expect_ack(12)
    session.data(6, 9)
    session.expect_ack(12)
    session.say(b"the end\n")
    session.expect_answer()


@on_wire
def nothing_in_it(wire: Wire) -> None:
    session = Peer(wire).open(4)
    session.data(0)
    session.expect_ack(0)
    session.say(b"hello\n")
    session.expect_answer()


@on_wire
def gap(wire: Wire) -> None:
    session = Peer(wire).open(7)
    session.said = b"one\ntwo\nthree\n"
    session.data(4, 8)
    session.expect_ack(0)
    session.data(8)
    session.expect_ack(0)
    session.data(0, 4)
    if not session.peer.wait(lambda: any(length >= 4 for length in session.acknowledged)):
        raise Broken("an acknowledgement of 4 bytes, or more", "none")
    session.data(4, 8)
    session.data(8)
    session.expect_answer()


@on_wire
def escapes(wire: Wire) -> None:
    session = Peer(wire).open(8)
    for line in (b"a/b\n", b"\\\n", b"/\n", b"\\/\n", b"/data/8/0/x/\n", b"\\\\n//\n", b"end\\\n"):
        session.say(line)
        session.expect_answer()


@on_wire
def no_text(wire: Wire) -> None:
    session = Peer(wire).open(9)
    for line in (b"\xff\xfe\n", b"\x00 \r\n", b"\xc3\xa9\n", bytes(range(256)) + b"\n"):
        session.say(line)
        session.expect_answer()


@on_wire
def long(wire: Wire) -> None:
    peer = Peer(wire)
    lines = (b"x" * (MAX_LINE_BYTES - 1), b"/\\" * (MAX_LINE_BYTES // 2 - 1) + b"a", b"a/" * 999)
    for number, line in enumerate(lines, 10):
        wire.trial.forget()
        wire.trial.tally()
        _say_long(peer.open(number), line + b"\n")


def _say_long(session: Session, stream: bytes) -> None:
    longest = MAX_DATAGRAM_BYTES - len(b"/data/10/1000//")
    while stream:
        size = next(n for n in range(longest, 0, -1) if len(escape(stream[:n])) <= longest)
        session.say(stream[:size])
        stream = stream[size:]
        session.expect_ack(len(session.said))
    session.expect_answer()


@on_wire
def malformed(wire: Wire) -> None:
    peer = Peer(wire)
    session = peer.open(7)
    for bad in NOT_TO_BE_ANSWERED:
        wire.trial.forget()
        wire.trial.tally()
        answers = len(session.acknowledged)
        peer.send(bad)
        session.say(b"x")
        session.expect_ack(len(session.said))  # behind the answer to the bad one, if there is one
        if len(session.acknowledged) != answers + 1 or session.closed:
            raise Broken(f"no answer to {in_short(bad)}", "one")
    session.say(b"\n")
    session.expect_answer()
