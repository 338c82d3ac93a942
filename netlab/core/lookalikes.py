# ruff: noqa: RUF001, RUF003 - letters that look like others are what this file is about
"""Names that look alike though they are different: what they have in common."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# By what is drawn: strokes are one, rings are one. Letters of Cyrillic, Greek and of Latin's own
# edges, capitals among them whose small letters look different.
_DRAWN_AS = {
    "a": "АаΑɑ",
    "b": "ВΒ",
    "c": "СсϹϲ",
    "d": "ԁ",
    "e": "ЕеΕҽ",
    "g": "ɡԌ",
    "h": "НһΗ",
    "j": "ЈјϳͿ",
    "k": "КкΚκ",
    "l": "iI1|ІіӀӏΙιıɩ",
    "m": "МΜϺ",
    "n": "Ν",
    "o": "0ОоΟοσ",
    "p": "РрΡρ",
    "q": "ԚԛɊ",
    "s": "Ѕѕ",
    "t": "ТΤ",
    "u": "υ",
    "v": "νѵ",
    "w": "Ԝԝ",
    "x": "ХхΧχ",
    "y": "УуҮүΥγ",
    "z": "Ζ",
}
_TABLE = str.maketrans({one: drawn for drawn, many in _DRAWN_AS.items() for one in many})


@lru_cache(maxsize=1_024)
def look_of(name: str) -> str:
    """Return what is equal for names that look alike, in nearly all cases.

    The idea is the "skeleton" of Unicode Technical Standard 39, section 4. Its table has thousands
    of characters; these are the ones on keyboards. It is no name: nobody is looked up by it.
    """
    # NFKC: there are letters twice, such as "Ａ" (full width) and "𝐀" (mathematical).
    plain = unicodedata.normalize("NFKC", name.strip())
    # Before folding as well: a Greek "Ι" is drawn as our "I", whatever its small letter is.
    drawn = plain.translate(_TABLE).casefold().translate(_TABLE)
    return drawn.replace("rn", "m").replace("vv", "w")
