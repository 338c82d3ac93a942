"""`udp-echo`: a datagram comes, the same datagram goes back (RFC 862)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netlab.exercises.datagrams import DatagramTalk
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve_datagrams
from netlab.exercises.trial import Trial

MAX_BYTES = 9_000
"""longest datagram that is echoed: no system at all refuses to send it on loopback"""
CROWD = 12
"""clients at the same time"""
BURST = 40
"""datagrams at once; the smallest receive buffer in use holds them"""
EDGES = (1, 2, 511, 512, 513, 1_023, 1_024, 1_025, 1_472, 1_473, 2_048, 4_096, 4_097, 8_192, 8_193)
"""sizes about which buffers are chosen too small"""


def _each(trial: Trial, address: Any, datagrams: Sequence[bytes]) -> None:
    """Send them one by one; each comes back, and once only."""
    talk = trial.datagrams_to(address)
    for data in datagrams:
        trial.forget()
        trial.tally()
        talk.send(data)
        talk.expect(data)
        _only_once(talk)


def _only_once(talk: DatagramTalk) -> None:
    """Nothing but the answer to this one comes now."""
    talk.send(b"the end?")
    talk.expect(b"the end?")


def _one(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    for data in (b"hello", b"hello again"):
        talk.send(data)
        talk.expect(data)


def _no_text(trial: Trial) -> None:
    datagrams = (bytes(range(256)), b"\x00", b"\xff\xfe", b" spaces \r\n", b"\n", b"quit", b"\x04")
    _each(trial, trial.wait("listening"), datagrams)


def _empty(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    for data in (b"before", b"", b"after"):
        talk.send(data)
        talk.expect(data)


def _sizes(trial: Trial) -> None:
    _each(trial, trial.wait("listening"), [_filled(size) for size in EDGES])


def _longest(trial: Trial) -> None:
    _each(trial, trial.wait("listening"), [_filled(MAX_BYTES)])


def _filled(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def _boundaries(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    datagrams = (b"one", b"two\n", b"", b"three", b"one")
    for data in datagrams:
        talk.send(data)
    talk.expect_each(datagrams)
    _only_once(talk)


def _burst(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    sizes = [trial.random.randint(4, 400) for _ in range(BURST)]
    datagrams = [f"{number:03}".encode() + _filled(size) for number, size in enumerate(sizes)]
    trial.note(f"examiner sends {BURST} datagrams at once")
    for data in datagrams:
        talk.sock.send(data)
    steps = len(trial.steps)
    talk.expect_each(datagrams)
    del trial.steps[steps:]  # what goes well is not told
    _only_once(talk)
    trial.tally(BURST)


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    crowd = [trial.datagrams_to(address, f"client {number}") for number in range(1, CROWD + 1)]
    for words in ("I am number {}", "and still {}"):
        for number, talk in reversed(list(enumerate(crowd, 1))):
            talk.send(words.format(number).encode())
        for number, talk in enumerate(crowd, 1):
            talk.expect(words.format(number).encode())
    trial.tally(CROWD)


def _in_turn(trial: Trial) -> None:
    address = trial.wait("listening")
    first, second = trial.datagrams_to(address, "first"), trial.datagrams_to(address, "second")
    for talk in (first, second, first):
        talk.send(b"hello")
        talk.expect(b"hello")


def _vanishes(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in (1, 2, 3):
        gone = trial.datagrams_to(address, f"impatient {number}")
        gone.send_and_vanish(b"hello and goodbye")
    talk = trial.datagrams_to(address, "next")
    talk.send(b"still there?")
    talk.expect(b"still there?")


TRIAL = Exercise(
    "udp-echo",
    chapter="trials",
    kind="trial",
    title="On trial: a server that echoes datagrams",
    task="Write a UDP server that sends each datagram back, in any language, and examine it while "
    "it runs: `netlab check udp-echo 127.0.0.1:9000`. In Python a function `udp_echo(sock)` will "
    "do: it answers what comes to a bound UDP socket, for ever.",
    rules=(
        "Each datagram comes back to who sent it, byte for byte, and once. It need not be text, "
        "and no content means anything: not `quit`, not a newline.",
        "An empty datagram is a datagram: an empty one comes back. It is not the end of anything; "
        "UDP has no end.",
        f"A datagram has at most {MAX_BYTES:,} bytes, and comes back whole.",
        "One datagram in, one datagram out: they are neither joined nor cut, however fast they "
        f"come. {BURST} at once all come back, in any order.",
        "The answer comes from the address to which the datagram went: the same port.",
        f"Datagrams of {CROWD} clients and more come in turn, or mixed. Each gets its own answers, "
        "and the server waits for none of them.",
        "A client that is gone when its answer arrives disturbs nobody else (its system may tell "
        "yours by ICMP that the port is closed).",
    ),
    hints=(
        "There is no connection and nothing to accept: receive a datagram and its sender's "
        "address, and send it there.",
        "The size that you pass to `recvfrom` is the most that you get; the rest of a longer "
        "datagram is thrown away, and nobody tells you (recv(2), MSG_TRUNC).",
        "In Python `while True:`, then `data, client = sock.recvfrom(65_536)` and "
        "`sock.sendto(data, client)`, is all.",
    ),
    probes=(
        Probe("a datagram, then another", 5, _one, serve_datagrams),
        Probe("bytes that are no text", 1, _no_text, serve_datagrams),
        Probe("an empty datagram", 2, _empty, serve_datagrams),
        Probe("sizes about which buffers are chosen", 3, _sizes, serve_datagrams),
        Probe("the longest datagram", 3, _longest, serve_datagrams),
        Probe("five in a row", 4, _boundaries, serve_datagrams),
        Probe("forty at once", 4, _burst, serve_datagrams),
        Probe("two clients in turn", 6, _in_turn, serve_datagrams),
        Probe("twelve clients at once", 6, _crowd, serve_datagrams),
        Probe("clients that do not wait for their answer", 7, _vanishes, serve_datagrams),
    ),
    converse=Probe("five in a row", 4, _boundaries, serve_datagrams),
)
