"""One end of a connection to be written to, without waiting: what is taken, what is left."""

from __future__ import annotations

import contextlib
import random
import socket

from netlab.exercises.calls import Function, Report, result

MOST_ROUNDS = 10_000


def write_once(function: Function, report: Report, data: bytes, full: bool) -> None:
    """Call `function(sock, unsent)` once; report what it returned, what arrived, what is left.

    `full`: is there no room for a single byte more? What filled it is not counted as arrived.
    """
    ours, theirs = _pair()
    with ours, theirs:
        filling = _fill(ours) if full else 0
        unsent = bytearray(data)
        returned = result(function, ours, unsent)
        arrived = _drain(theirs)[filling:]
    report("answer", (returned, *_fate(data, arrived, bytes(unsent))))


def write_in_rounds(function: Function, report: Report, n_bytes: int) -> None:
    """Call it as long as it returns True, and read all at the other end in between."""
    ours, theirs = _pair()
    data = random.Random(6).randbytes(n_bytes)  # noqa: S311 - no secret, but noise
    unsent, arrived = bytearray(data), bytearray()
    with ours, theirs:
        for _ in range(MOST_ROUNDS):
            returned = result(function, ours, unsent)
            arrived += _drain(theirs)
            if returned is not True:
                break
    report("answer", (returned, *_fate(data, bytes(arrived), bytes(unsent))))


def write_to_nobody(function: Function, report: Report) -> None:
    """Call it when the other end has been closed; report if it raised ConnectionError."""
    ours, theirs = _pair()
    theirs.close()
    with ours:
        try:
            report("answer", repr(result(function, ours, bytearray(b"hello"))))
        except ConnectionError:
            report("answer", "ConnectionError")


def _fate(data: bytes, arrived: bytes, left: bytes) -> tuple[int, int, str]:
    """Return how much arrived, how much is left, and what went wrong: empty if nothing did."""
    if arrived + left == data:
        return len(arrived), len(left), ""
    if data and not arrived and not left:
        return 0, 0, "`unsent` is empty, and nothing was sent"
    if arrived and left == data:
        return len(arrived), len(left), "what was sent still stands in `unsent`"
    return len(arrived), len(left), "what was sent and what is left in `unsent` do not make it up"


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def _fill(sock: socket.socket) -> int:
    filled = 0
    for size in (65_536, 1):  # to the last byte
        with contextlib.suppress(BlockingIOError):
            while True:
                filled += sock.send(bytes(size))
    return filled


def _drain(sock: socket.socket) -> bytes:
    arrived = bytearray()
    with contextlib.suppress(BlockingIOError):
        while data := sock.recv(65_536):
            arrived += data
    return bytes(arrived)
