"""Where things go in a ladder diagram, and in which words they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from netlab.lab.dissect_arrows import (
    frame_bytes,
    frame_fields,
    frame_kind,
    frame_label,
    frame_note,
    ids,
    part_label,
)
from netlab.lab.frames import Arrow, Piece, name_order
from netlab.lab.labels import Names, count, full, hexdump, label, shorten, width
from netlab.lab.recording import Direction, Recording
from netlab.lab.svg import COLUMN_PX, Label, Row, box_px

MAX_WIDTH_PX = 960
MIN_GAP_PX, MAX_GAP_PX = 160, 620
MANY_LANES, MANY_GAP_PX = 6, 120
NAME_COLUMNS = 20
WIDE_LABEL_PX = 340
TEXT_COLUMNS = 72
HEX_COLUMNS = 96
TITLE_FRAMES = 4  # of a chunk, how many are told to somebody who points at it
EVENTS = {"open": "(connects)", "fin": "FIN", "rst": "RST"}


class View:
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
        ports = {port: self._name(owner) for port, owner in recording.ports.items()}
        frames = (piece.whole for arrow in shown for piece in arrow.pieces)
        self._varying = Names(ports, ids(frames))
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
        columns = self._columns(lane)
        return Row(
            kind=arrow.kind,
            source=lane if up else self.server,
            target=self.server if up else lane,
            direction=arrow.direction,
            lines=self._lines(arrow, columns),
            boxed=self._boxed(arrow),
            note=shorten(self._note(arrow), columns),
            title=self._title(arrow),
            marked=self._is_marked(arrow),
        )

    def line(self, arrow: Arrow) -> str:
        """Return the arrow as a line of the text twin."""
        longest = max(map(len, self._clients))
        pad = len(self._server_name) + 3 + longest
        text = EVENTS.get(arrow.kind, "")
        if not text:
            lines = [self._label(piece, TEXT_COLUMNS) for piece in arrow.pieces]
            if self._boxed(arrow):
                lines = [
                    f"{'[' if piece.begins else '…'}{line}{']' if piece.ends else '…'}"
                    for piece, line in zip(arrow.pieces, lines, strict=True)
                ]
            text = " ".join(lines)
        if arrow.kind == "error":
            text = f"RST ({text})"
        elif arrow.kind not in ("data", *EVENTS):
            text = f"{arrow.kind.upper()}: {text}"
        if note := self._note(arrow):
            text += f"   ({note})"
        return f"{self.way(arrow):<{pad}}  {'▸ ' if self._is_marked(arrow) else ''}{text}"

    def details(self, arrow: Arrow) -> list[tuple[str, str, str]]:
        """Return for each frame on the arrow: what it is, its bytes, its fields."""
        if arrow.kind in EVENTS or arrow.kind == "error":
            return []
        return [self._details(piece) for piece in arrow.pieces]

    def fold(self, left_out: int) -> Row:
        return Row(kind="fold", note=f"… {left_out} more …")

    def _name(self, connection: str) -> str:
        return self._names.get(connection, connection)

    def way(self, arrow: Arrow) -> str:
        name = self._name(arrow.connection)
        if arrow.direction is Direction.TO_SERVER:
            return f"{name} → {self._server_name}"
        return f"{self._server_name} → {name}"

    def _title(self, arrow: Arrow) -> str:
        """Return what is shown to somebody who points at the arrow."""
        name = self._name(arrow.connection)
        sender = name if arrow.direction is Direction.TO_SERVER else self._server_name
        match arrow.kind:
            case "open":
                what = f"{name} opens a connection"
            case "fin":
                what = f"FIN, {sender} will send nothing more"
            case "rst":
                what = f"RST, {sender} breaks the connection off"
            case "error":
                what = f"RST, the server cannot be reached: {arrow.data.decode()}"
            case _ if all(piece.whole is None for piece in arrow.pieces):
                dump = hexdump(arrow.data, self._varying.hidden(arrow.data), HEX_COLUMNS)
                what = f"{full(arrow.data, self._varying)}\n{dump}"
            case _:
                told = self.details(arrow)[:TITLE_FRAMES]
                what = "\n".join("\n".join(filter(None, one)) for one in told)
        return f"{self.way(arrow)}: {what}"

    def _details(self, piece: Piece) -> tuple[str, str, str]:
        torn = not (piece.begins and piece.ends)
        if piece.whole is None or (torn and piece.data != piece.whole.data):
            what = _part(piece) if torn else count(len(piece.data))
            hidden = self._varying.hidden(piece.data) if piece.whole is None else ()
            of = f" ({frame_kind(piece.whole)})" if piece.whole else ""
            # Of a masked frame the bytes differ from run to run, so a part of it has none here.
            masked = piece.whole is not None and piece.whole.clear
            dump = "" if masked else hexdump(piece.data, hidden, HEX_COLUMNS)
            text = self._label(piece, TEXT_COLUMNS) if piece.whole is None else ""
            return f"{what}{of}", dump, text
        whole, varying = piece.whole, self._varying
        shown = frame_bytes(whole, varying, HEX_COLUMNS)
        return frame_kind(whole), shown, frame_fields(whole, varying)

    def _label(self, piece: Piece, columns: int) -> str:
        whole = piece.whole
        if whole is None or whole.protocol in ("Lines", "Bytes"):
            return label(piece.data, self._varying, columns)
        if piece.begins and len(piece.data) == len(whole.data):
            return frame_label(whole, self._varying, columns)
        return part_label(whole, piece.offset, len(piece.data), self._varying, columns)

    def _is_marked(self, arrow: Arrow) -> bool:
        return any(
            self._marked(piece.data)
            or (piece.whole is not None and self._marked(piece.whole.payload))
            for piece in arrow.pieces
        )

    def _boxed(self, arrow: Arrow) -> bool:
        return self._chunks and arrow.kind == "data"

    def _note(self, arrow: Arrow) -> str:
        """Say in words where a chunk is not a frame, what is inside, what a proxy has done."""
        inside = [
            frame_note(piece.whole)
            for piece in arrow.pieces
            if piece.whole is not None and piece.begins and len(piece.data) == len(piece.whole.data)
        ]
        notes = [self._cuts(arrow), *inside, arrow.note]
        return "; ".join(dict.fromkeys(filter(None, notes)))

    def _cuts(self, arrow: Arrow) -> str:
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
        if arrow.kind in EVENTS:
            return ()
        room = columns - 2 if self._boxed(arrow) else columns
        labels = tuple(
            Label(self._label(piece, room), not piece.begins, not piece.ends)
            for piece in arrow.pieces
        )
        if sum(one.width_px + 6 for one in labels) <= columns * COLUMN_PX + 16:
            return (labels,)
        return tuple((one,) for one in labels)

    def _columns(self, lane: int) -> int:
        """Return how many columns of text fit on an arrow between this lane and the server's.

        A short arrow may have a label that goes on over the lanes beyond its client's.
        """
        apart = abs(lane - self.server)
        beyond = self.server if lane < self.server else len(self.lanes) - 1 - self.server
        room = max(self.gap * apart, min(self.gap * beyond, WIDE_LABEL_PX))
        return int((room - 36) / COLUMN_PX)

    def _gap(self, shown: list[Arrow]) -> float:
        """Return the distance of two lanes: as much as the labels need, if the page has it."""
        lanes = len(self.lanes)
        boxes = [box_px(name) for name in self.lanes]
        ends = sum(max(box / 2, 44) for box in (boxes[0], boxes[-1]))
        most = (MAX_WIDTH_PX - 48 - ends) / max(1, lanes - 1)
        # The boxes of two neighbours must have room, though many lanes make a diagram wide.
        least = max((one + other) / 2 + 12 for one, other in pairwise([*boxes, 0.0]))
        least = max(least, MIN_GAP_PX if lanes <= MANY_LANES else MANY_GAP_PX)
        wanted = float(least)
        for arrow in shown:
            apart = abs(self._lane[self._name(arrow.connection)] - self.server)
            if arrow.kind not in EVENTS:
                texts = [self._label(piece, 100) for piece in arrow.pieces]
                columns = sum(width(text) + (3 if self._chunks else 0) for text in texts)
                columns = max(columns, width(self._note(arrow)))
                wanted = max(wanted, (columns * COLUMN_PX + 44) / apart)
        return max(round(least), round(min(wanted, most, MAX_GAP_PX)))


def _part(piece: Piece) -> str:
    if piece.begins:
        return f"the first {count(len(piece.data))} of a message"
    return f"the {'last' if piece.ends else 'next'} {count(len(piece.data))} of a message"
