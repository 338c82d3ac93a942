"""A Socket.IO client with a blocking face, on the library's asyncio client in a loop of its own.

The library's blocking client would start a thread for every event that comes in, under a name that
nobody chose, so that two messages could change places. In one loop there is one thread and one
order, and leaving it ends everything: polls, WebSocket, pings, the wait before the next attempt.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ssl as ssl_module
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

import msgspec
from socketio.exceptions import SocketIOError

from netlab.core.errors import ConnectionEnded, LocalProtocolError
from netlab.core.messages import make_request
from netlab.transports.access import bearer
from netlab.transports.addresses import Address
from netlab.transports.client import Client, OnEnd, OnMessage
from netlab.transports.services import ServiceName
from netlab.transports.socketio_conversation import Conversation
from netlab.transports.socketio_library import RememberingLoop

TRANSPORTS = ("polling", "websocket")
T = TypeVar("T")


class SocketIOClient(Client):
    """Talks to a Socket.IO server; a loop in a thread of its own listens all the time.

    When the connection is lost, or the server stops and comes back, it connects again by itself
    and asks for its old name, rooms and seats with the secret of its `welcome`. A server that does
    not know the secret has forgotten everything; then the client takes its name again and joins
    its rooms. What it hears of that, `welcome` and `room_joined`, is in its inbox as ever.

    Args:
        address, service, timeout_s, max_frame_bytes, on_message, on_end: as `Client`; the service
            is `"chat"`.
        transports: `("polling", "websocket")` begins with HTTP and upgrades, as browsers do; one of
            them alone stays with it.
        username: the name to ask for.
        reconnect: connect again by itself when the connection is lost.
        reconnect_delay_s: seconds before the first attempt; doubled for each, up to 5.
        ssl: what to trust; makes it `https:`.
        token: for a server that asks for one; it goes into a header, not into the address.

    Raises:
        ValueError: a token that is none.
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
        transports: Sequence[str] = TRANSPORTS,
        username: str | None = None,
        reconnect: bool = True,
        reconnect_delay_s: float = 0.2,
        ssl: ssl_module.SSLContext | None = None,
        token: str | None = None,
    ) -> None:
        if service != "chat":
            raise LocalProtocolError(
                f"Socket.IO does not carry the service {service!r}: it has events, not lines of "
                "text; it carries 'chat'"
            )
        if not transports or not set(transports) <= set(TRANSPORTS):
            raise LocalProtocolError(
                f"transports={transports!r}; there are: {', '.join(TRANSPORTS)}"
            )
        super().__init__(
            address,
            service=service,
            timeout_s=timeout_s,
            max_frame_bytes=max_frame_bytes,
            on_message=on_message,
            on_end=on_end,
        )
        self._transports = list(transports)
        self._username = username
        self._reconnect = reconnect
        self._reconnect_delay_s = reconnect_delay_s
        self._ssl = ssl
        self._headers = bearer(token)

    # ------------------------------------------------------------ the face

    def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            ConnectionError: somebody does, but not to Socket.IO; the text says what came.
            ssl.SSLError: the server does not speak TLS, or cannot show that it is the one.
        """
        self._about_to_connect()
        self._conversation = Conversation(
            self.address,
            self._inbox,
            timeout_s=self._timeout_s,
            max_frame_bytes=self._max_frame_bytes,
            transports=self._transports,
            username=self._username,
            reconnect=self._reconnect,
            reconnect_delay_s=self._reconnect_delay_s,
            ssl=self._ssl,
            headers=self._headers,
        )
        connected: concurrent.futures.Future[Address] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._run, args=[connected], name="netlab-socketio", daemon=True
        )
        self._thread.start()
        try:
            self.local_address = connected.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def close(self) -> None:
        """End the conversation. Twice is once."""
        if self.local_address is None:
            return
        self._inbox.end("this client closed the connection")
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._conversation.end)
        self._thread.join()

    def call(self, wire_type: str, timeout_s: float = 2.0, **fields: Any) -> dict[str, Any]:
        """Send a request, and return the acknowledgement.

        It is `{"ok": True}`, or `{"ok": False, "error": {"code": …, "message": …}}`; in that case
        no message `error` comes.

        Raises: as `send` does; TimeoutError: no acknowledgement came in time.
        """
        event, data = _event(self._codec.encode_request(make_request(wire_type, **fields)))
        if self.local_address is None:
            raise LocalProtocolError("not connected yet: call connect() first")
        answer = self._in_loop(event, self._conversation.call(event, data, timeout_s), timeout_s)
        return dict(answer)

    @property
    def transport(self) -> str:
        """What carries the conversation now: `"polling"` or `"websocket"`."""
        return self._conversation.transport

    def _transmit(self, frame: bytes) -> None:
        event, data = _event(frame)
        sending = self._conversation.emit(event, data)
        if threading.current_thread() is self._thread:  # the answer to a heartbeat
            self._conversation.later(sending)
        else:
            self._in_loop(event, sending, self._timeout_s)

    def _run(self, connected: concurrent.futures.Future[Address]) -> None:
        with asyncio.Runner(loop_factory=RememberingLoop) as runner:
            self._loop = runner.get_loop()
            try:
                runner.run(self._conversation.run(connected))
            except BaseException as error:
                if connected.done():
                    raise
                connected.set_exception(error)  # or `connect` would wait for ever

    def _in_loop(self, event: str, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Do some work in the loop and return its result; the errors are those of `send`."""
        if ended := self._inbox.ended:
            work.close()
            raise ConnectionEnded(f"{event} was not sent: {ended}")
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            return future.result()
        except (RuntimeError, concurrent.futures.CancelledError, SocketIOError):
            # The loop is closed, or closing; or the connection was lost under our hands.
            work.close()
            why = self._inbox.ended or "the connection was lost at that moment"
            raise ConnectionEnded(f"{event} was not sent: {why}") from None
        except TimeoutError:
            raise TimeoutError(f"no connection, or no answer, within {timeout_s:g} s") from None


def _event(frame: bytes) -> tuple[str, dict[str, Any]]:
    """Return the event's name and its argument for a message's JSON."""
    fields = msgspec.json.decode(frame)
    return fields.pop("type"), fields
