"""What the examiner tries with a function that says last words: the clients who are to hear them.

In the child runs `peers_ch03.take_leave`.
"""

from __future__ import annotations

import contextlib
import socket
import time
from multiprocessing.connection import wait
from typing import Any

from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.unread import NotAvailable, unread_at_peer
from netlab.exercises.words import Broken

LAST_WORDS = b"413 that was too much\n"
STORY = b"a long story\n"
MUCH = b"x" * 3_000_000
"""more than the buffers of both ends hold for one who does not read"""
LONG_S, SHORT_S = 60.0, 0.4
"""seconds of patience: more than the examiner has itself; so few that it is waited for"""
MORE_S = 1.0
"""seconds that the function may take beyond its patience"""
EVERY_S = 0.02
"""how often somebody who never ends sends a byte"""
READ_S = 2.0
"""seconds in which what is sent must be read"""

WORDS, DRAIN, PATIENCE, PROMPT, GONE, CLOSED = 1, 2, 3, 4, 5, 6
"""numbers of the rules"""
RST = "the connection was broken off (RST)"


def _come(trial: Trial) -> tuple[Talk, Any]:
    """Return a client, and what makes the child call the function."""
    address, control = trial.wait("listening")
    return trial.talk(address, "the client"), control


def _call(
    trial: Trial,
    control: Any,
    n_unread: int = 0,
    state: str = "ESTABLISHED",
    timeout_s: float = LONG_S,
) -> None:
    """Have the function called, once so many bytes are there and the connection is so."""
    with socket.create_connection(control, trial.patience_s) as bell:
        bell.sendall(f"{n_unread} {state}".encode())
    trial.note(f"say_goodbye(sock, {LAST_WORDS!r}, timeout_s={timeout_s:g}) is called")


def _hears(talk: Talk) -> None:
    try:
        talk.expect(LAST_WORDS)
        talk.expect_end()
    except Broken as broken:
        raise Broken(broken.expected, broken.got, rule=WORDS) from None


def _says(trial: Trial, talk: Talk, data: bytes) -> None:
    """Have the client say something; it is to be read, and not to be answered with RST."""
    trial.note(f"the client sends {'3 MB' if data is MUCH else repr(data)}")
    trial.recording.append(talk.name, "client→server", "data", data[:100])
    until = time.monotonic() + READ_S
    problem = "it was not read"
    try:
        talk.sock.sendall(data)
        while time.monotonic() < until:
            if unread_at_peer(talk.sock) == 0:
                # A socket that its program has closed has nothing unread, either.
                talk.sock.getpeername()
                return
            time.sleep(0.001)
    except NotAvailable:
        return
    except TimeoutError:
        pass
    except OSError:
        problem = RST
    raise Broken("what the client says to be read", problem, rule=DRAIN)


def _returns(trial: Trial, timeout_s: float, rule: int) -> None:
    """See that the function returns in time, and that all is closed then."""
    try:
        is_closed, threads, sockets = trial.wait("answer", timeout_s)
    except Broken as broken:
        raise Broken("say_goodbye to return", broken.got, rule=rule) from None
    trial.note("say_goodbye returns")
    if not is_closed:
        raise Broken("sock to be closed", "it is open", rule=CLOSED)
    if threads or sockets:
        raise Broken("no thread and no socket to be left",
                     f"threads: {threads}, sockets: {sockets}", rule=CLOSED)  # fmt: skip


def _ends(trial: Trial, talk: Talk) -> None:
    talk.leave()
    _returns(trial, READ_S, PROMPT)


def who_listens(trial: Trial) -> None:
    """The client hears the words, and then ends."""
    talk, control = _come(trial)
    _call(trial, control)
    _hears(talk)
    _ends(trial, talk)


def whose_words_are_unread(trial: Trial) -> None:
    """What the client has said nobody has read."""
    talk, control = _come(trial)
    talk.send(STORY)
    _call(trial, control, len(STORY))
    _hears(talk)
    _ends(trial, talk)


def who_answers(trial: Trial) -> None:
    """The client, who hears the words, has more to say."""
    talk, control = _come(trial)
    talk.send(STORY)
    _call(trial, control, len(STORY))
    _hears(talk)
    _says(trial, talk, b"one moment\n")
    _says(trial, talk, b"I see. Bye\n")
    _ends(trial, talk)


def who_finishes_first(trial: Trial) -> None:
    """The client listens when it has said all that it wanted to say, which is much."""
    talk, control = _come(trial)
    talk.send(STORY)
    _call(trial, control, len(STORY))
    _says(trial, talk, MUCH)
    _hears(talk)
    _ends(trial, talk)


def who_has_ended(trial: Trial) -> None:
    """The client has sent FIN already, and waits for its answer."""
    talk, control = _come(trial)
    talk.send(STORY)
    talk.half_close()
    _call(trial, control, len(STORY), "CLOSE_WAIT")
    _hears(talk)
    _returns(trial, READ_S, PROMPT)


def who_is_silent(trial: Trial) -> None:
    """The client neither says anything nor ends."""
    talk, control = _come(trial)
    _call(trial, control, timeout_s=SHORT_S)
    _returns(trial, SHORT_S + MORE_S, PATIENCE)
    _hears(talk)


def who_never_ends(trial: Trial) -> None:
    """The client says something every now and then, for ever."""
    talk, control = _come(trial)
    _call(trial, control, timeout_s=SHORT_S)
    _hears(talk)
    trial.note("the client sends one byte after the other, and does not end")
    until = time.monotonic() + SHORT_S + MORE_S
    left_s = MORE_S
    with contextlib.suppress(OSError):  # it has been closed: the answer follows
        while not wait(trial.to_watch(), EVERY_S):
            if time.monotonic() > until:
                left_s = EVERY_S  # more would be a silence, in which it may give up
                break
            talk.sock.sendall(b"x")
    _returns(trial, left_s, PATIENCE)


def who_has_left(trial: Trial) -> None:
    """The client has closed: the words are taken, and answered with RST."""
    talk, control = _come(trial)
    talk.leave()
    _call(trial, control, 0, "CLOSE_WAIT")
    _returns(trial, READ_S, GONE)


def who_has_vanished(trial: Trial) -> None:
    """The client has reset the connection."""
    talk, control = _come(trial)
    talk.reset()
    _call(trial, control, 0, "CLOSE")
    _returns(trial, READ_S, GONE)


def who_vanishes(trial: Trial) -> None:
    """The client hears the words, and resets the connection."""
    talk, control = _come(trial)
    _call(trial, control)
    _hears(talk)
    talk.reset()
    _returns(trial, READ_S, GONE)
