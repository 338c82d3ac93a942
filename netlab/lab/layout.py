"""Where things go in a ladder diagram, and in which words they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netlab.lab.frames import Arrow, Piece, name_order
from netlab.lab.labels import count, full, label, shorten, width
from netlab.lab.recording import Direction, Recording
from netlab.lab.svg import COLUMN_PX, Label, Row

MAX_WIDTH_PX = 960
MIN_GAP_PX, MAX_GAP_PX = 160, 620
NAME_COLUMNS = 20
WIDE_LABEL_PX = 340
TEXT_COLUMNS = 72


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
        columns = self._columns(lane)
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
