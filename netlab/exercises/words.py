"""Words for a report: bytes in short, differences, and texts that read the same run after run."""

from __future__ import annotations

import re


class Broken(Exception):
    """The code under test broke its specification: what was expected, and what came."""

    def __init__(self, expected: str, got: str, rule: int | None = None) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = steady(got)
        self.rule = rule
        """number of the rule that it broke, where that is not the one that the probe tests"""


_CHANCE = (
    (re.compile(r" at 0x[0-9A-Fa-f]{6,}"), ""),
    (re.compile(r"\bfd=\d+"), "fd=…"),
    (re.compile(r"(\('(?:127\.[\d.]+|::1|::)', )\d{4,5}\b"), r"\1PORT"),
    (re.compile(r"/tmp/ipykernel_\d+/\d+\.py"), "the cell"),  # noqa: S108 - read, not written
)


def steady(text: str) -> str:
    """Return the text without what chance decides: memory addresses, descriptors, free ports."""
    for pattern, instead in _CHANCE:
        text = pattern.sub(instead, text)
    return text


def in_short(data: bytes) -> str:
    """Return bytes as a reader wants them in a sentence."""
    if len(data) <= 40:
        return repr(data)
    return f"{len(data):,} bytes ({data[:12]!r} …)"


def in_pieces(pieces: tuple[bytes, ...]) -> str:
    """Return pieces as they are sent, one after the other."""
    if len(pieces) > 8:
        return f"{len(pieces)} pieces: {in_pieces(pieces[:3])} …"
    return ", ".join(in_short(piece) for piece in pieces)


def difference(expected: bytes, got: bytes, problem: str) -> str:
    """Say where `got`, after which came `problem`, is not what was expected."""
    same = next((i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), None)
    if same is not None:
        if len(expected) <= 40 and len(got) <= 40:
            return in_short(got)
        return f"other bytes from position {same:,} on: {got[same : same + 12]!r} …"
    if not got:
        return problem
    if not expected:
        return f"{in_short(got)}, then {problem}"
    if len(expected) <= 40:
        return f"{in_short(got)}, then {problem}"
    return f"only a part of them, then {problem}"  # how large a part differs from run to run


def error_in_words(error: OSError) -> str:
    """Return what the system said."""
    return f"{type(error).__name__} ({error.strerror or error})"


def count(number: int, noun: str) -> str:
    """Return `1 probe`, `2 probes`, `1 try`, `2 tries`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"
