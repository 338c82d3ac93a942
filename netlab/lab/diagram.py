"""`ladder`: a recording as a diagram, a lane for each client and one for the server.

    ladder(tap.recording, title="Echo to the sender, broadcast to the others")

The picture shows frames in order; nothing in it depends on chance (see `netlab.lab.frames`). It is
an SVG, with its text twin below it for whom a picture does not help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from netlab.lab.frames import Arrow, Framing, arrows, check_framing
from netlab.lab.layout import View
from netlab.lab.recording import Recording
from netlab.lab.svg import draw

MAX_DETAILS = 200  # frames in the table below a diagram

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
    something goes the other way), ``"datagrams"``, a protocol of `netlab.lab.dissect`
    (``"websocket"`` follows a connection from HTTP on), ``"auto"``, which finds out what each
    connection speaks, or a function that is given bytes and returns the complete frames at their
    beginning. Where the protocol is known, text is shown unmasked and what is random by a name;
    pings that libraries send by themselves, and what only ends a body, are heartbeats.

    With `chunks` each arrow is a chunk as it was recorded, with the frames, or the torn parts of
    frames, that it carried: use it where the cell itself forces the cut. `highlight` marks frames
    that contain a text, or for which a function is true. `names` gives connections other names,
    `server` names the server. Heartbeats are passed over unless `heartbeats` is true. Of more than
    `max_rows` arrows the middle is left out, and counted.

    Raises:
        ValueError: no such framing, or a name for a connection that was not recorded.
    """
    check_framing(framing)
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
    # A picture is never made smaller than its text can be read: a narrow page scrolls it.
    scroll = (
        f'<div class="netlab-scroll" tabindex="0" role="group" aria-label="Diagram">{svg}</div>'
    )
    twin = "\n".join([*([title] if title else []), *text, *([dropped] if dropped else [])])
    html = (
        '<figure class="netlab-figure">'
        f"{scroll}<figcaption>{escape(caption)}</figcaption>"
        f"<details><summary>The same as text</summary><pre>{escape(twin)}</pre></details>"
        f"{_table(view, kept)}</figure>"
    )
    return Ladder(html, twin or "nothing recorded")


def _table(view: View, kept: list[Arrow | None]) -> str:
    """Return what is told to somebody who points at an arrow, for whom has no mouse."""
    rows = [
        f'<tr><th scope="row">{escape(view.way(arrow))}</th><td>{escape(what)}</td>'
        f'<td class="hex">{escape(dump)}</td><td>{escape(fields)}</td></tr>'
        for arrow in kept
        if arrow
        for what, dump, fields in view.details(arrow)
    ]
    if not rows:
        return ""
    names = ("Arrow", "What", "Bytes", "Text or fields")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        "<details><summary>The bytes of each arrow</summary>"
        '<div class="netlab-scroll" tabindex="0" role="group" aria-label="Bytes of each arrow">'
        f'<table class="netlab-arrows"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows[:MAX_DETAILS])}</tbody></table></div></details>"
    )


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
