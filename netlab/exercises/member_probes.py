"""What the examiner tries with the members of a room when one call comes after the other."""

from __future__ import annotations

from collections.abc import Sequence

from netlab.exercises.calls import Function, Report
from netlab.exercises.interleaved import Call, in_words, make_call
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken


class Model:
    """What `Members` does when one call comes after the other."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def add(self, name: str) -> bool:
        """Make the name a member; was it none before?"""
        if name in self._names:
            return False
        self._names.append(name)
        return True

    def remove(self, name: str) -> bool:
        """Make the name no member; was it one before?"""
        if name not in self._names:
            return False
        self._names.remove(name)
        return True

    def everyone(self) -> list[str]:
        """Return the members, in the order in which they came."""
        return self._names.copy()


def call_each(make: Function, report: Report, calls: Sequence[Call]) -> None:
    """Make the calls, one after the other; report the first that answers wrongly, or None."""
    subject, model = make(), Model()
    for call in calls:
        report("case", in_words(call))
        expected, got = make_call(model, call), make_call(subject, call)
        if got != expected:
            report("answer", (in_words(call), expected, got))
            return
        report("step", f"{in_words(call)} returns {got}")
    report("answer")


def own_lists(make: Function, report: Report) -> None:
    """Report what becomes of the members if the caller changes his list, and the reverse."""
    members = make()
    members.add("ann")
    mine = members.everyone()
    report("step", "mine = members.everyone()")
    mine.append("zoe")
    report("step", "mine.append('zoe')")
    if (theirs := members.everyone()) != ["ann"]:
        report("answer", ("members.everyone()", "['ann']", repr(theirs)))
        return
    members.add("ben")
    report("step", "members.add('ben')")
    wrong = mine != ["ann", "zoe"]
    report("answer", ("mine", "['ann', 'zoe']", repr(mine)) if wrong else None)


def two_rooms(make: Function, report: Report) -> None:
    """Report what one `Members` knows of another."""
    first, second = make(), make()
    first.add("ann")
    report("step", "first, second = Members(), Members(); first.add('ann')")
    theirs = second.everyone()
    report("answer", ("second.everyone()", "[]", repr(theirs)) if theirs != [] else None)


def answers_rightly(trial: Trial) -> None:
    """In the examiner: wait for the verdict of one of the above."""
    try:
        answer = trial.wait("answer")
    except Broken as broken:
        if trial.case is not None:
            trial.note(trial.case)
        raise Broken("an answer", broken.got) from None
    if answer is not None:
        call, expected, got = answer
        trial.note(call)
        raise Broken(expected, got)
