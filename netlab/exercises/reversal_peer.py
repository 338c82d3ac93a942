"""The examiner's end of `line-reversal`: sessions, and a watch on all that the server sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from netlab.exercises.wires import Wire
from netlab.exercises.words import Broken, in_short

MAX_DATAGRAM_BYTES = 999
MAX_NUMBER = 2**31 - 1
PATIENCE_S = 2.0
AGAIN_S = 0.2
"""seconds after which what was not acknowledged is sent again"""
CHUNK_BYTES = 80
"""of the examiner's stream in one datagram, where it sends a long one"""
WINDOW = 8
"""such datagrams on their way at the same time"""


class Rule(IntEnum):
    """The rules of the specification, by their numbers."""

    FORM = 1
    OPEN = 2
    DATA = 3
    ESCAPE = 4
    LINES = 5
    STREAM = 6
    AGAIN = 7
    ACK = 8
    CLOSE = 9
    SILENT = 10
    MANY = 11
    NETWORK = 12


_FORM = re.compile(
    rb"/(close|ack|data)/([0-9]{1,10})/(?:([0-9]{1,10})/)?(?:((?:[^\\/]|\\[\\/])*)/)?"
)
_FIELDS = {b"close": (False, False), b"ack": (True, False), b"data": (True, True)}


def escape(data: bytes) -> bytes:
    """Return bytes of a stream as they stand in a datagram."""
    return data.replace(b"\\", b"\\\\").replace(b"/", b"\\/")


def unescape(data: bytes) -> bytes:
    """Return what `escape` has made of it."""
    return re.sub(rb"\\(.)", rb"\1", data)


def reverse_lines(stream: bytes) -> bytes:
    """Return what the server answers to a stream."""
    *lines, _ = stream.split(b"\n")
    return b"".join(line[::-1] + b"\n" for line in lines)


class Copy(NamedTuple):
    """A piece of its stream that the server has sent, once more perhaps."""

    time_s: float
    position: int


class Peer:
    """The sessions of one address."""

    def __init__(
        self, wire: Wire, name: str = "examiner", *, seed: str = "", **faults: Any
    ) -> None:
        self.wire = wire
        self.client = wire.client(name, seed=seed, **faults)
        self.sessions: dict[int, Session] = {}

    def open(self, number: int, *, acks: bool = True) -> Session:
        """Open a session; `acks`: does it acknowledge what comes?"""
        session = self.session(number, acks=acks)
        session.connect()
        return session

    def session(self, number: int, *, acks: bool = True) -> Session:
        """Return a session that is not open yet."""
        self.sessions[number] = session = Session(self, number, acks=acks)
        return session

    def take(self) -> None:
        """Look at all that has come. Raises: Broken: the server breaks a rule with it."""
        while self.client.inbox:
            data = self.client.inbox.popleft()
            if len(data) > MAX_DATAGRAM_BYTES:
                expected = f"datagrams of at most {MAX_DATAGRAM_BYTES} bytes"
                raise Broken(expected, f"one of {len(data):,}", Rule.FORM)
            found = _FORM.fullmatch(data)
            if found is None or _FIELDS[found[1]] != (found[3] is not None, found[4] is not None):
                raise Broken("a datagram as this rule has it", in_short(data), Rule.FORM)
            session = self.sessions.get(int(found[2]))
            if session is None:
                raise Broken("nothing of a session that was not asked for", in_short(data))
            session.came(found[1], int(found[3] or 0), unescape(found[4] or b""))

    def wait(self, done: Callable[[], bool], timeout_s: float = PATIENCE_S) -> bool:
        """Let time go on until `done`; what comes meanwhile is looked at."""

        def look() -> bool:
            self.take()
            return done()

        return self.wire.wait(look, timeout_s)

    def pass_time(self, seconds: float) -> None:
        """Let time go on; what comes meanwhile is looked at."""
        self.wait(lambda: False, seconds)

    def send(self, data: bytes) -> None:
        """Send a datagram as it is."""
        self.client.send(data)


class Session:
    """One session of a `Peer`, from the client's side."""

    def __init__(self, peer: Peer, number: int, *, acks: bool) -> None:
        self.peer = peer
        self.number = number
        self.acks = acks
        self.said = b""
        """the client's stream"""
        self.stream = b""
        """the server's stream, as far as it has come without a gap"""
        self.acknowledged: list[int] = []
        """the lengths that the server has acknowledged"""
        self.copies: list[Copy] = []
        """all that has come of the server's stream"""
        self.closed = 0
        """how many times the server has said that the session is closed"""

    # ── what the server sends ────────────────────────────────────────────────────────────────

    def came(self, kind: bytes, place: int, data: bytes) -> None:
        """Take in what the server has sent. Raises: Broken: it breaks a rule."""
        if kind == b"close":
            self.closed += 1
        elif kind == b"ack":
            if place > len(self.said):
                most = f"{len(self.said)} bytes acknowledged at most"
                raise Broken(f"{most}: all that was sent", f"{place}", Rule.DATA)
            self.acknowledged.append(place)
        else:
            self._data(place, data)

    def _data(self, place: int, data: bytes) -> None:
        self.copies.append(Copy(self.peer.wire.now_s, place))
        new = len(self.stream) - place
        if new >= 0:
            known = self.stream[place : place + len(data)]
            if not data.startswith(known):
                got = in_short(data)
                raise Broken(f"{in_short(known)} at {place}, as before", got, Rule.STREAM)
            self.stream += data[new:]
        expected = reverse_lines(self.said)
        if not expected.startswith(self.stream):
            rule = Rule.ESCAPE if b"\\" in self.said or b"/" in self.said else None
            raise Broken(f"the stream {in_short(expected)}", in_short(self.stream), rule)
        if self.acks:
            self.acknowledge(len(self.stream))

    # ── what the client sends ────────────────────────────────────────────────────────────────

    def connect(self) -> None:
        """Ask for the session, and wait until the answer is there."""
        answers = self.acknowledged.count(0)
        self.peer.send(b"/connect/%d/" % self.number)
        if not self.peer.wait(lambda: self.acknowledged.count(0) > answers or self.closed > 0):
            raise self._missing(f"/ack/{self.number}/0/", Rule.OPEN)
        if self.closed:
            raise Broken(f"/ack/{self.number}/0/", f"/close/{self.number}/", Rule.OPEN)

    def data(self, start: int, end: int | None = None) -> None:
        """Send a part of the client's stream in one datagram."""
        part = escape(self.said[start:end])
        self.peer.send(b"/data/%d/%d/%b/" % (self.number, start, part))

    def say(self, data: bytes) -> None:
        """Go on with the client's stream, in one datagram."""
        start = len(self.said)
        self.said += data
        self.data(start)

    def acknowledge(self, length: int) -> None:
        """Say that so many bytes of the server's stream have come."""
        self.peer.send(b"/ack/%d/%d/" % (self.number, length))

    def send_close(self) -> None:
        """Say that the session is over."""
        self.peer.send(b"/close/%d/" % self.number)

    # ── what is awaited ──────────────────────────────────────────────────────────────────────

    def expect_ack(self, length: int) -> None:
        """Wait for an acknowledgement of so many bytes, which comes after this call."""
        before = len(self.acknowledged)
        if not self.peer.wait(lambda: length in self.acknowledged[before:]):
            raise self._missing(f"/ack/{self.number}/{length}/", None, self.acknowledged[before:])

    def expect_answer(self) -> None:
        """Wait until all is acknowledged, and all complete lines have come back."""
        if not self.peer.wait(lambda: len(self.said) in (*self.acknowledged, 0)):
            expected = f"/ack/{self.number}/{len(self.said)}/"
            raise self._missing(expected, Rule.DATA, self.acknowledged)
        expected_stream = reverse_lines(self.said)
        if not self.peer.wait(lambda: self.stream == expected_stream):
            rest = expected_stream[len(self.stream) :]
            raise self._missing(f"{in_short(rest)} from {len(self.stream):,} on", None)

    def expect_close(self, rule: Rule | None = None) -> None:
        """Wait until the server says that the session is closed, once more."""
        before = self.closed
        if not self.peer.wait(lambda: self.closed > before):
            raise self._missing(f"/close/{self.number}/", rule)

    def _missing(self, what: str, rule: Rule | None, acks: list[int] | None = None) -> Broken:
        got = f"nothing of the kind within {PATIENCE_S:g} s"
        if acks:
            got += f", but /ack/{self.number}/{acks[-1]}/"
        elif self.closed and not what.startswith("/close"):
            got += f", but /close/{self.number}/"
        return Broken(what, got, rule)

    def sent_again(self, timeout_s: float) -> bool:
        """Does another piece of the server's stream, new or known, come in time?"""
        before = len(self.copies)
        return self.peer.wait(lambda: len(self.copies) > before, timeout_s)

    # ── a whole conversation, whatever the network ───────────────────────────────────────────

    def converse(self, stream: bytes, timeout_s: float) -> None:
        """Send a whole stream, again and again what is lost, until all the answer has come.

        Raises:
            Broken: that took longer than `timeout_s`, or the server has closed the session.
        """
        until_s = self.peer.wire.now_s + timeout_s
        self._insist(b"connect", lambda: bool(self.acknowledged), until_s)
        self.said = stream
        answer = reverse_lines(stream)
        while max(self.acknowledged) < len(stream) or self.stream != answer:
            so_far = f"{len(self.stream):,} bytes of {len(answer):,}"
            if self.closed:
                got = f"/close/{self.number}/ after {so_far}"
                raise Broken("the session to stay open", got, Rule.NETWORK)
            self._in_time(until_s, f"{in_short(answer)}", so_far)
            self._send_window()
        self._insist(b"close", lambda: self.closed > 0, until_s)

    def _send_window(self) -> None:
        """Send some of what is not acknowledged, and give it time to be answered."""
        begin = max(self.acknowledged)
        end = min(len(self.said), begin + WINDOW * CHUNK_BYTES)
        for start in range(begin, end, CHUNK_BYTES):
            self.data(start, min(end, start + CHUNK_BYTES))
        full = len(reverse_lines(self.said[:end]))
        self.peer.wait(lambda: max(self.acknowledged) >= end and len(self.stream) >= full, AGAIN_S)

    def _insist(self, kind: bytes, done: Callable[[], bool], until_s: float) -> None:
        while not done():
            self._in_time(until_s, f"an answer to {kind.decode()}", "none")
            self.peer.send(b"/%b/%d/" % (kind, self.number))
            self.peer.wait(done, AGAIN_S)

    def _in_time(self, until_s: float, expected: str, got: str) -> None:
        if self.peer.wire.now_s > until_s:
            raise Broken(expected, f"{got} when time was up", Rule.NETWORK)
