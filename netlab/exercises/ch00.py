"""Exercises of chapter 00: one conversation, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.judges import judge_cells, run_thrice
from netlab.exercises.peers import meet_server
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.words import Broken

NOTHING = "nothing left behind: no thread, no task, no socket"

# ---------------------------------------------------------------- warm-up


def _greeting(pieces: tuple[bytes, ...]) -> Callable[[Trial], None]:
    def examine(trial: Trial) -> None:
        answer = trial.wait("answer")
        expected = b"".join(pieces)
        if answer != expected:
            raise Broken(f"the line {expected!r} to be returned", repr(answer))
        line, rest = trial.wait("got")
        if line != b"hello\n":
            raise Broken(r"b'hello\n' to reach the server", repr(line), rule=1)
        if rest:
            raise Broken("nothing after the greeting", repr(rest), rule=1)

    return examine


greet = Exercise(
    "greet",
    chapter="00",
    kind="warm-up",
    title="Say hello",
    task="Write `greet(address)`: it connects to the server at `address`, says hello and returns "
    "the answer.",
    rules=(
        r"It sends `b'hello\n'`, and nothing else.",
        "It returns the line that the server answers, as bytes, with the newline at its end.",
        "The line may arrive in several pieces; all of it is returned.",
    ),
    hints=(
        "`socket.create_connection(address)` gives a connected socket, and is a context manager.",
        "`recv(1024)` returns *up to* 1,024 bytes: as much as has arrived, perhaps half a line.",
        r"Keep receiving and appending until what you have `.endswith(b'\n')`.",
    ),
    probes=(
        Probe("an answer in one piece", 2, _greeting((b"Echo: hello\n",)), meet_server,
              ((b"Echo: hello\n",),)),
        Probe("an answer in three pieces", 3, _greeting((b"Ec", b"ho: hel", b"lo\n")), meet_server,
              ((b"Ec", b"ho: hel", b"lo\n"),)),
    ),
    converse=Probe("a greeting", 2, _greeting((b"Echo: hello\n",)), meet_server,
                   ((b"Echo: hello\n",),)),
)  # fmt: skip

# ---------------------------------------------------------------- core


def _runs(upto: int) -> Callable[[Trial], None]:
    def examine(trial: Trial) -> None:
        for number in range(1, upto + 1):
            answer = trial.wait("answer")
            if answer != b"hello":
                raise Broken("b'hello' to come back", repr(answer), rule=1)
            left = trial.wait("left")
            if left != NOTHING:
                raise Broken(f"nothing left behind by run {number}", left)
            trial.note("it returned b'hello' and left nothing behind")

    return examine


conversation = Exercise(
    "conversation",
    chapter="00",
    kind="core",
    title="Mend the cell that leaks",
    task="`conversation()` starts a server in a thread, asks it something and returns the answer. "
    "It works, once. Mend it.",
    rules=(
        "It returns `b'hello'`, which a server in another thread has sent back over a connection.",
        "When it has returned, nothing is left behind: no thread goes on running, and every socket "
        "has been closed by the code, not left to the garbage collector.",
        "It can be run again and again.",
    ),
    hints=(
        "Count the sockets: the listener, the client's, and the one that `accept` returned.",
        "Each of the three is a context manager: `with` closes it, even when something raises.",
        "Keep the thread in a variable and `join()` it, when it has nothing left to wait for.",
    ),
    probes=(
        Probe("one run", 2, _runs(1), run_thrice),
        Probe("three runs in a row", 3, _runs(3), run_thrice),
    ),
)

# ---------------------------------------------------------------- red team


def clean_cell() -> None:
    """Starts a thread and waits for it."""
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def leaky_cell() -> None:
    """Starts a thread that nobody stops."""
    threading.Thread(target=threading.Event().wait, daemon=True, name="left by the cell").start()


def _cell(name: str, rule: int, *, leaks: bool, beside: bool) -> Probe:
    """A cell to judge; `beside`: does a thread run that it has nothing to do with?"""
    look = verdict(
        "this cell left a thread running" if leaks else "", praise="this cell left nothing behind"
    )

    def examine(trial: Trial) -> None:
        look(trial)
        calls = trial.wait("calls")
        if calls != 1:
            raise Broken("the cell to be called once", f"{calls} calls", rule=1)

    return Probe(name, rule, examine, judge_cells, (leaky_cell if leaks else clean_cell, beside))


thread_probe = Exercise(
    "thread_probe",
    chapter="00",
    kind="red-team",
    title="Red team: catch the thread that stays",
    task="Now you are the examiner. Write `thread_probe(cell)`: it calls `cell()` and objects, by "
    "raising `AssertionError`, when the cell left a thread running.",
    rules=(
        "It calls `cell()` exactly once.",
        "It raises `AssertionError` if a thread that the cell started still runs afterwards.",
        "It raises nothing if the cell's threads have ended, nor because of threads that ran "
        "before the cell did.",
    ),
    hints=(
        "`threading.enumerate()` returns the threads that run now.",
        "What runs afterwards is not the question; what runs afterwards and did not run before is.",
        "Make a `set` of the threads before, and one after; subtract; `assert not` the rest.",
    ),
    probes=(
        _cell("a cell that cleans up", 3, leaks=False, beside=False),
        _cell("a cell that leaves a thread", 2, leaks=True, beside=False),
        _cell("a clean cell beside somebody else's thread", 3, leaks=False, beside=True),
        _cell("a leaky cell beside somebody else's thread", 2, leaks=True, beside=True),
    ),
)

EXERCISES = (greet, conversation, thread_probe)
