"""The conversation of a Socket.IO client, in an event loop: connecting, listening, coming back.

It goes on over any number of connections. Each is one of the library's clients, made anew, so that
nothing of a lost one remains. `SocketIOClient` is its blocking face.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import ssl as ssl_module
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import msgspec
from socketio.exceptions import SocketIOError

from netlab.core.messages import AnyReply, Closing, RoomJoined, RoomLeft, UsernameSet, Welcome
from netlab.transports.addresses import Address, format_address
from netlab.transports.inbox import Inbox
from netlab.transports.socketio_library import CLOSE_TIMEOUT_S, make_library
from netlab.transports.socketio_session import COME_BACK

MAX_DELAY_S = 5.0
"""seconds between two attempts to connect, at most"""


class Conversation:
    """What is said with a server, until `end` or a loss that is for good.

    Args:
        address: host and port of the server.
        inbox: gets what comes, and is told when nothing more will.
        timeout_s: seconds that connecting, or sending one message, may take.
        max_frame_bytes: longest message the server may send; 0 = unlimited.
        transports, username, reconnect, reconnect_delay_s, ssl: as `SocketIOClient`.
        headers: sent with each request.
    """

    def __init__(
        self,
        address: Address,
        inbox: Inbox,
        *,
        timeout_s: float,
        max_frame_bytes: int,
        transports: Sequence[str],
        username: str | None,
        reconnect: bool,
        reconnect_delay_s: float,
        ssl: ssl_module.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._inbox = inbox
        self._timeout_s = timeout_s
        self._max_frame_bytes = max_frame_bytes
        self._transports = list(transports)
        self._username = username
        self._reconnect = reconnect
        self._reconnect_delay_s = reconnect_delay_s
        self._ssl = ssl
        self._headers = dict(headers or {})
        self._secret: str | None = None
        self._rooms: dict[str, None] = {}  # in order of joining
        self._last_words = ""  # code of the `closing` that came
        self._over = asyncio.Event()
        self._online = asyncio.Event()
        self._lost = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def transport(self) -> str:
        """What carries the conversation now: `"polling"` or `"websocket"`."""
        return str(self._library.transport())

    # ------------------------------------------------------------ what the face asks for

    async def run(self, connected: concurrent.futures.Future[Address]) -> None:
        """Connect, and keep up the conversation until it is over.

        Args:
            connected: told this end's address, or the error of connecting.
        """
        try:
            await self._open()
        except BaseException as error:
            connected.set_exception(await self._why(error))
            return
        connected.set_result(self._sockname())
        try:
            await self._keep_open()
            if self._online.is_set():
                with contextlib.suppress(TimeoutError, SocketIOError):
                    async with asyncio.timeout(CLOSE_TIMEOUT_S):
                        await self._library.eio.queue.join()  # what was sent goes out first
                        await self._library.disconnect()
        finally:
            self._inbox.end("the conversation is over")
            await self._library.eio.close()

    def end(self) -> None:
        """Say goodbye, and let `run` return."""
        self._over.set()

    async def emit(self, event: str, data: dict[str, Any]) -> None:
        """Send an event. Raises TimeoutError, SocketIOError."""
        async with asyncio.timeout(self._timeout_s):
            await self._online.wait()  # it may be on its way back
        await self._library.emit(event, data)

    async def call(self, event: str, data: dict[str, Any], timeout_s: float) -> Any:
        """Send an event and return its acknowledgement. Raises as `emit`."""
        async with asyncio.timeout(timeout_s):
            await self._online.wait()
            return await self._library.call(event, data, timeout=timeout_s + 1)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work in a task of its own."""
        task = asyncio.create_task(_quietly(work), name="netlab-answer")
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ connections

    async def _open(self) -> None:
        library = make_library(self._timeout_s, self._max_frame_bytes, self._ssl, self._headers)
        # Each says which it is: one that was given up may report its end late.
        library.on("*", functools.partial(self._heard, library))
        library.on("disconnect", functools.partial(self._disconnected, library))
        self._library = library
        self._last_words = ""
        self._lost.clear()
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                await library.connect(
                    f"{'https' if self._ssl else 'http'}://{format_address(*self._address)}",
                    auth={"username": self._username, "resume": self._secret},
                    transports=self._transports,
                    wait_timeout=self._timeout_s,
                )
        except BaseException as error:
            self._lost.set()
            await library.eio.close()
            if isinstance(error, Exception):  # something else than Socket.IO makes it raise any
                raise SocketIOError(str(error) or type(error).__name__) from error
            raise
        if library.eio.state == "connected":
            self._online.set()
        else:  # lost again before `connect` returned: then the library reports no `disconnect`
            self._lost.set()

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
                _, writer = await asyncio.open_connection(*self._address, ssl=self._ssl)
        except OSError as refusal:
            return refusal
        writer.close()
        if "403" in str(error):
            return ConnectionError(
                f"{format_address(*self._address)} does not let us in (HTTP 403): it asks for a "
                "token (token=...), or the one that it got is wrong"
            )
        return ConnectionError(
            f"{format_address(*self._address)} does not speak Socket.IO with us: {error}"
        )

    def _sockname(self) -> Address:
        """Return this end's address; while polling there are several, and none to name.

        Nor is there one when the connection, just made, is lost again.
        """
        websocket = self._library.eio.ws
        name = websocket.get_extra_info("sockname") if websocket is not None else None
        return (name[0], name[1]) if name else ("", 0)

    # ------------------------------------------------------------ what the library reports

    def _disconnected(self, library: Any, reason: str) -> None:
        if library is self._library:
            self._online.clear()
            self._lost.set()

    def _heard(self, library: Any, event: str, fields: object = None, *_: object) -> None:
        """Take in an event; the library calls this in the order in which they came."""
        if library is not self._library:
            return  # it came on a connection that is lost, and so did what should follow
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
                        self.later(self.emit("join_room", {"room": room}))
            case UsernameSet():
                self._username = message.username
            case RoomJoined():
                self._rooms[message.room] = None
            case RoomLeft():
                self._rooms.pop(message.room, None)
            case Closing():
                self._last_words = message.code


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
