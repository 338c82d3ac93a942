"""People who speak Socket.IO with a learner's chat: packets by hand, over WebSocket or polling.

Engine.IO protocol 4, Socket.IO protocol 5: a packet is a digit of Engine.IO (4 is a message), one
of Socket.IO (2 is an event), perhaps the number of an acknowledgement, and JSON.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from netlab.exercises.chat_people import FIELDS, Link, Message, Person, Stage
from netlab.exercises.words import Broken
from netlab.exercises.ws_link import WsLink, request_head

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

PATH = "/socket.io/?EIO=4&transport="
ACK = "acknowledgement"
SEPARATOR = "\x1e"


class SocketPerson(Person):
    """Somebody whose messages are events."""

    kinds = frozenset((*FIELDS, ACK))
    sids: tuple[str, ...] = ()
    """of its session and its connection: not to be shown to others"""
    ack = ""
    """number of the acknowledgement that the next event asks for"""

    def open(self) -> SocketPerson:
        """Read the session's parameters, connect, and hear `welcome`."""
        what = "an Engine.IO session: 0 and an object with a sid"
        session = self._sid(what, self.link.next_text(what, self.link.deadline()), "0")
        self.link.send_text("40")
        what = "CONNECT: 40 and an object with a sid"
        connection = self._sid(what, self.link.next_text(what, self.link.deadline()), "40")
        self.sids = (session, connection)
        self.greeted()
        return self

    def _sid(self, what: str, packet: str, start: str) -> str:
        try:
            sid = json.loads(packet.removeprefix(start))["sid"] if packet.startswith(start) else ""
        except (ValueError, KeyError, TypeError):
            sid = ""
        if not isinstance(sid, str) or not sid:
            raise self.failed(what, f"{packet[:12]!r} …" if len(packet) > 12 else repr(packet))
        return sid

    def transmit(self, message: Message) -> None:
        """Send an event."""
        fields = {name: value for name, value in message.items() if name != "type"}
        self.link.send_text(f"42{self.ack}{json.dumps([message['type'], fields])}")

    def receive(self, what: str, until: float) -> Message:
        """Return the next event or acknowledgement; answer pings in passing."""
        while True:
            packet = self.link.next_text(what, until)
            found = re.fullmatch(r"4([23])(\d*)(\[.*)", packet, re.DOTALL)
            if found is not None:
                return self._message(what, packet, *found.groups())
            if packet[:1] == "2":
                self.link.send_text("3" + packet[1:])
            elif packet != "6":
                raise self.failed(what, f"the packet {packet[:40]!r}")

    def _message(self, what: str, packet: str, kind: str, ack: str, payload: str) -> Message:
        try:
            values = json.loads(payload)
        except ValueError:
            raise self.failed(what, f"{packet[:40]!r}, whose JSON is wrong") from None
        if kind == "3":
            return {"type": ACK, "number": ack, "values": values}
        fields = values[1] if len(values) > 1 else {}
        if not isinstance(values[0], str) or not isinstance(fields, dict) or len(values) > 2:
            raise self.failed(what, f"{packet[:40]!r}, which is no name and one object")
        return {**fields, "type": values[0]}


class PollLink(Link):
    """A packet in the body of an HTTP request or response; a connection for each request."""

    def __init__(self, trial: Trial, address: Any, name: str = "examiner") -> None:
        self._address = address
        self._packets: list[str] = []
        self.query = "polling"
        super().__init__(trial, address, name)
        self._poll("an Engine.IO session")
        self.offer = self._packets[0]
        """the session's parameters, as they came"""
        self.query += "&sid=" + _sid_of(self.offer)

    def send_text(self, text: str) -> None:
        """POST a packet."""
        self._ask("POST", "200 for the POST", text.encode())

    def next_text(self, what: str, until: float) -> str:
        """Return the next packet, from this GET or one more."""
        while not self._packets:
            self._poll(what)
        return self._packets.pop(0)

    def _poll(self, what: str) -> None:
        text = self._ask("GET", what).decode(errors="replace")
        self._packets += text.split(SEPARATOR) if text else []

    def _ask(self, method: str, what: str, body: bytes = b"") -> bytes:
        head = {
            "Host": f"{self._address[0]}:{self._address[1]}",
            "Connection": "close",
            "Content-Type": "text/plain;charset=UTF-8",
            "Content-Length": str(len(body)),
        }
        if self.query != "polling":  # the first request has the first connection
            with self.trial.in_silence():
                self.tcp = self.trial.talk(self._address, self.name)
        request = request_head(head, PATH + self.query)
        self.write(request.replace(b"GET", method.encode(), 1) + body)
        try:
            with HTTPResponse(self.tcp.sock, method=method) as response:
                response.begin()
                data = response.read()
        except TimeoutError:
            raise self.failed(what, f"silence for {self.trial.patience_s:g} s") from None
        except (OSError, HTTPException) as error:
            raise self.failed(what, f"no HTTP response: {type(error).__name__}") from None
        finally:
            self.tcp.close()
        if response.status != 200:
            raise self.failed(what, f"status {response.status}")
        return data


def _sid_of(packet: str) -> str:
    found = re.search(r'"sid": ?"([^"]*)"', packet)
    return found[1] if found else ""


def enter(stage: Stage, name: str) -> SocketPerson:
    """Connect somebody by WebSocket from the start."""
    return SocketPerson(stage, socket_link(stage, name)).open()


def socket_link(stage: Stage, name: str, query: str = "", origin: str | None = None) -> WsLink:
    """Return a WebSocket to the Socket.IO server."""
    path = PATH + "websocket" + query
    return WsLink(stage.trial, stage.address, name, path=path, origin=origin)


@contextlib.contextmanager
def polling(stage: Stage, name: str) -> Iterator[SocketPerson]:
    """Connect somebody who polls, and whose session is ended in the end.

    Without that it would go on, for no connection is there whose end could end it.
    """
    link = PollLink(stage.trial, stage.address, name)
    person = SocketPerson(stage, link)
    try:
        yield person.open()
    finally:
        with contextlib.suppress(Broken):
            person.link.send_text("1")


def upgrade(person: SocketPerson) -> None:
    """Take a session that polls over to a WebSocket."""
    assert isinstance(person.link, PollLink)
    if '"websocket"' not in person.link.offer:
        raise person.failed('"upgrades": ["websocket"] in the session', "no such offer")
    query = person.link.query.removeprefix("polling")
    link = socket_link(person.stage, person.name, query)
    link.send_text("2probe")
    what = "3probe on the new WebSocket"
    if (got := link.next_text(what, link.deadline())) != "3probe":
        raise person.failed(what, repr(got[:40]))
    link.send_text("5")
    person.link = link
    person.stage.trial.note(f"{person.name}'s session goes on over a WebSocket")
