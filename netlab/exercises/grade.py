"""The examiner: an exercise is a specification and probes that try to break your code against it.

Each probe quotes the sentence of the specification that it tests, and runs your code in a new
process with deadlines on every step. The first probe that fails is told in full: what was done,
what was expected, what came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from netlab.exercises import ledger
from netlab.exercises.clocked import serve_clocked
from netlab.exercises.code_trial import CodeTrial, Run
from netlab.exercises.nursery import Nursery
from netlab.exercises.peers import serve, serve_datagrams
from netlab.exercises.report import Failure, Report, Tried, picture_of
from netlab.exercises.subjects import NotExaminable, Remote, Subject, as_subject
from netlab.exercises.tls_peers import serve_tls
from netlab.exercises.trial import RemoteTrial, Trial
from netlab.exercises.upstream import serve_between
from netlab.exercises.words import Broken

Kind = Literal["warm-up", "core", "red-team", "trial"]
SERVERS = (serve, serve_datagrams, serve_tls, serve_clocked, serve_between)
"""what lets the code serve; a server that runs already needs none of them"""


@dataclass(frozen=True)
class Probe:
    """One attempt to break the code.

    Args:
        name: what is tried, in a few words.
        rule: the sentence of the specification that it tests, by its number from 1.
        examine: does it; raises Broken.
        run: what calls the code in its process; `serve`, `serve_datagrams` and `serve_tls` suit a
            server that runs already, too.
        arguments: what `run` gets besides.
    """

    name: str
    rule: int
    examine: Callable[[Trial], None]
    run: Run
    arguments: tuple[object, ...] = ()


class Exercise:
    """A task: display it to read it, then call `check` with your code.

    Args:
        name: its name in its module, as in `solutions/`.
        chapter: two digits; for a trial, `"trials"`.
        kind: at least one warm-up, one core and one red-team exercise make a chapter.
        title: what it is called.
        task: what to write, in a sentence or two (Markdown).
        rules: the specification; every trap that the examiner sets is in it.
        hints: three, each saying more than the one before.
        probes: what is tried, in order.
        converse: a short conversation with the code, for `show`.
        code_name: what the code is called, where that is not `name`: a class, for instance.
        preload: modules that most solutions will import; done once for all probes.
    """

    def __init__(
        self,
        name: str,
        *,
        chapter: str,
        kind: Kind,
        title: str,
        task: str,
        rules: Sequence[str],
        hints: tuple[str, str, str],
        probes: Sequence[Probe],
        converse: Probe | None = None,
        code_name: str = "",
        preload: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.chapter = chapter
        self.kind = kind
        self.title = title
        self.task = task
        self.rules = tuple(rules)
        self.probes = tuple(probes)
        self._hints = hints
        self._converse = converse
        self._code_name = code_name
        self._preload = preload

    @property
    def id(self) -> str:
        """What `netlab.exercises.find` and `netlab check` call it."""
        return self.name if self.kind == "trial" else f"{self.chapter}.{self.name}"

    @property
    def file_name(self) -> str:
        """What the file of its solution is called, without the `.py`."""
        return self.name.replace("-", "_")

    @property
    def code_name(self) -> str:
        """What the function or class is called that a file must define."""
        return self._code_name or self.file_name

    @property
    def modules(self) -> set[str]:
        """What the probes' processes import before any code of a learner runs."""
        goes_there = [one for probe in self.probes for one in (probe.run, *probe.arguments)]
        ours = {getattr(one, "__module__", None) or "" for one in goes_there if callable(one)}
        return {name for name in ours if name.startswith("netlab.")}.union(self._preload)

    @property
    def over_network(self) -> bool:
        """Can it examine a server that runs already?"""
        return all(probe.run in SERVERS for probe in self.probes)

    def check(self, code: object, *, seed: int = 0, nursery: Nursery | None = None) -> Report:
        """Let the examiner try to break the code.

        Args:
            code: a function, a coroutine function or a class; where the exercise asks for a
                server, also the `"HOST:PORT"` of one that runs on this machine.
            seed: decides what the probes draw at random.
            nursery: where the processes come from, if many checks are to share one.

        Raises:
            TypeError: this cannot be examined.
            NotExaminable: the address is not one of this machine, or the exercise needs a function.
        """
        subject = self._subject(code)
        tried: list[Tried] = []
        remarks: dict[str, None] = {}
        failure: Failure | None = None
        drew = False
        with ExitStack() as stack:
            nursery = nursery or stack.enter_context(Nursery(self.modules))
            for probe in self.probes:
                trial = _trial(nursery, subject, probe, f"{seed} {probe.name}")
                broken = _examine(trial, probe)
                drew = drew or trial.drew
                tried.append(Tried(probe.name, broken is None, max(1, trial.tries)))
                if broken is not None:
                    rule = self.rules[(broken.rule or probe.rule) - 1]
                    failure = Failure(rule, broken, trial)
                    drew = trial.drew
                    break
                if trial.left:
                    remarks[_left(trial.left)] = None
        tried += [Tried(probe.name, None) for probe in self.probes[len(tried) :]]
        remarks |= dict.fromkeys(ledger.record(self.id, passed=failure is None))
        name = _name_of(subject)
        return Report(
            self.title, tried, failure, subject=name, seed=seed, drew=drew, remarks=list(remarks)
        )

    def show(self, code: object) -> Any:
        """Return a ladder diagram of a short conversation with the code."""
        subject = self._subject(code)
        probe = self._converse
        if probe is None:
            return Markdown("There is no picture for this exercise; use `.check(…)`.")
        with Nursery(self.modules) as nursery:
            trial = _trial(nursery, subject, probe, "0")
            broken = _examine(trial, probe)
        title = f"A short conversation with your {_name_of(subject).strip(chr(39))}"
        if broken is not None:
            title += f", as far as it went: expected {broken.expected}, got {broken.got}"
        return picture_of(trial, title)

    def hint(self, number: int = 1) -> Any:
        """Return hint 1, 2 or 3."""
        if number not in (1, 2, 3):
            raise ValueError(f"there is no hint {number!r}; there are 1, 2 and 3")
        return Markdown(f"**Hint {number} of 3.** {self._hints[number - 1]}")

    def solution(self) -> Any:
        """Return one way to do it. Yours may be better."""
        try:
            source = self.solution_source()
        except (FileNotFoundError, ModuleNotFoundError):
            return Markdown("Your teacher holds the solutions of this copy of the course.")
        return Markdown(f"One way to do it:\n\n```python\n{source.strip()}\n```")

    def solution_source(self) -> str:
        """Return the solution's source.

        Raises:
            FileNotFoundError, ModuleNotFoundError: it is not in this copy of the course.
        """
        place = files("netlab.exercises.solutions").joinpath(folder(self.chapter))
        return place.joinpath(f"{self.file_name}.py").read_text("utf-8")

    def _subject(self, code: object) -> Subject:
        subject = as_subject(code)
        if isinstance(subject, Remote) and not self.over_network:
            raise NotExaminable(
                f"{self.id} asks for a function, not for a server: pass the function, or check "
                f"the file that defines it (netlab check {self.id} FILE.py)"
            )
        return subject

    def _repr_markdown_(self) -> str:
        rules = "\n".join(f"{number}. {rule}" for number, rule in enumerate(self.rules, 1))
        return f"**{self.title}**\n\n{self.task}\n\n{rules}"

    def __repr__(self) -> str:
        return self._repr_markdown_()


class Markdown:
    """Text that a notebook shows as Markdown."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_markdown_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text


def folder(chapter: str) -> str:
    """Return the name of a chapter's folder of solutions."""
    return f"ch{chapter}" if chapter.isdigit() else chapter


def _trial(nursery: Nursery, subject: Subject, probe: Probe, seed: str) -> Trial:
    if isinstance(subject, Remote):
        return RemoteTrial(subject, seed=seed)
    return CodeTrial(nursery, subject, probe.run, *probe.arguments, seed=seed)


def _examine(trial: Trial, probe: Probe) -> Broken | None:
    with trial:
        try:
            probe.examine(trial)
        except Broken as broken:
            return broken
        if isinstance(trial, CodeTrial):
            trial.settle()
    return None


def _left(what: str) -> str:
    return f"it passed, and the examiner cleaned up what your code left: {what}"


def _name_of(subject: Subject) -> str:
    name = str(getattr(subject, "__name__", type(subject).__name__))
    return repr(name) if isinstance(subject, Remote) else name
