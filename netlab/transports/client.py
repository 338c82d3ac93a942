"""The blocking face of every client: what a cell, a test or a thread calls."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self, overload

from netlab.core.errors import ConnectionEnded, LocalProtocolError
from netlab.core.messages import AnyReply, AnyRequest, make_request
from netlab.transports.addresses import Address
from netlab.transports.inbox import Inbox, R
from netlab.transports.services import ServiceName, codec_of

OnMessage = Callable[[AnyReply], None]
OnEnd = Callable[[str], None]


class Client(ABC):
    """Sends requests and keeps what comes in an inbox. Its context connects it and closes it.

    Args:
        address: host and port of the server.
        service: what is served there: `"chat"` (JSON) or `"echo"` (text).
        timeout_s: seconds that connecting, or sending one message, may take.
        max_frame_bytes: longest message the server may send; 0 = unlimited.
        on_message: called with each message that comes, but for heartbeats and their answers, in
            the thread that reads: while it takes its time nothing more is read, and the server
            feels that. It must not wait for another message.
        on_end: called once, in whatever thread finds it out, with the reason why no more will come.
    """

    def __init__(
        self,
        address: Address,
        *,
        service: ServiceName = "chat",
        timeout_s: float = 5.0,
        max_frame_bytes: int = 1_048_576,
        on_message: OnMessage | None = None,
        on_end: OnEnd | None = None,
    ) -> None:
        self.address = address
        self.local_address: Address | None = None
        """this end's host and port, as the server sees them; None before `connect`"""
        self._codec = codec_of(service)
        self._timeout_s = timeout_s
        self._max_frame_bytes = max_frame_bytes
        self._sending = threading.Lock()  # so that two threads' messages do not mix
        self._inbox = Inbox(self._send, on_message, on_end)

    # ------------------------------------------------------------ for each transport

    @abstractmethod
    def connect(self) -> Self:
        """Connect and start to listen."""

    @abstractmethod
    def close(self) -> None:
        """End the conversation. Twice is once."""

    @abstractmethod
    def _transmit(self, frame: bytes) -> None:
        """Send the bytes of one message."""

    def _about_to_connect(self) -> None:
        if self.local_address is not None:
            raise LocalProtocolError("this client was connected before; make a new one")

    # ------------------------------------------------------------ for everybody

    def __enter__(self) -> Self:
        return self if self.local_address is not None else self.connect()

    def __exit__(self, *error: object) -> None:
        self.close()

    def send(self, wire_type: str, **fields: Any) -> None:
        """Send a request: its type, and its fields by their names on the wire.

        Raises:
            LocalProtocolError: there is no such request, or its fields are others.
            ConnectionEnded: the conversation is over; the text says why.
            TimeoutError: the server does not read what is sent to it.
        """
        self._send(make_request(wire_type, **fields))

    def say(self, content: str) -> None:
        """Send a text. Raises as `send` does."""
        self.send("text", content=content)

    @overload
    def wait_for(self, wanted: type[R], timeout_s: float = 2.0) -> R: ...
    @overload
    def wait_for(self, wanted: str, timeout_s: float = 2.0) -> Any: ...
    def wait_for(self, wanted: str | type[R], timeout_s: float = 2.0) -> Any:
        """Return the first message of that type not taken yet, waiting `timeout_s` at most.

        Raises:
            RemoteError: an `error` came before it.
            TimeoutError: it did not come in time; the text says what came instead.
            ConnectionEnded: it will not come any more.
        """
        return self._inbox.wait_for(wanted, timeout_s)

    def wait_ended(self, timeout_s: float = 2.0) -> str:
        """Wait until the server has ended the conversation, and return why.

        Raises:
            TimeoutError: the conversation still goes on.
        """
        return self._inbox.wait_ended(timeout_s)

    @property
    def messages(self) -> tuple[AnyReply, ...]:
        """Everything that came, taken or not, oldest first."""
        return self._inbox.messages

    def _send(self, request: AnyRequest) -> None:
        frame = self._codec.encode_request(request)
        if self.local_address is None:
            raise LocalProtocolError("not connected yet: call connect() first")
        if ended := self._inbox.ended:
            raise ConnectionEnded(f"{request.type} was not sent: {ended}")
        try:
            with self._sending:
                self._transmit(frame)
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionEnded(f"{request.type} was not sent: {error.strerror}") from None
