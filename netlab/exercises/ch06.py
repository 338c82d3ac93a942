"""Exercises of chapter 06: one thread for all, and it rests."""

from __future__ import annotations

import re
from collections.abc import Callable

from netlab.exercises import loop_probes
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.spinning import (
    CountedServer,
    EagerServer,
    FaithfulServer,
    PunctualServer,
    judge_counted,
)
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.watched import serve_watched
from netlab.exercises.words import Broken
from netlab.exercises.writing import write_in_rounds, write_once, write_to_nobody

# ---------------------------------------------------------------- warm-up

MUCH_BYTES = 10_000_000
"""more than a socket takes at once"""


def _wrote(what: str, expected: bool, *, some: bool, rest: bool) -> Callable[[Trial], None]:
    """`some`: must something have arrived? `rest`: must something be left?"""

    def examine(trial: Trial) -> None:
        trial.note(f"`unsent` holds {what}")
        try:
            returned, n_arrived, n_left, problem = trial.wait("answer")
        except Broken as broken:
            waits = broken.got.startswith("nothing: your code still ran")
            raise Broken(broken.expected, broken.got, rule=3 if waits else None) from None
        if problem:
            raise Broken("each byte either sent or still in `unsent`", problem, rule=1)
        if some and not n_arrived:
            raise Broken("as much to be sent as there is room for", "nothing was sent", rule=1)
        if n_left and not rest:
            raise Broken("`unsent` to be empty: there is room for all", "a part is left", rule=1)
        if returned is not expected:
            left = "something is left" if rest else "nothing is left"
            raise Broken(f"{expected}: {left}", f"{returned!r} was returned", rule=2)

    return examine


def _nobody(trial: Trial) -> None:
    trial.note("the other end has been closed")
    answer = trial.wait("answer")
    if answer != "ConnectionError":
        raise Broken("the ConnectionError of `send` to be passed on", f"{answer} was returned")


write_some = Exercise(
    "write_some",
    chapter="06",
    kind="warm-up",
    title="As much as there is room for",
    task="Write `write_some(sock, unsent)`, what a loop calls when it has something to send. "
    "`sock` is a non-blocking socket, `unsent` a `bytearray`: what waits to be sent.",
    rules=(
        "It sends from the front of `unsent` as much as the socket takes now, and deletes from "
        "`unsent` what was taken, and only that. (One `send` is enough.)",
        "It returns `True` if something is left in `unsent`, otherwise `False`. If there was "
        "nothing to send, it sends nothing and returns `False`.",
        "It never waits. If there is no room at all, `send` raises `BlockingIOError`: then nothing "
        "is deleted, nothing is raised, and it returns `True`.",
        "If the other end is gone, `send` raises a `ConnectionError` (such as `BrokenPipeError`): "
        "that is passed on, for the loop has to know.",
    ),
    hints=(
        "`send` returns how many bytes it has taken. It may be fewer than you gave it.",
        "`del unsent[:n]` deletes the first n bytes of a `bytearray`, in place. "
        "(`unsent = unsent[n:]` would make a new one, which the caller never sees.)",
        "Three parts: `try: sent = sock.send(unsent)`, with `except BlockingIOError: return True`; "
        "then `del unsent[:sent]`; then `return bool(unsent)`.",
    ),
    probes=(
        Probe("room for all of it", 1, _wrote("b'hello'", False, some=True, rest=False),
              write_once, (b"hello", False)),
        Probe("room for a part", 1, _wrote("10 MB", True, some=True, rest=True),
              write_once, (bytes(MUCH_BYTES), False)),
        Probe("no room at all", 3, _wrote("b'hello'; there is no room at all", True,
                                          some=False, rest=True), write_once, (b"hello", True)),
        Probe("nothing to send", 2, _wrote("nothing", False, some=False, rest=False),
              write_once, (b"", False)),
        Probe("round after round", 1,
              _wrote("3 MB; it is called until it returns False, and the other end reads", False,
                     some=True, rest=False), write_in_rounds, (3_000_000,)),
        Probe("the other end is gone", 4, _nobody, write_to_nobody),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: an echo loop

echo_loop = Exercise(
    "echo_loop",
    chapter="06",
    kind="core",
    title="An echo loop that rests",
    task="Write `echo_loop(listener, stop)`: it serves all clients of the listening socket "
    "`listener` at the same time, in one thread, until the socket `stop` becomes readable. "
    "`listener` may still be a blocking socket. (Helper functions and classes are welcome.)",
    rules=(
        "What a client sends comes back to it unchanged and at once, however much it is; it need "
        "not be text.",
        "It serves all clients in the thread in which it was called, and starts no other. Nobody "
        "waits for another: not for a silent one, nor for one that does not read.",
        "As long as nothing happens it waits in the kernel, without a timeout: it neither goes "
        "round and round, nor looks every few milliseconds whether something has happened. That "
        "goes for the situations of the following rules, too.",
        "When a client has finished sending (`recv` returns `b''`), it gets everything that still "
        "waits for it; only then is its connection closed.",
        "What cannot be sent to a client now waits in memory, but it must not become more and "
        "more: from a client for whom much is waiting nothing is read until it has fetched some. "
        "At most a megabyte is kept for one client, and nothing is lost.",
        "A client that vanishes (RST: `recv` or `send` raises `ConnectionError`) costs only its "
        "own connection.",
        "When `stop` becomes readable, it closes `listener` and the sockets of all clients and "
        "returns, at once, whatever still waits to be sent. `stop` is left open: it belongs "
        "to the caller.",
    ),
    hints=(
        "`EchoLoop` and `PoliteClient` in this chapter do almost all of it: `stop` is what `woken` "
        "is there (but do not close it). Rule 4 is new: there, the end of the one direction closes "
        "both.",
        "Remember of each client that it has *ended*. Who has ended is not asked for `EVENT_READ` "
        "any more, for the end is always ready; and is closed when nothing is unsent.",
        "So a client's interest is: `EVENT_READ` if it has not ended and less than 100,000 bytes "
        "are unsent; `EVENT_WRITE` if something is unsent; and if it is neither, then unregister "
        "it and close it. Compute it after each event, and `modify` the registration.",
    ),
    probes=(
        Probe("some bytes", 1, loop_probes.some_bytes, serve_watched),
        Probe("a client that says nothing", 2, loop_probes.silent_client, serve_watched),
        Probe("three clients take turns", 2, loop_probes.in_turns, serve_watched),
        Probe("nobody says anything", 3, loop_probes.idle, serve_watched),
        Probe("a client that ends", 4, loop_probes.end, serve_watched),
        Probe("a client that does not read", 5, loop_probes.not_reading, serve_watched),
        Probe("a megabyte", 1, loop_probes.megabyte, serve_watched),
        Probe("a client that vanishes", 6, loop_probes.vanishing, serve_watched),
        Probe("the end, while much waits", 4, loop_probes.parting, serve_watched),
        Probe("a client that vanishes while much waits", 6, loop_probes.vanishing_unread,
              serve_watched),
        Probe(f"{loop_probes.CROWD} silent clients", 3, loop_probes.crowd, serve_watched),
        Probe("stop", 7, loop_probes.stopping, serve_watched),
    ),
    converse=Probe("three clients take turns", 2, loop_probes.in_turns, serve_watched),
)  # fmt: skip

# ---------------------------------------------------------------- red team


PROBE_S = 5.0
"""seconds that a probe of the learner's may take"""


def _without_figures(objection: str) -> str:
    """How many rounds it counted differs from run to run."""
    return re.sub(r"\d+([.,]\d+)*", "…", objection)


def _judged(name: str, rule: int, make: type[CountedServer], fault: str = "") -> Probe:
    praise = "this server rests"
    examine = verdict(fault, praise=praise, late_rule=5, timeout_s=PROBE_S, plain=_without_figures)
    return Probe(name, rule, examine, judge_counted, (make,))


spin_probe = Exercise(
    "spin_probe",
    chapter="06",
    kind="red-team",
    title="Red team: the server that never rests",
    task="Two echo loops pass every test that looks at their answers. One goes on watching the "
    "socket of a client that has left; the other registers every client for `EVENT_WRITE`, always. "
    "Write `spin_probe(start_server)`, which raises `AssertionError` for both.",
    rules=(
        "`with start_server() as server:` starts a new server in a thread of its own, and stops it "
        "at the end. `server.address` is where it listens; `server.rounds` is how often it has "
        "gone round so far, a number.",
        "`AssertionError` is raised for a server that goes round and round when a client has left.",
        "So it is for a server that does so while a client is connected and silent.",
        "For a correct server nothing is raised. It goes round when something happens; and it may "
        "look at the clock, up to 100 times a second. (One that goes round and round does so many "
        "thousand times a second.)",
        "It is done (returns or raises) within 5 seconds.",
    ),
    hints=(
        "Bring the server into a situation in which nothing happens. Read `server.rounds`, wait a "
        "moment (`threading.Event().wait(0.2)`), read it again.",
        "The first server rests as long as nobody leaves; the second one rests as soon as nobody "
        "is connected. Which situation shows both, or do you need two?",
        "Let one client connect and stay, another connect and leave (`close`). Then nothing "
        "happens: in 0.2 seconds a correct server goes round 20 times at most, the others some "
        "thousand times. Put the border in between: 100, for instance.",
    ),
    probes=(
        _judged("the server that watches who has left", 2, FaithfulServer,
                "this server goes round and round when a client has left"),
        _judged("the server that always asks for room to write", 3, EagerServer,
                "this server goes round and round while a client is connected"),
        _judged("a correct server", 4, CountedServer),
        _judged("a correct server that looks at the clock", 4, PunctualServer),
    ),
)  # fmt: skip

EXERCISES = (write_some, echo_loop, spin_probe)
