"""`WsLink`: texts to a learner's server as WebSocket messages (RFC 6455), and frames by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from netlab.exercises.chat_people import Link, Person, Stage
from netlab.exercises.layered import END
from netlab.exercises.words import Broken

if TYPE_CHECKING:
    from netlab.exercises.trial import Trial

MAX_MESSAGE_BYTES = 1_048_576
"""longest message that is read: a history of fifty long messages is four times shorter"""
CLOSED = "a close frame with code"


class WsLink(Link):
    """A text a message. The library reads; what it answers by itself (pongs) goes out, too.

    Args:
        trial, address, name: as `Layered`.
        path: of the request.
        origin: whose page it says it is; None: it is no browser's.

    Raises:
        Broken: the handshake failed.
    """

    def __init__(
        self,
        trial: Trial,
        address: Any,
        name: str = "examiner",
        *,
        path: str = "/",
        origin: str | None = None,
    ) -> None:
        super().__init__(trial, address, name)
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        uri = parse_uri(f"ws://{host}:{address[1]}{path}")
        self._protocol = ClientProtocol(uri, max_size=MAX_MESSAGE_BYTES)
        self._events: list[Any] = []
        self.pongs: list[bytes] = []
        """what came in pong frames"""
        self.status = 0
        """of the answer to the handshake"""
        request = self._protocol.connect()
        if origin is not None:
            request.headers["Origin"] = origin
        self._protocol.send_request(request)
        self._flush()
        self._shake_hands()

    def _shake_hands(self) -> None:
        what, until = "101, and the rest of a WebSocket handshake", self.deadline()
        while not self._events:
            self._more(what, until)
        response = self._events.pop(0)
        assert isinstance(response, Response)
        self.status = response.status_code
        problem = self._protocol.handshake_exc
        if isinstance(problem, InvalidStatus):
            raise self.failed(what, f"status {self.status}")
        if isinstance(problem, InvalidHandshake):
            raise self.failed(what, str(problem))

    def send_text(self, text: str) -> None:
        """Send a text message in one frame."""
        self.write(frame(Opcode.TEXT, text.encode()))

    def next_text(self, what: str, until: float) -> str:
        """Return the next message, put together."""
        message = bytearray()
        while True:
            got = self._next_frame(what, until)
            if got.opcode is Opcode.PONG:
                self.pongs.append(bytes(got.data))
            elif got.opcode is Opcode.CLOSE:
                code = int.from_bytes(got.data[:2], "big") if got.data else 1005
                raise self.failed(what, f"{CLOSED} {code}")
            elif got.opcode is Opcode.BINARY:
                raise self.failed(what, "a binary message")
            elif got.opcode is not Opcode.PING:
                message += got.data
                if got.fin:
                    return message.decode()

    def next_close(self, what: str) -> None:
        """Read the close frame that `what` says, then the end; messages before it are passed over.

        Raises:
            Broken: another close frame came, or none.
        """
        until = self.deadline()
        while True:
            try:
                self.next_text(what, until)
            except Broken as broken:
                if broken.got != what:
                    raise
                break
        while self.read_some(f"{what}, then {END}", until, reset_is_end=True):
            pass
        self.trial.note(f"{self.name} receives {what}, then the end, and closes, too")
        self.tcp.close()

    def _next_frame(self, what: str, until: float) -> Frame:
        while not self._events:
            self._more(what, until)
        event = self._events.pop(0)
        assert isinstance(event, Frame)
        return event

    def _more(self, what: str, until: float) -> None:
        data = self.read_some(what, until)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._events += self._protocol.events_received()
        self._flush()
        problem = self._protocol.parser_exc
        if not self._events and (problem is not None or not data):
            raise self.failed(what, f"{problem}" if data else END)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.write(data, may_fail=True)


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    """Return the bytes of a frame."""
    return Frame(opcode, data, fin).serialize(mask=masked)


def enter(stage: Stage, name: str) -> Person:
    """Connect somebody who speaks JSON in WebSocket messages."""
    return Person(stage, WsLink(stage.trial, stage.address, name)).greeted()


def request_head(headers: dict[str, str], path: str = "/") -> bytes:
    """Return the head of an HTTP request."""
    return f"GET {path} HTTP/1.1\r\n".encode() + Headers(headers).serialize()
