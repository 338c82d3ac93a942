"""The examiner: an exercise is a specification and probes that try to break your code against it.

Each probe quotes the sentence of the specification that it tests, and runs your code in a fresh
process with deadlines on every step. The first probe that fails is told in full: what was done,
what was expected, what came.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from netlab.exercises.trial import Broken, Run, Trial

Code = Callable[..., Any]


@dataclass(frozen=True)
class Probe:
    """One attempt to break the code.

    Args:
        name: what is tried, in a few words.
        rule: the sentence of the specification that it tests, by its number from 1.
        examine: does it; raises Broken.
        run: what calls the code in its process.
        arguments: what `run` gets besides.
    """

    name: str
    rule: int
    examine: Callable[[Trial], None]
    run: Run
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True)
class Failure:
    """What a probe found."""

    probe: Probe
    rule: str
    broken: Broken
    trial: Trial


class Report:
    """What the examiner tried, and what broke. True when nothing did."""

    def __init__(self, title: str, probes: Sequence[Probe], failure: Failure | None) -> None:
        self.title = title
        self._probes = probes
        self.failure = failure

    @property
    def passed(self) -> bool:
        """Did every probe pass?"""
        return self.failure is None

    def __bool__(self) -> bool:
        return self.passed

    @property
    def failed_probe(self) -> str | None:
        """The name of the probe that failed."""
        return self.failure.probe.name if self.failure else None

    def __str__(self) -> str:
        if self.failure is None:
            head = f"PASSED  {self.title}: nothing that was tried broke it"
        else:
            head = f"NOT YET  {self.title}: {self.failure.probe.name}"
        return "\n".join([head, *self._checklist(), *self._story()])

    def _checklist(self) -> list[str]:
        lines = []
        mark = "✓"
        for probe in self._probes:
            if self.failure and probe is self.failure.probe:
                lines.append(f"  ✗ {probe.name}")
                mark = "·"
            else:
                lines.append(f"  {mark} {probe.name}{'' if mark == '✓' else ' (not tried yet)'}")
        return lines

    def _story(self) -> list[str]:
        if self.failure is None:
            return []
        lines = ["", f"The specification says: {self.failure.rule}", "What happened:"]
        lines += [f"  {n}. {step}" for n, step in enumerate(self.failure.trial.steps, 1)]
        lines += [f"  expected: {self.failure.broken.expected}"]
        lines += [f"  got:      {self.failure.broken.got}"]
        if self.failure.trial.printed:
            lines += ["Your code printed:", *self.failure.trial.printed.splitlines()[:20]]
        return lines

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._page(), "text/plain": str(self)}

    def _page(self) -> str:
        head, *_ = str(self).splitlines()
        verdict, _, rest = head.partition("  ")
        probes = "<br>".join(html.escape(line.strip()) for line in self._checklist())
        page = f"<p><strong>{verdict}</strong> {html.escape(rest)}</p><p>{probes}</p>"
        if self.failure is None:
            return page
        steps = "".join(f"<li>{html.escape(step)}</li>" for step in self.failure.trial.steps)
        rule = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(self.failure.rule, quote=False))
        page += f"<p>The specification says: <em>{rule}</em></p>"
        page += f"<p>What happened:</p><ol>{steps}</ol>" if steps else ""
        broken = self.failure.broken
        for name, text in (("expected", broken.expected), ("got", broken.got)):
            page += f"<p>{name}: <code>{html.escape(text)}</code></p>"
        if self.failure.trial.printed:
            page += f"<p>Your code printed:</p><pre>{html.escape(self.failure.trial.printed)}</pre>"
        if len(self.failure.trial.recording):
            from netlab.lab.diagram import ladder

            picture = ladder(
                self.failure.trial.recording,
                framing="whole",
                title=f"What was on the wire when it failed: {self.failure.probe.name}",
                server=_server(self.failure.trial),
            )
            page += picture._repr_mimebundle_()["text/html"]
        return page

    __repr__ = __str__


class Exercise:
    """A task: display it to read it, then call `check` with your code.

    Args:
        name: its name in its module, as in `solutions/`.
        title: what it is called.
        task: what to write, in a sentence or two (Markdown).
        rules: the specification; every trap that the examiner sets is in it.
        hints: three, each saying more than the one before.
        probes: what is tried, in order.
        converse: a short conversation with the code, for `show`.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        task: str,
        rules: Sequence[str],
        hints: tuple[str, str, str],
        probes: Sequence[Probe],
        converse: Probe | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.task = task
        self.rules = tuple(rules)
        self.probes = tuple(probes)
        self._hints = hints
        self._converse = converse

    def check(self, code: Code) -> Report:
        """Let the examiner try to break the code."""
        self._must_be_callable(code)
        for probe in self.probes:
            with Trial(code, probe.run, *probe.arguments) as trial:
                try:
                    probe.examine(trial)
                except Broken as broken:
                    rule = self.rules[(broken.rule or probe.rule) - 1]
                    return Report(self.title, self.probes, Failure(probe, rule, broken, trial))
        return Report(self.title, self.probes, None)

    def show(self, code: Code) -> Any:
        """Return a ladder diagram of a short conversation with the code."""
        from netlab.lab.diagram import ladder

        self._must_be_callable(code)
        if self._converse is None:
            return Markdown("There is no picture for this exercise; use `.check(…)`.")
        with Trial(code, self._converse.run, *self._converse.arguments) as trial:
            title = f"A short conversation with your {code.__name__}"
            try:
                self._converse.examine(trial)
            except Broken as broken:
                title += f", as far as it went: expected {broken.expected}, got {broken.got}"
            return ladder(trial.recording, framing="whole", title=title, server=_server(trial))

    def hint(self, number: int = 1) -> Any:
        """Return hint 1, 2 or 3."""
        if number not in (1, 2, 3):
            raise ValueError(f"there is no hint {number!r}; there are 1, 2 and 3")
        return Markdown(f"**Hint {number} of 3.** {self._hints[number - 1]}")

    def solution(self) -> Any:
        """Return one way to do it. Yours may be better."""
        source = files("netlab.exercises.solutions").joinpath(f"{self.name}.py").read_text("utf-8")
        return Markdown(f"One way to do it:\n\n```python\n{source.strip()}\n```")

    def _must_be_callable(self, code: object) -> None:
        if not callable(code):
            raise TypeError(
                f"{code!r} is no function: pass the function itself, without calling it"
            )

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


def _server(trial: Trial) -> str:
    """Return what to call the server's lane: where the code is the client, that is not the code."""
    return "server" if "your code" in trial.recording.connections else "your code"
