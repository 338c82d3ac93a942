"""A trial of a learner's code, in a process of its own (see `child`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from netlab.exercises.nursery import Nursery
from netlab.exercises.pickled import dumps
from netlab.exercises.received import Suspicious, receive
from netlab.exercises.rest import wait_at_rest
from netlab.exercises.subjects import Subject, source_line
from netlab.exercises.trial import STEP_S, Trial
from netlab.exercises.words import Broken, steady

LOAD_S = 10.0
"""seconds that a learner's file, or what the code imports, may take to load"""
PROBE_S = 30.0
"""seconds that all the waiting for the code in one trial may take"""
NOTICE_S = 0.3
"""processors' seconds that code which is never at rest gets to notice something"""
DEATH_S = 0.5
"""seconds in which a process whose connection to us has ended tells its exit status"""

Run = Callable[..., None]
"""what runs in the child: `run(function, report, *arguments)`"""

_EXPECTED = {
    "listening": "a server to talk to",
    "ended": "the function to return",
    "answer": "the function to return",
}


class CodeTrial(Trial):
    """Code, run by `run` in a process of its own.

    Args:
        nursery: where processes come from; it runs one at a time.
        subject: the code.
        run: what calls it there; it must be importable.
        arguments: what `run` gets besides.
    """

    channel: Connection[Any, Any]

    def __init__(
        self,
        nursery: Nursery,
        subject: Subject,
        run: Run,
        *arguments: object,
        seed: str = "0",
        patience_s: float = STEP_S,
    ) -> None:
        super().__init__(subject, seed=seed, patience_s=patience_s)
        self._nursery = nursery
        self._what = (run, arguments)
        try:
            self._job = dumps((run, subject, arguments))
        except TypeError as error:
            raise TypeError(
                f"your code cannot go to the examiner's process: {error}. Make locks, sockets and "
                "threads inside the function or in __init__, not in another cell or in the class"
            ) from None
        self._running = False
        self._end: str | None = None
        self.descendants = 0

    def __enter__(self) -> Self:
        self.channel = self._nursery.start(self._job)
        self._running = True
        self._deadline = time.monotonic() + PROBE_S
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.finish(0.0)
        super().__exit__(kind, error, tb)

    def finish(self, grace_s: float) -> None:
        """End the process, after waiting `grace_s` seconds for it to end of itself."""
        if not self._running:
            return
        self._running = False
        ended, printed = self._nursery.end(grace_s)
        self.channel.close()
        self.printed = steady(printed)
        self.descendants = ended.descendants
        if ended.status is not None:
            self._end = ended_in_words(ended.status)

    def settle(self) -> None:
        """When the function has answered: hear what it left behind."""
        if self._running and self._answered:
            try:
                self.wait("ended", 1.0)
            except Broken as broken:
                self.left = f"after its work {broken.got}"
        self.finish(0.0)
        if self.descendants:
            running = f"processes that it started and that still ran: {self.descendants}"
            self.left = f"{self.left}\n- {running}" if self.left else running

    _loaded = False
    _answered = False

    def _late(self, timeout_s: float) -> str:
        if self._loaded:
            return f"nothing: your code still ran after {timeout_s:g} s"
        return f"nothing: its file, or what it imports, was not loaded after {LOAD_S:g} s"

    def wait(self, event: str, timeout_s: float | None = None) -> Any:
        expected = _EXPECTED.get(event, event)
        timeout_s = timeout_s or self.patience_s
        until = time.monotonic() + (timeout_s if self._loaded else LOAD_S)
        while True:
            try:
                until = min(until, self._deadline)
                if not self.channel.poll(max(0.0, until - time.monotonic())):
                    raise Broken(expected, self._late(timeout_s))
                came, value = receive(self.channel)
            except (EOFError, OSError):
                self.finish(DEATH_S)
                raise Broken(expected, self._end or "nothing: it fell silent") from None
            except Suspicious as error:
                raise Broken(expected, f"what the examiner does not take: {error}") from None
            match came:
                case "loaded":
                    self._loaded = True
                    until = time.monotonic() + timeout_s
                case "step":
                    self.note(value)
                case "wire":
                    self.recording.append(*value)
                case "datagrams":
                    self.datagrams = True
                case "behind":
                    self.left = value
                case "case":
                    self.tally()
                    self.case = value
                    until = time.monotonic() + timeout_s
                case _ if came == event:
                    self._answered = event != "listening"
                    return value
                case "raised":
                    raise Broken(expected, self._describe(*value))
                case "ended":
                    raise Broken(expected, "nothing: the function returned")
                case _ if event == "ended":
                    continue  # what else it had to say matters no more
                case _:
                    raise Broken(expected, f"nothing of the kind, but {came!r}")

    def _describe(self, name: str, text: str, where: Any) -> str:
        line = source_line(self.subject, *where) if where else ""
        at = f", in line {where[2]}: {line}" if line else ""
        return steady(f"{name}: {text}{at}" if text else f"{name}{at}")

    def how_it_ended(self) -> str | None:
        if not self._running:
            return self._end
        try:
            if not self.channel.poll(0.05):
                return None
            self.wait("ended")
        except Broken as broken:
            return broken.got
        except (EOFError, OSError):
            return self._end
        return "the function returned"

    def let_notice(self) -> None:
        if self._running and self._nursery.pid:
            wait_at_rest(self._nursery.pid, NOTICE_S)

    def again(self, patience_s: float) -> Trial:
        self.close_talks()
        self.finish(0.0)
        run, arguments = self._what
        return CodeTrial(
            self._nursery, self.subject, run, *arguments, seed=self._seed, patience_s=patience_s
        )

    def to_watch(self) -> list[Any]:
        return [self.channel] if self._running else []


def ended_in_words(status: int) -> str:
    """Return how a process ended, given its exit status or minus the number of its signal."""
    if status < 0:
        return f"nothing: its process was ended by signal {-status}"
    if status:
        return f"nothing: its process ended with exit status {status} (os._exit?)"
    return "nothing: its process ended without a word"
