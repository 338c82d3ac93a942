"""What the examiner does to an echo loop of chapter 06 that serves everybody in one thread."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.watched import WatchedLoop, kept_bytes, noise
from netlab.exercises.words import Broken

MEGABYTE = 1_000_000
TOO_MUCH_BYTES = 4 * MEGABYTE
"""what no client gets rid of unless the loop keeps far more than a megabyte, or loses some"""
KEPT_BYTES = 1_048_576 + 65_536
"""what a loop may keep for a client: a megabyte, whichever kind, and what one `recv` has added"""
PARTING_BYTES = 300_000
"""more than the kernel's buffers hold in one direction (256,000 bytes with ours), but little more:
a loop reads them to the end though it has not been able to send all of them back"""
SIPS, SIP_BYTES = 3, 32_768
"""so little at a time makes room for less than what waits: a send then takes only a part of it"""
CROWD = 200

_SOME = b"\xff\x00 hello\n"


def _echo(talk: Talk, words: bytes) -> None:
    talk.send(words)
    talk.expect(words)


def _all_back(data: bytes, expect: Callable[[bytes], None]) -> None:
    """Expect the data; where the first difference is, is chance."""
    try:
        expect(data)
    except Broken as broken:
        wrong = broken.got.startswith("other bytes")
        got = "other bytes: somewhere in between a part is missing" if wrong else broken.got
        raise Broken("all its bytes back, as they were sent", got) from None


def some_bytes(trial: Trial) -> None:
    """One client, and bytes that are no text."""
    with WatchedLoop(trial) as loop:
        _echo(loop.talk("Ann"), _SOME)


def silent_client(trial: Trial) -> None:
    """A client that says nothing comes first."""
    with WatchedLoop(trial) as loop:
        loop.talk("silent")
        _echo(loop.talk("Ann"), b"hello")


def in_turns(trial: Trial) -> None:
    """Three clients, twice each."""
    with WatchedLoop(trial) as loop:
        talks = {name: loop.talk(name) for name in ("Ann", "Ben", "Cleo")}
        for words in ("hello", "still here"):
            for name, talk in talks.items():
                _echo(talk, f"{words}, says {name}".encode())


def idle(trial: Trial) -> None:
    """Nobody says anything: the loop rests."""
    with WatchedLoop(trial) as loop:
        ann = loop.talk("Ann")
        _echo(ann, b"hello")
        loop.rests()
        _echo(ann, b"and again")


def end(trial: Trial) -> None:
    """A client that ends hears the end, and is watched no longer."""
    with WatchedLoop(trial) as loop:
        ann = loop.talk("Ann")
        _echo(ann, b"my last words")
        ann.half_close()
        ann.expect_end()
        loop.rests()
        _echo(loop.talk("Ben"), b"still there?")


def megabyte(trial: Trial) -> None:
    """More than any buffer holds goes there and back."""
    with WatchedLoop(trial) as loop:
        _all_back(noise(MEGABYTE), loop.talk("Ann").exchange)


def vanishing(trial: Trial) -> None:
    """A client vanishes while nothing waits for it."""
    with WatchedLoop(trial) as loop:
        rude = loop.talk("rude")
        _echo(rude, b"hello")
        rude.reset()
        loop.rests()
        _echo(loop.talk("Ann"), b"still there?")


def not_reading(trial: Trial) -> None:
    """A client does not read: she is not read from, the others are; then she reads, slowly."""
    with WatchedLoop(trial) as loop:
        mute, sent = loop.mute(TOO_MUCH_BYTES)
        _echo(loop.talk("Ann"), b"must I wait?")
        if sent is None:
            taken = f"all of her {TOO_MUCH_BYTES:,} bytes were taken"
            raise Broken("the loop to stop reading from mute", taken)
        if kept_bytes(mute, len(sent)) > KEPT_BYTES:
            raise Broken("at most a megabyte to be kept for mute", "more than a megabyte is kept")
        trial.note("mute reads at last, slowly")
        for _ in range(SIPS):
            _all_back(sent[:SIP_BYTES], mute.expect)
            sent = sent[SIP_BYTES:]
            loop.rests()
        _all_back(sent, mute.expect)
        _echo(mute, b"and again")


def parting(trial: Trial) -> None:
    """A client ends while much waits for it, and reads late."""
    with WatchedLoop(trial) as loop:
        slow = loop.talk("slow")
        data = noise(PARTING_BYTES)
        slow.send(data)
        slow.half_close()
        loop.rests()
        trial.note("slow reads at last")
        _all_back(data, slow.expect)
        slow.expect_end()


def vanishing_unread(trial: Trial) -> None:
    """A client vanishes for whom so much waits that it is only written to."""
    with WatchedLoop(trial) as loop:
        mute, _ = loop.mute(TOO_MUCH_BYTES)
        mute.reset()
        loop.rests()
        _echo(loop.talk("Ann"), b"still there?")


def crowd(trial: Trial) -> None:
    """Many say nothing."""
    with WatchedLoop(trial) as loop:
        with trial.in_silence():
            for number in range(CROWD):
                loop.talk(f"client {number + 1}")
        trial.note(f"{CROWD} clients connect and say nothing")
        _echo(loop.talk("Ann"), b"hello")
        loop.rests()


def stopping(trial: Trial) -> None:
    """It ends at once, and closes everything, though somebody does not read."""
    with WatchedLoop(trial) as loop:
        ann = loop.talk("Ann")
        _echo(ann, b"hello")
        slow = loop.talk("slow")
        slow.send(noise(PARTING_BYTES))
        slow.wait_read()
        closed, left_open = loop.stop()
        if trial.left:
            raise Broken("the sockets of all clients to be closed", trial.left)
        if not closed:
            raise Broken("the listener to be closed", "it is still open")
        if not left_open:
            raise Broken("`stop` to be left open", "it has been closed")
        ann.expect_end()
