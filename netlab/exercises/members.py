"""Members of a `budget-chat`: what they say, and what they must hear."""

from __future__ import annotations

import re
import socket
from typing import Any

from netlab.exercises.talk import SMALL_BUFFER_BYTES, Talk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, in_short

NO_NAMES = (b"", b"two words", b" ada", b"semi;colon", b"a-b", b"[ada]", "Zoë".encode(), b"a\x00b")
TEXTS = (
    b"hello",
    b"",
    b"  spaces at both ends  ",
    b"[Bob] I am not Bob",
    b"* Bob has gone",
    b"50% {of} \\n\t",
    "grüß dich \N{SNOWMAN}".encode(),
)
FLOOD_LINE = b"y" * 3_999
ROUNDS, ROUND_LINES = 24, 60
"""5.8 MB: more than two sockets hold (tcp(7): tcp_rmem, tcp_wmem) while a member does not read"""


def words(line: bytes) -> set[bytes]:
    return set(re.findall(rb"[A-Za-z0-9]+", line))


def presence(talk: Talk, what: str, present: set[bytes], absent: set[bytes]) -> None:
    """Read a line of the server's own that has the names of some and not of others."""
    expected = f"a line that begins with b'* ' and {what}"
    line = talk.read_line(expected)
    found = words(line)
    if not line.startswith(b"* ") or not present <= found or absent & found:
        raise Broken(expected, repr(line))


def hears_of(talk: Talk, name: bytes, *others: bytes) -> None:
    """Read that somebody has come or gone."""
    presence(talk, f"names {name.decode()}", {name}, set(others))


def arrive(trial: Trial, address: Any, name: str) -> Talk:
    """Connect, and read the question."""
    talk = trial.talk(address, name)
    talk.read_line("a line that asks for the name")
    return talk


def join(
    trial: Trial, address: Any, name: str, *there: Talk, absent: set[bytes] | None = None
) -> Talk:
    """Become a member; those who are there, named as their talks, hear of it."""
    talk = arrive(trial, address, name)
    talk.send(name.encode() + b"\n")
    welcome(talk, name.encode(), there, absent or set())
    return talk


def welcome(talk: Talk, name: bytes, there: tuple[Talk, ...], absent: set[bytes]) -> None:
    names = {other.name.encode() for other in there}
    listed = ", ".join(sorted(each.decode() for each in names)) or "nobody"
    presence(talk, f"names {listed}, and no one else", names, {name} | absent)
    for other in there:
        hears_of(other, name)


def say(speaker: Talk, text: bytes, *others: Talk) -> None:
    speaker.send(text + b"\n")
    for other in others:
        other.expect(b"[%s] %s\n" % (speaker.name.encode(), text))


def rejected(talk: Talk) -> None:
    talk.read_line("a line that says what a name is")
    talk.expect_end(reset_allowed=True)


def hears_past(talk: Talk, expected: bytes, gone: bytes) -> None:
    """Read a line; before it somebody may have been put out of the room."""
    line = talk.read_line(in_short(expected + b"\n"))
    if line.startswith(b"* ") and gone in words(line):
        line = talk.read_line(in_short(expected + b"\n"))
    if line != expected + b"\n":
        raise Broken(in_short(expected + b"\n"), in_short(line))


def flood(trial: Trial) -> None:
    """Say more than the system holds while one member reads all of it and another nothing."""
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    mute = join(trial, address, "Mute", ada, bob)
    mute.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    lines = ROUNDS * ROUND_LINES
    trial.note(
        f"Ada says {lines:,} long lines, which Bob reads at the same time, and Mute does not"
    )
    with trial.in_silence():
        for _ in range(ROUNDS):
            ada.send((FLOOD_LINE + b"\n") * ROUND_LINES)
            for _ in range(ROUND_LINES):
                hears_past(bob, b"[Ada] " + FLOOD_LINE, b"Mute")
    bob.send(b"enough\n")
    hears_past(ada, b"[Bob] enough", b"Mute")
