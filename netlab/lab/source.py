"""`show_source`: the source of what a cell has just used, with a link to its file."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


class Source:
    """Source code that a notebook shows highlighted. Its text is the code itself."""

    def __init__(self, file: str, code: str) -> None:
        self.file = file
        self.code = code

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        # A relative link: JupyterLab opens the file beside the notebook.
        link = f"[{self.file}](../{self.file})"
        return {
            "text/markdown": f"From {link}:\n\n```python\n{self.code}\n```",
            "text/plain": repr(self),
        }

    def __repr__(self) -> str:
        return f"# {self.file}\n{self.code}"


def show_source(thing: Any) -> Source:
    """Return the source of a function, method, class or module, to be shown by a cell.

    Raises TypeError for what has no Python source (a number, a function written in C).
    """
    code = textwrap.dedent(inspect.getsource(thing)).rstrip()
    path = Path(inspect.getsourcefile(thing) or "")
    file = path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
    return Source(file, code)
