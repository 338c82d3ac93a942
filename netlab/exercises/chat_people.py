"""The examiner's people in a learner's chat: what they say, and what they must hear next.

A `Link` carries texts: lines of TCP, WebSocket messages, Socket.IO packets. A `Person` turns them
into messages of the vocabulary, the same for all links. The transcript names people's ids and
made-up names by whose they are, since they are others each time.
"""

from __future__ import annotations

import itertools
import json
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from netlab.exercises.layered import Layered
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

Message = dict[str, Any]

FIELDS: dict[str, tuple[str, ...]] = {
    "welcome": ("client_id", "username"),
    "pong": (),
    "error": ("in_reply_to",),
    "username_set": ("username",),
    "room_joined": ("room", "members_count", "message_history"),
    "room_left": ("room",),
    "user_joined": ("room", "client_id", "username"),
    "user_left": ("room", "client_id", "username"),
    "room_message": ("room", "from", "from_id", "content"),
    "private_message": ("from", "from_id", "content"),
    "private_message_sent": ("to", "to_id", "content"),
}
"""what the server says that is examined; anything else is passed over"""
_TOLD = frozenset(itertools.chain(*FIELDS.values(), ("target", "code", "mood"))) - {"in_reply_to"}
"""fields that the transcript shows"""
_IDS = ("client_id", "from_id", "to_id", "target")
_SHOWN = 40
"""characters of a text that are shown"""


class Link(Layered):
    """Carries texts to and from the server."""

    @abstractmethod
    def send_text(self, text: str) -> None:
        """Send one text."""

    @abstractmethod
    def next_text(self, what: str, until: float) -> str:
        """Return the next text. Raises: Broken: none came; `what` says what was awaited."""


class Stage:
    """A trial with people in it.

    Args:
        trial: the trial.
        enter: connects a person: `enter(stage, name)`, up to its welcome.
    """

    def __init__(self, trial: Trial, enter: Callable[[Stage, str], Person]) -> None:
        self.trial = trial
        self.address = trial.wait("listening")
        self.known: dict[str, str] = {}
        """whose an id, or a name that the server made up, is"""
        self._enter = enter

    def person(self, name: str) -> Person:
        """Connect somebody, who hears `welcome`."""
        return self._enter(self, name)

    def people(self, *names: str) -> list[Person]:
        """Connect some."""
        return [self.person(name) for name in names]

    def shown(self, value: object, key: str = "") -> object:
        """Return a value as the transcript shows it."""
        if isinstance(value, str):
            if value in self.known:
                return f"<{self.known[value]}>"
            if key in _IDS and len(value) > _SHOWN // 2:
                return "<an id>"
            size = len(value.encode(errors="replace"))
            return value if len(value) <= _SHOWN else f"{value[:12]}… ({size:,} bytes)"
        if isinstance(value, list):
            value = [one.get("content") if isinstance(one, dict) else one for one in value]
            ends = value if len(value) <= 3 else [*value[:2], f"… {len(value)} in all"]
            return [self.shown(one) for one in ends]
        if isinstance(value, dict):
            return {name: self.shown(one, name) for name, one in value.items()}
        return value

    def in_words(self, message: Message) -> str:
        """Return a message as the transcript shows it."""
        kind = str(message.get("type"))
        told = _TOLD if kind != "welcome" else frozenset()  # what it says is news to us, too
        fields = {name: self.shown(one, name) for name, one in message.items() if name in told}
        return f"{kind} {json.dumps(fields, ensure_ascii=False)}" if fields else kind


class Person:
    """Somebody in the chat.

    Args:
        stage: where.
        link: the connection, open for texts.
    """

    kinds = frozenset(FIELDS)
    """types of messages that it listens to"""

    def __init__(self, stage: Stage, link: Link) -> None:
        self.stage = stage
        self.link = link
        self.name = link.name
        self.id = self.username = ""
        self._refs = itertools.count(1)
        self._ref = ""

    def greeted(self) -> Person:
        """Hear `welcome`, the first message."""
        welcome = self.hear("welcome")
        for field in FIELDS["welcome"]:
            if not isinstance(welcome.get(field), str) or not welcome[field]:
                raise self.failed(f"welcome with a {field}", self.stage.in_words(welcome))
        self.id, self.username = welcome["client_id"], welcome["username"]
        for what, value in (("id", self.id), ("name", self.username)):
            if value in self.stage.known:
                raise self.failed(f"an {what} of its own", f"<{self.stage.known[value]}>")
            self.stage.known[value] = f"{self.name}'s {what}"
        return self

    # ------------------------------------------------------------ what it says

    def say(self, kind: str, **fields: Any) -> None:
        """Send a request with a new `ref`."""
        self._ref = f"{self.name} {next(self._refs)}"
        self.send({"type": kind, **fields, "ref": self._ref})

    def send(self, message: Message) -> None:
        """Send a message as it stands."""
        words = self.stage.in_words(message)
        self.link.said(f"sends {words}", words.encode())
        self.transmit(message)

    def transmit(self, message: Message) -> None:
        """Send a message, without a word in the transcript."""
        self.link.send_text(json.dumps(message, ensure_ascii=False))

    # ------------------------------------------------------------ what it hears

    def hear(self, kind: str, **fields: Any) -> Message:
        """Hear a message of this type with these fields next, and return it.

        Raises:
            Broken: another came, or none.
        """
        what = self.stage.in_words({"type": kind, **fields})
        message = self.next_message(what)
        wrong = [name for name, value in fields.items() if not same(message.get(name), value)]
        if message["type"] != kind or wrong:
            raise self.failed(what, self.stage.in_words(message))
        words = self.stage.in_words(message)
        self.link.heard(f"receives {words}", words.encode())
        return message

    def next_message(self, what: str) -> Message:
        """Return the next message that the vocabulary has; others are passed over."""
        until = self.link.deadline()
        while True:
            message = self.receive(what, until)
            if message.get("type") in self.kinds:
                return message

    def receive(self, what: str, until: float) -> Message:
        """Return the next message."""
        text = self.link.next_text(what, until)
        try:
            message = json.loads(text)
        except ValueError:
            raise self.failed(what, f"{text[:60]!r}, which is no JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise self.failed(what, f"{text[:60]!r}, which is no object with a type")
        return message

    def answered(self, kind: str, **fields: Any) -> Message:
        """Hear the direct answer to what was said last."""
        message = self.hear(kind, **fields)
        if message.get("ref") != self._ref:
            raise self.failed(f"{kind} with the request's ref", f"{kind} with another, or none", 3)
        return message

    def refused(self, kind: str, **fields: Any) -> None:
        """Ask for something that cannot be done."""
        self.say(kind, **fields)
        self.hears_refusal()

    def hears_refusal(self) -> None:
        """Hear `error`, in reply to what was said last."""
        message = self.hear("error")
        if message.get("in_reply_to") != self._ref:
            wanted = "error with the request's ref in in_reply_to"
            raise self.failed(wanted, "error with something else there, or nothing", 3)
        self._coded(message)

    def _coded(self, error: Message) -> None:
        if not all(isinstance(error.get(field), str) for field in ("code", "message")):
            raise self.failed("error with a code and a message", self.stage.in_words(error), 3)

    def hears_nothing(self) -> None:
        """Hear nothing: what is asked last is answered next."""
        self.say("ping")
        self.answered("pong")

    def hears_error_or_end(self) -> None:
        """Hear `error`, or the end of the connection."""
        what = "error, or the end of the connection"
        try:
            message = self.next_message(what)
        except Broken as broken:
            if not self.link.ended(broken):
                raise
        else:
            if message["type"] != "error":
                raise self.failed(what, self.stage.in_words(message))
        self.stage.trial.note(f"{self.name} hears error, or the end")

    def hears_end(self) -> None:
        """Hear the end of the connection, and nothing before it."""
        what = "the end of the connection"
        try:
            message = self.next_message(what)
        except Broken as broken:
            if self.link.ended(broken):
                self.stage.trial.note(f"{self.name} hears the end of the connection")
                return
            raise
        raise self.failed(what, self.stage.in_words(message))

    # ------------------------------------------------------------ in rooms

    def joins(self, room: str, members: int, *others: Person) -> Message:
        """Join a room with so many members then; `others`, who are in it, hear of it."""
        self.say("join_room", room=room)
        joined = self.answered("room_joined", room=room, members_count=members)
        if not isinstance(joined.get("message_history"), list):
            raise self.failed("room_joined with a message_history", self.stage.in_words(joined))
        for other in others:
            other.hear("user_joined", room=room, client_id=self.id, username=self.username)
        return joined

    def tells(self, room: str, content: str, *others: Person) -> None:
        """Say something to a room, where `others` hear it, and it does itself."""
        self.say("room_message", room=room, content=content)
        said = {"room": room, "from": self.username, "from_id": self.id, "content": content}
        self.answered("room_message", **said)
        for other in others:
            other.hear("room_message", **said)

    def hears_leaving(self, room: str, other: Person) -> None:
        """Hear that somebody has left a room."""
        self.hear("user_left", room=room, client_id=other.id, username=other.username)

    def failed(self, expected: str, got: str, rule: int | None = None) -> Broken:
        """Return the failure."""
        broken = self.link.failed(expected, got)
        broken.rule = rule
        return broken


def same(got: object, expected: object) -> bool:
    """Say whether two values of JSON are the same: 1 is not true."""
    return type(got) is type(expected) and got == expected
