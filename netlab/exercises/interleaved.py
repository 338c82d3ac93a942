"""Two threads in one object, at every moment that hurts: races by construction, not by luck.

One thread calls a method and is stopped between two steps of Python; meanwhile another makes a
whole call; then the first goes on. That is done for every step of the first call. What both calls
answered, and the state after them, must be what one call after the other gives, in either order.

    Probe("two add the same name", 4, agree, interleave, (Model, pairs))
"""

from __future__ import annotations

import itertools
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from netlab.exercises.calls import Function, Report
from netlab.exercises.subjects import FromFile, source_line
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

POLL_S = 0.0003
POLLS = 3
"""so often in a row a thread must be seen asleep: once may be its wait for the interpreter"""
BLIND_S = 0.02
"""seconds after which a thread that does not come back waits, where the system cannot say so"""
STUCK_S = 1.0
"""seconds after which two calls that do not come back never will"""
MOST_STEPS = 400
"""of the first call; what is longer is not tried any further"""

Call = tuple[str, tuple[object, ...]]
"""a method's name, and its arguments"""


@dataclass(frozen=True)
class Pair:
    """Two calls at the same time.

    Args:
        before: what is called first, by one thread.
        first: the call that is stopped at each of its steps.
        second: the call that another thread makes meanwhile.
        after: what is called when both are over, to see the state.
    """

    before: tuple[Call, ...]
    first: Call
    second: Call
    after: Call


def in_words(call: Call) -> str:
    """Return a call as it is written."""
    name, arguments = call
    return f"{name}({', '.join(map(repr, arguments))})"


def make_call(subject: Any, call: Call) -> str:
    """Return what a call answers: its `repr`, or what it raised."""
    name, arguments = call
    try:
        return repr(getattr(subject, name)(*arguments))
    except Exception as error:
        return f"{type(error).__name__}: {error}".rstrip(": ")


def interleave(make: Function, report: Report, model: Function, pairs: Sequence[Pair]) -> None:
    """In the child: try each pair at each step of its first call.

    Reported: `case` before each try; `answer`, None if all went well, else what `agree` tells.
    """
    for pair in pairs:
        allowed = [_one_after_the_other(model(), pair, order) for order in (1, -1)]
        for step in range(1, MOST_STEPS):
            report("case")
            tried = _Try(make(), pair, step)
            outcome = tried.run()
            if outcome not in allowed:
                second = "waits" if tried.waited else "returns at once"
                steps = [in_words(call) for call in pair.before]
                report("answer", (steps, in_words(pair.first), in_words(pair.second), second,
                                  tried.place, allowed, outcome))  # fmt: skip
                return
            if not tried.stopped.is_set():
                break  # the call was over before that many steps
    report("answer")


def _one_after_the_other(subject: Any, pair: Pair, order: int) -> list[str]:
    for call in pair.before:
        make_call(subject, call)
    answers = [make_call(subject, call) for call in (pair.first, pair.second)[::order]]
    return [*answers[::order], make_call(subject, pair.after)]


@dataclass
class _Try:
    """One try: the first call is stopped before its step number `step`."""

    subject: Any
    pair: Pair
    step: int
    place: tuple[str, str, int, int] | None = None
    """where it was stopped: function, file, line in it, line in the function"""
    waited: bool = False
    """did the second call wait for the first?"""
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answers: dict[int, str] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Return the answers of both calls, and of the one after them."""
        for call in self.pair.before:
            make_call(self.subject, call)
        first = threading.Thread(target=self._first, daemon=True, name="thread 1")
        second = threading.Thread(target=self._second, daemon=True, name="thread 2")
        first.start()
        self.over.wait(STUCK_S)  # until it has been stopped, or is over
        second.start()
        self.waited = not _come_back(second)
        self.go_on.set()
        for thread in (first, second):
            thread.join(STUCK_S)
            if thread.is_alive():
                return ["nothing: a call still waits after 1 s, and will for ever"]
        return [self.answers[1], self.answers[2], make_call(self.subject, self.pair.after)]

    def _first(self) -> None:
        steps = itertools.count(1)

        def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
            if event == "call":
                if is_library(frame.f_code.co_filename):
                    return None
                frame.f_trace_opcodes = True
            elif event in ("line", "opcode") and next(steps) == self.step:
                code = frame.f_code
                line = frame.f_lineno
                self.place = (code.co_name, code.co_filename, line, line - code.co_firstlineno + 1)
                self.stopped.set()
                self.over.set()
                self.go_on.wait()
            return trace

        sys.settrace(trace)
        try:
            answer = make_call(self.subject, self.pair.first)
        finally:
            sys.settrace(None)
        self.answers[1] = answer
        self.over.set()

    def _second(self) -> None:
        self.answers[2] = make_call(self.subject, self.pair.second)


_LIBRARY = sysconfig.get_path("stdlib")
_OURS = str(Path(__file__).parent)


def is_library(file: str) -> bool:
    """Is this Python's own code, or the examiner's, and not the learner's?"""
    own = file.startswith(_OURS) and "solutions" not in file
    return file.startswith((_LIBRARY, "<frozen")) or own


def _come_back(thread: threading.Thread) -> bool:
    """Wait until the thread has ended (True), or waits for another (False)."""
    asleep = 0
    until = time.monotonic() + STUCK_S
    blind_until = time.monotonic() + BLIND_S
    while thread.is_alive() and time.monotonic() < until:
        thread.join(POLL_S)
        match sleeps(thread):
            case None if time.monotonic() > blind_until:
                return not thread.is_alive()
            case True:
                asleep += 1
            case _:
                asleep = 0
        if asleep >= POLLS:
            return not thread.is_alive()
    return not thread.is_alive()


def sleeps(thread: threading.Thread) -> bool | None:
    """Does the thread wait in the kernel? None: the system does not say. See proc(5), stat."""
    try:
        words = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("latin-1")
    except OSError:
        return None
    return words.rpartition(")")[2].split()[0] == "S"


def agree(trial: Trial) -> None:
    """In the examiner: wait for the verdict of `interleave`.

    Raises:
        Broken: the two calls did what one after the other would not, or one hangs.
    """
    answer = trial.wait("answer")
    if answer is None:
        return
    before, first, second, meanwhile, place, allowed, outcome = answer
    for call in before:
        trial.note(f"{call} is called")
    if place is None:
        trial.note(f"thread 1 calls {first}")
    else:
        trial.note(f"thread 1 calls {first} and is stopped {_where(trial.subject, *place)}")
    trial.note(f"thread 2 calls {second}, which {meanwhile}")
    trial.note("thread 1 goes on")
    either, other = (_outcome(one) for one in allowed)
    expected = either if either == other else f"{either}; or {other}"
    raise Broken(expected, _outcome(outcome))


def _where(subject: Any, function: str, file: str, line: int, number: int) -> str:
    code = subject if isinstance(subject, FromFile) else getattr(subject, function, None)
    text = source_line(code, file, line, number) if code is not None else ""
    return f"in {function}, line {number}: {text}" if text else f"in {function}, line {number}"


def _outcome(answers: Sequence[str]) -> str:
    if len(answers) == 1:
        return answers[0]
    return f"thread 1 gets {answers[0]}, thread 2 {answers[1]}, and then there are {answers[2]}"
