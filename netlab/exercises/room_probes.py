"""What the examiner tries with a chat room: talk, order, comings and goings, silence, the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netlab.exercises.stoppable import nothing_left, started, stop
from netlab.exercises.talk import Talk
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

WELCOME = b"welcome\n"
LINE = b"x" * 59_999 + b"\n"
"""a line so long that the kernel does not hold a hundred of them for one who does not read"""
WAITING = 100
"""lines that may wait for one client"""
TOO_MANY = 120
"""more lines than so many may not"""
EARLY_S = 0.1
"""seconds in which half a line is seen, if it is passed on too early"""
TOGETHER = 30
"""lines that each of three says at the same time: together fewer than may wait"""
GUESTS = 30
"""who come and go while others talk"""
STAY = 3
"""guests in the room at the same time"""
FULL = 7
"""number of the rule on what becomes of one who does not read"""


def join(trial: Trial, address: Any, name: str) -> Talk:
    """Return a client who is in the room."""
    talk = trial.talk(address, name)
    talk.expect(WELCOME)
    return talk


def say(speaker: Talk, line: bytes, *listeners: Talk) -> None:
    """Have the speaker say a line, and all hear it, the speaker too."""
    speaker.send(line)
    for listener in (speaker, *listeners):
        listener.expect(line)


@contextlib.contextmanager
def in_a_sentence(trial: Trial, sentence: str) -> Iterator[None]:
    """Tell what happens in this context in one sentence, whether it goes well or not."""
    steps, recording = trial.steps, trial.recording
    trial.note(sentence)
    try:
        with trial.in_silence():
            yield
    finally:
        trial.steps, trial.recording = steps, recording


def it_starts(trial: Trial) -> None:
    """One can connect."""
    trial.talk(started(trial)[0], "ann")


def one_client(trial: Trial) -> None:
    """One client hears the welcome, and what it says."""
    ann = join(trial, started(trial)[0], "ann")
    say(ann, b"hello\n")
    say(ann, b"\n")


def _three(trial: Trial) -> tuple[Talk, Talk, Talk]:
    address, _ = started(trial)
    return join(trial, address, "ann"), join(trial, address, "ben"), join(trial, address, "eve")


def three_clients(trial: Trial) -> None:
    """Everyone hears everyone."""
    ann, ben, eve = _three(trial)
    say(ann, b"hello\n", ben, eve)
    say(eve, b"hello ann\n", ben, ann)


def no_text(trial: Trial) -> None:
    """What is said is bytes."""
    ann, ben, _ = _three(trial)
    say(ann, b"\xff\x00 caf\xe9\r\n", ben)
    say(ann, b" two blanks \n", ben)


def half_a_line(trial: Trial) -> None:
    """Half a line waits for its other half; in the meantime others are heard."""
    ann, ben, eve = _three(trial)
    ann.send(b"hel")
    ann.wait_read()
    ben.expect_silence(EARLY_S, "the end of ann's line")
    say(ben, b"hi\n", eve, ann)
    ann.send(b"lo\nand")
    for one in (ann, ben, eve):
        one.expect(b"hello\n")
    ann.send(b" more\nand more\n")
    for one in (ann, ben, eve):
        one.expect(b"and more\nand more\n")


def one_order(trial: Trial) -> None:
    """All talk at once, and all hear the same."""
    speakers = dict(zip(("ann", "ben", "eve"), _three(trial), strict=True))
    said = {name: [b"%s %d\n" % (name.encode(), n) for n in range(TOGETHER)] for name in speakers}
    with in_a_sentence(trial, f"ann, ben and eve say {TOGETHER} lines each, at the same time"):
        for name, talk in speakers.items():
            talk.send(b"".join(said[name]))
        number = TOGETHER * len(speakers)
        heard = [
            [talk.read_line("a line of somebody's") for _ in range(number)]
            for talk in speakers.values()
        ]
    for lines in heard:
        for name, words in said.items():
            own = [line for line in lines if line.startswith(name.encode())]
            if own != words:
                raise Broken("everybody to hear all lines, each speaker's in order",
                             f"what {name} said came otherwise", rule=3)  # fmt: skip
    if any(lines != heard[0] for lines in heard):
        raise Broken("everybody to hear the lines in the same order", "different orders")


def who_leave(trial: Trial) -> None:
    """One leaves with FIN, one with RST, both in the middle of a line."""
    ann, ben, eve = _three(trial)
    ben.send(b"I was just about t")
    ben.half_close()
    ben.expect_end(reset_allowed=True)
    say(ann, b"ben?\n", eve)
    eve.send(b"me t")
    eve.wait_read()
    eve.reset()
    say(ann, b"eve?\n")


def come_and_go(trial: Trial) -> None:
    """Many join and leave while one talks."""
    address, _ = started(trial)
    ann, ben = join(trial, address, "ann"), join(trial, address, "ben")
    with in_a_sentence(trial, "guests come and go, every third by RST, while ann talks"):
        guests: list[Talk] = []
        for number in range(GUESTS):
            guests.append(trial.talk(address, "a guest"))
            if number % 2:
                guests[-1].expect(WELCOME)
            ann.send(line := b"guest number %d!\n" % number)
            if number >= STAY:
                _leave(guests.pop(0), number)
            hear = (ann, ben, guests[-1]) if number % 2 else (ann, ben)
            for one in hear:  # who has been welcomed hears it, too
                one.expect(line)
    say(join(trial, address, "dan"), b"here I am\n", ann, ben)


def _leave(guest: Talk, number: int) -> None:
    if number % 3:
        guest.leave()
    else:
        guest.reset()


def one_who_pauses(trial: Trial) -> None:
    """Ben reads nothing for a while, and misses nothing; nobody waits for him."""
    address, _ = started(trial)
    ben, ann = join(trial, address, "ben"), join(trial, address, "ann")
    _talk_to(trial, "ben", WAITING, ann)
    with in_a_sentence(trial, "ben reads again"):
        for _ in range(WAITING):
            ben.expect(LINE)


def one_who_does_not_read(trial: Trial) -> None:
    """Mute reads nothing, ever. The others talk, a newcomer joins, and Mute is dropped."""
    address, _ = started(trial)
    mute, ann, ben = (join(trial, address, name) for name in ("mute", "ann", "ben"))
    many = TOO_MANY + (_kernel_holds_bytes() // len(LINE)) + 10
    _talk_to(trial, "mute", many, ann, ben)
    dan = join(trial, address, "dan")
    say(dan, b"did I miss anything?\n", ann, ben)
    with in_a_sentence(trial, "now mute reads what there is for her"):
        if (got := _until_the_end(mute, many * len(LINE))) is not None:
            raise Broken("then the end of her connection: far too much has waited", got, rule=FULL)


def _talk_to(trial: Trial, silent: str, lines: int, *readers: Talk) -> None:
    number = str(lines) if lines == WAITING else "many more than 120"
    does = f"ann says {number} lines of {len(LINE):,} bytes, which {silent} does not read"
    with in_a_sentence(trial, does):
        for _ in range(lines):
            say(readers[0], LINE, *readers[1:])


def _kernel_holds_bytes() -> int:
    """Return how many bytes the kernel may hold for a connection: tcp(7), tcp_wmem; and some."""
    try:
        most = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, ValueError, IndexError):
        most = 4_194_304
    return min(most, 16_000_000) + 1_000_000


def _until_the_end(talk: Talk, most_bytes: int) -> str | None:
    """Read until the connection ends (None); otherwise say what came instead."""
    got = 0
    try:
        while got < most_bytes:
            if not (piece := talk.sock.recv(262_144)):
                return None
            got += len(piece)
    except TimeoutError:
        return "silence"
    except OSError:
        return None
    return "everything that was said: all of it had been kept for her"


def stop_an_empty_room(trial: Trial) -> None:
    """Nobody was there."""
    address, control = started(trial)
    stop(trial, control)
    nothing_left(trial, address)


def stop_a_full_room(trial: Trial) -> None:
    """One is silent, one in the middle of a line, and one does not read what waits for her."""
    address, control = started(trial)
    mute, ann = join(trial, address, "mute"), join(trial, address, "ann")
    _talk_to(trial, "mute", WAITING, ann)
    silent, eve = join(trial, address, "silent"), join(trial, address, "eve")
    eve.send(b"what I want to s")
    eve.wait_read()
    stop(trial, control)
    for one in (ann, silent, eve):
        one.expect_end(reset_allowed=True)
    with in_a_sentence(trial, "mute reads what is on its way to her"):
        if (got := _until_the_end(mute, 2 * WAITING * len(LINE))) is not None:
            raise Broken("the end of her connection", got)
    nothing_left(trial, address)


def stop_after_some_left(trial: Trial) -> None:
    """Those who have left are no part of the end any more."""
    address, control = started(trial)
    ann, ben, eve = (join(trial, address, name) for name in ("ann", "ben", "eve"))
    ben.reset()
    eve.leave()
    say(ann, b"bye\n")
    stop(trial, control)
    ann.expect_end(reset_allowed=True)
    nothing_left(trial, address)
