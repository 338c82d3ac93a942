"""`LineLink`: texts to a learner's server as lines over TCP."""

from __future__ import annotations

import json

from netlab.exercises.chat_people import Link, Message, Person, Stage
from netlab.exercises.layered import END

MAX_LINE_BYTES = 1_048_576
"""longest line that is read: a history of fifty long messages is four times shorter"""


class LineLink(Link):
    """A text a line."""

    _kept = b""

    def send_text(self, text: str) -> None:
        """Send a line."""
        self.write(text.encode() + b"\n")

    def next_text(self, what: str, until: float) -> str:
        """Return the next line, without its end."""
        while b"\n" not in self._kept:
            data = self.read_some(what, until)
            if not data or len(self._kept) > MAX_LINE_BYTES:
                raise self.failed(what, END if not data else "a line of more than 1 MiB")
            self._kept += data
        line, _, self._kept = self._kept.partition(b"\n")
        return line.decode(errors="replace")


def enter(stage: Stage, name: str) -> Person:
    """Connect somebody who speaks JSON in lines."""
    return Person(stage, LineLink(stage.trial, stage.address, name)).greeted()


def as_line(message: Message) -> bytes:
    """Return a message as a line; its characters are not escaped."""
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"
