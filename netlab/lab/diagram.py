"""`ladder`: a recording as a diagram, a lane for each client and one for the server.

    ladder(tap.recording, title="Echo to the sender, broadcast to the others")

The picture shows frames in order; nothing in it depends on chance (see `netlab.lab.frames`). It is
an SVG, with its text twin below it for whom a picture does not help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from netlab.lab.frames import Arrow, Framing, Piece, arrows, name_order
from netlab.lab.labels import count, full, label, shorten, width
from netlab.lab.recording import Direction, Recording
from netlab.lab.svg import COLUMN_PX, Label, Row, draw

MAX_WIDTH_PX = 900
MIN_GAP_PX, MAX_GAP_PX = 160, 460
NAME_COLUMNS = 20
TEXT_COLUMNS = 72

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
    view = _View(recording, shown, new_names, server, _marker(highlight), chunks)
    kept, left_out = _fold(shown, max_rows)
    rows = [view.row(arrow) if arrow else view.fold(left_out) for arrow in kept]
    text = [view.line(arrow) if arrow else f"… {left_out} more …" for arrow in kept]
    about = view.about(len(shown))
    dropped = recording.dropped_note()
    caption = "; ".join(part for part in (title or about, dropped) if part)
    svg = draw(view.lanes, view.server, rows, view.gap, f"Ladder diagram. {caption}")
    twin = "\n".join([*([title] if title else []), *text, *([dropped] if dropped else [])])
    html = (
        '<figure style="margin:8px 0">'
        f"{svg}<figcaption>{escape(caption)}</figcaption>"
        f"<details><summary>The same as text</summary><pre>{escape(twin)}</pre></details></figure>"
    )
    return Ladder(html, twin or "nothing recorded")


class _View:
    """Names and places of the lanes; turns arrows into rows and into lines of text."""

    def __init__(
        self,
        recording: Recording,
        shown: list[Arrow],
        names: Mapping[str, str],
        server: str,
        marked: Callable[[bytes], bool],
        chunks: bool,
    ) -> None:
        self._names = names
        self._server_name = server
        self._marked = marked
        self._chunks = chunks
        self._ports = {port: self._name(owner) for port, owner in recording.ports.items()}
        clients = sorted({self._name(arrow.connection) for arrow in shown}, key=name_order)
        # The server in the middle: with up to two clients no arrow crosses another's lane.
        self.server = (len(clients) + 1) // 2
        self._clients = clients
        every = [*clients[: self.server], server, *clients[self.server :]]
        self.lanes = [shorten(name, NAME_COLUMNS) for name in every]
        self._lane = {name: number + (number >= self.server) for number, name in enumerate(clients)}
        self.gap = self._gap(shown)

    def about(self, arrow_count: int) -> str:
        who = [*self._clients, self._server_name]
        listed = ", ".join(who[:-1]) + f" and {who[-1]}" if len(who) > 1 else who[0]
        return f"{listed}: {arrow_count} arrow{'' if arrow_count == 1 else 's'}"

    def row(self, arrow: Arrow) -> Row:
        lane = self._lane[self._name(arrow.connection)]
        up = arrow.direction is Direction.TO_SERVER
        columns = self._columns(abs(lane - self.server))
        return Row(
            kind=arrow.kind,
            source=lane if up else self.server,
            target=self.server if up else lane,
            direction=arrow.direction,
            lines=self._lines(arrow, columns),
            boxed=self._boxed(arrow),
            note=shorten(self._note(arrow), columns),
            title=f"{self._way(arrow)}: {self._what(arrow)}",
            marked=any(self._marked(piece.data) for piece in arrow.pieces),
        )

    def line(self, arrow: Arrow) -> str:
        """Return the arrow as a line of the text twin."""
        longest = max(map(len, self._clients))
        pad = len(self._server_name) + 3 + longest
        texts = {"open": "(connects)", "fin": "FIN", "rst": "RST"}
        text = texts.get(arrow.kind, "")
        if arrow.kind in ("data", "error"):
            lines = [label(piece.data, self._ports, TEXT_COLUMNS) for piece in arrow.pieces]
            if self._boxed(arrow):
                lines = [
                    f"{'[' if piece.begins else '…'}{line}{']' if piece.ends else '…'}"
                    for piece, line in zip(arrow.pieces, lines, strict=True)
                ]
            text = " ".join(lines)
        if arrow.kind == "error":
            text = f"RST ({text})"
        if note := self._note(arrow):
            text += f"   ({note})"
        mark = "▸ " if any(self._marked(piece.data) for piece in arrow.pieces) else ""
        return f"{self._way(arrow):<{pad}}  {mark}{text}"

    def fold(self, left_out: int) -> Row:
        return Row(kind="fold", note=f"… {left_out} more …")

    def _name(self, connection: str) -> str:
        return self._names.get(connection, connection)

    def _way(self, arrow: Arrow) -> str:
        name = self._name(arrow.connection)
        if arrow.direction is Direction.TO_SERVER:
            return f"{name} → {self._server_name}"
        return f"{self._server_name} → {name}"

    def _what(self, arrow: Arrow) -> str:
        name = self._name(arrow.connection)
        sender = name if arrow.direction is Direction.TO_SERVER else self._server_name
        match arrow.kind:
            case "open":
                return f"{name} opens a connection"
            case "fin":
                return f"FIN, {sender} will send nothing more"
            case "rst":
                return f"RST, {sender} breaks the connection off"
            case "error":
                return f"RST, the server cannot be reached: {arrow.data.decode()}"
            case _:
                return full(arrow.data, self._ports)

    def _boxed(self, arrow: Arrow) -> bool:
        return self._chunks and arrow.kind == "data"

    def _note(self, arrow: Arrow) -> str:
        """Say in words where a chunk is not a frame."""
        if not self._boxed(arrow):
            return ""
        whole = sum(1 for piece in arrow.pieces if piece.begins and piece.ends)
        torn = len(arrow.pieces) - whole
        if not torn:
            return f"1 chunk, {whole} messages" if whole > 1 else ""
        parts = [_part(piece) for piece in arrow.pieces if not (piece.begins and piece.ends)]
        if whole:
            parts.insert(int(not arrow.pieces[0].begins), f"{whole} whole")
        return "1 chunk: " + ", ".join(parts)

    def _lines(self, arrow: Arrow, columns: int) -> tuple[tuple[Label, ...], ...]:
        """Return the labels of an arrow: in one line if they fit, else one a line."""
        if arrow.kind not in ("data", "error"):
            return ()
        room = columns - 2 if self._boxed(arrow) else columns
        labels = tuple(
            Label(label(piece.data, self._ports, room), not piece.begins, not piece.ends)
            for piece in arrow.pieces
        )
        if sum(one.width_px + 6 for one in labels) <= columns * COLUMN_PX + 16:
            return (labels,)
        return tuple((one,) for one in labels)

    def _columns(self, apart: int) -> int:
        """Return how many columns of text fit on an arrow over `apart` lanes."""
        return int((self.gap * apart - 36) / COLUMN_PX)

    def _gap(self, shown: list[Arrow]) -> float:
        """Return the distance of two lanes: as much as the labels need, if the page has it."""
        lanes = len(self.lanes)
        ends = sum(max(width(self.lanes[number]) * 4.4 + 14, 44) for number in (0, -1))
        most = (MAX_WIDTH_PX - 48 - ends) / max(1, lanes - 1)
        wanted = float(MIN_GAP_PX)
        for arrow in shown:
            apart = abs(self._lane[self._name(arrow.connection)] - self.server)
            if arrow.kind in ("data", "error"):
                texts = [label(piece.data, self._ports, 100) for piece in arrow.pieces]
                columns = sum(width(text) + (3 if self._chunks else 0) for text in texts)
                columns = max(columns, width(self._note(arrow)))
                wanted = max(wanted, (columns * COLUMN_PX + 44) / apart)
        return max(MIN_GAP_PX, round(min(wanted, most, MAX_GAP_PX)))


def _part(piece: Piece) -> str:
    if piece.begins:
        return f"the first {count(len(piece.data))} of a message"
    return f"the {'last' if piece.ends else 'next'} {count(len(piece.data))} of a message"


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
