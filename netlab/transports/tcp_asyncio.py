"""TCP on asyncio: one loop, a task per client, no threads.

A task reads what its client says and posts the answers to everybody they are for. Posting never
waits: what is said in one round of the loop is written at its end, and what then waits, waits in
the transport's own buffer. Between two `await`s nothing else runs: the loop's order is enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl as ssl_module
from types import TracebackType
from typing import Any, Self, overload

from netlab.core.chat import ChatService
from netlab.core.errors import ConnectionEnded, LocalProtocolError, RemoteProtocolError
from netlab.core.framing import encode_line
from netlab.core.limits import STREAM, Limits
from netlab.core.messages import AnyReply, AnyRequest, make_request
from netlab.core.service import Service
from netlab.core.stream import ReplyStream, RequestStream
from netlab.transports.addresses import OUT_OF_RESOURCES, Address
from netlab.transports.async_connection import AsyncConnection, connection_on
from netlab.transports.async_inbox import AsyncInbox
from netlab.transports.async_server import FAIR_SHARE, STOP_GRACE_S, AsyncServer
from netlab.transports.clock import Clock
from netlab.transports.gathering import Rounds
from netlab.transports.inbox import R
from netlab.transports.services import ServiceName, codec_of, make_service
from netlab.transports.tls import explain

log = logging.getLogger("netlab.transports.tcp_asyncio")

RECV_BYTES = 65_536
GOODBYE_S = 1.0
"""seconds that a server may take to answer a client's close_notify"""
ACCEPT_PAUSE_S = 0.1  # when the process has no file descriptor left


class AsyncTCPServer(AsyncServer):
    """Carries a service over TCP on asyncio. Use `async with`, or await `start` and `stop`.

    In a notebook, `netlab.lab.background` runs it in a loop of its own.

    Args: as `TCPServer`.
    """

    def __init__(
        self,
        service: Service | type[Service] = ChatService,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        secret: bytes | None = None,
        clock: Clock | None = None,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        service = make_service(service, limits, secret)
        super().__init__(service, STREAM, host, port, clock, encode_line)
        self._ssl = ssl
        self._rounds = Rounds()
        self._clients: set[asyncio.Task[None]] = set()
        self._shaking: set[asyncio.Task[None]] = set()  # of these, those in their TLS handshake
        self._connections: set[AsyncConnection] = set()
        self._pause: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ life

    async def _open(self, listener: socket.socket) -> None:
        self._listener = listener
        listener.setblocking(False)
        try:
            self._watch_listener(True)
        except NotImplementedError:
            raise LocalProtocolError(
                "this event loop cannot watch sockets (Windows' Proactor loop cannot): run the "
                "server in an asyncio.SelectorEventLoop"
            ) from None

    async def _refuse_newcomers(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._watch_listener(False)
        self._listener.close()

    async def _end_clients(self) -> None:
        for task in self._shaking:
            task.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=STOP_GRACE_S)
        for connection in self._connections:
            connection.abort("server_stopping")
        if self._clients:
            await asyncio.wait(self._clients)

    # ------------------------------------------------------------ accepting

    def _accept(self) -> None:
        """Accept one client; the loop calls this as long as there are any.

        `asyncio.start_server` and `loop.sock_accept` would do, were it not for their end: a client
        that is accepted and not yet handed over when they are cancelled is nobody's.
        """
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_RESOURCES:
                # The client stays in the backlog: without a pause this would spin.
                log.warning("cannot accept a client: %s; trying again", error)
                self._watch_listener(False)
                loop = asyncio.get_running_loop()
                self._pause = loop.call_later(ACCEPT_PAUSE_S, self._watch_listener, True)
            return  # or it left before it was accepted
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # The loop itself holds tasks weakly: an owner keeps them from vanishing.
        task = asyncio.create_task(self._serve(sock, str(address[:2])), name="netlab-client")
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    def _watch_listener(self, watch: bool) -> None:
        loop = asyncio.get_running_loop()
        if watch:
            loop.add_reader(self._listener, self._accept)
        else:
            loop.remove_reader(self._listener)

    # ------------------------------------------------------------ serving one client

    async def _serve(self, sock: socket.socket, peer: str) -> None:
        if (connection := await self._connection_on(sock, peer)) is None:
            return
        self._connections.add(connection)
        self.switchboard.connect(connection, peer)
        requests = RequestStream(self.service.codec, self.service.limits.max_frame_bytes)
        reason = "left"
        if self._stopping:  # accepted a moment before
            connection.abort("server_stopping")
        try:
            while data := await connection.reader.read(RECV_BYTES):
                await self._take(connection, requests.feed(data))
            await self._take(connection, requests.end())
        except OSError:
            reason = "reset"
        finally:
            self.switchboard.disconnect(connection.id, connection.reason or reason)
            await connection.close()
            self._connections.discard(connection)

    async def _connection_on(self, sock: socket.socket, peer: str) -> AsyncConnection | None:
        limit = self.service.limits.outbox_bytes
        task = asyncio.current_task()
        if self._ssl is None or task is None:
            return await connection_on(sock, limit, self._rounds)
        self._shaking.add(task)
        try:
            return await connection_on(sock, limit, self._rounds, self._ssl)
        except ssl_module.SSLError as error:
            log.info("no TLS with %s: %s", peer, explain(error))
        except OSError as error:
            log.info("no TLS with %s: %s", peer, error)
        finally:
            self._shaking.discard(task)
        return None

    async def _take(
        self, connection: AsyncConnection, messages: list[AnyRequest | RemoteProtocolError]
    ) -> None:
        for number, message in enumerate(messages, 1):
            self.switchboard.receive(connection.id, message)
            if number % FAIR_SHARE == 0:
                await asyncio.sleep(0)  # thousands may come in one read: let others have a turn
            if connection.must_wait:
                await connection.wait_for_room()


class AsyncTCPClient:
    """Talks to a TCP server from a loop; a task of its own reads all the time.

    What `TCPClient` is for threads. In a cell, `await client.wait_for("echo")`; where nothing can
    be awaited, `TCPClient` speaks the same on the wire.

    Args: as `TCPClient`.
    """

    def __init__(
        self,
        address: Address,
        *,
        service: ServiceName = "chat",
        timeout_s: float = 5.0,
        max_frame_bytes: int = 1_048_576,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        self.address = address
        self.local_address: Address | None = None
        """this end's host and port, as the server sees them; None before `connect`"""
        self._codec = codec_of(service)
        self._timeout_s = timeout_s
        self._max_frame_bytes = max_frame_bytes
        self._ssl = ssl
        self._inbox = AsyncInbox()

    async def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: nobody answered in time.
            ssl.SSLError: the server does not speak TLS, or cannot show that it is the one.
        """
        if self.local_address is not None:
            raise LocalProtocolError("this client was connected before; make a new one")
        async with asyncio.timeout(self._timeout_s):
            self._reader, self._writer = await asyncio.open_connection(
                *self.address, ssl=self._ssl, ssl_shutdown_timeout=self._ssl and GOODBYE_S
            )
        self.local_address = self._writer.get_extra_info("sockname")[:2]
        self._reading = asyncio.create_task(self._read(), name="netlab-reader")
        return self

    async def close(self) -> None:
        """End the conversation. Twice is once."""
        if self.local_address is None:
            return
        self._inbox.end("this client closed the connection")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        await asyncio.wait([self._reading])

    async def __aenter__(self) -> Self:
        return self if self.local_address is not None else await self.connect()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def send(self, wire_type: str, **fields: Any) -> None:
        """Send a request; arguments and errors are those of `TCPClient.send`."""
        await self._send(make_request(wire_type, **fields))

    async def say(self, content: str) -> None:
        """Send a text. Raises as `send` does."""
        await self.send("text", content=content)

    @overload
    async def wait_for(self, wanted: type[R], timeout_s: float = 2.0) -> R: ...
    @overload
    async def wait_for(self, wanted: str, timeout_s: float = 2.0) -> Any: ...
    async def wait_for(self, wanted: str | type[R], timeout_s: float = 2.0) -> Any:
        """Return the first message of that type not taken yet; raises as `TCPClient.wait_for`."""
        return await self._inbox.wait_for(wanted, timeout_s)

    async def wait_ended(self, timeout_s: float = 2.0) -> str:
        """Wait until the server has ended the conversation, and return why."""
        return await self._inbox.wait_ended(timeout_s)

    @property
    def messages(self) -> tuple[AnyReply, ...]:
        """Everything that came, oldest first."""
        return self._inbox.mail.messages

    async def _send(self, request: AnyRequest) -> None:
        data = encode_line(self._codec.encode_request(request))
        if self.local_address is None:
            raise LocalProtocolError("not connected yet: await connect() first")
        if ended := self._inbox.mail.ended:
            raise ConnectionEnded(f"{request.type} was not sent: {ended}")
        self._writer.write(data)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._writer.drain()  # without it a fast sender would fill the memory
        except TimeoutError:
            raise TimeoutError(f"the server did not read within {self._timeout_s:g} s") from None
        except OSError as error:
            raise ConnectionEnded(f"{request.type} was not sent: {error}") from None

    async def _read(self) -> None:
        replies = ReplyStream(self._codec, self._max_frame_bytes)
        reason = "the server closed the connection"
        try:
            while data := await self._reader.read(RECV_BYTES):
                for message in replies.feed(data):
                    if answer := self._inbox.put(message):
                        await self._send(answer)
        except RemoteProtocolError as error:
            reason = f"the server sent what is no message: {error}"
        except (OSError, ConnectionEnded) as error:
            reason = f"the connection was lost: {error}"
        self._inbox.end(reason)
        self._writer.close()  # we have nothing more to say, either
