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
import threading
import time
from collections.abc import Callable
from typing import Self

from netlab.core.chat import ChatService
from netlab.core.errors import LocalProtocolError, RemoteProtocolError
from netlab.core.framing import encode_line
from netlab.core.messages import AnyRequest
from netlab.core.service import Limits, Service
from netlab.core.stream import ReplyStream, RequestStream
from netlab.transports.addresses import OUT_OF_RESOURCES, Address, format_address, open_listener
from netlab.transports.calendar import Calendar
from netlab.transports.client import Client
from netlab.transports.clock import Clock, SystemClock
from netlab.transports.services import make_service
from netlab.transports.switchboard import ServerStats, Switchboard
from netlab.transports.threaded import ThreadedConnection

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
    ) -> None:
        self.service = make_service(service, limits, secret)
        self.switchboard = Switchboard(self.service, clock or SystemClock(), encode_line)
        self.calendar = Calendar(self.switchboard)
        self._host, self._port = host, port
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
                self._admit(sock, str(address[:2]))
            except Exception:  # whatever it is, the next client may have more luck
                log.exception("cannot admit a client")
                sock.close()

    def _admit(self, sock: socket.socket, peer: str) -> None:
        connection = self._prepare(sock)
        self.switchboard.connect(connection, peer)
        try:
            self.start_thread(lambda: self._serve(connection), f"client-{next(self._numbers)}")
        except RuntimeError as error:
            log.warning("cannot serve a client: %s", error)
            self._end(connection, "no_thread")

    def _prepare(self, sock: socket.socket) -> ThreadedConnection:
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


class TCPClient(Client):
    """Talks to a TCP server; a thread of its own reads all the time.

    Args and methods: see `Client`.
    """

    def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: nobody answered in time.
        """
        self._about_to_connect()
        self._sock = socket.create_connection(self.address, self._timeout_s)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local_address = self._sock.getsockname()[:2]
        self._reader = threading.Thread(target=self._read, name="netlab-tcp-reader", daemon=True)
        self._reader.start()
        return self

    def close(self) -> None:
        """End the conversation: FIN goes out at once. Twice is once."""
        if self.local_address is None:
            return
        self._inbox.end("this client closed the connection")
        with contextlib.suppress(OSError):  # it was over before
            # close() alone sends no FIN while the reader is still blocked in recv.
            self._sock.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._sock.close()

    def _transmit(self, frame: bytes) -> None:
        data = encode_line(frame)
        try:
            self._sock.sendall(data)
        except TimeoutError:
            # Part of it may be out, so nothing can follow.
            self._inbox.end("the server did not read what was sent to it")
            self._sock.shutdown(socket.SHUT_RDWR)
            raise

    def _read(self) -> None:
        """Put everything that comes into the inbox, until nothing more will come."""
        replies = ReplyStream(self._codec, self._max_frame_bytes)
        why_ended = ""
        while not why_ended:
            try:
                data = self._sock.recv(RECV_BYTES)
                for message in replies.feed(data):
                    self._inbox.put(message)
                why_ended = "" if data else "the server closed the connection"
            except TimeoutError:
                continue  # the socket's timeout is meant for sending; silence is no fault
            except RemoteProtocolError as error:
                why_ended = f"the server sent what is no message: {error}"
            except OSError as error:
                why_ended = f"the connection was lost: {error.strerror}"
        self._inbox.end(why_ended)
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # we have nothing more to say, either
