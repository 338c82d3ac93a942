"""Readers of lines for the red team of chapter 02: one that loses bytes, and correct ones."""

from __future__ import annotations


class PlainReader:
    """A correct reader."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        *lines, self._tail = (self._tail + data).split(b"\n")
        return lines


class ThriftyReader:
    """A correct reader that keeps pieces instead of putting them together each time."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        first, newline, rest = data.partition(b"\n")
        self._pieces.append(first)
        if not newline:
            return []
        lines = [b"".join(self._pieces)]
        self._pieces = []
        return lines + self.feed(rest)


class ForgetfulReader:
    """Keeps a tail, but only the last one: a piece in the middle of a line replaces it."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete now."""
        if b"\n" not in data:
            self._tail = data
            return []
        *lines, self._tail = (self._tail + data).split(b"\n")
        return lines
