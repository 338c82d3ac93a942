"""What the examiner tries with a server of chapter 03: to stop it, whatever it waits for."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from netlab.exercises.stoppable import REFUSED_S, STOP_S
from netlab.exercises.stoppable import stop as call_stop
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken
from netlab.lab.leftovers import NOTHING

ECHO, PROMPT, OVER, TOLD, AGAIN, REPEATED = 2, 3, 4, 5, 6, 7
"""numbers of the rules: what it serves, how soon it stops, what may be left, and so on"""
SLOWLY = "stop() is called; your thread is held for 0.3 s at the next line that it comes to"
BOTH = "two threads call stop(), the second while the first waits; your thread is held for 0.3 s"


@contextlib.contextmanager
def _by_rule(number: int) -> Iterator[None]:
    """What is broken in this context breaks this rule."""
    try:
        yield
    except Broken as broken:
        raise Broken(broken.expected, broken.got, rule=number) from None


def _started(trial: Trial) -> tuple[Any, Any]:
    """Return where the server listens, and what makes the child take its next step."""
    try:
        found: tuple[Any, Any] = trial.wait("listening")
    except Broken as broken:
        raise Broken("start(address) to return", broken.got) from None
    trial.note("start(('127.0.0.1', PORT)) is called, and returns")
    return found


def _served(trial: Trial, address: Any, name: str) -> Talk:
    """Return a client who has been echoed, and is silent now."""
    with _by_rule(ECHO):
        talk = trial.talk(address, name)
        talk.send(b"hello\n")
        talk.expect(b"hello\n")
    return talk


def _rest(trial: Trial, control: Any) -> None:
    """Let the server notice what has happened: who comes next must not be quicker."""
    _go_on(control)
    trial.wait("listening")


def _stopped(trial: Trial, address: Any, control: Any, says: str = "") -> None:
    """Have the server stopped; see that it is over."""
    try:
        with _by_rule(PROMPT):
            call_stop(trial, control)
    finally:
        if says:
            trial.steps[-1] = says
    with _by_rule(OVER):
        left = trial.wait("left")
        if left != NOTHING:
            expected = "no thread and no socket of the server to be left when stop() returns"
            raise Broken(expected, left)
        trial.note("it returns; no thread and no socket is left")
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(address, REFUSED_S).close()
            raise Broken("a connection to be refused after stop()", "it was accepted")


def _told(*talks: Talk, reset_allowed: bool = False) -> None:
    with _by_rule(TOLD):
        for talk in talks:
            talk.expect_end(reset_allowed=reset_allowed)


def _go_on(control: Any) -> None:
    """Let the child take its next step, or end."""
    socket.create_connection(control, STOP_S).close()


def one_can_connect(trial: Trial) -> None:
    """Its thread is slow to begin."""
    address, _ = _started(trial)
    trial.note("your thread is held for 0.3 s at its first line; meanwhile:")
    trial.talk(address, "ann")


def echoes(trial: Trial) -> None:
    """Two clients, one after the other."""
    address, control = _started(trial)
    _comes_and_goes(trial, address, "ann")
    _rest(trial, control)
    _comes_and_goes(trial, address, "ben")


def _comes_and_goes(trial: Trial, address: Any, name: str) -> None:
    talk = _served(trial, address, name)
    with _by_rule(ECHO):
        talk.send(b"\xff\x00 no text")
        talk.expect(b"\xff\x00 no text")
        talk.half_close()
        talk.expect_end()


def nobody_came(trial: Trial) -> None:
    """It waits in accept."""
    address, control = _started(trial)
    _stopped(trial, address, control)
    _go_on(control)


def all_have_left(trial: Trial) -> None:
    """Some have been there, and one vanished."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    ann.leave()
    _rest(trial, control)
    ben = _served(trial, address, "ben")
    ben.reset()
    _rest(trial, control)
    _comes_and_goes(trial, address, "eve")
    _stopped(trial, address, control)
    _go_on(control)


def one_is_silent(trial: Trial) -> None:
    """It waits in recv, for a client who has been served and is silent now."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    _stopped(trial, address, control)
    _told(ann)
    _go_on(control)


def takes_its_time(trial: Trial) -> None:
    """The same, and its thread takes a while to end."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    _stopped(trial, address, control, SLOWLY)
    _told(ann)
    _go_on(control)


def one_never_speaks(trial: Trial) -> None:
    """It waits in recv, for a client who has never said a word."""
    address, control = _started(trial)
    ann = trial.talk(address, "ann")
    _stopped(trial, address, control)
    _told(ann)
    _go_on(control)


def one_waits(trial: Trial) -> None:
    """One is served, two wait for their turn, perhaps."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    others = [trial.talk(address, name) for name in ("ben", "eve")]
    _stopped(trial, address, control)
    _told(ann)
    _told(*others, reset_allowed=True)
    _go_on(control)


def twice(trial: Trial) -> None:
    """It is stopped, and stopped again."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    _stopped(trial, address, control)
    _told(ann)
    with _by_rule(REPEATED):
        _stopped(trial, address, control, "stop() is called again")
    _go_on(control)


def by_two_threads(trial: Trial) -> None:
    """Two stop it at the same time, and its thread takes a while to end."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    with _by_rule(REPEATED):
        _stopped(trial, address, control, BOTH)
    _told(ann)
    _go_on(control)


def again(trial: Trial) -> None:
    """It is started again at the same address, where conversations are in TIME_WAIT."""
    address, control = _started(trial)
    ann = _served(trial, address, "ann")
    _stopped(trial, address, control)
    _told(ann)
    ann.leave()
    _go_on(control)  # the next step: start
    with _by_rule(AGAIN):
        _started(trial)
        ben = _served(trial, address, "ben")
    _stopped(trial, address, control)
    _told(ben)
    _go_on(control)
