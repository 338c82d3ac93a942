"""`ladder`: a recording as a diagram, a lane for each client and one for the server.

    ladder(tap.recording, title="Echo to the sender, broadcast to the others")

The picture shows frames in order; nothing in it depends on chance (see `netlab.lab.frames`). It is
an SVG, with its text twin below it for whom a picture does not help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from netlab.lab.frames import Arrow, Framing, arrows
from netlab.lab.layout import View
from netlab.lab.recording import Recording
from netlab.lab.svg import draw

Highlight = str | bytes | Callable[[bytes], bool]


class Ladder:
    """A ladder diagram: HTML with an SVG for the notebook; ``str()`` gives its text twin."""

    def __init__(self, html: str, text: str) -> None:
        self.html = html
        self.text = text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def ladder(
    recording: Recording,
    *,
    framing: Framing = "lines",
    chunks: bool = False,
    title: str | None = None,
    highlight: Highlight | None = None,
    names: Mapping[str, str] | None = None,
    server: str = "server",
    heartbeats: bool = False,
    max_rows: int = 60,
) -> Ladder:
    """Return the diagram of a recording.

    `framing` cuts the bytes into frames: ``"lines"``, ``"whole"`` (all that goes one way until
    something goes the other way), or a function that is given bytes and returns the complete
    frames at their beginning. With `chunks` each arrow is a chunk as it was recorded, with the
    frames, or the torn parts of frames, that it carried: use it where the cell itself forces the
    cut. `highlight` marks frames that contain a text, or for which a function is true. `names`
    gives connections other names, `server` names the server. Heartbeats are passed over unless
    `heartbeats` is true. Of more than `max_rows` arrows the middle is left out, and counted.
    """
    shown = arrows(recording, framing, chunks=chunks, heartbeats=heartbeats)
    new_names = names or {}
    for old in new_names:
        if old not in recording.connections:
            known = ", ".join(recording.connections) or "none"
            raise ValueError(f"names: there is no connection {old!r}; recorded are: {known}")
    view = View(recording, shown, new_names, server, _marker(highlight), chunks)
    kept, left_out = _fold(shown, max_rows)
    rows = [view.row(arrow) if arrow else view.fold(left_out) for arrow in kept]
    text = [view.line(arrow) if arrow else f"… {left_out} more …" for arrow in kept]
    about = view.about(len(shown))
    dropped = recording.dropped_note()
    caption = "; ".join(part for part in (title or about, dropped) if part)
    svg = draw(view.lanes, view.server, rows, view.gap, f"Ladder diagram. {caption}")
    twin = "\n".join([*([title] if title else []), *text, *([dropped] if dropped else [])])
    html = (
        '<figure class="netlab-figure">'
        f"{svg}<figcaption>{escape(caption)}</figcaption>"
        f"<details><summary>The same as text</summary><pre>{escape(twin)}</pre></details></figure>"
    )
    return Ladder(html, twin or "nothing recorded")


def _marker(highlight: Highlight | None) -> Callable[[bytes], bool]:
    if highlight is None:
        return lambda data: False
    if callable(highlight):
        return highlight
    wanted = highlight.encode() if isinstance(highlight, str) else highlight
    return lambda data: wanted in data


def _fold(shown: list[Arrow], max_rows: int) -> tuple[list[Arrow | None], int]:
    """Return the arrows to draw, with None where some are left out, and how many those are."""
    if len(shown) <= max_rows:
        return list(shown), 0
    tail = max_rows // 3
    head = max_rows - tail
    return [*shown[:head], None, *shown[len(shown) - tail :]], len(shown) - head - tail
