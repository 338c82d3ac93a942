"""Many cases in one process: a parser's (class or function) answers held against a model's.

    Probe("every split", 2, agree, run_cases, (feed, model, every_split(b"ab\\ncd\\n")))

`drive(function, case)` has the learner's code work on a case and returns what it did;
`model(case)` returns what it should have done. Both are importable functions. A case that raises
is compared by the name of the exception, see `outcome`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from netlab.exercises.calls import Function, Report, describe, plain, result
from netlab.exercises.shrink import Pieces, shrink
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count, in_pieces, in_short

Drive = Callable[[Function, Pieces], Any]
Model = Callable[[Pieces], Any]


def feed(function: Function, case: Pieces) -> Any:
    """Drive a class `C()` with `feed(data)` that returns the messages complete by then."""
    reader = function()
    return list(itertools.chain.from_iterable(reader.feed(piece) for piece in case))


def outcome(work: Callable[[], Any]) -> Any:
    """Return what the work returns or, as `raises NAME`, what it raises."""
    try:
        return plain(work())
    except Exception as error:
        return f"raises {type(error).__name__}"


def run_cases(
    function: Function, report: Report, drive: Drive, model: Model, cases: Iterable[Pieces]
) -> None:
    """In the child: try each case, make the first that fails short, and report it.

    Reported: `case` with each, before it is tried; at the end `answer`, None if all went well,
    else the shortest case, what the model says to it, and what the code did.
    """

    def differs(case: Pieces) -> bool:
        report("case", case)
        return bool(outcome(lambda: drive(function, case)) != plain(outcome(lambda: model(case))))

    for case in cases:
        if differs(case):
            shortest = shrink(case, differs)
            report("answer", (case, shortest, *_both(function, drive, model, shortest)))
            return
    report("answer", None)


def run_calls(
    function: Function, report: Report, model: Callable[..., Any], calls: Iterable[tuple[Any, ...]]
) -> None:
    """In the child: call the code and the model with the same arguments, of any kind.

    Reported: `case` with each call, in words; at the end `answer`, None if all went well, else the
    first call that differs, what the model says to it, and what the code did.
    """
    for arguments in calls:
        call = ", ".join(map(_shown, arguments))
        report("case", call)
        expected = outcome(lambda arguments=arguments: model(*arguments))  # type: ignore[misc]
        got = outcome(lambda arguments=arguments: result(function, *arguments))  # type: ignore[misc]
        if got != expected:
            report(
                "answer",
                (call, *(each if _is_raise(each) else _shown(each) for each in (expected, got))),
            )
            return
    report("answer", None)


def agree_on_calls(trial: Trial) -> None:
    """In the examiner: wait for the verdict of `run_calls`.

    Raises:
        Broken: the code and the model differ, or the code hangs.
    """
    try:
        answer = trial.wait("answer")
    except Broken as broken:
        if trial.case is not None:
            trial.note(f"it is called with {trial.case}")
        raise Broken("an answer", broken.got) from None
    if answer is not None:
        call, expected, got = answer
        trial.note(f"it is called with {call}")
        raise Broken(expected, got)


def _shown(value: object) -> str:
    return in_short(value) if isinstance(value, bytes) else repr(value)


def _both(function: Function, drive: Drive, model: Model, case: Pieces) -> tuple[str, str]:
    expected = outcome(lambda: model(case))
    try:
        got = repr(plain(drive(function, case)))
    except Exception as error:
        name, text, _ = describe(function, error)
        got = f"raises {name}: {text}".rstrip(": ")
    return expected if _is_raise(expected) else repr(expected), got


def _is_raise(expected: object) -> bool:
    return isinstance(expected, str) and expected.startswith("raises ")


def agree(trial: Trial) -> None:
    """In the examiner: wait for the verdict of `run_cases`.

    Raises:
        Broken: the code and the model differ, or the code hangs.
    """
    try:
        answer = trial.wait("answer")
    except Broken as broken:
        if trial.case is not None:
            _tell(trial, trial.case)
        raise Broken("an answer", broken.got) from None
    if answer is None:
        return
    case, shortest, expected, got = answer
    _tell(trial, shortest)
    if shortest != case:
        trial.shrunk = f"the shortest case found; what failed first was {in_pieces(case)}"
    raise Broken(expected, got)


def _tell(trial: Trial, case: Pieces) -> None:
    if len(case) > 12:
        trial.note(f"it is given {count(len(case), 'piece')}: {in_pieces(case)}")
        return
    for piece in case:
        trial.note(f"it is given {in_pieces((piece,))}")
