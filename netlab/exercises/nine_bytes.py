"""The messages of `means-to-an-end`, and the right answers to them."""

from __future__ import annotations

import struct

MESSAGE = struct.Struct(">cii")
MEAN = struct.Struct(">i")
LOWEST, HIGHEST = -(2**31), 2**31 - 1

IN_WORDS = 8
"""messages, up to which they are told in words"""

Mean = tuple[int, int]
"""the whole numbers next to it: the lower and the higher"""


def told(time: int, level: int) -> bytes:
    """Return the message that tells a reading."""
    return MESSAGE.pack(b"I", time, level)


def asked(first: int, last: int) -> bytes:
    """Return the message that asks for a mean."""
    return MESSAGE.pack(b"Q", first, last)


def answers(stream: bytes) -> tuple[list[Mean], bool]:
    """Return the answers to the messages of a stream, and whether an unknown one ends it."""
    levels: dict[int, int] = {}
    found: list[Mean] = []
    whole = len(stream) // MESSAGE.size * MESSAGE.size
    for letter, first, second in MESSAGE.iter_unpack(stream[:whole]):
        if letter == b"I":
            levels[first] = second
        elif letter == b"Q":
            chosen = [level for time, level in levels.items() if first <= time <= second]
            total, number = sum(chosen), max(1, len(chosen))
            found.append((total // number, -(-total // number)))
        else:
            return found, True
    return found, False


def in_words(stream: bytes) -> str:
    """Return the whole messages of a stream, unless they are too many to be told."""
    whole = len(stream) // MESSAGE.size * MESSAGE.size
    words = [
        f"{letter.decode('latin-1')!r} {first} {second}"
        for letter, first, second in MESSAGE.iter_unpack(stream[:whole])
    ]
    return ", ".join(words) if len(words) <= IN_WORDS else ""
