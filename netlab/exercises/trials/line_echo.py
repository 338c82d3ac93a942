"""`line-echo`: the smallest server with a protocol, for any language."""

from __future__ import annotations

from typing import Any

from netlab.exercises.conditions import (
    bytewise,
    coalesced,
    cut_characters,
    every,
    every_split,
    random_splits,
    storm,
    straddling,
)
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve
from netlab.exercises.shrink import Pieces
from netlab.exercises.trial import Trial

MAX_LINE_BYTES = 65_536
"""longest line that is answered, counting its newline"""
CROWD = 20
"""clients that are connected at the same time"""
STORM = 100
"""clients that come and go at once"""
UNREAD_BYTES = 64 * 1024 * 1024
"""of answers that nobody reads, at most so many are asked for"""
EARLY_S = 0.2
"""seconds in which an answer to what was read is seen, if it comes too early"""

CAFE = "café 🙂\n"
LINES = (b"one\n", b"\n", b"three\r\n", b"\xff\x00\xfe\n")


def answer(pieces: Pieces) -> bytes:
    """What the specification has the server answer to these pieces: their complete lines."""
    stream = b"".join(pieces)
    return stream[: stream.rfind(b"\n") + 1]


def _attempt(trial: Trial, address: Any, case: Pieces) -> None:
    talk = trial.talk(address)
    talk.send_apart(*case)
    talk.expect(answer(case))
    talk.half_close()
    talk.expect_end()


def _one_line(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    for line in (b"hello\n", b"hello again\n"):
        talk.send(line)
        talk.expect(line)


def _no_text(trial: Trial) -> None:
    every(trial, [(line,) for line in LINES], _attempt)


def _splits(trial: Trial) -> None:
    cases = [*every_split(b"ab\ncd\n"), bytewise(b"ab\ncd\n"), *straddling(LINES)]
    every(trial, cases, _attempt)


def _characters(trial: Trial) -> None:
    every(trial, cut_characters(CAFE), _attempt)


def _coalesced(trial: Trial) -> None:
    every(trial, [coalesced(LINES), coalesced(LINES * 8)], _attempt)


def _drawn(trial: Trial) -> None:
    stream = bytes(trial.random.choice(b"ab\n\xc3\xa9") for _ in range(60)) + b"\n"
    every(trial, random_splits(stream, 10, trial.random), _attempt)


def _not_early(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(b"half a li")
    talk.wait_read()
    talk.expect_silence(EARLY_S, "the newline")
    talk.send(b"ne\n")
    talk.expect(b"half a line\n")


def _last_words(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(b"whole\nunfinished")
    talk.half_close()
    talk.expect(b"whole\n")
    talk.expect_end()


def _nothing(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.half_close()
    talk.expect_end()


def _longest(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.exchange(b"x" * (MAX_LINE_BYTES - 1) + b"\n")


def _too_long(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = trial.talk(address, "too long")
    talk.send(b"x" * (MAX_LINE_BYTES + 1))
    talk.expect_end(reset_allowed=True)
    _still_there(trial, address)


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    crowd = [trial.talk(address, f"client {number}") for number in range(1, CROWD + 1)]
    for number, talk in reversed(list(enumerate(crowd, 1))):
        words = f"I am number {number}\n".encode()
        talk.send(words)
        talk.expect(words)
    trial.tally(CROWD)


def _never_reads(trial: Trial) -> None:
    address = trial.wait("listening")
    trial.talk(address, "never reads").stuff(b"y" * 8191 + b"\n", UNREAD_BYTES)
    _still_there(trial, address)


def _reset(trial: Trial) -> None:
    address = trial.wait("listening")
    rude = trial.talk(address, "rude")
    rude.send(b"hello\n")
    rude.expect(b"hello\n")
    rude.send(b"in mid-l")
    rude.reset()
    _still_there(trial, address, "next", "and one more")


def _storm(trial: Trial) -> None:
    address = trial.wait("listening")
    storm(trial, address, STORM, b"I was never he")
    trial.tally(STORM)
    _still_there(trial, address)


def _still_there(trial: Trial, address: Any, *names: str) -> None:
    for name in names or ("next",):
        talk = trial.talk(address, name)
        talk.send(b"still there?\n")
        talk.expect(b"still there?\n")


TRIAL = Exercise(
    "line-echo",
    chapter="trials",
    kind="trial",
    title="On trial: a server that echoes lines",
    task="Write a TCP server that sends each line back, in any language, and examine it while it "
    "runs: `netlab check line-echo 127.0.0.1:9000`. In Python a function `line_echo(listener)` "
    "will do: it serves the clients of a listening socket for ever.",
    rules=(
        r"A line ends with the byte `\n`. Each line comes back to who sent it, byte for byte, its "
        r"`\n` (and a `\r` before it) included; it may be empty, and need not be text.",
        "Where TCP cuts the stream means nothing: a line may come in many pieces, cut anywhere, "
        "even inside a character, and one piece may hold several lines.",
        r"A line is answered when its `\n` has come: neither earlier, nor only when more comes.",
        "When a client has finished sending (FIN), the server answers the complete lines, not an "
        "unfinished one, and closes the connection.",
        f"A line has at most {MAX_LINE_BYTES:,} bytes, its `\\n` included. When more have come "
        "without one, the server closes the connection, and answers nothing to it.",
        f"{CROWD} clients and more may be connected at once. One that is silent, or never reads, "
        "keeps no other waiting.",
        "A client that vanishes (RST) costs only its own connection, and so do many that come and "
        "go at once.",
    ),
    hints=(
        "Keep what has come and is no whole line yet, for each client, and look for the newline "
        "in that and what comes next together.",
        "A thread, or a task, for each client keeps them from waiting for one another.",
        "In Python: `connection.makefile('rb')`, then `readline(65536)`; what it returns without a "
        "newline at its end is too long, or unfinished.",
    ),
    probes=(
        Probe("a line, then another", 1, _one_line, serve),
        Probe("lines that are no text", 1, _no_text, serve),
        Probe("several lines in one piece", 2, _coalesced, serve),
        Probe("every split", 2, _splits, serve),
        Probe("characters cut in two", 2, _characters, serve),
        Probe("cuts drawn at random", 2, _drawn, serve),
        Probe("half a line", 3, _not_early, serve),
        Probe("last words without a newline", 4, _last_words, serve),
        Probe("a client that says nothing and ends", 4, _nothing, serve),
        Probe("the longest line", 5, _longest, serve),
        Probe("a line that is too long", 5, _too_long, serve),
        Probe("twenty clients at once", 6, _crowd, serve),
        Probe("a client that never reads", 6, _never_reads, serve),
        Probe("a client that vanishes", 7, _reset, serve),
        Probe("a storm of clients", 7, _storm, serve),
    ),
    converse=Probe("last words without a newline", 4, _last_words, serve),
    preload=("asyncio",),
)
