"""`prime-time`: a server that says whether numbers are prime, in lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from netlab.exercises.conditions import bytewise, coalesced, every, random_splits, straddling
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve
from netlab.exercises.prime_lines import (
    FIELDS,
    FRACTIONS,
    LARGE,
    NO_JSON,
    NO_NUMBER,
    NO_REQUEST,
    PRETENDERS,
    is_prime,
    judge,
)
from netlab.exercises.shrink import Pieces
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, in_short

MAX_LINE_BYTES = 65_536
"""longest line that is answered, counting its newline"""
DEPTH = 20_000
"""arrays inside one another, in a line that is short enough"""
CROWD = 20
"""clients that are connected at the same time"""
EARLY_S = 0.1
"""seconds in which an answer to what was read is seen, if it comes too early"""
SHOWN_BYTES = 200
"""a line up to so long is told in full"""


def _request(number: object) -> bytes:
    return b'{"method":"isPrime","number":%s}\n' % str(number).encode()


def _expect(talk: Any, verdict: bool | None) -> None:
    """Read one answer."""
    if verdict is None:
        expected = "a line that is no proper answer, and then the end"
    else:
        expected = f'{{"method":"isPrime","prime":{json.dumps(verdict)}}} in a line'
    line = talk.read_line(expected)
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        answer = None
    proper = isinstance(answer, dict) and answer.get("method") == "isPrime"
    got = answer["prime"] if proper and isinstance(answer.get("prime"), bool) else None
    if got is not verdict:
        raise Broken(expected, in_short(line) if len(line) > SHOWN_BYTES else repr(line))


def _attempt(trial: Trial, address: Any, case: Pieces) -> None:
    verdicts: list[bool | None] = []
    stream, number = b"", 0
    while number < len(case) and None not in verdicts:  # later pieces would find nobody
        stream += case[number]
        verdicts = [judge(line) for line in stream.split(b"\n")[:-1]]
        number += 1
    talk = trial.talk(address)
    if 40 < len(stream) <= SHOWN_BYTES:
        trial.note(f"examiner has this to say: {stream!r}")
    talk.send_apart(*case[:number])
    for verdict in verdicts:
        _expect(talk, verdict)
        if verdict is None:
            talk.expect_end(reset_allowed=True)
            return
    talk.half_close()
    talk.expect_end()


def _two(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    for number in (7, 8):
        talk.send(_request(number))
        _expect(talk, is_prime(number))


def _each(trial: Trial, lines: Iterable[bytes]) -> None:
    """Say each line to the server. A line says something as it is: none is made shorter."""
    address = trial.wait("listening")
    for line in lines:
        trial.forget()
        trial.tally()
        _attempt(trial, address, (line,))
        trial.close_talks()


def _small(trial: Trial) -> None:
    _each(trial, map(_request, (*range(-3, 12), 25, 49, 97, 121, 7919, -7919)))


def _fractions(trial: Trial) -> None:
    _each(trial, map(_request, FRACTIONS))


def _large(trial: Trial) -> None:
    _each(trial, map(_request, LARGE))


def _pretenders(trial: Trial) -> None:
    _each(trial, map(_request, PRETENDERS))


def _fields(trial: Trial) -> None:
    _each(trial, FIELDS)


def _pieces(trial: Trial) -> None:
    line = _request(13)
    cuts = range(1, len(line), 3)
    cases = [*((line[:cut], line[cut:]) for cut in cuts), bytewise(line)]
    every(trial, [*cases, *straddling([_request(n) for n in (9, 11, 15)])], _attempt)


def _coalesced(trial: Trial) -> None:
    lines = [_request(number) for number in range(1, 24)]
    every(trial, [coalesced(lines[2:4]), coalesced(lines)], _attempt)


def _drawn(trial: Trial) -> None:
    stream = b"".join(_request(trial.random.randrange(100)) for _ in range(6))
    every(trial, random_splits(stream, 4, trial.random), _attempt)


def _not_early(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(_request(13)[:-1])
    talk.wait_read()
    talk.expect_silence(EARLY_S, "the newline")
    talk.send(b"\n")
    _expect(talk, True)


def _no_json(trial: Trial) -> None:
    _each(trial, NO_JSON)


def _no_request(trial: Trial) -> None:
    _each(trial, NO_REQUEST)


def _no_number(trial: Trial) -> None:
    _each(trial, map(_request, NO_NUMBER))


def _nested(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = trial.talk(address)
    talk.send(b"[" * DEPTH + b"\n")
    _expect(talk, None)
    talk.expect_end(reset_allowed=True)
    _still_there(trial, address)


def _in_between(trial: Trial) -> None:
    address = trial.wait("listening")
    _attempt(trial, address, (_request(7) + b"what?\n" + _request(11),))
    _still_there(trial, address)


def _last_words(trial: Trial) -> None:
    every(trial, [(), (_request(7), b'{"method":"isPrime","number":1}')], _attempt)


def _longest(trial: Trial) -> None:
    address = trial.wait("listening")
    line = b'{"method":"isPrime","number":13,"note":"%s"}\n'
    talk = trial.talk(address)
    talk.send(line % (b"x" * (MAX_LINE_BYTES - len(line) + 2)))
    _expect(talk, True)


def _too_long(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = trial.talk(address, "too long")
    talk.send(b'{"method":"' + b"x" * MAX_LINE_BYTES)
    talk.expect_end(reset_allowed=True)
    _still_there(trial, address)


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    crowd = [trial.talk(address, f"client {number}") for number in range(1, CROWD + 1)]
    for number, talk in reversed(list(enumerate(crowd, 1))):
        talk.send(_request(number))
        _expect(talk, is_prime(number))
    trial.tally(CROWD)


def _reset(trial: Trial) -> None:
    address = trial.wait("listening")
    rude = trial.talk(address, "rude")
    rude.send(_request(7))
    _expect(rude, True)
    rude.send(_request(7)[:20])
    rude.reset()
    for name in ("next", "and one more"):
        _still_there(trial, address, name)


def _still_there(trial: Trial, address: Any, name: str = "next") -> None:
    talk = trial.talk(address, name)
    talk.send(_request(13))
    _expect(talk, True)


TRIAL = Exercise(
    "prime-time",
    chapter="trials",
    kind="trial",
    title="On trial: a server that knows the primes",
    task="Write a TCP server that says whether numbers are prime, and examine it while it runs: "
    "`netlab check prime-time 127.0.0.1:9000`. In Python a function `prime_time(listener)` will "
    "do: it serves the clients of a listening socket for ever. (This is what problem 1 of "
    "Protohackers asks for.)",
    rules=(
        r'A request is a JSON object in a line, such as `{"method":"isPrime","number":13}` and '
        r'`\n`; its answer a line such as `{"method":"isPrime","prime":true}`. Fields come in any '
        "order, with any white space and any escapes that JSON allows, and among others, which "
        "mean nothing, whatever they contain.",
        "A number is any that JSON has. Prime are only whole numbers above 1 that nothing but 1 "
        "and they themselves divide: no negative one, none with a fraction, nor `1e400`. Whole "
        "numbers have up to 24 digits, far more than a double holds, and all are judged without "
        "error, each within a second. (How you judge `7.0` is up to you.)",
        "Where TCP cuts the stream means nothing: a request may come in many pieces, and one piece "
        r"may hold many requests. Each is answered, in their order, when its `\n` has come, not "
        "before, be its JSON complete or not.",
        "A line that is no JSON (`NaN`, `Infinity`, bytes that are no UTF-8 and an empty line are "
        "none; arrays may lie 20,000 deep in one another), no object, without a field, with "
        'another method, or whose number is none (`true`, `null`, `"7"`) is malformed. It is '
        "answered with one line, anything but a proper answer, and the connection closed; what "
        "came before it has been answered, what comes after it is not.",
        "When a client has finished sending (FIN), the server answers the complete lines, not an "
        "unfinished one, and closes the connection.",
        f"A line has at most {MAX_LINE_BYTES:,} bytes, its `\\n` included. When more have come "
        "without one, the server closes the connection, and answers nothing to it.",
        f"{CROWD} clients and more may be connected at once. One that is silent keeps no "
        "other waiting, and one that vanishes (RST) costs only its own connection.",
    ),
    hints=(
        "Three parts: cut the stream into lines; turn a line into a number, or refuse it; judge "
        "the number. Try the second and the third without any socket.",
        "To divide by all numbers up to the root takes hours for 24 digits. Look up the test of "
        "Miller and Rabin: with the first 13 primes as bases it does not err below 3.3e24.",
        "In Python, `True` is an `int`; `json.loads` takes `NaN` unless `parse_constant` forbids "
        "it, guesses an encoding unless you decode, and raises `RecursionError`, which is no "
        "`ValueError`. `pow(base, exponent, modulus)` is quick.",
    ),
    probes=(
        Probe("a prime, then another number", 1, _two, serve),
        Probe("small numbers", 2, _small, serve),
        Probe("numbers with a fraction or an exponent", 2, _fractions, serve),
        Probe("numbers of 24 digits", 2, _large, serve),
        Probe("numbers that look prime", 2, _pretenders, serve),
        Probe("fields in any order, among others", 1, _fields, serve),
        Probe("several requests in one piece", 3, _coalesced, serve),
        Probe("a request in pieces", 3, _pieces, serve),
        Probe("numbers and cuts drawn at random", 3, _drawn, serve),
        Probe("all but the newline", 3, _not_early, serve),
        Probe("what is no JSON", 4, _no_json, serve),
        Probe("what is no request", 4, _no_request, serve),
        Probe("what is no number", 4, _no_number, serve),
        Probe("arrays 20,000 deep", 4, _nested, serve),
        Probe("a malformed line between two good ones", 4, _in_between, serve),
        Probe("last words without a newline", 5, _last_words, serve),
        Probe("the longest line", 6, _longest, serve),
        Probe("a line that is too long", 6, _too_long, serve),
        Probe("twenty clients at once", 7, _crowd, serve),
        Probe("a client that vanishes", 7, _reset, serve),
    ),
    converse=Probe("a prime, then another number", 1, _two, serve),
)
