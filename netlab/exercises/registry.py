"""All exercises: those of the chapters (`chNN.py`) and the trials (`trials/`), by their ids.

A module is found by its name alone; it has a tuple `EXERCISES`, or a trial's module one `TRIAL`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import netlab.exercises
import netlab.exercises.trials
from netlab.exercises.grade import Exercise, folder

Mutant = tuple[Callable[..., Any], str]
"""a faulty variant, and the name of the probe that catches it"""


class NoSuchExercise(LookupError):
    """No exercise, or more than one, is called so."""

    def __str__(self) -> str:
        return str(self.args[0])


@cache
def all() -> tuple[Exercise, ...]:
    """Return all exercises: chapter by chapter in the order of their files, then the trials."""
    chapters = sorted(
        module.name
        for module in iter_modules(netlab.exercises.__path__)
        if re.fullmatch(r"ch\d\d", module.name)
    )
    found: list[Exercise] = []
    for name in chapters:
        found += import_module(f"netlab.exercises.{name}").EXERCISES
    for name in sorted(module.name for module in iter_modules(netlab.exercises.trials.__path__)):
        found.append(import_module(f"netlab.exercises.trials.{name}").TRIAL)
    return tuple(found)


def find(name: str) -> Exercise:
    """Return the exercise with this id, such as `01.echo_server` or `line-echo`.

    The name alone, `echo_server`, will do where only one is called so.

    Raises:
        NoSuchExercise: none, or more than one, is called so.
    """
    known = {exercise.id: exercise for exercise in all()}
    if name in known:
        return known[name]
    namesakes = [each for each in all() if each.name == name]
    if len(namesakes) == 1:
        return namesakes[0]
    if namesakes:
        ids = ", ".join(each.id for each in namesakes)
        raise NoSuchExercise(f"more than one exercise is called {name!r}; say which: {ids}")
    names = [*known, *(each.name for each in all())]
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else "`netlab check --list` names them all"
    raise NoSuchExercise(f"no exercise is called {name!r}; {hint}")


def mutants(exercise: Exercise) -> tuple[Mutant, ...]:
    """Return the faulty variants that the examiner must catch.

    Raises:
        ModuleNotFoundError: this copy of the course is without solutions.
    """
    place = f"netlab.exercises.solutions.{folder(exercise.chapter)}"
    found: tuple[Mutant, ...] = import_module(f"{place}.{exercise.file_name}_mutants").MUTANTS
    return found
