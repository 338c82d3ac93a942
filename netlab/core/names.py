"""Names of users and rooms, and what may be said: the rules that all texts of strangers pass."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from netlab.core.errors import Refused
from netlab.core.json_codec import short

MAX_CONTENT_BYTES = 4_096
_MARKS_IN_A_ROW = 3
"""combining marks on one letter: Vietnamese, Thai and Hebrew need no more, a flood needs many"""
# Printable says `str.isprintable`, and yet nothing is seen of these (Unicode, Default_Ignorable;
# the last one is the empty Braille cell). With one of them a name could look like another.
_UNSEEN = frozenset(
    chr(code)
    for codes in (
        *((0x034F,), (0x115F, 0x1160), (0x17B4, 0x17B5), range(0x180B, 0x1810), (0x2800,)),
        *((0x3164,), range(0xFE00, 0xFE10), (0xFFA0,), range(0xE0100, 0xE01F0)),
    )
    for code in codes
)
_LOOKS_LIKE_AN_ID = re.compile(r"[0-9a-f]{24}")
_LONGEST = 256  # characters of a name, though the limit be 0: it stands in every message
_COMPOSED = 4  # characters that NFC makes one of, at most: so much longer may a good name come


def clean_name(name: str, what: str, max_length: int) -> str:
    """Return a name trimmed and in NFC.

    Args:
        name: as it came.
        what: what it is the name of, for the error's text.
        max_length: characters allowed, after trimming; 0 = unlimited (that is 256).

    Raises:
        Refused: `invalid_name`; the text says what is wrong with it.
    """
    longest = max_length or _LONGEST
    trimmed = name.strip()
    clean = _normal(trimmed) if len(trimmed) <= _COMPOSED * longest else trimmed
    complaint = _complaint(clean, longest)
    if complaint:
        raise Refused(
            "invalid_name",
            f"{what} {short(name)}: {complaint}; use 1 to {longest} printable characters",
        )
    return clean


def name_key(name: str) -> str:
    """Return what a name is compared by: two names with one key are the same name."""
    return _key(name) if len(name) <= _COMPOSED * _LONGEST else name


def check_content(content: str) -> str:
    """Return a message's content.

    Raises:
        Refused: `content_too_long`, more than 4,096 bytes of UTF-8.
    """
    if len(content) * 4 > MAX_CONTENT_BYTES and len(content.encode()) > MAX_CONTENT_BYTES:
        raise Refused(
            "content_too_long",
            f"content of {len(content.encode()):,} bytes, the limit is {MAX_CONTENT_BYTES:,} bytes "
            "of UTF-8; send it in pieces",
        )
    return content


@lru_cache(maxsize=1_024)
def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


@lru_cache(maxsize=1_024)
def _key(name: str) -> str:
    # Folding can undo NFC (Unicode, 3.13, D145), so it is made anew.
    return _normal(_normal(name.strip()).casefold())


def _complaint(name: str, longest: int) -> str:
    if not name:
        return "nothing is left of it without spaces"
    if len(name) > longest:
        return f"it has {len(name):,} characters"
    if not name.isascii() or not name.isprintable():
        marks = 0
        for character in name:
            if not character.isprintable() or character in _UNSEEN:
                return f"U+{ord(character):04X} in it cannot be printed"
            marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
            if marks > _MARKS_IN_A_ROW or (marks and character == name[0]):
                return f"U+{ord(character):04X} in it is a mark without a letter of its own"
    if _LOOKS_LIKE_AN_ID.fullmatch(name_key(name)):
        return "it looks like an id, so messages to that id might go to you"
    return ""
