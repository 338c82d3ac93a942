"""Make a failing case short: a bisection over its pieces and their bytes, bounded in tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Pieces = tuple[bytes, ...]
"""what is sent, one piece after the other, each in a segment (or a call) of its own"""


def shrink(case: Pieces, fails: Callable[[Pieces], bool], max_tries: int = 200) -> Pieces:
    """Return the shortest case found that still fails; `case` itself if there is none shorter.

    Shorter means: fewer pieces, then fewer bytes, then simpler bytes. The same case and the same
    `fails` give the same answer: nothing is drawn, and no clock is read.

    Args:
        case: it fails.
        fails: does a case fail?
        max_tries: of `fails`, then the shortest so far is good enough.
    """
    seen = {case}
    tries = 0
    progress = True
    while progress:
        progress = False
        for shorter in _shorter(case):
            if shorter in seen or not any(shorter):
                continue
            if tries == max_tries:
                return case
            seen.add(shorter)
            tries += 1
            if fails(shorter):
                case, progress = shorter, True
                break
    return case


def _shorter(case: Pieces) -> Iterator[Pieces]:
    """Yield cases a step shorter, the bold steps first."""
    if len(case) > 1:
        half = len(case) // 2
        yield case[:half]
        yield case[half:]
        yield (b"".join(case),)
        for number in range(len(case)):
            yield case[:number] + case[number + 1 :]
        for number in range(len(case) - 1):
            joined = case[number] + case[number + 1]
            yield (*case[:number], joined, *case[number + 2 :])
    for number, piece in enumerate(case):
        for part in _parts(piece):
            yield (*case[:number], part, *case[number + 1 :])


def _parts(piece: bytes) -> Iterator[bytes]:
    if len(piece) > 1:
        half = len(piece) // 2
        yield piece[half:]
        yield piece[:half]
    if 1 < len(piece) <= 16:
        for number in range(len(piece)):
            yield piece[:number] + piece[number + 1 :]
    plainer = bytes(0x61 if 0x61 < byte < 0x7B else byte for byte in piece)  # letters become a
    if plainer != piece:
        yield plainer
