"""TCP with a thread per client: the plainest server that keeps every promise.

One thread accepts. One thread per client reads what it says and, under the switchboard's lock,
asks the service and posts the answers to everybody they are for. One more keeps the calendar.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import selectors
import socket
import ssl as ssl_module
import threading
import time
from collections.abc import Callable
from typing import Self

from netlab.core.chat import ChatService
from netlab.core.errors import LocalProtocolError, RemoteProtocolError
from netlab.core.framing import encode_line
from netlab.core.messages import AnyRequest
from netlab.core.service import Limits, Service
from netlab.core.stream import RequestStream
from netlab.transports.addresses import OUT_OF_RESOURCES, Address, format_address, open_listener
from netlab.transports.calendar import Calendar
from netlab.transports.clock import Clock, SystemClock
from netlab.transports.services import make_service
from netlab.transports.switchboard import ServerStats, Switchboard
from netlab.transports.tcp_client import TCPClient as TCPClient
from netlab.transports.threaded import ThreadedConnection
from netlab.transports.tls_door import TLSDoor
from netlab.transports.tls_socket import Stream

log = logging.getLogger("netlab.transports.tcp_threads")

RECV_BYTES = 65_536
STOP_GRACE_S = 0.5
"""seconds that `stop` gives clients to hear that it is over"""


class TCPServer:
    """Carries a service over TCP, a thread per client.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        service: what to serve: a `Service`, or a class of services, which is then made with
            `limits` and `secret`.
        host: address to listen on; whoever can reach it can connect.
        port: 0 for any free one; `address` says which.
        limits: what one client may use up.
        secret: key of the ids given to clients.
        clock: where the time comes from.
        ssl: makes it TLS; see `netlab.transports.tls.server_context`.
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
        self.service = make_service(service, limits, secret)
        self.switchboard = Switchboard(self.service, clock or SystemClock(), encode_line)
        self.calendar = Calendar(self.switchboard)
        self._host, self._port = host, port
        self._ssl = ssl
        self._door: TLSDoor | None = None
        self._listener: socket.socket | None = None
        self._threads: set[threading.Thread] = set()
        self._connections: set[ThreadedConnection] = set()
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self._stopped = False
        self._ending = threading.RLock()  # one `stop` at a time; the others wait for it

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Listen. When this returns, clients can connect and `address` is known.

        Raises:
            AddressInUse: another listener has the address.
            LocalProtocolError: the server runs already, or ran and was stopped.
        """
        if self._listener is not None:
            raise LocalProtocolError("this server was started before; make a new one")
        with contextlib.ExitStack() as stack:  # if one of these fails, the others are closed again
            listener = stack.enter_context(open_listener(self._host, self._port))
            self._waker, self._woken = map(stack.enter_context, socket.socketpair())
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._resources = stack.pop_all()
        listener.setblocking(False)
        self._listener = listener
        self._address: Address = listener.getsockname()[:2]
        if self._ssl is not None:
            self._door = TLSDoor(self._ssl, self._admit)
        self._acceptor = self.start_thread(self._accept, "accept")
        self.start_thread(self.calendar.run, "calendar")
        log.info("listening on %s", format_address(*self._address))

    def stop(self) -> None:
        """Tell all clients and end everything within 2 s; a second call waits for the first."""
        with self._ending:
            if self._listener is None or self._stopped:
                return
            self._stopping.set()
            self._waker.close()  # the acceptor sees the other end become readable
            self._acceptor.join()
            if self._door is not None:
                self._door.close()
            self._resources.close()
            self.calendar.stop()
            self._say_goodbye()
            self._end_threads()
            self._stopped = True
        log.info("stopped listening on %s", format_address(*self._address))

    def _end_threads(self) -> None:
        deadline = time.monotonic() + STOP_GRACE_S
        for thread in tuple(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        with self.switchboard.lock:
            for connection in self._connections:
                connection.abort("server_stopping")
        for thread in tuple(self._threads):
            thread.join()

    def _say_goodbye(self) -> None:
        """Tell all clients; nobody is accepted any more."""
        self.switchboard.close_all("server_stopping", "the server is stopping")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def address(self) -> Address:
        """Host and port, real from the moment `start` returns."""
        if self._listener is None:
            raise LocalProtocolError("the server has no address yet: call start() first")
        return self._address

    def stats(self) -> ServerStats:
        """Return the server in figures."""
        return self.switchboard.stats()

    # ------------------------------------------------------------ accepting

    def _accept(self) -> None:
        assert self._listener is not None
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while not self._stopping.is_set():
            self._selector.select()
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    # The client stays in the backlog: without a pause this would spin.
                    log.warning("cannot accept a client: %s; trying again", error)
                    self._stopping.wait(0.1)
                continue  # or it left before it was accepted, or there was only the waker
            try:
                enter = self._door.enter if self._door is not None else self._admit
                enter(sock, str(address[:2]))
            except Exception:  # whatever it is, the next client may have more luck
                log.exception("cannot admit a client")
                sock.close()

    def _admit(self, sock: Stream, peer: str) -> None:
        connection = self._prepare(sock)
        self.switchboard.connect(connection, peer)
        try:
            self.start_thread(lambda: self._serve(connection), f"client-{next(self._numbers)}")
        except RuntimeError as error:
            log.warning("cannot serve a client: %s", error)
            self._end(connection, "no_thread")

    def _prepare(self, sock: Stream) -> ThreadedConnection:
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer whose machine vanished is found out by the kernel, if nothing else asks it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = ThreadedConnection(sock, self)
        with self.switchboard.lock:
            self._connections.add(connection)
        return connection

    # ------------------------------------------------------------ serving one client

    def _serve(self, connection: ThreadedConnection) -> None:
        limit = self.service.limits.max_frame_bytes
        requests = RequestStream(self.service.codec, limit)
        reason = "left"
        try:
            while (data := connection.sock.recv(RECV_BYTES)) and not connection.dead:
                self._take(connection, requests.feed(data))
            self._take(connection, requests.end())
        except OSError:
            reason = "reset"
        finally:
            self._end(connection, reason)

    def _take(
        self, connection: ThreadedConnection, messages: list[AnyRequest | RemoteProtocolError]
    ) -> None:
        for message in messages:
            self.switchboard.receive(connection.id, message)
            connection.wait_for_room()

    def _end(self, connection: ThreadedConnection, reason: str) -> None:
        self.switchboard.disconnect(connection.id, connection.reason or reason)
        connection.close()
        with self.switchboard.lock:
            self._connections.discard(connection)

    # ------------------------------------------------------------ threads

    def start_thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Start a thread that `stop` joins. Raises RuntimeError when there can be no more."""

        def run() -> None:
            try:
                work()
            finally:
                self._threads.discard(threading.current_thread())

        # A daemon: a server that somebody forgot does not keep the interpreter from ending.
        thread = threading.Thread(target=run, name=f"netlab-tcp-{name}", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            raise
        return thread
