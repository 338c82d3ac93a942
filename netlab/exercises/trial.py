"""One trial: the learner's code, and the examiner's conversation with it.

Everything is written down twice while it happens: as numbered sentences for the transcript, and
as a recording for the ladder diagram. Neither holds a port or a time, so that a trial which goes
the same way reads the same.
"""

from __future__ import annotations

import contextlib
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from netlab.exercises.datagrams import DatagramTalk
from netlab.exercises.subjects import Remote, Subject
from netlab.exercises.talk import Talk, Wrap
from netlab.exercises.words import Broken, steady
from netlab.lab.recording import Recording

STEP_S = 2.0
"""seconds that any one step of a trial may take"""


class Trial(ABC):
    """The subject, at work for as long as the context.

    Args:
        subject: what is examined.
        seed: decides what `random` draws.
        patience_s: seconds that each step may take.
    """

    def __init__(self, subject: Subject, *, seed: str = "0", patience_s: float = STEP_S) -> None:
        self.subject = subject
        self.patience_s = patience_s
        self.steps: list[str] = []
        self.recording = Recording()
        self.printed = ""
        self.tries = 0
        """how many times something was tried, as counted by `tally`"""
        self.shrunk = ""
        """how the shortest case was found, in words; empty: nothing was shortened"""
        self.left: str | None = None
        """what the code left behind when it returned, in words; None: nothing"""
        self.datagrams = False
        """is what was on the wire datagrams, and no stream?"""
        self.case: Any = None
        """the case at work in the child, where it tries many"""
        self.drew = False
        """has the probe drawn at random?"""
        self._seed = seed
        self._random: random.Random | None = None
        self._talks: list[Talk | DatagramTalk] = []

    @abstractmethod
    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close_talks()

    @property
    def random(self) -> random.Random:
        """Random numbers that the seed decides, the same for each trial of one probe."""
        self.drew = True
        self._random = self._random or random.Random(self._seed)  # noqa: S311 - to be repeated
        return self._random

    def note(self, step: str) -> None:
        """Write a step into the transcript."""
        self.steps.append(steady(step))

    @contextlib.contextmanager
    def in_silence(self) -> Iterator[None]:
        """What goes well in this context is not told."""
        steps, recording = self.steps, self.recording
        self.steps, self.recording = [], Recording()
        yield
        self.steps, self.recording = steps, recording

    def tally(self, tries: int = 1) -> None:
        """Count something that was tried; a pass tells the number."""
        self.tries += tries

    def forget(self) -> None:
        """Begin the transcript anew: what was tried so far went well."""
        self.steps.clear()
        self.recording.clear()

    @abstractmethod
    def wait(self, event: str, timeout_s: float | None = None) -> Any:
        """Return what the child reports with `event`, within `timeout_s` seconds of each case.

        Raises:
            Broken: the code raised, ended or hung instead.
        """

    @abstractmethod
    def how_it_ended(self) -> str | None:
        """Return how the code ended, if it has; None while it runs."""

    def let_notice(self) -> None:  # noqa: B027  (a server elsewhere does not say)
        """Give the code the time to notice what was done to it, where that can be known."""

    @abstractmethod
    def again(self, patience_s: float) -> Trial:
        """Return a new trial of the same, to be entered; this one's process is ended."""

    def adopt(self, other: Trial) -> None:
        """Tell the story of another trial in place of this one's."""
        self.steps, self.recording = other.steps, other.recording
        self.printed, self.shrunk = other.printed, other.shrunk

    def talk(self, address: Any, name: str = "examiner", *, wrap: Wrap | None = None) -> Talk:
        """Connect to the learner's server; `wrap` makes another of the socket (TLS)."""
        talk = Talk(self, address, name)
        self._talks.append(talk)
        talk.connect(wrap)
        return talk

    def datagrams_to(self, address: Any, name: str = "examiner") -> DatagramTalk:
        """Return a UDP socket that talks to the learner's server."""
        talk = DatagramTalk(self, address, name)
        self._talks.append(talk)
        self.datagrams = True
        return talk

    def close_talks(self) -> None:
        """Close the connections to the learner's server."""
        while self._talks:
            self._talks.pop().close()

    def to_watch(self) -> list[Any]:
        """Return what becomes readable when the code has something to say."""
        return []


class RemoteTrial(Trial):
    """A server that runs already, in whatever language."""

    subject: Remote

    def __enter__(self) -> Self:
        return self

    def wait(self, event: str, timeout_s: float | None = None) -> Any:
        if event != "listening":
            raise Broken(f"{event!r} of a function", "a server, which tells nothing of the kind")
        return self.subject.address

    def how_it_ended(self) -> str | None:
        return None

    def again(self, patience_s: float) -> Trial:
        self.close_talks()
        return RemoteTrial(self.subject, seed=self._seed, patience_s=patience_s)
