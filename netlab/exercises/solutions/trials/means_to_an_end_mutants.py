"""Faulty variants of `means_to_an_end`, each with the probe that catches it."""

from __future__ import annotations

import bisect
import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable

Levels = dict[int, int]
Mean = Callable[[Levels, int, int], int]
SIZE = 9


def _threads(listener: socket.socket, serve_one: Callable[[socket.socket], None]) -> None:
    def guarded(connection: socket.socket) -> None:
        # struct.error, ZeroDivisionError: what ends one client's thread in many a first version
        with connection, contextlib.suppress(OSError, struct.error, ZeroDivisionError):
            serve_one(connection)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=[connection], daemon=True).start()


def _mean(levels: Levels, first: int, last: int) -> int:
    chosen = [level for time, level in levels.items() if first <= time <= last]
    return sum(chosen) // len(chosen) if chosen else 0


def _messages(
    connection: socket.socket,
    mean: Mean = _mean,
    layout: str = ">cii",
    levels: Levels | None = None,
) -> None:
    levels = {} if levels is None else levels
    with connection.makefile("rb") as stream:
        while len(message := stream.read(SIZE)) == SIZE:
            letter, first, second = struct.unpack(layout, message)
            if letter == b"I":
                levels[first] = second
            elif letter == b"Q":
                answer = mean(levels, first, second)
                connection.sendall(struct.pack(layout[0] + layout[2], answer))
            else:
                return


def means_to_an_end_little_endian(listener: socket.socket) -> None:
    _threads(listener, lambda one: _messages(one, layout="<cii"))


def means_to_an_end_says_thanks(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        levels: Levels = {}
        with connection.makefile("rb") as stream:
            while len(message := stream.read(SIZE)) == SIZE:
                letter, first, second = struct.unpack(">cii", message)
                if letter == b"I":
                    levels[first] = second
                answer = _mean(levels, first, second) if letter == b"Q" else 0
                connection.sendall(struct.pack(">i", answer))

    _threads(listener, serve_one)


def means_to_an_end_unsigned(listener: socket.socket) -> None:
    _threads(listener, lambda one: _messages(one, layout=">cII"))


def means_to_an_end_without_the_last(listener: socket.socket) -> None:
    _threads(listener, lambda one: _messages(one, lambda all, a, b: _mean(all, a, b - 1)))


def means_to_an_end_divides_by_zero(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        chosen = [level for time, level in levels.items() if first <= time <= last]
        return sum(chosen) // len(chosen)

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_turns_it_round(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        return _mean(levels, min(first, last), max(first, last))

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_packs_a_fraction(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        chosen = [level for time, level in levels.items() if first <= time <= last]
        exact = sum(chosen) / max(1, len(chosen))
        return int(exact) if exact.is_integer() else exact  # type: ignore[return-value]

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_believes_in_order(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        times = list(levels)
        chosen = times[bisect.bisect_left(times, first) : bisect.bisect_right(times, last)]
        return sum(levels[time] for time in chosen) // len(chosen) if chosen else 0

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_sums_in_four_bytes(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        chosen = [level for time, level in levels.items() if first <= time <= last]
        total = (sum(chosen) + 2**31) % 2**32 - 2**31
        return total // len(chosen) if chosen else 0

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_sums_in_floats(listener: socket.socket) -> None:
    def mean(levels: Levels, first: int, last: int) -> int:
        (exact,) = struct.unpack("f", struct.pack("f", _mean(levels, first, last)))
        return min(int(exact), 2**31 - 1)

    _threads(listener, lambda one: _messages(one, mean))


def means_to_an_end_strips(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        levels: Levels = {}
        kept = b""
        while data := connection.recv(4096).strip():
            kept += data
            while len(kept) >= SIZE:
                letter, first, second = struct.unpack(">cii", kept[:SIZE])
                kept = kept[SIZE:]
                if letter == b"I":
                    levels[first] = second
                elif letter == b"Q":
                    connection.sendall(struct.pack(">i", _mean(levels, first, second)))
                else:
                    return

    _threads(listener, serve_one)


def means_to_an_end_takes_a_piece_for_a_message(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        levels: Levels = {}
        while message := connection.recv(SIZE):
            letter, first, second = struct.unpack(">cii", message)
            if letter == b"I":
                levels[first] = second
            elif letter == b"Q":
                connection.sendall(struct.pack(">i", _mean(levels, first, second)))
            else:
                return

    _threads(listener, serve_one)


def means_to_an_end_first_of_a_piece(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        levels: Levels = {}
        kept = b""
        while data := connection.recv(4096):
            kept += data
            handled = 0
            while len(kept) >= SIZE and handled < 8:  # and the rest when more comes
                letter, first, second = struct.unpack(">cii", kept[:SIZE])
                kept, handled = kept[SIZE:], handled + 1
                if letter == b"I":
                    levels[first] = second
                elif letter == b"Q":
                    connection.sendall(struct.pack(">i", _mean(levels, first, second)))
                else:
                    return

    _threads(listener, serve_one)


def means_to_an_end_shares(listener: socket.socket) -> None:
    levels: dict[str, Levels] = {}

    def serve_one(connection: socket.socket) -> None:
        # By the address alone: all clients of this machine have the same.
        mine = levels.setdefault(connection.getpeername()[0], {})
        _messages(connection, levels=mine)
        mine.clear()

    _threads(listener, serve_one)


def means_to_an_end_ignores_the_unknown(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        levels: Levels = {}
        with connection.makefile("rb") as stream:
            while len(message := stream.read(SIZE)) == SIZE:
                letter, first, second = struct.unpack(">cii", message)
                if letter == b"I":
                    levels[first] = second
                elif letter == b"Q":
                    connection.sendall(struct.pack(">i", _mean(levels, first, second)))

    _threads(listener, serve_one)


def means_to_an_end_sorts_each_time(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        readings: list[tuple[int, int]] = []
        with connection.makefile("rb") as stream:
            while len(message := stream.read(SIZE)) == SIZE:
                letter, first, second = struct.unpack(">cii", message)
                if letter == b"I":
                    readings = sorted({**dict(readings), first: second}.items())
                elif letter == b"Q":
                    answer = _mean(dict(readings), first, second)
                    connection.sendall(struct.pack(">i", answer))
                else:
                    return

    _threads(listener, serve_one)


def means_to_an_end_one_after_the_other(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            _messages(connection)


def means_to_an_end_fragile(listener: socket.socket) -> None:
    def serve_one(connection: socket.socket) -> None:
        try:
            _messages(connection)
        except ConnectionResetError:
            os._exit(1)

    _threads(listener, serve_one)


MUTANTS = (
    (means_to_an_end_little_endian, "a reading and a query"),
    (means_to_an_end_says_thanks, "a reading and a query"),
    (means_to_an_end_without_the_last, "both ends of a query"),
    (means_to_an_end_divides_by_zero, "no reading at all"),
    (means_to_an_end_turns_it_round, "no reading at all"),
    (means_to_an_end_unsigned, "times and levels below zero"),
    (means_to_an_end_packs_a_fraction, "means that are no whole number"),
    (means_to_an_end_believes_in_order, "readings in any order"),
    (means_to_an_end_sums_in_four_bytes, "the largest and the smallest"),
    (means_to_an_end_sums_in_floats, "the largest and the smallest"),
    (means_to_an_end_strips, "bytes that look like something else"),
    (means_to_an_end_takes_a_piece_for_a_message, "messages in pieces"),
    (means_to_an_end_first_of_a_piece, "several messages in one piece"),
    (means_to_an_end_shares, "readings of one's own"),
    (means_to_an_end_ignores_the_unknown, "an unknown letter"),
    (means_to_an_end_sorts_each_time, "twenty thousand readings"),
    (means_to_an_end_one_after_the_other, "readings of one's own"),
    (means_to_an_end_fragile, "a client that vanishes"),
)
