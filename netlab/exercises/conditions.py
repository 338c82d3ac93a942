"""What a network may do to a conversation: building blocks for probes.

Cuts of a byte stream (`every_split`, `bytewise`, `coalesced`, `cut_characters`, `random_splits`)
are cases, tuples of pieces, for `every` (a server, over TCP) and for `cases.run_cases` (a parser,
in its process). What happens to connections as a whole, a `Talk` does: `trickle`, `send_apart`,
`half_close`, `reset`, `stuff` (a peer that never reads); a silent peer is one that only connects.
`storm` has many come and go. Datagrams are lost, doubled and delayed in `simulated`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from netlab.exercises.shrink import Pieces, shrink
from netlab.exercises.trial import STEP_S, Trial
from netlab.exercises.words import Broken, count, in_pieces

SMALL_BYTES, SMALL_PIECES = 8, 3
"""a case that is short enough to be understood as it is"""
SHRINK_TRIES = 16
SHRINK_PATIENCE_S = 0.25
"""seconds of patience while a failing case is made shorter; the shortest is tried with all of it"""
MAX_STORM = 200
"""connections, so that a probe is no attack on the machine"""


def every_split(stream: bytes) -> list[Pieces]:
    """Return the stream in one piece, then in two, cut at every place, from the front."""
    return [(stream,), *((stream[:cut], stream[cut:]) for cut in range(1, len(stream)))]


def bytewise(stream: bytes) -> Pieces:
    """Return the stream one byte at a time."""
    return tuple(stream[i : i + 1] for i in range(len(stream)))


def coalesced(messages: Iterable[bytes]) -> Pieces:
    """Return the messages in one piece, as TCP may deliver what was sent in several."""
    return (b"".join(messages),)


def straddling(messages: Sequence[bytes]) -> list[Pieces]:
    """Return the messages in pieces which each end one byte into the next message, or before."""
    stream = b"".join(messages)
    ends = [len(b"".join(messages[:number])) for number in range(1, len(messages))]
    return [_cut(stream, [end + shift for end in ends]) for shift in (1, -1)]


def cut_characters(text: str) -> list[Pieces]:
    """Return the text in UTF-8, cut inside each of its characters of several bytes."""
    stream = text.encode()
    inside = [i for i, byte in enumerate(stream) if byte & 0xC0 == 0x80]
    return [(stream[:cut], stream[cut:]) for cut in inside]


def random_splits(stream: bytes, number: int, chance: random.Random) -> list[Pieces]:
    """Return the stream `number` times, each cut at a few places that chance decides."""
    found = []
    for _ in range(number):
        cuts = chance.sample(range(1, len(stream)), min(len(stream) - 1, chance.randint(2, 6)))
        found.append(_cut(stream, sorted(cuts)))
    return found


def _cut(stream: bytes, cuts: Sequence[int]) -> Pieces:
    borders = [0, *cuts, len(stream)]
    pieces = (stream[a:b] for a, b in itertools.pairwise(borders))
    return tuple(piece for piece in pieces if piece)


Attempt = Callable[[Trial, Any, Pieces], None]
"""`attempt(trial, address, pieces)`: one conversation on a new connection; raises Broken"""


def every(trial: Trial, cases: Iterable[Pieces], attempt: Attempt) -> None:
    """Attempt each case; when one fails, find the shortest that does, and tell that one's story.

    The shorter cases are tried on a fresh process (or, of a server that runs already, a new
    connection), so that no case suffers from the one before it.

    Raises:
        Broken: as the shortest case raised it.
    """
    address = trial.wait("listening")
    for case in cases:
        trial.forget()
        trial.tally()
        try:
            attempt(trial, address, case)
        except Broken as broken:
            _shorten(trial, case, attempt, broken)
        trial.close_talks()


def _shorten(trial: Trial, case: Pieces, attempt: Attempt, broken: Broken) -> None:
    def fails(shorter: Pieces) -> bool:
        with trial.again(SHRINK_PATIENCE_S) as fresh:
            return _outcome(fresh, shorter, attempt) is not None

    small = len(b"".join(case)) <= SMALL_BYTES and len(case) <= SMALL_PIECES
    shortest = case if small else shrink(case, fails, SHRINK_TRIES)
    if shortest == case:
        raise broken
    with trial.again(trial.patience_s) as fresh:
        found = _outcome(fresh, shortest, attempt)
    if found is None:  # it was only slow
        raise broken
    fresh.shrunk = f"the shortest case found; what failed first was {in_pieces(case)}"
    trial.adopt(fresh)
    raise found


def _outcome(trial: Trial, case: Pieces, attempt: Attempt) -> Broken | None:
    try:
        address = trial.wait("listening", STEP_S)
    except Broken:  # a new process is no part of the case
        return None
    try:
        attempt(trial, address, case)
    except Broken as broken:
        return broken
    return None


def storm(trial: Trial, address: Any, number: int, greeting: bytes = b"") -> None:
    """Have many clients connect at once, say `greeting`, and go: every third by RST.

    The transcript gets one sentence for it, the recording nothing.

    Raises:
        Broken: one of them could not connect.
    """
    if number > MAX_STORM:
        raise ValueError(f"a storm of {number}: at most {MAX_STORM} connections are allowed")
    crowd = []
    with trial.in_silence():
        for each in range(number):
            crowd.append(trial.talk(address, f"client {each + 1} of {number}"))
            if greeting:
                crowd[-1].send(greeting)
        for each, talk in enumerate(crowd):
            if each % 3 == 2:
                talk.reset(wait=False)
            else:
                talk.leave()
        trial.let_notice()
    trial.note(f"{count(number, 'client')} connect at once and go, every third by RST")
