"""A notebook's cells as Python, and where in them each exercise is answered."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlab.collecting.needs import needed
from netlab.exercises.grade import Exercise

MAX_NOTEBOOK_BYTES = 64 * 1024**2
"""longest file that is read as a notebook"""
# What they add is of no matter here, and behind them stands Python like any other.
_TIMED = re.compile(r"\A\s*%%(?:time|timeit|capture|prun)\b[^\n]*\n")
FIND = "_netlab_find"
"""what an exercise is found by where the learner's own line is gone"""
_Tree = ast.Module


class NoNotebook(ValueError):
    """The file cannot be read as a notebook, and why."""


@dataclass(frozen=True)
class Cell:
    """A code cell. `tree` is None where it is no Python; then `trouble` says why."""

    number: int
    """among all cells, from 1"""
    source: str
    """as Python: magics are calls"""
    tree: _Tree | None
    trouble: str = ""


@dataclass(frozen=True)
class Answer:
    """Where an exercise is answered, and what to run for it."""

    cell: int
    short: tuple[str, ...]
    """sources to run, in order: what the answer needs, then its own cell"""
    whole: tuple[str, ...]
    """all cells up to the answer's, should `short` not do"""


@dataclass(frozen=True)
class NotTried:
    """Nobody has tried the exercise here, and how that is known."""

    note: str


@dataclass(frozen=True)
class Unusable:
    """There is an answer, but it cannot be run."""

    note: str


def read_cells(path: Path) -> list[Cell]:
    """Return the code cells of a notebook (nbformat 4, or 3 with its worksheets).

    Raises:
        NoNotebook: it cannot be read, is too long, or is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_NOTEBOOK_BYTES + 1)
    except OSError as error:
        raise NoNotebook(f"it cannot be read: {error.strerror}") from None
    if len(text) > MAX_NOTEBOOK_BYTES:
        raise NoNotebook(f"longer than {MAX_NOTEBOOK_BYTES} bytes; clear its outputs")
    if not text.strip():
        raise NoNotebook("an empty file")
    try:
        found = json.loads(text)
        sheets = [found] if "cells" in found else found["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        sources = [
            (number, _text(cell.get("source", cell.get("input", ""))))
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = type(error).__name__
        raise NoNotebook(f"no notebook ({what}: {str(error)[:100]})") from None
    return [_cell(number, source) for number, source in sources]


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(map(str, source))


def _cell(number: int, source: str) -> Cell:
    from IPython.core import inputtransformer2

    manager: Any = inputtransformer2.TransformerManager  # without annotations
    try:
        python = manager().transform_cell(_TIMED.sub("", source))
        return Cell(number, python, ast.parse(python))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        return Cell(number, source, None, f"{type(error).__name__}: {said}{line}")


def checks(tree: ast.AST) -> Iterator[str]:
    """Yield the ids that the code checks: `chNN.NAME.check(…)` and `find("ID").check(…)`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        if node.func.attr != "check":
            continue
        if isinstance(of, ast.Attribute) and (chapter := _chapter(of.value)):
            yield f"{chapter}.{of.attr}"
        elif isinstance(of, ast.Call) and len(of.args) == 1:
            (name,) = of.args
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def _chapter(node: ast.expr) -> str:
    name = getattr(node, "id", None) or getattr(node, "attr", None) or ""
    match = re.fullmatch(r"ch(\d\d)", str(name))
    return match[1] if match else ""


def named(cells: Sequence[Cell]) -> set[str]:
    """Return the ids of all exercises that some cell checks, be it Python or not."""
    found = {one for cell in cells if cell.tree for one in checks(cell.tree)}
    for cell in cells:
        if cell.tree is None:
            for chapter, name in re.findall(r"\bch(\d\d)\.(\w+)\.check\b", cell.source):
                found.add(f"{chapter}.{name}")
    return found


Definitions = dict[str, str]
"""what functions and classes look like, comments and layout apart, by name"""


def stubs(cells: Sequence[Cell]) -> dict[str, Definitions]:
    """Return what the course's own notebook defines in the cell that checks each exercise."""
    return {one: _definitions([cell]) for cell in cells if cell.tree for one in checks(cell.tree)}


def _definitions(cells: Sequence[Cell]) -> Definitions:
    found: Definitions = {}
    for node in (node for cell in cells if cell.tree for node in cell.tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = ast.dump(node)
    return found


def find_answer(
    cells: Sequence[Cell], exercise: Exercise, stub: Definitions | None
) -> Answer | NotTried | Unusable:
    """Return where the exercise is answered: in the last cell that checks it.

    Where no cell checks it (the line is gone, or a comment), in the last that defines what the
    exercise asks for.
    """
    asked = exercise.code_name
    for checked in (True, False):
        for place in reversed(range(len(cells))):
            cell = cells[place]
            if cell.tree is None:
                pattern = rf"\bch{exercise.chapter}\.{exercise.name}\.check\b"
                pattern = pattern if checked else rf"^(?:async def|def|class) {asked}\b"
                if re.search(pattern, cell.source, re.MULTILINE):
                    return Unusable(f"cell {cell.number} is no Python: {cell.trouble}")
            elif checked and exercise.id in checks(cell.tree):
                return _answer(cells[: place + 1], exercise, stub, "")
            elif not checked and asked in _definitions([cell]):
                call = f"{FIND}({exercise.id!r}).check({asked})"
                return _answer(cells[: place + 1], exercise, stub, call)
    return NotTried("no cell checks it, and none defines what it asks for")


def _answer(
    cells: Sequence[Cell], exercise: Exercise, stub: Definitions | None, call: str
) -> Answer | NotTried | Unusable:
    *above, last = [cell for cell in cells if cell.tree]
    assert last.tree is not None
    if stub and stub.items() <= _definitions([*above, last]).items():
        return NotTried("as it was handed out")
    own = ast.parse(f"{last.source}\n{call}").body if call else last.tree.body
    source = f"{last.source}\n{call}"
    nodes = [node for cell in above if cell.tree for node in cell.tree.body]
    try:
        short = (*needed(nodes, own), source)
    except (SyntaxError, ValueError, RecursionError):  # what the symbol tables do not take
        short = (source,)
    return Answer(last.number, short, (*(cell.source for cell in above), source))
