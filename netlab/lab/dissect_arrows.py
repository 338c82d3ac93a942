"""Dissections for a ladder diagram: the streams of a recording, and a frame in few words.

Masks, nonces, random numbers and identifiers are drawn as names: the picture of one conversation
is the same whenever it is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netlab.lab.dissect_fields import Dissection, Field
from netlab.lab.dissect_stream import Conversation
from netlab.lab.dissect_table import flat
from netlab.lab.dissect_websocket import NONCE
from netlab.lab.labels import ELLIPSIS, LOOK_BYTES, Names, count, hexdump, label, shorten
from netlab.lab.recording import Chunk, Direction

FIELDS_COLUMNS = 700  # of the fields of one frame, how much is written
_PLAIN = ("Lines", "Bytes")


def streams(
    events: Sequence[Chunk], protocol: str | None
) -> Iterator[tuple[list[int], list[Dissection]]]:
    """Yield for each direction of each connection the indexes of its chunks and what they say.

    Of a name under which one connection after the other was opened, each is a stream of its own.
    """
    talks: dict[str, tuple[Conversation, dict[Direction, tuple[list[int], list[Dissection]]]]] = {}
    for index, event in enumerate(events):
        if event.kind == "open" and event.connection in talks:
            yield from _ended(*talks.pop(event.connection))
        if event.kind != "data":
            continue
        both, sides = talks.setdefault(event.connection, (Conversation(protocol), {}))
        run, found = sides.setdefault(event.direction, ([], []))
        run.append(index)
        found += both.feed(event.direction, event.data)
    for both, sides in talks.values():
        yield from _ended(both, sides)


def _ended(
    both: Conversation, sides: dict[Direction, tuple[list[int], list[Dissection]]]
) -> Iterator[tuple[list[int], list[Dissection]]]:
    for direction, (run, found) in sides.items():
        yield run, found + both.end(direction)


def is_keepalive(frame: Dissection) -> bool:
    """Whether it says nothing: a library's own ping, Engine.IO's, the end of HTTP's chunks."""
    if frame.word.endswith(NONCE) or (frame.name == "chunk" and not frame.payload):
        return frame.complete
    packets = frame.inner or (frame,)
    return all(
        one.protocol == "Engine.IO"
        and one.name in ("PING", "PONG", "NOOP")
        and len(one.payload) == 1
        for one in packets
    )


def ids(frames: Iterable[Dissection | None]) -> dict[str, str]:
    """Return names for the identifiers that frames bring in, numbered as they come."""
    found: dict[str, str] = {}
    for frame in frames:
        for one in flat([frame] if frame else []):
            for name in one.ids:
                found.setdefault(name, f"<sid {len(found) + 1}>")
    return found


def frame_label(frame: Dissection, names: Names, columns: int) -> str:
    """Return a whole frame in one line."""
    word = names.text(frame.word)
    if not frame.payload:
        if frame.protocol == "Length-prefixed" and frame.complete:
            word = "(an empty frame)"
        return shorten(word or label(frame.data, names, columns), columns)
    before = f"{word} " if word else ""
    return before + label(frame.payload, names, max(8, columns - len(before)))


def part_label(frame: Dissection, start: int, size: int, names: Names, columns: int) -> str:
    """Return a part of a frame, which a chunk carried: the text in it, or its bytes."""
    clear = frame.clear or frame.data
    head = 0
    if frame.protocol == "WebSocket":
        head = next((one.start - frame.start for one in frame.fields if one.name == "payload"), 0)
        head = head or len(clear)
    part = clear[max(start, head) : start + size]
    if not part:
        hidden = [(place - start, end - start) for place, end in _hidden(frame)]
        return hexdump(clear[start : start + size], hidden, columns)
    word = f"{names.text(frame.word)} " if start == 0 and frame.word else ""
    return word + label(part[:LOOK_BYTES], names, max(8, columns - len(word)))


def frame_note(frame: Dissection) -> str:
    """Return what is to be said below an arrow: what is inside, and what is missing."""
    parts = [f"{one.protocol} {one.name}" for one in frame.inner[:3]]
    if len(frame.inner) > 3:
        parts.append(f"{len(frame.inner) - 3} more")
    note = ", ".join(parts)
    if frame.missing and frame.protocol not in _PLAIN:
        note += f"{'; ' if note else ''}incomplete, missing: {frame.missing}"
    return note


def frame_kind(frame: Dissection) -> str:
    """Return what it is: ``WebSocket TEXT, 11 bytes``."""
    if frame.protocol == "HTTP" and frame.name not in ("body", "chunk"):
        return f"HTTP {frame.name}"  # how long it is depends on ports, dates and versions
    return f"{frame.protocol} {frame.name}, {count(len(frame.data))}"


def frame_bytes(frame: Dissection, names: Names, columns: int) -> str:
    """Return the bytes in hexadecimal, unmasked; what varies from run to run as dots."""
    clear = (frame.clear or frame.data)[:LOOK_BYTES]
    hidden = [
        (one.start - frame.start, one.end - frame.start) for one in frame.fields if one.varies
    ]
    dump = hexdump(clear, [*hidden, *names.hidden(clear)], columns, len(frame.data))
    return f"{dump} (unmasked)" if frame.clear else dump


def _hidden(frame: Dissection) -> list[tuple[int, int]]:
    """Return where in the frame the bytes stand that differ from run to run."""
    return [(one.start - frame.start, one.end - frame.start) for one in frame.fields if one.varies]


def frame_fields(frame: Dissection, names: Names) -> str:
    """Return the fields with their values in one line, and those of what is inside."""
    parts = [_told(one) for each in flat([frame]) for one in each.fields]
    text = names.text(", ".join(parts))
    return text if len(text) <= FIELDS_COLUMNS else text[: FIELDS_COLUMNS - 1] + ELLIPSIS


def _told(field: Field) -> str:
    value = field.varies or field.value
    return f"{field.name} {value if len(value) <= 80 else shorten(value, 80)}"
