"""`mob-in-the-middle`: a proxy that rewrites what people in a chat tell each other."""

from __future__ import annotations

import re
from typing import Any

from netlab.exercises.conditions import bytewise, coalesced, every, random_splits, straddling
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.shrink import Pieces
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.upstream import DEFAULT, VARIABLE, Upstream, serve_between

OURS = b"bx0postoffice"
MAX_LINE_BYTES = 100_000
"""longest line that is passed on, counting its newline"""
CROWD = 10
EARLY_S = 0.1
"""seconds in which what was read is seen, if it is passed on too early"""

ONE, TWO = b"bx4k7q2m9r", b"bxnoordzee2024"  # the shortest and the longest
LINES = (b"to " + ONE + b"\n", TWO + b"\n", b"\n", b"x\n")
REWRITTEN = (
    ONE,
    b"my box is " + ONE,
    TWO + b" is mine",
    b"write to " + ONE + b" or " + TWO + b" please",
    b"  " + ONE + b"  ",
)
ADJACENT = (
    b" ".join([ONE] * 5),
    b"bx00000000 bxaaaaaaaaa bx0a0a0a0a0a bxzzzzzzzzzzz",
    ONE + b"  " + ONE + b" " + TWO,
)
LENGTHS = (b"bx4k7q2m9", b"bx", b"bxnoordzee2024x", b"bx" + b"0" * 30)
NO_CODES = (
    b"BX4K7Q2M9R",
    b"bx4k7q2m9R",
    b"b4k7q2m9rx",
    b"abx4k7q2m9r",
    b"bx4k7q2m9r, please",
    b"(bx4k7q2m9r)",
    b"bx4k7q2m9r-7",
    b"x-bx4k7q2m9r",
    b"bx4k7_q2m9r",
    b"bx4k7q2m9r\r",
    b"bx4k7q2m9r\tbx4k7q2m9r",
)
NO_ASCII = (
    b"\xff " + ONE + b" caf\xe9",
    "bx4k7q2m9é".encode(),
    "bx4k7q2m٣٣".encode(),
    "at\N{NO-BREAK SPACE}bx4k7q2m9r".encode(),
    "grüß dich, ".encode() + ONE,
    b"bx4k7q2m9r\x0bx\x1c\x85",
)


def rewritten(line: bytes) -> bytes:
    """Return the line with our code for each code in it."""
    return b" ".join(
        OURS if re.fullmatch(rb"bx[a-z0-9]{8,12}", word) else word for word in line.split(b" ")
    )


def _passed_on(stream: bytes) -> bytes:
    return b"".join(rewritten(line) + b"\n" for line in stream.split(b"\n")[:-1])


def _one_way(sender: Talk, receiver: Talk, case: Pieces) -> None:
    stream = b"".join(case)
    expected = _passed_on(stream)
    sender.send_apart(*case)
    receiver.expect(expected)
    sender.half_close()
    receiver.expect_end()
    sender.expect_end()


def _up(trial: Trial, where: Any, case: Pieces) -> None:
    """Say it as a client, hear it as the server, end as the client."""
    with Upstream(trial, where) as upstream:
        client, server = upstream.pair()
        _one_way(client, server, case)


def _down(trial: Trial, where: Any, case: Pieces) -> None:
    """Say it as the server, hear it as a client, end as the server."""
    with Upstream(trial, where) as upstream:
        client, server = upstream.pair()
        _one_way(server, client, case)


def _lines(trial: Trial, lines: tuple[bytes, ...]) -> None:
    """Say each line, and hear it at the other end, in both directions."""
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        for line in lines:
            trial.tally()
            if len(line) > 39:
                trial.note(f"the next line is {line!r}")
            for sender, receiver in ((client, server), (server, client)):
                sender.send(line + b"\n")
                receiver.expect(rewritten(line) + b"\n")


def _plain(trial: Trial) -> None:
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        server.send(b"Your name?\n")
        client.expect(b"Your name?\n")
        client.send(b"Ada\n")
        server.expect(b"Ada\n")
        for line in (b"[Bob] hello Ada\n", b"\n", b"* Bob has gone\n"):
            server.send(line)
            client.expect(line)


def _codes(trial: Trial) -> None:
    _lines(trial, REWRITTEN)


def _adjacent(trial: Trial) -> None:
    _lines(trial, ADJACENT)


def _lengths(trial: Trial) -> None:
    _lines(trial, LENGTHS)


def _no_codes(trial: Trial) -> None:
    _lines(trial, NO_CODES)


def _no_ascii(trial: Trial) -> None:
    _lines(trial, NO_ASCII)


def _coalesced(trial: Trial) -> None:
    every(trial, [coalesced(LINES)], _up)


def _coalesced_back(trial: Trial) -> None:
    every(trial, [coalesced(LINES)], _down)


def _pieces(trial: Trial) -> None:
    stream = b"".join(LINES)
    cuts = [(stream[:cut], stream[cut:]) for cut in range(1, len(stream), 2)]
    every(trial, [*cuts, bytewise(LINES[0]), *straddling(LINES)], _up)


def _pieces_back(trial: Trial) -> None:
    stream = b"".join(LINES)
    cuts = [(stream[:cut], stream[cut:]) for cut in range(2, len(stream), 4)]
    every(trial, [*cuts, *straddling(LINES)], _down)


def _drawn(trial: Trial) -> None:
    words = [ONE, TWO, b"bx4k7q2m9", b"", b"hello", b"\xff\n"]
    stream = b" ".join(trial.random.choices(words, k=12)) + b"\n"
    every(trial, random_splits(stream, 4, trial.random), _up)


def _not_early(trial: Trial) -> None:
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        client.send(b"write to " + ONE)
        client.wait_read()
        server.expect_silence(EARLY_S, "the newline")
        server.send(b"hello\n")
        client.expect(b"hello\n")
        client.send(b"x4k7x4\n")
        server.expect(b"write to " + ONE + b"x4k7x4\n")


def _last_words(trial: Trial) -> None:
    every(trial, [(b"whole " + ONE + b"\nunfinished " + ONE,), (b"unfinished",), ()], _up)


def _last_words_back(trial: Trial) -> None:
    every(trial, [(b"whole " + ONE + b"\nunfinished " + ONE,), (b"unfinished",), ()], _down)


def _longest(trial: Trial) -> None:
    start = ONE + b" " + b"x" * 40_000 + b" " + TWO + b" "
    line = start + b"y" * (MAX_LINE_BYTES - 1 - len(start))
    with Upstream(trial, trial.wait("listening")) as upstream:
        client, server = upstream.pair()
        client.send(line + b"\n")
        server.expect(rewritten(line) + b"\n")


def _crowd(trial: Trial) -> None:
    with Upstream(trial, trial.wait("listening")) as upstream:
        pairs = [upstream.pair(f"client {n}", f"server {n}") for n in range(1, CROWD + 1)]
        for number, pair in reversed(list(enumerate(pairs, 1))):
            for sender, receiver in (pair, pair[::-1]):
                sender.send(b"number %d at %s\n" % (number, ONE))
                receiver.expect(b"number %d at %s\n" % (number, OURS))


def _vanishing(trial: Trial) -> None:
    with Upstream(trial, trial.wait("listening")) as upstream:
        for vanishes in (0, 1):
            pair = upstream.pair()
            other = pair[1 - vanishes]
            pair[vanishes].send(b"hello\n")
            other.expect(b"hello\n")
            pair[vanishes].send(b"in mid-l")
            pair[vanishes].reset()
            other.expect_end(reset_allowed=True)
        _still_there(upstream)


def _refused(trial: Trial) -> None:
    where = trial.wait("listening")
    with Upstream(trial, where) as upstream:
        upstream.refuse()
        trial.note("the server upstream does not listen")
        upstream.client("client").expect_end(reset_allowed=True)
    with Upstream(trial, where) as upstream:
        trial.note("the server upstream listens again")
        _still_there(upstream)


def _still_there(upstream: Upstream) -> None:
    client, server = upstream.pair("next", "the server")
    client.send(b"still there, " + ONE + b"\n")
    server.expect(rewritten(b"still there, " + ONE) + b"\n")


TRIAL = Exercise(
    "mob-in-the-middle",
    chapter="trials",
    kind="trial",
    title="On trial: a proxy that rewrites addresses",
    task="In a chat in lines, pen friends tell each other the codes of their letter boxes, such as "
    "`bx4k7q2m9r`. All boxes have moved into the post office. Write a TCP proxy between the "
    "clients and the chat server, which puts `bx0postoffice` in place of every code, in both "
    "directions. In Python a function `mob_in_the_middle(listener, upstream_address)` will do: "
    "it serves the clients of a listening socket for ever, and connects to the server at that "
    "address. Or examine a proxy while it runs: `netlab check mob-in-the-middle 127.0.0.1:9000`. "
    f"The examiner is the server, too, at {DEFAULT}, where your proxy must look for it, or at what "
    f"the environment variable `{VARIABLE}` says (HOST:PORT). (This is what problem 5 of "
    "Protohackers asks for, with other codes.)",
    rules=(
        "For each client that connects, the proxy connects to the server, once and at once. Then "
        r"each line, which ends with `\n`, is passed on, from the client to the server and from "
        "the server to the client: in order, and unchanged, but for codes. It may be empty.",
        "Words are what single spaces (`0x20`) separate; nothing else separates them, no tab, no "
        r"`\r` and no punctuation. A code is a word of `bx` and 8 to 12 lower-case letters (a to "
        "z) or digits (0 to 9), and of nothing else. Each is rewritten, wherever it stands in the "
        "line, also if one follows another; spaces stay as they are.",
        "Lines need not be text: any byte but the newline may be in them, and is passed on.",
        "Where TCP cuts the stream means nothing: a line, and a code in it, may come in many "
        r"pieces, and one piece may hold several lines. A line is passed on when its `\n` has "
        "come; nothing of it before.",
        "When either end has finished sending (FIN), its complete lines are passed on, an "
        "unfinished one is not, and both connections are closed.",
        f"A line has up to {MAX_LINE_BYTES:,} bytes, its `\\n` included. (What becomes of longer "
        "ones is up to you.)",
        f"{CROWD} clients and more may be connected at once, each with a connection to the server "
        "of its own. One that is silent keeps no other waiting.",
        "When either end vanishes (RST), or the server cannot be reached, the connections of that "
        "one client are closed, and the proxy serves the next.",
    ),
    hints=(
        "Two loops for each client, one for each direction; both do the same. Write what they "
        "do to a line as a function of its own, and try it without a socket.",
        "When one direction has ended, the other still waits in `recv`: "
        "`shutdown(SHUT_RDWR)` of both sockets wakes it up.",
        "A regular expression that takes the space behind a code with it does not see it before "
        r"the next code. `(?<![^ ])` and `(?![^ ])` look without taking; `\b` and `\s` mean other "
        "things, and more in `str` than in `bytes`. Splitting at `b' '` needs none of it.",
    ),
    probes=(
        Probe("a chat without codes", 1, _plain, serve_between),
        Probe("codes", 2, _codes, serve_between),
        Probe("one code after another", 2, _adjacent, serve_between),
        Probe("too short or too long", 2, _lengths, serve_between),
        Probe("what only looks like a code", 2, _no_codes, serve_between),
        Probe("bytes that are no ASCII", 3, _no_ascii, serve_between),
        Probe("several lines in one piece", 4, _coalesced, serve_between),
        Probe("several lines in one piece from the server", 4, _coalesced_back, serve_between),
        Probe("lines in pieces", 4, _pieces, serve_between),
        Probe("lines in pieces from the server", 4, _pieces_back, serve_between),
        Probe("words and cuts drawn at random", 4, _drawn, serve_between),
        Probe("half a line", 4, _not_early, serve_between),
        Probe("the client's last words", 5, _last_words, serve_between),
        Probe("the server's last words", 5, _last_words_back, serve_between),
        Probe("the longest line", 6, _longest, serve_between),
        Probe("ten clients at once", 7, _crowd, serve_between),
        Probe("an end that vanishes", 8, _vanishing, serve_between),
        Probe("a server that cannot be reached", 8, _refused, serve_between),
    ),
    converse=Probe("a chat without codes", 1, _plain, serve_between),
    preload=("asyncio",),
)
