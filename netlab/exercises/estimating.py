"""An estimator of round-trip times, told what it measures, held against RFC 6298."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from netlab.exercises.calls import Function, Report
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

INITIAL_S, LEAST_S, MOST_S = 1.0, 1.0, 60.0
"""of the retransmission timeout (RFC 6298, 2.1, 2.4 and 2.5)"""
DIGITS = 6
"""of seconds that are compared: floats of different ways to add up differ in the 16th"""


class Measured(NamedTuple):
    """A round trip was measured."""

    rtt_s: float
    retransmitted: bool = False

    def __str__(self) -> str:
        return f"measured({self.rtt_s}{', retransmitted=True' if self.retransmitted else ''})"


TIMED_OUT = "timed_out()"

Event = Measured | str


class Model:
    """What RFC 6298 says, with a clock that is exact."""

    def __init__(self) -> None:
        self.rto_s = INITIAL_S
        self._srtt_s: float | None = None
        self._rttvar_s = 0.0

    def measured(self, rtt_s: float, retransmitted: bool = False) -> None:
        """Take a measurement into account, unless nobody knows which copy it belongs to."""
        if retransmitted:
            return
        if self._srtt_s is None:
            self._srtt_s, self._rttvar_s = rtt_s, rtt_s / 2
        else:
            self._rttvar_s = 0.75 * self._rttvar_s + 0.25 * abs(self._srtt_s - rtt_s)
            self._srtt_s = 0.875 * self._srtt_s + 0.125 * rtt_s
        self.rto_s = min(max(self._srtt_s + 4 * self._rttvar_s, LEAST_S), MOST_S)

    def timed_out(self) -> None:
        """Be more patient."""
        self.rto_s = min(2 * self.rto_s, MOST_S)


def estimate(function: Function, report: Report, stories: Sequence[Sequence[Event]]) -> None:
    """In the child: tell a new estimator each story; report where it first differs, or None.

    `answer`: what was done up to there, what the model says, what the code says.
    """
    for story in stories:
        report("case", [str(event) for event in story])
        made: Any = function()
        model = Model()
        for n_told in range(len(story) + 1):
            if n_told:
                _tell(made, story[n_told - 1])
                _tell(model, story[n_told - 1])
            if not _same(model.rto_s, made.rto_s):
                told = [str(event) for event in story[:n_told]]
                report("answer", (told, f"{model.rto_s:.{DIGITS}g}", f"{made.rto_s!r:.100}"))
                return
    report("answer", None)


def _tell(estimator: Any, event: Event) -> None:
    if isinstance(event, Measured):
        if event.retransmitted:
            estimator.measured(event.rtt_s, retransmitted=True)
        else:
            estimator.measured(event.rtt_s)
    else:
        estimator.timed_out()


def _same(expected: float, got: object) -> bool:
    if isinstance(got, bool) or not isinstance(got, int | float):
        return False
    return round(float(got), DIGITS) == round(expected, DIGITS)


def estimates_well(trial: Trial) -> None:
    """In the examiner: wait for the verdict of `estimate`."""
    try:
        answer = trial.wait("answer")
    except Broken as broken:
        for event in trial.case or ():
            trial.note(event)
        raise Broken("an estimator with `rto_s`, `measured` and `timed_out`", broken.got) from None
    if answer is None:
        return
    told, expected, got = answer
    for event in told:
        trial.note(event)
    when = "then" if told else "of a new one"
    raise Broken(f"`rto_s` {when} to be {expected}", got)
