"""`show_source`: the source of what a cell has just used, with a link to its file.

netlab.show_source(TCPServer.start)
netlab.show_source(TCPServer, lines=30)             # the first thirty lines
netlab.show_source(TCPServer.start, numbers=True)   # with the lines' numbers in the file
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from netlab.lab.highlight import STYLE, highlight

_ROOT = Path(__file__).parents[2]
_NOTEBOOK = "this notebook"
MAX_LINES = 150


class Source:
    """Source code that a notebook shows highlighted. Its text is the code itself.

    `file` names where it is from, `code` is all of it, `first_line` its place there, `link` leads
    to the file from the notebook's folder ("" where nothing does).
    """

    def __init__(
        self,
        file: str,
        code: str,
        *,
        name: str = "",
        link: str = "",
        first_line: int = 1,
        lines: int = MAX_LINES,
        numbers: bool = False,
    ) -> None:
        self.file, self.code, self.name, self.link = file, code, name, link
        self.first_line, self.lines, self.numbers = first_line, lines, numbers

    @property
    def _left_out(self) -> str:
        more = self.code.count("\n") + 1 - self.lines
        if more <= 0:
            return ""
        return f"… {more:,} more line{'s' if more > 1 else ''}: show_source(…, lines=…) shows more"

    def __repr__(self) -> str:
        shown = self.code.split("\n")[: self.lines]
        if self.numbers:
            wide = len(str(self.first_line + len(shown)))
            shown = [f"{n:{wide}}  {one}".rstrip() for n, one in enumerate(shown, self.first_line)]
        left_out = [f"# {self._left_out}"] if self._left_out else []
        return "\n".join([f"# {self.file}", *shown, *left_out])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        shown = highlight(self.code)[: self.lines]
        if self.numbers:  # as attributes, so that who copies the code does not copy them
            shown = [
                f'<span data-n="{n}">{one}</span>' for n, one in enumerate(shown, self.first_line)
            ]
        file = escape(self.file)
        if self.link:  # JupyterLab opens what a relative link leads to in a tab of its own
            file = f'<a href="{escape(self.link)}">{file}</a>'
        what = f"<code>{escape(self.name)}</code> from " if self.name else "From "
        left_out = f"<p>{escape(self._left_out)}</p>" if self._left_out else ""
        label = escape(f"Source code of {self.name or self.file}")
        code = "\n".join(shown)
        return (
            f'<div class="netlab-source"><style>{STYLE}</style><p>{what}{file}:</p>'
            # A keyboard must reach what scrolls sideways.
            f'<pre tabindex="0" role="region" aria-label="{label}"><code>{code}</code></pre>'
            f"{left_out}</div>"
        )


def show_source(thing: Any, *, lines: int = MAX_LINES, numbers: bool = False) -> Source:
    """Return the source of a function, method, property, class or module, to be shown by a cell.

    Args:
        thing: what to show; a decorated function is shown as it was written.
        lines: how many lines are shown at most.
        numbers: whether to number the lines as in the file.

    Raises:
        TypeError: it has no Python source: a value, or something written in C.
        OSError: its source is not kept: it was typed at a prompt, or made by `exec`.
        ValueError: `lines` is not more than nothing.
    """
    if lines < 1:
        raise ValueError(f"lines={lines} shows nothing; pass 1 or more")
    parts = [_read(part) for part in _parts(thing)]
    path, first_line, _ = parts[0]
    file, link = _place(path)
    return Source(
        file,
        "\n\n".join(code for _, _, code in parts),
        name="" if inspect.ismodule(thing) else _name(thing),
        link=link,
        first_line=first_line,
        lines=lines,
        numbers=numbers,
    )


def _parts(thing: Any) -> list[Any]:
    """Return what `inspect` can find for a thing: of a property its getter and its setter."""
    if isinstance(thing, property):
        found = [one for one in (thing.fget, thing.fset, thing.fdel) if one is not None]
        if found:
            return found
    elif isinstance(thing, functools.partial):
        return _parts(thing.func)
    elif isinstance(thing, staticmethod | classmethod):
        return [thing.__func__]
    elif isinstance(thing, functools.cached_property):
        return [thing.func]
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if inspect.isfunction(thing) or inspect.ismethod(thing):
        return [thing]
    in_c = inspect.isbuiltin(thing) or inspect.isroutine(thing)
    if not (inspect.isclass(thing) or inspect.ismodule(thing) or inspect.iscode(thing) or in_c):
        kind = type(thing).__name__
        raise TypeError(
            f"a value (this one is of type {kind}) has no source of its own; "
            "pass a function, method, class or module; type(value) is its class"
        )
    if in_c or (inspect.isclass(thing) and thing.__module__ == "builtins"):
        raise _written_in_c(thing)
    return [thing]


def _written_in_c(thing: Any) -> TypeError:
    name = _name(thing)
    return TypeError(
        f"{name} is written in C and has no Python source; help({name}) says what it does"
    )


def _read(thing: Any) -> tuple[Path, int, str]:
    """Return the file, the number of the first line there, and the code without its margin."""
    try:
        path = inspect.getsourcefile(thing) or inspect.getfile(thing)
        found, first = inspect.getsourcelines(thing)
    except (TypeError, OSError):
        cell = _class_in_a_cell(thing) if inspect.isclass(thing) else None
        if cell is None:
            if inspect.isclass(thing) and thing.__module__ == "__main__":
                raise _not_kept(thing) from None
            if inspect.ismodule(thing) or inspect.isclass(thing):
                raise _written_in_c(thing) from None
            raise _not_kept(thing) from None
        path, found, first = cell
    margin = found[0][: len(found[0]) - len(found[0].lstrip())]
    code = "".join(line.removeprefix(margin) for line in found).rstrip()
    return Path(path), max(first, 1), code


def _not_kept(thing: Any) -> OSError:
    return OSError(
        f"the source of {_name(thing)} is not kept anywhere; define it in a cell or in a file"
    )


def _class_in_a_cell(thing: type) -> tuple[str, list[str], int] | None:
    """Find a class that a cell defined: `inspect` looks in files only. The newest cell wins."""
    for path in reversed([name for name in list(linecache.cache) if _is_cell(name)]):
        lines = linecache.getlines(path)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:  # a cell with %magic
            continue
        for qualname, node in _classes(tree, ""):
            if qualname == thing.__qualname__:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                return path, lines[first - 1 : node.end_lineno], first
    return None


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            inner = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inner)


def _is_cell(path: str) -> bool:
    """Tell whether code comes from a cell: ipykernel and IPython make up a name for it."""
    return path.startswith("<ipython-input") or Path(path).parent.name.startswith("ipykernel_")


def _place(path: Path) -> tuple[str, str]:
    """Return how to name a file, without where it is on this machine, and a link to it."""
    if _is_cell(str(path)):
        return _NOTEBOOK, ""
    if _is_visible(path):
        here = Path.cwd()
        linked = here == _ROOT or _is_visible(here)
        link = Path(os.path.relpath(path, here)).as_posix() if linked else ""
        return path.relative_to(_ROOT).as_posix(), link
    folders = sorted(map(str, filter(None, sys.path)), key=len, reverse=True)
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix(), ""
    return path.name, ""


def _is_visible(path: Path) -> bool:
    """Tell whether it is in the course's folder; JupyterLab shows no folder that begins with ."""
    inside = path.is_relative_to(_ROOT)
    return inside and not any(part.startswith(".") for part in path.relative_to(_ROOT).parts)


def _name(thing: Any) -> str:
    for part in (thing, *(getattr(thing, name, None) for name in ("fget", "func", "__func__"))):
        name = getattr(part, "__qualname__", None) or getattr(part, "__name__", None)
        if name:
            return str(name).rpartition("<locals>.")[2]
    return type(thing).__name__
