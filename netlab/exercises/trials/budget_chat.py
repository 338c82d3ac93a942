"""`budget-chat`: a chat room in lines, with names and presence."""

from __future__ import annotations

import re
from typing import Any

from netlab.exercises.conditions import bytewise, coalesced, every, random_splits, storm, straddling
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.members import (
    NO_NAMES,
    TEXTS,
    arrive,
    flood,
    hears_of,
    join,
    presence,
    rejected,
    say,
    welcome,
)
from netlab.exercises.peers import serve
from netlab.exercises.shrink import Pieces
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial

MAX_LINE_BYTES = 4_096
"""longest line that is understood, counting its newline"""
CROWD = 8
"""members of the room at the same time"""
STORM = 60
"""clients that come and go at once, without a name"""


def _attempt(trial: Trial, address: Any, case: Pieces) -> None:
    """Have somebody come, speak and go, with these pieces; a listener tells what it hears."""
    hears = f"Listener{trial.tries}"
    listener = join(trial, address, hears)
    name, *texts = b"".join(case).split(b"\n")
    talk = arrive(trial, address, "speaker")
    talk.send_apart(*case)
    if texts and not re.fullmatch(rb"[A-Za-z0-9]{1,16}", name):
        rejected(talk)
        return
    talk.half_close()
    if texts:
        presence(talk, f"names {hears}", {hears.encode()}, {name})
        hears_of(listener, name)
        for text in texts[:-1]:
            listener.expect(b"[%s] %s\n" % (name, text))
        hears_of(listener, name)
    talk.expect_end()
    listener.half_close()
    listener.expect_end()


def _conversation(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    say(ada, b"hello Bob", bob)
    say(bob, b"hello Ada", ada)


def _names(trial: Trial) -> None:
    address = trial.wait("listening")
    there: list[Talk] = []
    for name in ("a", "Z", "007", "abcdefghIJKLM999"):
        there.append(join(trial, address, name, *there))
    trial.tally(len(there))


def _no_names(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    for name in NO_NAMES:
        trial.tally()
        nobody = arrive(trial, address, "nobody")
        nobody.send(name + b"\n")
        rejected(nobody)
        say(bob, b"was there somebody?", ada)


def _list(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob7", ada)
    ada.leave()
    hears_of(bob, b"Ada")
    cy = join(trial, address, "cy", bob, absent={b"Ada"})
    ada = join(trial, address, "Ada", bob, cy)
    say(ada, b"I am back", bob, cy)


def _no_echo(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    cy = join(trial, address, "Cy", ada, bob)
    for text in (b"one", b"two"):
        say(ada, text, bob, cy)
    say(cy, b"and three", ada, bob)


def _texts(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    for text in TEXTS:
        say(ada, text, bob)
        trial.tally()


def _nameless(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    late = arrive(trial, address, "Late")
    gone = arrive(trial, address, "gone")
    bob = join(trial, address, "Bob", ada)
    say(ada, b"who is Late?", bob)
    gone.leave()
    late.send(b"Late\n")
    welcome(late, b"Late", (ada, bob), {b"gone"})
    say(late, b"me", ada, bob)


def _leaving(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    cy = join(trial, address, "Cy", ada, bob)
    bob.half_close()
    for talk in (ada, cy):
        hears_of(talk, b"Bob", b"Ada", b"Cy")
    bob.expect_end()
    say(ada, b"and then there were two", cy)
    say(cy, b"indeed", ada)


def _vanishing(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    for number in (1, 2):
        rude = join(trial, address, f"Rude{number}", ada)
        rude.send(b"in mid-l")
        rude.reset()
        hears_of(ada, rude.name.encode())
    bob = join(trial, address, "Bob", ada)
    say(ada, b"how rude", bob)


def _coalesced(trial: Trial) -> None:
    every(trial, [coalesced([b"Ada\n", b"one\n", b"two\n", b"\n", b"three\n"])], _attempt)


def _pieces(trial: Trial) -> None:
    lines = [b"Ada\n", "añ\n".encode(), b"x y\n"]
    stream = b"".join(lines)
    cuts = [(stream[:cut], stream[cut:]) for cut in range(1, len(stream), 2)]
    every(trial, [*cuts, bytewise(stream), *straddling(lines)], _attempt)


def _drawn(trial: Trial) -> None:
    texts = "\n".join("".join(trial.random.choices("ab []*é", k=4)) for _ in range(5))
    every(trial, random_splits(f"Ada\n{texts}\n".encode(), 3, trial.random), _attempt)


def _last_words(trial: Trial) -> None:
    every(trial, [(b"Ada\nwhole\nunfinis",), ()], _attempt)


def _not_early(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    ada.send(b"half a li")
    ada.wait_read()
    say(bob, b"go on", ada)
    ada.send(b"ne\n")
    bob.expect(b"[Ada] half a line\n")


def _longest(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    say(ada, b"x" * (MAX_LINE_BYTES - 1), bob)


def _too_long(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    bob = join(trial, address, "Bob", ada)
    ada.send(b"x" * (MAX_LINE_BYTES + 1))
    hears_of(bob, b"Ada")
    ada.expect_end(reset_allowed=True)
    cy = join(trial, address, "Cy", bob, absent={b"Ada"})
    say(bob, b"well", cy)


def _crowd(trial: Trial) -> None:
    address = trial.wait("listening")
    silent = arrive(trial, address, "silent")
    crowd: list[Talk] = []
    for number in range(1, CROWD + 1):
        crowd.append(join(trial, address, f"member{number}", *crowd))
    for talk in crowd:
        say(talk, b"I am " + talk.name.encode(), *(other for other in crowd if other is not talk))
    silent.send(b"silent\n")
    welcome(silent, b"silent", tuple(crowd), set())
    trial.tally(CROWD)


def _storm(trial: Trial) -> None:
    address = trial.wait("listening")
    ada = join(trial, address, "Ada")
    storm(trial, address, STORM, b"gho")
    trial.tally(STORM)
    bob = join(trial, address, "Bob", ada)
    say(ada, b"was there somebody?", bob)


TRIAL = Exercise(
    "budget-chat",
    chapter="trials",
    kind="trial",
    title="On trial: a chat room in lines",
    task="Write a TCP server that is a chat room, for people with a program as simple as `netcat`, "
    "and examine it while it runs: `netlab check budget-chat 127.0.0.1:9000`. In Python a function "
    "`budget_chat(listener)` will do, or a coroutine function: it serves the clients of a "
    "listening socket for ever. (This is what problem 3 of Protohackers asks for.)",
    rules=(
        r"All is said in lines, which end with `\n`. The server asks each client for its name, in "
        "one line of any words, and the client's first line is its name: 1 to 16 ASCII letters "
        "and digits, with nothing around them. (Longer names, and a name twice, are up to you.) "
        "Any other first line is answered with one line of any words, and the connection closed.",
        "With its name the client is a member. It gets one line that begins with `* ` and names "
        "the members that were there before, also if there is none, and not itself; each of these "
        "gets a line that begins with `* ` and has the new name.",
        r"Each further line of a member goes to all other members, not to itself, as "
        r"`[Ada] hello`: its name, and the text unchanged. Text is what is before the `\n`: it may "
        "be empty, begin and end with spaces, look like a line of the server's, or be no ASCII.",
        "When a member has gone, the others get a line that begins with `* ` and has its name; it "
        "is in no list any more. A client that has finished sending (FIN) is gone, and its "
        "connection is closed after that; so is one that vanishes (RST).",
        "A client without a name, or without a proper one, is no member: it hears nothing of the "
        "room, and nobody hears of it, neither when it comes nor when it goes.",
        "Where TCP cuts the stream means nothing: a line may come in many pieces, even cut inside "
        "a character, and one piece may hold a name and several lines. A line is passed on when "
        "its end has come; one that is not finished when its client goes is dropped.",
        f"A line has at most {MAX_LINE_BYTES:,} bytes, its `\\n` included. When more have come "
        "without one, the client is put out: its connection is closed, and to the others it has "
        "gone.",
        f"{CROWD} members and more may be there, and many come and go at once. One that is silent, "
        "or never reads, keeps no other waiting, however much is said. (One that does not read for "
        "long may be put out.)",
    ),
    hints=(
        "Two states: before the name, and after it. Only members are in the room's collection, "
        "from the moment at which the others hear of them until the one at which they go.",
        "Leaving belongs into a `finally`: FIN, RST and a line that is too long all end there.",
        "`sendall` to a member that does not read blocks whoever calls it. In asyncio, "
        "`writer.write` never does, but keeps all that is unsent: look at "
        "`writer.transport.get_write_buffer_size()`, and `abort()` when it is too much.",
    ),
    probes=(
        Probe("two people talk", 3, _conversation, serve),
        Probe("names", 1, _names, serve),
        Probe("what is no name", 1, _no_names, serve),
        Probe("the list of members", 2, _list, serve),
        Probe("three people talk", 3, _no_echo, serve),
        Probe("any text", 3, _texts, serve),
        Probe("somebody without a name", 5, _nameless, serve),
        Probe("a member goes", 4, _leaving, serve),
        Probe("a name and lines in one piece", 6, _coalesced, serve),
        Probe("lines in pieces", 6, _pieces, serve),
        Probe("texts and cuts drawn at random", 6, _drawn, serve),
        Probe("last words without an end", 6, _last_words, serve),
        Probe("a member vanishes", 4, _vanishing, serve),
        Probe("half a line", 6, _not_early, serve),
        Probe("the longest line", 7, _longest, serve),
        Probe("a line that is too long", 7, _too_long, serve),
        Probe("eight members", 8, _crowd, serve),
        Probe("a storm of clients without a name", 8, _storm, serve),
        Probe("a member that never reads", 8, flood, serve),
    ),
    converse=Probe("two people talk", 3, _conversation, serve),
    preload=("asyncio",),
)
