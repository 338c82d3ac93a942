"""Exercises of chapter 04: threads meet in a list, in a room, and before a client who is silent."""

from __future__ import annotations

from collections.abc import Sequence

from netlab.exercises.calls import Function, Report
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.interleaved import Call, Pair, agree, in_words, interleave, make_call
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

# ---------------------------------------------------------------- warm-up


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


def _right(trial: Trial) -> None:
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


def _calls(name: str, rule: int, *calls: Call) -> Probe:
    return Probe(name, rule, _right, call_each, (calls,))


def _add(*names: str) -> tuple[Call, ...]:
    return tuple(("add", (name,)) for name in names)


def _remove(*names: str) -> tuple[Call, ...]:
    return tuple(("remove", (name,)) for name in names)


EVERYONE: Call = ("everyone", ())


def _at_once(name: str, *pairs: tuple[tuple[Call, ...], Call, Call]) -> Probe:
    """A probe of calls at the same time: what is called before, the first, the second."""
    found = tuple(Pair(before, first, second, EVERYONE) for before, first, second in pairs)
    return Probe(name, 4, agree, interleave, (Model, found))


(ADD_ANN,), (ADD_BEN,) = _add("ann"), _add("ben")
(REMOVE_ANN,), (REMOVE_BEN,) = _remove("ann"), _remove("ben")
THREE = _add("ann", "ben", "eve")

members = Exercise(
    "members",
    code_name="Members",
    chapter="04",
    kind="warm-up",
    title="Who is in the room?",
    task="Write the class `Members`, made with `Members()`: the names of those who are in a room. "
    "The threads of all clients call its three methods.",
    rules=(
        "`add(name)` makes the name a member and returns `True`. If it is a member already, "
        "nothing changes, and it returns `False`.",
        "`remove(name)` makes the name no member any more and returns `True`. If it is none, "
        "nothing changes, and it returns `False`; nothing is raised.",
        "`everyone()` returns the list of the names, in the order in which they came. The list "
        "belongs to the caller: changing it changes no member, and who comes later is not in it.",
        "Calls at the same time do what one after the other would, in either order. The examiner "
        "stops one thread between two steps of Python inside your method (it tries every place), "
        "and has another thread make a whole call meanwhile. If that call waits for a lock, the "
        "first thread goes on.",
        "Two `Members()` have nothing in common: names and lock belong to the object, and are made "
        "in its `__init__`.",
    ),
    hints=(
        "Begin without threads: a list in `self.names`, made in `__init__`, is enough for rules 1 "
        "to 3.",
        "Looking and acting have to be one step: one lock, and all three methods hold it.",
        "`self.lock = threading.Lock()` in `__init__`; in each method `with self.lock:` around "
        "everything; and `everyone` returns `self.names.copy()`, copied with the lock held.",
    ),
    probes=(
        _calls("they come", 1, *_add("ann", "ben", "ann"), EVERYONE),
        _calls("they go", 2, *_add("ann", "ben"), *_remove("ann", "ann", "eve"), EVERYONE),
        _calls("in the order in which they came", 3, *_add("eve", "ben", "ann"), *_remove("eve"),
               *_add("eve"), EVERYONE),
        Probe("a list of one's own", 3, _right, own_lists),
        Probe("two rooms", 5, _right, two_rooms),
        _at_once("two add the same name", ((), ADD_ANN, ADD_ANN)),
        _at_once("two remove the same name", (THREE, REMOVE_BEN, REMOVE_BEN)),
        _at_once("two who have nothing in common", ((), ADD_ANN, ADD_BEN),
                 (THREE, REMOVE_ANN, REMOVE_BEN), (THREE[1:], REMOVE_BEN, ADD_ANN),
                 (THREE[1:], ADD_ANN, REMOVE_BEN)),
        _at_once("one looks while others come and go", (THREE, EVERYONE, REMOVE_ANN),
                 (THREE[1:], EVERYONE, ADD_ANN), (THREE[1:], ADD_ANN, EVERYONE),
                 (THREE, REMOVE_ANN, EVERYONE)),
    ),
)  # fmt: skip

EXERCISES = (members,)
