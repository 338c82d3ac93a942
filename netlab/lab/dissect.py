"""`dissect`: bytes taken apart into named fields, down to the bit.

    dissect(b"\\x81\\x05hello")
    dissect(tap.recording.bytes("alice", "client→server"))

Without a protocol it finds out from the first bytes, and follows the stream: HTTP, then WebSocket
after an upgrade, and Engine.IO and Socket.IO inside. `Dissector` does it as bytes come,
`Conversation` for both directions of a connection. No bytes are an error: what is wrong with them,
or missing, is said in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from netlab.lab.dissect_fields import Dissection, Field
from netlab.lab.dissect_stream import PROTOCOLS, Conversation, Dissector
from netlab.lab.dissect_table import as_html, as_lines, left_out
from netlab.lab.recording import Direction

__all__ = [
    "PROTOCOLS",
    "Conversation",
    "Dissection",
    "Dissections",
    "Dissector",
    "Field",
    "dissect",
]


class Dissections(Sequence[Dissection]):
    """What `dissect` found, in order; shown as tables, the first 24 of them."""

    def __init__(self, found: Sequence[Dissection]) -> None:
        self._found = tuple(found)

    @overload
    def __getitem__(self, index: int) -> Dissection: ...
    @overload
    def __getitem__(self, index: slice) -> Dissections: ...
    def __getitem__(self, index: int | slice) -> Dissection | Dissections:
        if isinstance(index, slice):
            return Dissections(self._found[index])
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Dissection]:
        return iter(self._found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dissections) and self._found == other._found

    def __hash__(self) -> int:
        return hash(self._found)

    def __str__(self) -> str:
        return "\n".join(as_lines(self._found, left_out(self._found))) or "no bytes"

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        html = as_html(self._found, left_out(self._found)) if self._found else "no bytes"
        return {"text/html": html, "text/plain": str(self)}


def dissect(
    data: bytes | bytearray | memoryview,
    protocol: str | None = None,
    *,
    direction: Direction | str | None = None,
) -> Dissections:
    """Return what `data` consists of: frames, packets, lines, heads or records, with their fields.

    `protocol` is one of "lines", "length-prefixed", "http", "websocket", "engineio", "socketio",
    "tls" and "bytes"; None finds out. `direction` says who has sent it, for rules that differ
    for the two. Together they cover every byte, in order; the last may be incomplete.

    Raises:
        ValueError: no such protocol or direction.
        TypeError: `data` is not bytes.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(
            f"dissect takes bytes, and this is {type(data).__name__}; "
            "encode text first: dissect(text.encode())"
        )
    dissector = Dissector(protocol, None if direction is None else Direction(direction))
    return Dissections([*dissector.feed(data), *dissector.end()])
