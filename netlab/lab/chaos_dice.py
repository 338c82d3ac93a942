"""Chance that repeats: a number that depends on the seed and on what it is drawn for, alone.

A generator that is asked in turn would give other answers when two threads change places. So each
draw is named, and its name is hashed: BLAKE2b (RFC 7693), the same on every machine and Python.
"""

from __future__ import annotations

from hashlib import blake2b


class Dice:
    """Draws for one direction of one connection or flow."""

    def __init__(self, seed: object, *place: object) -> None:
        self._name = "/".join(map(str, (seed, *place)))

    def draw(self, *what: object) -> float:
        """Return a number from 0 up to, but not including, 1."""
        name = "/".join(map(str, (self._name, *what)))
        digest = blake2b(name.encode(), digest_size=7, person=b"netlab chaos").digest()
        return (int.from_bytes(digest, "big") >> 3) / 2**53  # as many bits as a float holds

    def whole(self, least: int, most: int, *what: object) -> int:
        """Return a whole number from `least` to `most`, both included."""
        return least + int(self.draw(*what) * (most - least + 1))
