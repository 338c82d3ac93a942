"""A Socket.IO client with a blocking face, on the library's asyncio client in a loop of its own.

The library's blocking client would start a thread for every event that comes in, under a name that
nobody chose, so that two messages could change places. In one loop there is one thread and one
order, and leaving it ends everything: polls, WebSocket, pings, the wait before the next attempt.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

import aiohttp
import msgspec
import socketio
from engineio import AsyncClient as EngineClient
from socketio.exceptions import SocketIOError

from netlab.core.errors import ConnectionEnded, LocalProtocolError
from netlab.core.messages import (
    AnyReply,
    Closing,
    RoomJoined,
    RoomLeft,
    UsernameSet,
    Welcome,
    make_request,
)
from netlab.transports.addresses import Address, format_address
from netlab.transports.client import Client
from netlab.transports.services import ServiceName
from netlab.transports.socketio_session import COME_BACK

# The library logs messages at INFO, and its WARNINGs are events that the inbox tells better.
_log = logging.getLogger("netlab.transports.socketio_client.library")
_log.setLevel(logging.CRITICAL)

TRANSPORTS = ("polling", "websocket")
MAX_DELAY_S = 5.0
CLOSE_TIMEOUT_S = 1.0
"""seconds that `close` gives the library to say goodbye"""
T = TypeVar("T")


class _Engine(EngineClient):  # type: ignore[misc]  # the library has no types
    """Engine.IO that leaves no connection half read or half closed; aiohttp would complain."""

    _ended = False

    async def _send_request(self, *args: Any, **options: Any) -> Any:
        if self._ended:  # it would open another connection for its last words
            return "this client closed the connection"
        response = await super()._send_request(*args, **options)
        if response is not None and not isinstance(response, str):
            try:
                await response.read()  # kept there for whoever reads it again
            except (aiohttp.ClientError, TimeoutError) as error:
                return str(error)
        return response

    async def close(self) -> None:
        self._ended = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self.ws is not None and not self.ws.closed:
                    await self.ws.close()
                if self.http is not None and not self.http.closed:
                    await self.http.close()
        await asyncio.sleep(0)  # closed sockets leave the loop in its next round


class _Library(socketio.AsyncClient):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine


class SocketIOClient(Client):
    """Talks to a Socket.IO server; a loop in a thread of its own listens all the time.

    When the connection is lost, or the server stops and comes back, it connects again by itself
    and asks for its old name, rooms and seats with the secret of its `welcome`. A server that does
    not know the secret has forgotten everything; then the client takes its name again and joins
    its rooms. What it hears of that, `welcome` and `room_joined`, is in its inbox as ever.

    Args:
        address, service, timeout_s, max_frame_bytes: as `Client`; the service is `"chat"`.
        transports: `("polling", "websocket")` begins with HTTP and upgrades, as browsers do; one of
            them alone stays with it.
        username: the name to ask for.
        reconnect: connect again by itself when the connection is lost.
        reconnect_delay_s: seconds before the first attempt; doubled for each, up to 5.
    """

    def __init__(
        self,
        address: Address,
        *,
        service: ServiceName = "chat",
        timeout_s: float = 5.0,
        max_frame_bytes: int = 1_048_576,
        transports: Sequence[str] = TRANSPORTS,
        username: str | None = None,
        reconnect: bool = True,
        reconnect_delay_s: float = 0.2,
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
            address, service=service, timeout_s=timeout_s, max_frame_bytes=max_frame_bytes
        )
        self._transports = list(transports)
        self._username = username
        self._reconnect = reconnect
        self._reconnect_delay_s = reconnect_delay_s
        self._secret: str | None = None
        self._rooms: dict[str, None] = {}  # in order of joining
        self._last_words = ""  # code of the `closing` that came

    # ------------------------------------------------------------ the face

    def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            ConnectionError: somebody does, but not to Socket.IO; the text says what came.
        """
        self._about_to_connect()
        connected: concurrent.futures.Future[Address] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(connected)), name="netlab-socketio", daemon=True
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
            self._loop.call_soon_threadsafe(self._over.set)
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
        answer = self._in_loop(event, self._call(event, data, timeout_s), timeout_s)
        return dict(answer)

    @property
    def transport(self) -> str:
        """What carries the conversation now: `"polling"` or `"websocket"`."""
        return str(self._library.transport())

    def _transmit(self, frame: bytes) -> None:
        event, data = _event(frame)
        sending = self._emit(event, data)
        if threading.current_thread() is self._thread:  # the answer to a heartbeat
            self._later(sending)
        else:
            self._in_loop(event, sending, self._timeout_s)

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

    # ------------------------------------------------------------ in the loop

    async def _run(self, connected: concurrent.futures.Future[Address]) -> None:
        """Keep up the conversation until it is over."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()  # `close` was called
        self._online = asyncio.Event()
        self._lost = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            await self._open()
        except BaseException as error:
            connected.set_exception(await self._why(error))
            return
        connected.set_result(self._sockname())
        try:
            await self._keep_open()
        finally:
            self._inbox.end("the conversation is over")
            if self._online.is_set():
                with contextlib.suppress(TimeoutError, SocketIOError):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await self._library.eio.queue.join()  # what was sent goes out first
                        await self._library.disconnect()
            await self._library.eio.close()

    async def _open(self) -> None:
        library = _Library(
            # Ours, because the library may open a second one while it closes the first.
            http_session=aiohttp.ClientSession(),
            reconnection=False,  # we begin anew instead: nothing of the lost connection remains
            handle_sigint=False,
            logger=_log,
            engineio_logger=_log,
            request_timeout=self._timeout_s,
            websocket_extra_options={"max_msg_size": self._max_frame_bytes},
        )
        library.on("*", self._heard)
        library.on("disconnect", self._disconnected)
        self._library = library
        self._last_words = ""
        self._lost.clear()
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                await library.connect(
                    f"http://{format_address(*self.address)}",
                    auth={"username": self._username, "resume": self._secret},
                    transports=self._transports,
                    wait_timeout=self._timeout_s,
                )
        except Exception as error:  # a server that speaks something else makes it raise anything
            raise SocketIOError(str(error) or type(error).__name__) from error
        finally:
            if not library.connected:
                self._lost.set()
                await library.eio.close()
        self._online.set()

    async def _keep_open(self) -> None:
        delay_s = self._reconnect_delay_s
        while not self._over.is_set():
            await _first(self._over, self._lost)
            if self._lost.is_set():
                await self._library.eio.close()
            if not self._reconnect or self._last_words not in ("", *COME_BACK):
                self._inbox.end("the connection was lost")
            if self._over.is_set() or self._inbox.ended:
                return
            try:
                async with asyncio.timeout(delay_s):
                    await self._over.wait()
            except TimeoutError:
                delay_s = min(2 * delay_s, MAX_DELAY_S)
                opening = asyncio.create_task(self._open(), name="netlab-reconnect")
                await _first(self._over, opening)
                if not opening.done():
                    opening.cancel()
                    await asyncio.wait([opening])
                elif opening.exception() is None:
                    delay_s = self._reconnect_delay_s

    async def _why(self, error: BaseException) -> BaseException:
        """Return the error of connecting in Python's own terms."""
        if not isinstance(error, SocketIOError):
            return error
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(*self.address)
        except OSError as refusal:
            return refusal
        writer.close()
        return ConnectionError(
            f"{format_address(*self.address)} does not speak Socket.IO with us: {error}"
        )

    def _sockname(self) -> Address:
        """Return this end's address; while polling there are several, and none to name."""
        websocket = self._library.eio.ws
        name = websocket.get_extra_info("sockname") if websocket is not None else ("", 0)
        return (name[0], name[1])

    async def _emit(self, event: str, data: dict[str, Any]) -> None:
        async with asyncio.timeout(self._timeout_s):
            await self._online.wait()  # it may be on its way back
        await self._library.emit(event, data)

    async def _call(self, event: str, data: dict[str, Any], timeout_s: float) -> Any:
        async with asyncio.timeout(timeout_s):
            await self._online.wait()
            return await self._library.call(event, data, timeout=timeout_s + 1)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_quietly(work), name="netlab-answer")
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    def _disconnected(self, reason: str) -> None:
        self._online.clear()
        self._lost.set()

    def _heard(self, event: str, fields: object = None, *_: object) -> None:
        """Take in an event; the library calls this in the order in which they came."""
        given = fields if isinstance(fields, dict) else {}
        try:
            message: AnyReply = msgspec.convert({**given, "type": event}, AnyReply)
        except msgspec.ValidationError as error:
            self._inbox.end(f"the server sent what is no message: {error}")
            self._over.set()
            return
        self._remember(message)
        self._inbox.put(message)

    def _remember(self, message: AnyReply) -> None:
        """Note what it takes to come back."""
        match message:
            case Welcome():
                self._secret, self._username = message.secret, message.username
                if not message.resumed:  # the server knows nothing of us
                    for room in self._rooms:
                        self._later(self._emit("join_room", {"room": room}))
            case UsernameSet():
                self._username = message.username
            case RoomJoined():
                self._rooms[message.room] = None
            case RoomLeft():
                self._rooms.pop(message.room, None)
            case Closing():
                self._last_words = message.code


def _event(frame: bytes) -> tuple[str, dict[str, Any]]:
    """Return the event's name and its argument for a message's JSON."""
    fields = msgspec.json.decode(frame)
    return fields.pop("type"), fields


async def _first(*ends: asyncio.Event | asyncio.Task[None]) -> None:
    """Wait until one of the events is set, or one of the tasks is done."""
    waits = {
        asyncio.create_task(end.wait(), name="netlab-wait")
        for end in ends
        if isinstance(end, asyncio.Event)
    }
    tasks = {end for end in ends if isinstance(end, asyncio.Task)}
    try:
        await asyncio.wait(waits | tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(TimeoutError, SocketIOError):  # the connection is lost again
        await work
