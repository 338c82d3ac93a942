"""Which panels belong to which cell: when a cell is run again, its old panels are closed first.

Outside a notebook nothing is remembered: whoever made a panel closes it.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Protocol


class Closable(Protocol):
    """What is remembered."""

    def vanish(self) -> None:
        """Close it and take it off the page."""


_by_cell: dict[str, list[Closable]] = {}
_told = weakref.WeakSet[Any]()  # the shells that tell us before they run a cell


def remember(panel: Closable) -> None:
    """Note that the cell that runs now has made this panel."""
    shell = _shell()
    if shell is None or (cell := _cell(shell)) is None:
        return
    if shell not in _told:
        shell.events.register("pre_run_cell", _before_a_cell)
        _told.add(shell)
    _by_cell.setdefault(cell, []).append(panel)


def close_all() -> None:
    """Close all panels that cells have made, and take them off the page."""
    for cell in list(_by_cell):
        _close(cell)


def _before_a_cell(*_: Any) -> None:
    if (cell := _cell(_shell())) is not None:
        _close(cell)


def _close(cell: str) -> None:
    for panel in _by_cell.pop(cell, []):
        panel.vanish()


def _shell() -> Any:
    ipython = sys.modules.get("IPython")  # not loaded: this is no notebook
    return ipython.get_ipython() if ipython else None


def _cell(shell: Any) -> str | None:
    """Return what names the cell that runs now, also when it is run the next time."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    request = kernel.get_parent()
    if request.get("header", {}).get("msg_type") != "execute_request":
        return None  # the click of a button, say
    # JupyterLab and VS Code name the cell; for others it is known by its code.
    return str(request.get("metadata", {}).get("cellId") or request["content"]["code"])
