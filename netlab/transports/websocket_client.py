"""A WebSocket client with a blocking face.

Why not `websockets.sync.client`? It sends with a lock held that its reader needs, too. A client
that says much before it reads would wait for a server that waits until its answers are read.

So an event loop in a thread of its own does the talking (it never waits for the caller), and a
second thread, the reader, takes what came and puts it into the inbox (it may wait there).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import logging
import socket
import ssl as ssl_module
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.uri import parse_uri

from netlab.core.errors import ConnectionEnded, LocalProtocolError, RemoteProtocolError
from netlab.transports.access import bearer
from netlab.transports.addresses import Address, format_address
from netlab.transports.client import Client, OnEnd, OnMessage
from netlab.transports.services import ServiceName

T = TypeVar("T")

CLOSE_TIMEOUT_S = 1.0
"""seconds that the server may take to answer our close frame"""
# Below WARNING the library logs headers and messages, and in them cookies and secrets: never.
_library_log = logging.getLogger("netlab.transports.websocket_client.library")
_library_log.setLevel(logging.WARNING)


class _PromptConnection(ClientConnection):
    """Ends at the latest `CLOSE_TIMEOUT_S` after either side wanted it to.

    After the server's close frame the library waits for the server to end the TCP connection
    (RFC 6455, 7.1.1), and for one that does not it would wait for ever.
    """

    _lingering: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._lingering is None and self.protocol.close_expected():
            self._lingering = self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._lingering is not None:
            self._lingering.cancel()


class WebSocketClient(Client):
    """Talks to a WebSocket server.

    Args:
        address: host and port, or a URI: `ws://127.0.0.1:8765/`, `wss://example.org/chat`.
        service, timeout_s, max_frame_bytes, on_message, on_end: see `Client`.
        ssl: what to trust, for `wss:`; with an address it also makes it `wss:`.
        token: for a server that asks for one; it goes into a header, not into the address.

    No proxy is used, whatever the environment says.

    Raises:
        LocalProtocolError: the address is neither.
        ValueError: a token that is none.
    """

    def __init__(
        self,
        address: Address | str,
        *,
        service: ServiceName = "chat",
        timeout_s: float = 5.0,
        max_frame_bytes: int = 1_048_576,
        on_message: OnMessage | None = None,
        on_end: OnEnd | None = None,
        ssl: ssl_module.SSLContext | None = None,
        token: str | None = None,
    ) -> None:
        if not isinstance(address, str):
            address = f"{'wss' if ssl else 'ws'}://{format_address(*address)}/"
        try:
            urlsplit(address).port  # noqa: B018 (it raises ValueError where it is none)
            where = parse_uri(address)
        except (InvalidURI, ValueError) as error:
            raise LocalProtocolError(
                f"{error}; write host and port, or a URI such as ws://127.0.0.1:8765/"
            ) from None
        super().__init__(
            (where.host, where.port),
            service=service,
            timeout_s=timeout_s,
            max_frame_bytes=max_frame_bytes,
            on_message=on_message,
            on_end=on_end,
        )
        self.uri = address
        self._options: dict[str, Any] = {"additional_headers": bearer(token)}
        if where.secure:
            self._options["ssl"] = ssl or ssl_module.create_default_context()
        elif ssl is not None:
            raise LocalProtocolError(
                f"{address} is not encrypted, so ssl= is of no use; write wss:"
            )

    @property
    def close_code(self) -> int | None:
        """The code with which the connection was closed (RFC 6455, 7.1.5); None: it was not."""
        return None if self.local_address is None else self._websocket.close_code

    def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            ConnectionEnded: somebody does, and refused the handshake; the text says why.
            TimeoutError: nobody answered in time.
        """
        self._about_to_connect()
        sock = socket.create_connection(self.address, self._timeout_s)
        sock.setblocking(False)
        local_address = sock.getsockname()[:2]  # asked later, it may be closed already
        opened: concurrent.futures.Future[ClientConnection] = concurrent.futures.Future()
        self._talker = threading.Thread(
            target=self._run, args=(sock, opened), name="netlab-websocket-loop", daemon=True
        )
        self._talker.start()
        try:
            self._websocket = opened.result()
        except WebSocketException as error:
            self._talker.join()
            raise self._refused(error) from None
        except BaseException:
            self._talker.join()
            raise
        self.local_address = local_address
        self._reader = threading.Thread(
            target=self._read, name="netlab-websocket-reader", daemon=True
        )
        self._reader.start()
        return self

    def close(self) -> None:
        """End the conversation, with a closing handshake of 1 s at most. Twice is once."""
        if self.local_address is None or not self._talker.is_alive():
            return
        self._inbox.end("this client closed the connection")
        self._loop.call_soon_threadsafe(self._close_asked.set)
        self._reader.join()  # it reads until the connection is closed
        with self._sending:  # nobody is about to use the loop
            self._loop.call_soon_threadsafe(self._end_asked.set)
            self._talker.join()

    # ------------------------------------------------------------ in the callers' threads

    def _transmit(self, frame: bytes) -> None:
        if self._loop.is_closed():
            raise ConnectionResetError(errno.ECONNRESET, "this client closed the connection")
        try:
            self._call(self._websocket.send(frame, text=True), self._timeout_s)
        except TimeoutError:
            # Part of it may be out, so nothing can follow.
            self._inbox.end("the server did not read what was sent to it")
            self._loop.call_soon_threadsafe(self._websocket.transport.abort)
            raise TimeoutError(f"the server did not read within {self._timeout_s:g} s") from None
        except ConnectionClosed as end:
            raise ConnectionResetError(errno.ECONNRESET, _explain(end)) from None

    def _call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        finally:
            future.cancel()

    def _refused(self, error: WebSocketException) -> ConnectionEnded:
        where = format_address(*self.address)
        if isinstance(error, InvalidStatus):
            body = (error.response.body or b"").decode(errors="replace").strip()
            sentence = "".join(c if c.isprintable() else " " for c in body[:500])
            status = error.response.status_code
            return ConnectionEnded(f"{where} refused the handshake: HTTP {status}: {sentence}")
        return ConnectionEnded(f"{where} does not speak WebSocket: {error}")

    # ------------------------------------------------------------ the reader

    def _read(self) -> None:
        while True:
            try:
                message = self._codec.decode_reply(self._call(self._websocket.recv()))
            except ConnectionClosed as end:
                return self._inbox.end(_explain(end))
            except RemoteProtocolError as error:
                self._inbox.end(f"the server sent what is no message: {error}")
                self._loop.call_soon_threadsafe(self._close_asked.set)
                return None
            self._inbox.put(message)

    # ------------------------------------------------------------ the loop

    def _run(
        self, sock: socket.socket, opened: concurrent.futures.Future[ClientConnection]
    ) -> None:
        with contextlib.closing(sock), asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._talk(sock, opened))

    async def _talk(
        self, sock: socket.socket, opened: concurrent.futures.Future[ClientConnection]
    ) -> None:
        self._close_asked, self._end_asked = asyncio.Event(), asyncio.Event()
        try:
            async with connect(
                self.uri,
                sock=sock,
                compression=None,
                max_size=self._max_frame_bytes or None,
                open_timeout=self._timeout_s,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=None,  # it is the server that asks who is still there
                logger=_library_log,
                create_connection=_PromptConnection,
                **self._options,
            ) as websocket:
                opened.set_result(websocket)
                await self._close_asked.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)
        else:
            await self._end_asked.wait()


def _explain(end: ConnectionClosed) -> str:
    """Say who ended a connection and why."""
    if end.rcvd is not None and (end.rcvd_then_sent or end.sent is None):
        return f"the server closed the connection: {end.rcvd}"
    if end.sent is not None and end.rcvd_then_sent is None:
        return f"this client could not go on: {end.sent}"
    return "the connection was lost" if end.rcvd is None else f"the connection ended: {end.rcvd}"
