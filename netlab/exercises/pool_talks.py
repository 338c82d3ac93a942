"""What the examiner does to a `PoolServer` (chapter 05): one function a probe.

All clients are the examiner's own. They come one after the other, each when the one before has
heard something: so it is never chance who is served, who waits, and who is refused.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count, in_short

SILENCE_S = 0.1
"""seconds in which who has to wait must hear nothing"""
IDLE_S = 0.3
"""idle_seconds, where it matters"""
PAUSE_S = 0.17
"""seconds of silence that are allowed then; two of them are longer than `IDLE_S`"""
PATIENT_S = 30.0
"""idle_seconds, where it does not matter"""
MORE_TRIES = 2
"""where the examiner itself was late, on a busy machine"""

_POISON: dict[bytes, Exception] = {
    b"nonsense": ValueError("this is nonsense"),
    b"name": AttributeError("module 'json' has no attribute 'JSONEncodeError'"),
    b"database": TimeoutError("the database does not answer"),
    b"disk": OSError("the disk is full"),
}


def answer(line: bytes) -> bytes:
    """What a `PoolServer` is given to do: capital letters. Raises: what is in `_POISON`."""
    if line in _POISON:
        raise _POISON[line]
    return line.upper()


def _open(trial: Trial) -> tuple[Any, Any]:
    """Return the addresses of the server, and of the bell that has it stopped."""
    address, bell = trial.wait("listening")
    match address:
        case (str(), int(port), *_) if port:
            return address[:2], bell
        case None:
            got = "no `address`"
        case _:
            got = repr(address)
    raise Broken("`address`, a pair of host and port, when start() has returned", got, rule=1)


def _served(trial: Trial, address: Any, name: str) -> Talk:
    talk = trial.talk(address, name)
    _hears_an_answer(talk)
    return talk


def _waiting(trial: Trial, address: Any, name: str) -> Talk:
    talk = trial.talk(address, name)
    _hears(talk, b"waiting\n")
    return talk


def _hears_an_answer(talk: Talk) -> None:
    talk.send(b"hello\n")
    _hears(talk, b"HELLO\n")


def _hears(talk: Talk, line: bytes) -> None:
    """Read a line: who expected another wants to know all of it."""
    got = talk.read_line(repr(line))
    if got != line:
        raise Broken(repr(line), in_short(got))


def one_line(trial: Trial) -> None:
    """One client, two lines."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    ann.send(b"how are you?\n")
    _hears(ann, b"HOW ARE YOU?\n")


def cut_lines(trial: Trial) -> None:
    """A piece is not a line."""
    address, _ = _open(trial)
    ann = trial.talk(address, "Ann")
    ann.send_apart(b"hel", b"lo\nhow\nare", b" you?\n")
    ann.expect(b"HELLO\nHOW\nARE YOU?\n")


def goodbye(trial: Trial) -> None:
    """Who has finished sending gets all answers, and the end."""
    address, _ = _open(trial)
    ann = trial.talk(address, "Ann")
    ann.send(b"one\ntwo\n")
    ann.half_close()
    ann.expect(b"ONE\nTWO\n")
    ann.expect_end()


def poison(trial: Trial) -> None:
    """Lines whose answer is an exception."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    for word, error in _POISON.items():
        trial.note(f"answer({word!r}) will raise {type(error).__name__}")
        ann.send(word + b"\n")
        _hears(ann, b"error\n")
        _hears_an_answer(ann)


def all_workers(trial: Trial) -> None:
    """Two workers, two clients."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    _served(trial, address, "Ben")
    _hears_an_answer(ann)


def one_more(trial: Trial) -> None:
    """Two workers, three clients."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    _served(trial, address, "Ben")
    cleo = _waiting(trial, address, "Cleo")
    cleo.send(b"hello\n")
    cleo.expect_silence(SILENCE_S, "somebody leaves: both workers are taken")
    ann.leave()
    _hears(cleo, b"HELLO\n")


def in_turn(trial: Trial) -> None:
    """One worker, three clients: who came first is served first."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    ben = _waiting(trial, address, "Ben")
    cleo = _waiting(trial, address, "Cleo")
    cleo.send(b"hello\n")
    ben.send(b"hello\n")
    ann.leave()
    cleo.expect_silence(SILENCE_S, "Ben leaves: he came before her")
    _hears(ben, b"HELLO\n")
    ben.leave()
    _hears(cleo, b"HELLO\n")


def no_room(trial: Trial) -> None:
    """One worker, and room for one to wait."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    ben = _waiting(trial, address, "Ben")
    for name in ("Cleo", "Dan"):
        refused = trial.talk(address, name)
        _hears(refused, b"full\n")
        refused.expect_end()
    ann.leave()
    _hears_an_answer(ben)
    _waiting(trial, address, "Eve")


def nobody_waits(trial: Trial) -> None:
    """One worker, and no room to wait."""
    address, _ = _open(trial)
    _served(trial, address, "Ann")
    ben = trial.talk(address, "Ben")
    _hears(ben, b"full\n")
    ben.expect_end()


def vanishes(trial: Trial) -> None:
    """One worker, and a client that is gone without a word."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    ben = _waiting(trial, address, "Ben")
    ann.reset()
    _hears_an_answer(ben)


def vanishes_waiting(trial: Trial) -> None:
    """One worker, and a client that is gone before it was served."""
    address, _ = _open(trial)
    ann = _served(trial, address, "Ann")
    ben = _waiting(trial, address, "Ben")
    cleo = _waiting(trial, address, "Cleo")
    ben.send(b"hello\n")
    ben.reset()
    ann.leave()
    _hears_an_answer(cleo)


class Pace:
    """Measures how long the examiner takes for what should take less than `idle_seconds`."""

    slowest_s = 0.0

    def begin(self) -> None:
        """From now on time counts."""
        self._began = time.monotonic()

    def done(self) -> None:
        """It is done, whatever comes of it."""
        self.slowest_s = max(self.slowest_s, time.monotonic() - self._began)


def _idle(trial: Trial, pace: Pace) -> None:
    address, _ = _open(trial)
    pace.begin()
    ann = _served(trial, address, "Ann")
    ben = trial.talk(address, "Ben")
    pace.done()
    _hears(ben, b"waiting\n")
    trial.note("neither says anything")
    _hears(ann, b"idle\n")
    pace.begin()
    ann.expect_end()
    ben.send(b"hello\n")
    pace.done()
    _hears(ben, b"HELLO\n")


def _now_and_then(trial: Trial, pace: Pace) -> None:
    address, _ = _open(trial)
    pace.begin()
    ann = _served(trial, address, "Ann")
    ben = _waiting(trial, address, "Ben")
    for _ in range(2):
        trial.note(f"{PAUSE_S:g} s go by")
        threading.Event().wait(PAUSE_S)
        ann.send(b"hello\n")
        pace.done()
        pace.begin()
        _hears(ann, b"HELLO\n")
    ann.leave()
    ben.send(b"hello\n")
    pace.done()
    _hears(ben, b"HELLO\n")


def _in_time(attempt: Callable[[Trial, Pace], None]) -> Callable[[Trial], None]:
    """Attempt it, and again if it failed because the examiner itself was late."""

    def examine(trial: Trial, more_tries: int = MORE_TRIES) -> None:
        pace = Pace()
        try:
            attempt(trial, pace)
        except Broken:
            if not more_tries or pace.slowest_s < IDLE_S:
                raise
            with trial.again(trial.patience_s) as fresh:
                try:
                    examine(fresh, more_tries - 1)
                finally:
                    trial.adopt(fresh)

    return examine


idle = _in_time(_idle)
now_and_then = _in_time(_now_and_then)


def stops(trial: Trial) -> None:
    """Two workers, two silent clients, and one that waits: stop."""
    address, bell = _open(trial)
    ann = trial.talk(address, "Ann")
    ben = _served(trial, address, "Ben")
    cleo = _waiting(trial, address, "Cleo")
    dan = trial.talk(address, "Dan")
    _hears(dan, b"full\n")  # so the server has done with Cleo's arrival, too
    trial.note("server.stop() is called")
    socket.create_connection(bell, trial.patience_s).close()
    try:
        threads, sockets = trial.wait("answer")
    except Broken as broken:
        raise Broken("stop() to return within a second", broken.got) from None
    left = [
        count(number, what) for number, what in ((threads, "thread"), (sockets, "socket")) if number
    ]
    if left:
        raise Broken("no thread and no socket of the server to be left", " and ".join(left))
    for talk in (ann, ben, cleo):
        talk.expect_end(reset_allowed=True)
