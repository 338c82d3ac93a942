"""`means-to-an-end`: a server that remembers readings, in messages of nine bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from netlab.exercises.conditions import bytewise, coalesced, every, random_splits, straddling
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.nine_bytes import (
    HIGHEST,
    LOWEST,
    MEAN,
    MESSAGE,
    Mean,
    answers,
    asked,
    in_words,
    told,
)
from netlab.exercises.peers import serve
from netlab.exercises.shrink import Pieces
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

CROWD = 20
"""clients that are connected at the same time"""
READINGS = 20_000
"""that one client tells"""
EARLY_S = 0.1
"""seconds in which an answer to what was read is seen, if it comes too early"""


def _expect(talk: Any, mean: Mean) -> None:
    """Read one answer."""
    low, high = mean
    expected = f"{low} in 4 bytes, {MEAN.pack(low)!r}"
    if low != high:
        expected = f"{low} or {high} in 4 bytes, {MEAN.pack(low)!r} or {MEAN.pack(high)!r}"
    got = talk.read_exactly(MEAN.size, expected)
    if MEAN.unpack(got)[0] not in mean:
        raise Broken(expected, f"{MEAN.unpack(got)[0]}, {got!r}")


def _attempt(trial: Trial, address: Any, case: Pieces) -> None:
    stream, number = b"", 0
    means, unknown = answers(stream)
    while number < len(case) and not unknown:  # later pieces would find nobody
        stream += case[number]
        means, unknown = answers(stream)
        number += 1
    talk = trial.talk(address)
    if words := in_words(stream):
        trial.note(f"examiner has this to say: {words}")
    talk.send_apart(*case[:number])
    for mean in means:
        _expect(talk, mean)
    if not unknown:
        talk.half_close()
    talk.expect_end(reset_allowed=unknown)


def _say(trial: Trial, *conversations: Iterable[bytes]) -> None:
    """Have each conversation, message by message. What they say is not made shorter."""
    address = trial.wait("listening")
    for messages in conversations:
        trial.forget()
        trial.tally()
        _attempt(trial, address, (b"".join(messages),))
        trial.close_talks()


def _one_reading(trial: Trial) -> None:
    _say(trial, [told(7, 10), asked(0, 100), asked(7, 256)])


def _means(trial: Trial) -> None:
    readings = [told(100, 1), told(200, 5), told(300, 9)]
    _say(trial, [*readings, asked(0, 1000)], [*readings, asked(150, 1000), asked(0, 250)])


def _borders(trial: Trial) -> None:
    readings = [told(20, 100), told(21, 300), told(22, 800)]
    _say(trial, [*readings, asked(20, 22), asked(21, 22), asked(20, 21), asked(21, 21)])


def _none(trial: Trial) -> None:
    _say(
        trial,
        [asked(0, 30)],
        [told(5, 50), asked(6, 30), asked(-30, 4), asked(5, 5)],
        [told(5, 50), asked(30, 0), asked(5, 4), asked(0, 30)],
    )


def _below_zero(trial: Trial) -> None:
    _say(
        trial,
        [told(1, -40), asked(0, 2)],
        [told(-30, -5), told(-20, -25), told(20, 95), asked(-40, -10), asked(-25, 30)],
    )


def _fractions(trial: Trial) -> None:
    _say(
        trial,
        [told(1, 1), told(2, 2), asked(1, 2)],
        [told(1, -1), told(2, -2), asked(1, 2)],
        [told(1, 5), told(2, 5), told(3, 6), asked(1, 3)],
    )


def _any_order(trial: Trial) -> None:
    times = (50, 10, 40, 20, 30)
    readings = [told(time, time * 3) for time in times]
    _say(trial, [*readings, asked(15, 45)], [asked(0, 9), *readings, asked(0, 25), asked(40, 99)])


def _large(trial: Trial) -> None:
    high = [told(time, HIGHEST - time) for time in range(0, 8, 2)]
    _say(
        trial,
        [told(LOWEST, 7), told(HIGHEST, 9), asked(LOWEST, HIGHEST), asked(HIGHEST, HIGHEST)],
        [*high, asked(LOWEST, HIGHEST)],
        [told(0, LOWEST), told(1, LOWEST), told(2, LOWEST), asked(0, 50)],
        [told(0, 123_456_789), asked(0, 0)],
    )


def _any_bytes(trial: Trial) -> None:
    line = int.from_bytes(b"\r\n\r\n")
    spaces = int.from_bytes(b"    ")
    _say(
        trial,
        [told(line, line), asked(line, line)],
        [told(spaces, spaces), asked(0, HIGHEST)],
        [told(0x51495149, 5), asked(0, 0x51495149)],
        [told(0, 0), asked(0, 0)],
    )


def _coalesced(trial: Trial) -> None:
    messages: list[bytes] = []
    for time in range(12):
        messages += [told(time, time * time), asked(time // 2, time)]
    every(trial, [coalesced(messages[:2]), coalesced(messages)], _attempt)


def _pieces(trial: Trial) -> None:
    messages = [told(1, 20), told(2, 40), asked(0, 9)]
    stream = b"".join(messages)
    cuts = [(stream[:cut], stream[cut:]) for cut in range(1, len(stream), 2)]
    every(trial, [*cuts, bytewise(stream), *straddling(messages)], _attempt)


def _drawn(trial: Trial) -> None:
    chance = trial.random
    readings = [told(time, chance.randint(-999, 999)) for time in chance.sample(range(50), 9)]
    queries = [asked(chance.randrange(30), chance.randrange(20, 50)) for _ in range(3)]
    every(trial, random_splits(b"".join(readings + queries), 4, chance), _attempt)


def _at_once(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.send(told(1, 20))
    talk.wait_read()
    talk.send(asked(0, 9)[:-1])
    talk.wait_read()
    talk.expect_silence(EARLY_S, "the ninth byte of the query")
    talk.send(asked(0, 9)[-1:])
    _expect(talk, (20, 20))


def _own(trial: Trial) -> None:
    address = trial.wait("listening")
    one, two = trial.talk(address, "one"), trial.talk(address, "two")
    for talk, level in ((one, 100), (two, 500), (one, 300)):
        talk.send(told(level, level) + asked(0, 1000))
        _expect(talk, (200, 200) if level == 300 else (level, level))
    one.half_close()
    one.expect_end()
    three = trial.talk(address, "three")
    three.send(asked(0, 1000))
    _expect(three, (0, 0))


def _unknown(trial: Trial) -> None:
    address = trial.wait("listening")
    for message in (MESSAGE.pack(b"X", 1, 2), MESSAGE.pack(b"q", 0, 9), bytes(9)):
        trial.forget()
        trial.tally()
        other = trial.talk(address, "somebody else")
        other.send(told(1, 20))
        other.wait_read()
        _attempt(trial, address, (told(1, 30) + asked(0, 9) + message,))
        other.send(asked(0, 9))
        _expect(other, (20, 20))
        trial.close_talks()


def _last_words(trial: Trial) -> None:
    stream = told(1, 30) + asked(0, 9)
    every(trial, [(), (b"I",), (stream,), (stream, asked(0, 9)[:5])], _attempt)


def _many(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    # 7,919 is prime to their number: each time once, and not in order.
    times = [number * 7_919 % READINGS for number in range(READINGS)]
    talk.send(b"".join(told(time, time * 3) for time in times))
    for first, last in ((0, READINGS), (1, 1), (READINGS // 2, READINGS - 2)):
        talk.send(asked(first, last))
        total = sum(3 * time for time in range(first, min(last + 1, READINGS)))
        number = min(last + 1, READINGS) - first
        _expect(talk, (total // number, -(-total // number)))
    trial.tally(READINGS)


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    crowd = [trial.talk(address, f"client {number}") for number in range(1, CROWD + 1)]
    for number, talk in reversed(list(enumerate(crowd, 1))):
        talk.send(told(1, number) + asked(0, 9))
        _expect(talk, (number, number))
    trial.tally(CROWD)


def _reset(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in (1, 2, 3):
        rude = trial.talk(address, f"rude {number}")
        rude.send(told(1, 20) + asked(0, 9))
        _expect(rude, (20, 20))
        rude.send(told(2, 30)[:5])
        rude.reset()
        talk = trial.talk(address, "next")
        talk.send(told(3, 40) + asked(0, 9))
        _expect(talk, (40, 40))


TRIAL = Exercise(
    "means-to-an-end",
    chapter="trials",
    kind="trial",
    title="On trial: a server that remembers how high the river was",
    task="Write a TCP server for a gauge at a river: clients tell readings and ask for means, in "
    "messages of nine bytes. Examine it while it runs: `netlab check means-to-an-end "
    "127.0.0.1:9000`. In Python a function `means_to_an_end(listener)` will do: it serves the "
    "clients of a listening socket for ever. (This is what problem 2 of Protohackers asks for.)",
    rules=(
        "Each message of a client has 9 bytes: an ASCII letter, then two whole numbers of 4 bytes "
        "each, signed (two's complement), the most significant byte first. `I` tells a reading, "
        "time and level; it is not answered. `Q` asks for the mean level of the readings from one "
        "time to another, and is answered with 4 bytes: the mean, such a number as well.",
        "Both times of a query belong to it. If it has no reading, or ends before it begins, the "
        "answer is 0. If the mean is no whole number, either of the two next to it will do.",
        "Times and levels may be any that 4 bytes can say, below 0, too, and the sum of levels "
        "more than that. Readings come in any order. (None comes twice for one time.)",
        "Where TCP cuts the stream means nothing: a message may come in many pieces, one piece may "
        "hold many, and any byte may be in them, those of a line's end and of the letters, too. A "
        "query is answered when its ninth byte has come; several are answered in their order.",
        "Each client has readings of its own, which no other hears of, nor whoever comes later.",
        "When a message begins with another letter, the server closes the connection, and answers "
        "nothing more to it. What came before has been answered; other clients are not concerned.",
        "When a client has finished sending (FIN), the server has answered its queries, drops a "
        "message that is not whole, and closes the connection.",
        f"A client may tell {READINGS:,} readings, and is still answered within a second.",
        f"{CROWD} clients and more may be connected at once. One that is silent keeps no other "
        "waiting, and one that vanishes (RST) costs only its own connection.",
    ),
    hints=(
        "Collect bytes until there are nine: a single `recv(9)` may return fewer.",
        "What belongs to one client is made when it connects, and is not global. A dictionary from "
        "time to level will do; look through all of it for each query.",
        "In Python: `stream = connection.makefile('rb')`, `stream.read(9)`, and "
        "`struct.unpack('>cii', …)`; `struct.pack('>i', …)` takes only whole numbers.",
    ),
    probes=(
        Probe("a reading and a query", 1, _one_reading, serve),
        Probe("means of several", 1, _means, serve),
        Probe("both ends of a query", 2, _borders, serve),
        Probe("no reading at all", 2, _none, serve),
        Probe("times and levels below zero", 3, _below_zero, serve),
        Probe("means that are no whole number", 2, _fractions, serve),
        Probe("readings in any order", 3, _any_order, serve),
        Probe("the largest and the smallest", 3, _large, serve),
        Probe("bytes that look like something else", 4, _any_bytes, serve),
        Probe("several messages in one piece", 4, _coalesced, serve),
        Probe("messages in pieces", 4, _pieces, serve),
        Probe("levels and cuts drawn at random", 4, _drawn, serve),
        Probe("eight bytes of a query", 4, _at_once, serve),
        Probe("readings of one's own", 5, _own, serve),
        Probe("an unknown letter", 6, _unknown, serve),
        Probe("last words", 7, _last_words, serve),
        Probe("twenty thousand readings", 8, _many, serve),
        Probe("twenty clients at once", 9, _crowd, serve),
        Probe("a client that vanishes", 9, _reset, serve),
    ),
    converse=Probe("a reading and a query", 1, _one_reading, serve),
)
