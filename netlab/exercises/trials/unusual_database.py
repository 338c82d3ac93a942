"""`unusual-database`: a store of keys and values that speaks UDP, and says nothing to a write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netlab.exercises.datagrams import DatagramTalk
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve_datagrams
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, in_short

MAX_BYTES = 1_200
"""longest request, and so the longest answer: it crosses any network in one packet"""
MANY = 60
"""keys at once; the smallest receive buffer in use holds their datagrams"""
RUN = "netlab "
"""what the examiner's keys begin with: a server that runs on may hold others"""


def _key(words: str) -> bytes:
    return (RUN + words).encode()


def _retrieve(talk: DatagramTalk, key: bytes, value: bytes) -> None:
    talk.send(key)
    talk.expect(key + b"=" + value)


def _keeps(trial: Trial, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """Insert each and retrieve it, one after the other."""
    talk = trial.datagrams_to(trial.wait("listening"))
    for key, value in pairs:
        trial.forget()
        trial.tally()
        talk.send(key + b"=" + value)
        _retrieve(talk, key, value)


def _insert(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    for name, value in ((b"colour", b"blue"), (b"size", b"12 inches")):
        key = _key(name.decode())
        talk.send(key + b"=" + value)
        _retrieve(talk, key, value)


def _unknown(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    _retrieve(talk, _key("never inserted"), b"")


def _again(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    key = _key("season")
    for value in (b"spring", b"summer", b"fall"):
        talk.send(key + b"=" + value)
    _retrieve(talk, key, b"fall")
    _retrieve(talk, key, b"fall")


def _equals(trial: Trial) -> None:
    values = (b"b=c", b"=", b"==", b"=c", b"c=", b"x = y")
    _keeps(trial, [(_key(f"sum {number}"), value) for number, value in enumerate(values, 1)])


def _empty(trial: Trial) -> None:
    key = _key("emptied")
    _keeps(trial, [(key, b"full"), (key, b""), (b"", b"the empty key"), (b"", b"")])


def _no_text(trial: Trial) -> None:
    key = _key("bytes \xff").replace("ÿ".encode(), b"\xff\x00")
    every_byte = bytes(range(256)).replace(b"=", b"")
    pairs = [(key, b"\xfe\x00\x80"), (_key("all"), bytes(range(256)))]
    _keeps(trial, [*pairs, (every_byte, b"as a key"), (_key("caf\u00e9"), "\u2615".encode())])


def _white(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    pairs = [(_key("w"), b"0"), (_key("w "), b"1 "), (_key("w\n"), b" 2\n"), (_key("W"), b"3")]
    for key, value in pairs:
        talk.send(key + b"=" + value)
    for key, value in pairs:
        _retrieve(talk, key, value)


def _version(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    first = _ask_version(talk)
    for attack in (b"version=mine", b"version=", b"version=a=b"):
        talk.send(attack)
        again = _ask_version(talk)
        if again != first:
            raise Broken(f"{in_short(first)}, as before", in_short(again))
    for key in (b"version ", b"Version"):
        talk.send(key + b"=a key like any other")
        _retrieve(talk, key, b"a key like any other")


def _ask_version(talk: DatagramTalk) -> bytes:
    expected = "b'version=…' with something behind the equals sign"
    talk.send(b"version")
    got = talk.read(expected)
    if not got.startswith(b"version=") or got == b"version=" or len(got) > MAX_BYTES:
        raise Broken(expected, in_short(got))
    return got


def _longest(trial: Trial) -> None:
    key = _key("long")
    long_key = key + b"k" * (MAX_BYTES - len(key) - 1)
    _keeps(trial, [(key, b"v" * (MAX_BYTES - len(key) - 1)), (long_key, b"")])


def _many(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    pairs = [(_key(f"{number}"), trial.random.randbytes(20)) for number in range(MANY)]
    trial.note(f"examiner inserts {MANY} keys at once, then retrieves them in another order")
    for key, value in pairs:
        talk.sock.send(key + b"=" + value)
    trial.random.shuffle(pairs)
    for key, value in pairs:
        steps = len(trial.steps)
        _retrieve(talk, key, value)
        del trial.steps[steps:]  # what goes well is not told
    trial.tally(MANY)


def _shared(trial: Trial) -> None:
    address = trial.wait("listening")
    writer, reader = trial.datagrams_to(address, "writer"), trial.datagrams_to(address, "reader")
    key = _key("shared")
    _exchange(writer, reader, key, b"from the writer")
    _exchange(reader, writer, key, b"from the reader")


def _exchange(writer: DatagramTalk, reader: DatagramTalk, key: bytes, value: bytes) -> None:
    writer.send(key + b"=" + value)
    _retrieve(writer, key, value)  # it has arrived
    _retrieve(reader, key, value)
    _retrieve(writer, key, value)  # each has got its own answer, and one


def _vanishes(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in (1, 2):
        gone = trial.datagrams_to(address, f"impatient {number}")
        gone.send_and_vanish(_key("whatever"))
    _insert_and_retrieve(trial, address)


def _insert_and_retrieve(trial: Trial, address: Any) -> None:
    talk = trial.datagrams_to(address, "next")
    key = _key("still there")
    talk.send(key + b"=yes")
    _retrieve(talk, key, b"yes")


TRIAL = Exercise(
    "unusual-database",
    chapter="trials",
    kind="trial",
    title="On trial: a database that speaks UDP",
    task="Write a server that keeps values under keys. A request is one datagram, and so is an "
    "answer. Examine it while it runs: `netlab check unusual-database 127.0.0.1:9000`; or pass a "
    "Python function `unusual_database(sock)`, which answers what comes to a bound UDP socket, for "
    "ever. (Problem 4 of Protohackers, with limits of our own.)",
    rules=(
        "A datagram with an equals sign inserts: what stands before the *first* `=` is the key, "
        "what stands behind it the value, which may have more of them: `a=b=c` puts `b=c` "
        "under `a`. The new value replaces an old one. An insert is not answered.",
        "Any other datagram is a key, and retrieves: the answer is the key, `=` and the value, to "
        "who asked and from the port that was asked. It is the value that the last insert before "
        "the request has put there.",
        "To a key under which there is nothing, the answer is the key and `=`, with nothing "
        "behind it.",
        "Keys and values are bytes, not text, and may be empty: `=x` puts `x` under the empty key, "
        "which an empty datagram retrieves; `a=` puts nothing under `a`.",
        "Each byte counts: spaces, newlines and upper and lower case make different keys, and stay "
        "in values.",
        "`version` is a key that is always there: its value, at least one byte of your choice, "
        "names your server. Who tries to insert it is not heeded. Only this very key is special.",
        f"A request has at most {MAX_BYTES:,} bytes, and so has an answer. {MANY} requests may "
        "come at once.",
        "All clients see the same store; one that is gone when its answer arrives disturbs nobody.",
    ),
    hints=(
        "A dictionary with `bytes` as keys and values; nothing needs to be decoded.",
        "`key, equals, value = data.partition(b'=')` cuts at the first one, and says whether "
        "there was any.",
        "Receive with room for more than the longest request. An empty datagram is a request, and "
        "not the end. Look at `version` before you insert, and before you retrieve.",
    ),
    probes=(
        Probe("inserts, and retrieves", 1, _insert, serve_datagrams),
        Probe("a key that was never inserted", 3, _unknown, serve_datagrams),
        Probe("inserted three times", 2, _again, serve_datagrams),
        Probe("more than one equals sign", 1, _equals, serve_datagrams),
        Probe("empty values, the empty key", 4, _empty, serve_datagrams),
        Probe("bytes that are no text", 4, _no_text, serve_datagrams),
        Probe("spaces, newlines and capitals", 5, _white, serve_datagrams),
        Probe("the version", 6, _version, serve_datagrams),
        Probe("the longest requests", 7, _longest, serve_datagrams),
        Probe("sixty keys at once", 7, _many, serve_datagrams),
        Probe("two clients, one store", 8, _shared, serve_datagrams),
        Probe("clients that do not wait for their answer", 8, _vanishes, serve_datagrams),
    ),
    converse=Probe("inserts, and retrieves", 1, _insert, serve_datagrams),
)
