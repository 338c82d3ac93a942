"""The examiner's report: what was tried, what broke, in a cell as HTML and in text."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count

PRINTED_LINES = 20


@dataclass(frozen=True)
class Tried:
    """A probe and how it went: `passed` is None for one that was not tried."""

    name: str
    passed: bool | None
    tries: int = 0

    def __str__(self) -> str:
        mark = {True: "✓", False: "✗", None: "·"}[self.passed]
        note = " (not tried yet)" if self.passed is None else ""
        if self.tries > 1 and self.passed:
            note = f" ({count(self.tries, 'try')})"
        return f"{mark} {self.name}{note}"


@dataclass(frozen=True)
class Failure:
    """What a probe found."""

    rule: str
    broken: Broken
    trial: Trial


class Report:
    """What the examiner tried, and what broke. True when nothing did."""

    def __init__(
        self,
        title: str,
        tried: Sequence[Tried],
        failure: Failure | None,
        *,
        subject: str = "",
        seed: int = 0,
        drew: bool = False,
        remarks: Sequence[str] = (),
    ) -> None:
        self.title = title
        self.tried = tuple(tried)
        self.failure = failure
        self.seed = seed
        """decides what the probes draw at random; `check(…, seed=…)` repeats it"""
        self.remarks = tuple(remarks)
        """what is no fault, but worth knowing: what was left behind, results not kept"""
        self._again = f".check({subject}, seed={seed})" if drew or seed else ""

    @property
    def passed(self) -> bool:
        """Did every probe pass?"""
        return self.failure is None

    def __bool__(self) -> bool:
        return self.passed

    @property
    def failed_probe(self) -> str | None:
        """The name of the probe that failed."""
        return next((one.name for one in self.tried if one.passed is False), None)

    @property
    def headline(self) -> tuple[str, str]:
        """The verdict, and of what."""
        if self.failure is None:
            return "PASSED", f"{self.title}: nothing that was tried broke it"
        return "NOT YET", f"{self.title}: {self.failed_probe}"

    @property
    def repeat(self) -> str:
        """How to draw the same once more; empty where nothing was drawn."""
        return f"to repeat what was drawn at random: {self._again}" if self._again else ""

    def __str__(self) -> str:
        lines = ["  ".join(self.headline), *(f"  {one}" for one in self.tried)]
        if self.failure is not None:
            lines += ["", *_story(self.failure)]
        lines += [self.repeat] if self.repeat else []
        return "\n".join([*lines, *(f"Note: {remark}" for remark in self.remarks)])

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it, for programs."""
        found: dict[str, Any] = {
            "title": self.title,
            "passed": self.passed,
            "seed": self.seed,
            "probes": [
                {"name": one.name, "passed": one.passed, "tries": one.tries} for one in self.tried
            ],
            "remarks": list(self.remarks),
        }
        if self.failure is not None:
            trial, broken = self.failure.trial, self.failure.broken
            found["failure"] = {
                "probe": self.failed_probe,
                "rule": self.failure.rule,
                "steps": list(trial.steps),
                "expected": broken.expected,
                "got": broken.got,
                "shrunk": trial.shrunk,
                "printed": trial.printed,
            }
        return found

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._page(), "text/plain": str(self)}

    def _page(self) -> str:
        verdict, rest = self.headline
        probes = "<br>".join(html.escape(str(one)) for one in self.tried)
        page = f"<p><strong>{verdict}</strong> {html.escape(rest)}</p><p>{probes}</p>"
        if self.failure is not None:
            page += _story_page(self.failure, self.failed_probe or "")
        if self.repeat:
            page += f"<p>{html.escape(self.repeat)}</p>"
        return page + "".join(_remark_page(remark) for remark in self.remarks)

    __repr__ = __str__


def _story(failure: Failure) -> list[str]:
    lines = [f"The specification says: {failure.rule}", "What happened:"]
    lines += [f"  {n}. {step}" for n, step in enumerate(failure.trial.steps, 1)]
    lines += [f"  expected: {failure.broken.expected}", f"  got:      {failure.broken.got}"]
    if failure.trial.shrunk:
        lines.append(f"  ({failure.trial.shrunk})")
    if failure.trial.printed:
        lines += ["Your code printed:", *failure.trial.printed.splitlines()[:PRINTED_LINES]]
    return lines


def _story_page(failure: Failure, probe: str) -> str:
    trial, broken = failure.trial, failure.broken
    rule = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(failure.rule, quote=False))
    page = f"<p>The specification says: <em>{rule}</em></p>"
    steps = "".join(f"<li>{html.escape(step)}</li>" for step in trial.steps)
    page += f"<p>What happened:</p><ol>{steps}</ol>" if steps else ""
    for name, text in (("expected", broken.expected), ("got", broken.got)):
        page += f"<p>{name}: <code>{html.escape(text)}</code></p>"
    if trial.shrunk:
        page += f"<p>({html.escape(trial.shrunk)})</p>"
    if trial.printed:
        page += f"<p>Your code printed:</p><pre>{html.escape(trial.printed)}</pre>"
    if len(trial.recording):
        picture = picture_of(trial, f"What was on the wire when it failed: {probe}")
        page += picture._repr_mimebundle_()["text/html"]
    return page


def _remark_page(remark: str) -> str:
    return f"<p>Note: {html.escape(remark)}</p>".replace("\n", "<br>")


def picture_of(trial: Trial, title: str) -> Any:
    """Return the ladder diagram of what was on the wire."""
    from netlab.lab.diagram import ladder

    # Where the code is the client, the server is not the code.
    server = "server" if "your code" in trial.recording.connections else "your code"
    framing: Any = "datagrams" if trial.datagrams else "whole"
    return ladder(trial.recording, framing=framing, title=title, server=server)
