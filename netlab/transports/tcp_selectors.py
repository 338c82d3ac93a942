"""TCP with one thread for all clients: it waits until some socket is ready, and never for one.

Each round: ask the selector who has sent something and who has room again, read and write as much
as goes without waiting, let each client that asked something have its turn, do what time has made
due. The client of this server is `TCPClient`: on the wire there is no difference.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl as ssl_module
import time
from collections import deque
from collections.abc import Iterator

from netlab.core.chat import ChatService
from netlab.core.framing import encode_line
from netlab.core.limits import STREAM
from netlab.core.service import Limits, Service
from netlab.core.stream import RequestStream
from netlab.transports.addresses import OUT_OF_RESOURCES, open_listener
from netlab.transports.clock import Clock
from netlab.transports.nonblocking import NonblockingConnection
from netlab.transports.one_thread import OneThreadServer
from netlab.transports.services import make_service
from netlab.transports.tls_door import TLSDoor
from netlab.transports.tls_socket import Stream, TLSSocket

log = logging.getLogger("netlab.transports.tcp_selectors")

STOP_GRACE_S = 0.5
"""seconds that `stop` gives clients to hear that it is over"""
TURN_REQUESTS = 64
"""requests of one client that are answered before the others have their turn"""
TURN_ACCEPTS = 64
ACCEPT_PAUSE_S = 0.1
"""seconds without accepting when the process has no file descriptor left"""


class SelectorTCPServer(OneThreadServer):
    """Carries a service over TCP in one thread, by readiness.

    Use it as a context manager, or call `start` and `stop`.

    Args: as `TCPServer`.
    """

    _thread_name = "netlab-selector"

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
        super().__init__(make_service(service, limits, secret), host, port, clock, encode_line)
        self.service.carried_by(STREAM)
        self._connections: set[NonblockingConnection] = set()
        # Whom to look at before waiting again. A dict, for its order: first come, first served.
        self._changed: dict[NonblockingConnection, None] = {}
        self._accept_again_at: float | None = None
        self._ssl = ssl
        self._door: TLSDoor | None = None
        self._shaken: deque[tuple[TLSSocket, str]] = deque()  # come from the door; both threads'

    def _open(self, host: str, port: int) -> socket.socket:
        return open_listener(host, port)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        if self._ssl is not None:
            self._door = TLSDoor(self._ssl, self._shaken_hands)
        try:
            while not self._stopping:
                self._round(self._timeout_s())
            self._say_goodbye()
        finally:
            if self._door is not None:
                self._door.close()
            for connection in tuple(self._connections):
                with self.switchboard.lock:
                    connection.abort("server_stopping")
                self._settle(connection)

    def _say_goodbye(self) -> None:
        """Let `closing` go out, and read what clients still send, until their FIN comes."""
        self._stop_accepting()
        if self._door is not None:
            self._door.close()
        while self._shaken:
            self._shaken.popleft()[0].close()
        self._sock.close()
        self.switchboard.close_all("server_stopping", "the server is stopping")
        deadline = time.monotonic() + STOP_GRACE_S
        while self._connections and (left_s := deadline - time.monotonic()) > 0:
            self._round(0 if self._changed else left_s)

    def _round(self, timeout_s: float | None) -> None:
        for key, events in self._selector.select(timeout_s):
            if key.fileobj is self._sock:
                self._accept()
            elif key.fileobj is self._woken:
                self._woken.recv(4096)
            else:
                with self._at_its_own_risk(key.data):
                    self._move(key.data, events)
        while self._shaken:
            sock, peer = self._shaken.popleft()
            self._admit(sock, peer)
        with self.switchboard.lock:
            changed, self._changed = self._changed, {}
        for connection in changed:
            with self._at_its_own_risk(connection):
                self._take_turn(connection)
                self._settle(connection)

    def _timeout_s(self) -> float | None:
        """Do what is due; return how long the selector may wait."""
        if self._accept_again_at is not None and time.monotonic() >= self._accept_again_at:
            self._accept_again_at = None
            self._selector.register(self._sock, selectors.EVENT_READ)
        wait_s = self._calendar.do_what_is_due()
        if self._changed:
            return 0
        if self._accept_again_at is None:
            return wait_s
        pause_s = max(0.0, self._accept_again_at - time.monotonic())
        return pause_s if wait_s is None else min(pause_s, wait_s)

    # ------------------------------------------------------------ accepting

    def _accept(self) -> None:
        for _ in range(TURN_ACCEPTS):
            try:
                sock, address = self._sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    # The client stays in the backlog, so the listener stays ready: look away.
                    log.warning("cannot accept a client: %s; trying again", error)
                    self._stop_accepting()
                    self._accept_again_at = time.monotonic() + ACCEPT_PAUSE_S
                    return
                continue  # it left before it was accepted
            enter = self._door.enter if self._door is not None else self._admit
            enter(sock, str(address[:2]))

    def _shaken_hands(self, sock: TLSSocket, peer: str) -> None:
        """Take a client over from the door, in whose thread this is called."""
        self._shaken.append((sock, peer))
        self._wake()

    def _admit(self, sock: Stream, peer: str) -> None:
        connection = self._connection(sock)
        with self._at_its_own_risk(connection):
            self.switchboard.connect(connection, peer)
            if isinstance(sock, TLSSocket):  # what it said with its last handshake is here already
                self._move(connection, selectors.EVENT_READ)

    def _stop_accepting(self) -> None:
        if self._accept_again_at is None:
            self._selector.unregister(self._sock)

    def _connection(self, sock: Stream) -> NonblockingConnection:
        limits = self.service.limits
        stream = RequestStream(self.service.codec, limits.max_frame_bytes)
        connection = NonblockingConnection(
            sock, stream, limits.outbox_bytes, self._calendar, self._look_again
        )
        with contextlib.suppress(OSError):  # macOS: EINVAL when the client has left already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A peer whose machine vanished is found out by the kernel, if nothing else asks it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._connections.add(connection)
        self._changed[connection] = None
        return connection

    # ------------------------------------------------------------ one client

    def _look_again(self, connection: NonblockingConnection) -> None:
        self._changed[connection] = None
        self._wake()

    @contextlib.contextmanager
    def _at_its_own_risk(self, connection: NonblockingConnection) -> Iterator[None]:
        """A mistake of ours costs one client its connection, not all of them their server."""
        try:
            yield
        except Exception:
            log.exception("a mistake of ours ended the connection of a client")
            with self.switchboard.lock:
                connection.abort("internal_error")

    def _move(self, connection: NonblockingConnection, events: int) -> None:
        """Read and write as far as the client's socket is ready."""
        with self.switchboard.lock:
            if events & selectors.EVENT_WRITE and not connection.dead:
                connection.write()
            if events & selectors.EVENT_READ and not connection.dead:
                connection.read()

    def _take_turn(self, connection: NonblockingConnection) -> None:
        """Answer some of what the client asked, unless it has to read its answers first."""
        for _ in range(TURN_REQUESTS):
            if not connection.requests or connection.must_wait or self._stopping:
                return
            self.switchboard.receive(connection.id, connection.requests.popleft())
        if connection.requests:
            self._changed[connection] = None

    def _settle(self, connection: NonblockingConnection) -> None:
        """See what is to be waited for now; if nothing is, the client is gone."""
        if connection not in self._connections:
            return
        if connection.dead or (connection.at_end and not connection.requests):
            self.switchboard.disconnect(connection.id, connection.reason or "left")
            with self.switchboard.lock:
                connection.finish("left")
        if connection.over:
            self._watch(connection, 0)
            self._connections.discard(connection)
            connection.sock.close()
        else:
            self._watch(connection, connection.interest)

    def _watch(self, connection: NonblockingConnection, events: int) -> None:
        key = self._selector.get_map().get(connection.sock)
        if key is None:
            if events:
                self._selector.register(connection.sock, events, connection)
        elif not events:
            self._selector.unregister(connection.sock)
        elif events != key.events:
            self._selector.modify(connection.sock, events, connection)
