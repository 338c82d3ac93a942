"""Which statements does an answer need? Its own cell, and above it whatever defines its names.

To run a whole notebook for each answer would take minutes, and an experiment that hangs would
hide every answer below it. What is found here is an estimate: Python's symbol tables tell which
names a statement uses and sets, and nobody can tell in general what a call does to them
(`exec`, a change by a method). Whoever runs the estimate and meets an error
runs all the cells instead, as "Restart Kernel and Run All Cells" would.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Statement:
    """A statement at the top level of a cell: what it sets, changes and uses, by name."""

    node: ast.stmt
    sets: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]

    @property
    def defines(self) -> bool:
        """Does it set its names whatever they were before?"""
        return isinstance(self.node, _DEFINITIONS)

    @property
    def sets_anything(self) -> bool:
        """Is it `from x import *`, which sets nobody knows what?"""
        return isinstance(self.node, ast.ImportFrom) and self.node.names[0].name == "*"

    @property
    def source(self) -> str:
        return ast.unparse(self.node)


def statement(node: ast.stmt) -> Statement:
    """Return what a statement does to names."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    symbols = table.get_symbols()
    sets = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    sets |= {one.get_name() for one in symbols if one.is_namespace()}
    uses = {one.get_name() for one in symbols if one.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        uses |= {one.get_name() for one in scope.get_symbols() if one.is_global()}
    return Statement(node, frozenset(sets), frozenset(_changed(node)), frozenset(uses))


def _changed(node: ast.stmt) -> Iterable[str]:
    """Yield the names whose objects a statement stores into: `name.x = …`, `name[x] = …`."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
            if isinstance(target, ast.Name):
                yield target.id


def needed(above: Sequence[ast.stmt], answer: Sequence[ast.stmt]) -> list[str]:
    """Return, in order, the sources of the statements above that the answer's statements need."""
    candidates = [statement(node) for node in above]
    wanted = sorted(_wanted([statement(node) for node in answer]))
    chosen = {number for number, one in enumerate(candidates) if one.sets_anything}
    seen = set(wanted)
    while wanted:
        name = wanted.pop()
        for number in reversed(range(len(candidates))):
            one = candidates[number]
            if name not in one.sets | one.changes:
                continue
            chosen.add(number)
            new = one.uses - seen
            seen |= new
            wanted += sorted(new)
            if one.defines:
                break  # what the name meant further up is gone
    return [candidates[number].source for number in sorted(chosen)]


def _wanted(own: Sequence[Statement]) -> set[str]:
    """Return the names that the answer's own statements do not set before they use them."""
    at_once: set[str] = set()
    later: set[str] = set()
    for one in reversed(own):
        at_once -= one.sets
        if one.defines:
            later |= one.uses  # when it is called, all of the cell has run
        else:
            at_once |= one.uses
    return at_once.union(later.difference(*(one.sets for one in own)))
