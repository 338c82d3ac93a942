"""Bytes as a reader sees them: text with its line ends visible, JSON compact, the rest as hex."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

LOOK_BYTES = 2000  # of anything, how many are looked at for a label
TITLE_CHARS = 1000
ELLIPSIS = "…"

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# An address of this machine with a port: ('127.0.0.1', 50000), 127.0.0.1:50000, [::1]:50000
_PORT = re.compile(r"((?:127\.0\.0\.1|::1|localhost)\]?['\"]?(?:,\s?|:))(\d{1,5})\b")
_CACHE_BUSTER = re.compile(rb"[?&]t=([^& ]*)")  # in a target of Engine.IO


@dataclass(frozen=True)
class Names:
    """What differs from run to run, and the names that are drawn in its place."""

    ports: Mapping[int, str] = field(default_factory=dict)
    """Port -> the name of its connection; replaced where it stands after an address."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """An identifier that a server made up -> its name; replaced wherever it stands."""

    def text(self, text: str) -> str:
        """Replace each known port by the name of its connection, as <alice>; ids, too."""
        for one, name in self.ids.items():
            text = text.replace(one, name)

        def name_of(match: re.Match[str]) -> str:
            owner = self.ports.get(int(match[2]))
            return match[0] if owner is None else f"{match[1]}<{owner}>"

        return _PORT.sub(name_of, text) if self.ports else text

    def hidden(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield where in `data` something stands that `text` would replace."""
        for one in self.ids:
            for found in re.finditer(re.escape(one.encode()), data):
                yield found.span()
        for match in _PORT.finditer(data.decode("latin-1")):
            if int(match[2]) in self.ports:
                yield match.span(2)
        for cache_buster in _CACHE_BUSTER.finditer(data):
            yield cache_buster.span(1)


def hexdump(
    data: bytes, hidden: Iterable[tuple[int, int]], columns: int, size: int | None = None
) -> str:
    """Return ``48 65 ·· ··`` at most `columns` wide, bytes in the ranges `hidden` as dots.

    `data` may be the beginning of what has `size` bytes.
    """
    pairs = [f"{byte:02x}" for byte in data[: columns // 3]]
    for start, end in hidden:
        for place in range(max(0, start), min(end, len(pairs))):
            pairs[place] = "··"
    size = len(data) if size is None else size
    return " ".join(pairs) + (f" {ELLIPSIS}" if size > len(pairs) else "")


def label(data: bytes, names: Names, columns: int) -> str:
    """Return `data` in one line at most `columns` wide. What varies is replaced by names."""
    text = _as_text(data[:LOOK_BYTES])
    size = f" ({count(len(data))})"
    if text is None:
        if 3 * len(data) - 1 + width(size) <= columns:
            return data.hex(" ") + size
        shown = max(1, (columns - width(size) - 1) // 3)
        return f"{data[:shown].hex(' ')} {ELLIPSIS}{size}"
    text = visible(names.text(_compact(text)))
    if len(data) <= LOOK_BYTES:
        return shorten(text, columns)
    return _take(text, columns - width(size) - 1) + ELLIPSIS + size


def full(data: bytes, names: Names) -> str:
    """Return ``repr(data)`` with its length, for somebody who points at an arrow."""
    text = names.text(repr(data[:TITLE_CHARS]))
    if len(data) > TITLE_CHARS:
        text += f" and {len(data) - TITLE_CHARS:,} bytes more"
    return f"{count(len(data))}: {text}"


def count(size: int) -> str:
    """Return "1 byte" or "1,234 bytes"."""
    return f"{size:,} byte{'' if size == 1 else 's'}"


def shorten(text: str, columns: int) -> str:
    """Cut the middle out of `text` until it is at most `columns` wide: both ends tell much."""
    if width(text) <= columns:
        return text
    tail_columns = max(0, (columns - 1) // 4)
    head = _take(text, columns - 1 - tail_columns)
    tail = _take(text[::-1], tail_columns)[::-1]
    return f"{head}{ELLIPSIS}{tail}"


def width(text: str) -> int:
    """Return how many columns of a fixed-width font `text` takes: Chinese and emoji take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _take(text: str, columns: int) -> str:
    taken = ""
    for char in text:
        columns -= width(char)
        if columns < 0:
            break
        taken += char
    return taken


def _as_text(data: bytes) -> str | None:
    """Decode what is text but for a few bytes (a character cut in two, say); None for binary."""
    text = data.decode(errors="surrogateescape")
    odd = sum(1 for char in text if not (char.isprintable() or char in "\r\n\t"))
    if odd > 3 or (odd and odd * 4 > len(text)):
        return None
    return text


def visible(text: str) -> str:
    """Write line ends, control characters and bytes that are no UTF-8 (PEP 383) as escapes."""
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8, see PEP 383
        return f"\\x{ord(char) - 0xDC00:02x}"
    # Among the unprintable are those that turn the direction of what follows: never draw them.
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def _compact(text: str) -> str:
    """Write a JSON object without blanks, its type first; return other text as it is."""
    body = text.strip()
    if not (body.startswith("{") and body.endswith("}")):
        return text
    try:
        message = json.loads(body)
    except ValueError:
        return text
    if "type" in message:
        message = {"type": message["type"], **message}
    end = text[len(text.rstrip()) :]
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False) + end
