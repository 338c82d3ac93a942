"""The parts of which panels are made: fields, buttons, rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets


def html(value: str = "") -> widgets.HTML:
    """Return a widget that shows HTML. What goes into it from the wire must be escaped."""
    return widgets.HTML(value)


def view_of(box: widgets.Widget) -> dict[str, Any]:
    """Return what makes a page show the widget, without the text that describes its traits."""
    return {k: v for k, v in (box._repr_mimebundle_() or {}).items() if k != "text/plain"}


def descendants(box: widgets.Widget) -> list[widgets.Widget]:
    """Return all widgets inside a box."""
    found: list[widgets.Widget] = []
    for child in getattr(box, "children", ()):
        found += [child, *descendants(child)]
    return found


def button(
    label: str, action: Callable[[], None], *, about: str = "", primary: bool = False
) -> widgets.Button:
    """Return a button that calls `action()`. `about` is its name where it has no label."""
    made = widgets.Button(
        description=label, tooltip=about or label, button_style="primary" if primary else ""
    )
    made.add_class("np-short")
    made.on_click(lambda _: action())
    return made


def row(css_class: str, *children: widgets.Widget) -> widgets.Box:
    """Return a box whose layout is that of a class in `style`."""
    made = widgets.Box(list(children))
    made.add_class(css_class)
    return made


def show_if(widget: widgets.Widget, shown: bool) -> None:
    """Show a widget or hide it."""
    widget.layout.display = None if shown else "none"
