"""What every command does with its terminal: say, complain, and let nothing harmful through."""

from __future__ import annotations

import io
import sys
import unicodedata

_JOINERS = "\u200c\u200d"  # Persian and many emoji need them, and they move nothing
_HARMFUL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_NAMES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


class CommandFailed(Exception):
    """A command cannot go on; its text is a sentence for the one who typed the command.

    Args:
        sentence: what came, what is allowed, what to do.
        exit_code: 1 = it failed while running, 2 = it was called wrongly.
    """

    def __init__(self, sentence: str, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def harmless(text: str) -> str:
    r"""Return `text` with everything that could command a terminal written out, as in `\x1b[2J`.

    Written out are control characters (C0, DEL and C1, newline and tab among them), characters
    that are not seen but turn the direction of what is (UAX #9), line and paragraph separators,
    and halves of surrogate pairs, which no terminal can be sent.
    """
    if text.isprintable():
        return text
    return "".join(_written_out(char) if _is_harmful(char) else char for char in text)


def _is_harmful(char: str) -> bool:
    return unicodedata.category(char) in _HARMFUL_CATEGORIES and char not in _JOINERS


def _written_out(char: str) -> str:
    code = ord(char)
    if char in _NAMES:
        return _NAMES[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(text: str) -> None:
    """Write a line to stdout, at once. Raises: BrokenPipeError: nobody reads it any more."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def make_streams_forgiving() -> None:
    """Let stdout and stderr write out what their encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
