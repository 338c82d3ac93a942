"""`smoke-test`: a TCP server that sends back every byte, to many clients at once."""

from __future__ import annotations

from typing import Any

from netlab.exercises.conditions import bytewise, every, random_splits, storm
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve
from netlab.exercises.shrink import Pieces
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

CROWD = 12
"""clients that are connected at the same time"""
STORM = 80
"""clients that come and go at once"""
LAST_WORDS = bytes(range(256)) * 400
"""100 KB: the systems at both ends hold so much while the client does not read yet"""
LOAD = bytes(range(251)) * 8_000
"""2 MB of no text: no system holds so much, and 251 is no divisor of a power of two"""
FLOOD = LOAD * 4
"""8 MB: more than two sockets hold (tcp(7): tcp_rmem, tcp_wmem) while nobody reads"""
UNREAD_BYTES = 64 * 1024 * 1024
"""of answers that nobody reads, at most so many are asked for"""


def _attempt(trial: Trial, address: Any, case: Pieces) -> None:
    talk = trial.talk(address)
    talk.send_apart(*case)
    talk.half_close()
    talk.expect(b"".join(case))
    talk.expect_end()


def _few_bytes(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    for words in (b"hello", b", and hello again"):
        talk.send(words)
        talk.expect(words)


def _no_text(trial: Trial) -> None:
    cases = [(bytes(range(256)),), (b"\x00",), (b" \t\r\n\r\n",), (b"\xc3",), (b"\x1a\x04",)]
    every(trial, cases, _attempt)


def _byte_by_byte(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    for byte in bytewise(b"a\nb\xff"):
        talk.send(byte)
        talk.expect(byte)


def _drawn(trial: Trial) -> None:
    stream = trial.random.randbytes(300)
    every(trial, random_splits(stream, 8, trial.random), _attempt)


def _last_words(trial: Trial) -> None:
    every(trial, [(b"bye",), (LAST_WORDS,)], _attempt)


def _nothing(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = trial.talk(address, "silent")
    talk.half_close()
    talk.expect_end()
    _still_there(trial, address)


def _load(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    talk.exchange(LOAD)
    talk.half_close()
    talk.expect_end()


def _late_reader(trial: Trial) -> None:
    talk = trial.talk(trial.wait("listening"))
    trial.note("examiner sends as much as the systems at both ends hold, and reads only then")
    pieces = (FLOOD[start : start + 65_536] for start in range(0, len(FLOOD), 65_536))
    sent = talk.fill(pieces.__next__, len(FLOOD))
    talk.half_close()
    steps = len(trial.steps)
    try:
        talk.expect(FLOOD[:sent])
    except Broken as broken:  # how much it was differs from run to run
        raise Broken("all of it to come back", broken.got) from None
    del trial.steps[steps:]
    talk.expect_end()


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    crowd = [trial.talk(address, f"client {number}") for number in range(1, CROWD + 1)]
    for words in ("I am number {}", "and still {}"):
        for number, talk in reversed(list(enumerate(crowd, 1))):
            talk.send(words.format(number).encode())
        for number, talk in enumerate(crowd, 1):
            talk.expect(words.format(number).encode())
    trial.tally(CROWD)


def _one_ends(trial: Trial) -> None:
    address = trial.wait("listening")
    stays, goes = trial.talk(address, "who stays"), trial.talk(address, "who goes")
    for talk in (stays, goes):
        talk.send(b"hello")
        talk.expect(b"hello")
    goes.half_close()
    goes.expect_end()
    stays.send(b"and I?")
    stays.expect(b"and I?")


def _never_reads(trial: Trial) -> None:
    address = trial.wait("listening")
    trial.talk(address, "never reads").stuff(b"y" * 8192, UNREAD_BYTES)
    _still_there(trial, address)


def _reset(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in (1, 2, 3):
        rude = trial.talk(address, f"rude {number}")
        rude.send(b"hello")
        rude.expect(b"hello")
        if number == 3:
            rude.send(b"you need not ans")
        rude.reset()
        _still_there(trial, address)


def _storm(trial: Trial) -> None:
    address = trial.wait("listening")
    storm(trial, address, STORM, b"hello and goodbye")
    trial.tally(STORM)
    _still_there(trial, address)


def _still_there(trial: Trial, address: Any, *names: str) -> None:
    for name in names or ("next",):
        talk = trial.talk(address, name)
        talk.send(b"still there?")
        talk.expect(b"still there?")


TRIAL = Exercise(
    "smoke-test",
    chapter="trials",
    kind="trial",
    title="On trial: a server that sends every byte back",
    task="Write a TCP server that returns whatever it is sent, to many clients at once, and "
    "examine it while it runs: `netlab check smoke-test 127.0.0.1:9000`. In Python a function "
    "`smoke_test(listener)` will do: it serves the clients of a listening socket for ever. (This "
    "is what problem 0 of Protohackers asks for: RFC 862, over TCP.)",
    rules=(
        "Every byte comes back to the client that sent it, in order and unchanged. The bytes need "
        "not be text: any value may come, and none of them means anything.",
        "Bytes come back as they come: the server waits neither for a newline, nor for a certain "
        "number, nor for the end. A single byte is answered.",
        "When the client has finished sending (FIN) it may still be reading: the server sends back "
        "the rest, all of it, and only then closes the connection.",
        "A client that says nothing and ends is no error: its connection is closed.",
        "However much a client sends, all of it comes back, once the client reads; "
        "megabytes are more than fits into the buffers of the system.",
        f"At least {CROWD} clients may be connected at once, and what one says no other hears. "
        "A client that is silent, or ends, or never reads, keeps no other waiting.",
        "A client that vanishes (RST) costs only its own connection, and so do many that come and "
        "go at once.",
    ),
    hints=(
        "For each client: read what is there, send it all, until reading says `b''`, the end.",
        "Give each client a thread (or a task) of its own. What may that thread raise when the "
        "client vanishes, and who hears of it?",
        "`sendall` sends all, `send` perhaps a part. `with connection:` closes when everything was "
        "handed to the system, which still delivers it; so never close before the loop has ended.",
    ),
    probes=(
        Probe("a few bytes", 2, _few_bytes, serve),
        Probe("bytes that are no text", 1, _no_text, serve),
        Probe("one byte at a time", 2, _byte_by_byte, serve),
        Probe("bytes and cuts drawn at random", 1, _drawn, serve),
        Probe("last words, then FIN", 3, _last_words, serve),
        Probe("a client that says nothing and ends", 4, _nothing, serve),
        Probe("two megabytes", 5, _load, serve),
        Probe("a client that reads late", 5, _late_reader, serve),
        Probe("twelve clients at once", 6, _crowd, serve),
        Probe("one ends, another stays", 6, _one_ends, serve),
        Probe("a client that never reads", 6, _never_reads, serve),
        Probe("a client that vanishes", 7, _reset, serve),
        Probe("a storm of clients", 7, _storm, serve),
    ),
    converse=Probe("last words, then FIN", 3, _last_words, serve),
    preload=("asyncio",),
)
