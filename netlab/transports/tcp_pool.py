"""TCP with a fixed number of workers: what happens to client N+1?

A worker serves one client at a time, until that one leaves. Threads are bounded that way, and so is
what they cost; but a connection is not work, and N clients that only listen keep all N workers. So
whoever comes then waits in a queue and is told so: `waiting` with its position is the first thing
it hears, and again each time it moves up. It enters the service, and hears `welcome`, when a worker
takes it. If the queue is full, too, it hears `closing` with the code `server_full`.

Nobody keeps a worker without giving signs of life: who does not answer a heartbeat is sent away.
The client of this server is `TCPClient`.
"""

from __future__ import annotations

import logging
import ssl as ssl_module
from dataclasses import dataclass

from netlab.core.chat import ChatService
from netlab.core.service import Limits, Service
from netlab.transports.clock import Clock
from netlab.transports.switchboard import ServerStats
from netlab.transports.tcp_threads import TCPServer
from netlab.transports.threaded import ThreadedConnection
from netlab.transports.tls_socket import Stream
from netlab.transports.waiting_room import WaitingRoom

log = logging.getLogger("netlab.transports.tcp_pool")


@dataclass(frozen=True)
class PoolStats(ServerStats):
    """A pool server in figures."""

    workers: int = 0
    workers_busy: int = 0
    queue_length: int = 0
    """clients that wait for a worker"""
    sent_away: int = 0
    """clients that found the queue full, since the server was started"""
    gave_up: int = 0
    """clients that left the queue, since the server was started"""


class PoolTCPServer(TCPServer):
    """Carries a service over TCP with a fixed number of threads for clients.

    Use it as a context manager, or call `start` and `stop`.

    Args:
        workers: clients served at the same time, 1 or more; each worker is a thread.
        queue_size: clients that may wait for a worker; 0 = nobody: then a client that finds no
            worker free is sent away at once.
        (all others): as for `TCPServer`.
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
        workers: int = 10,
        queue_size: int = 100,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers={workers}: without a worker nobody is served; 1 or more")
        if queue_size < 0:
            raise ValueError(f"queue_size={queue_size}: 0 (nobody may wait) or more")
        super().__init__(
            service, host=host, port=port, limits=limits, secret=secret, clock=clock, ssl=ssl
        )
        self._workers = workers
        self._room = WaitingRoom(self.switchboard, workers, queue_size, self._closed)

    def start(self) -> None:
        """Listen, and let the workers wait for clients. Raises: as `TCPServer.start`."""
        super().start()
        try:
            self.start_thread(self._room.watch, "waiting-room")
            for number in range(1, self._workers + 1):
                self.start_thread(self._work, f"worker-{number}")
        except RuntimeError:  # no more threads: a pool with fewer workers is not what was asked for
            self.stop()
            raise

    def stats(self) -> PoolStats:
        """Return the server in figures."""
        stats = super().stats()
        with self.switchboard.lock:
            return PoolStats(
                **vars(stats),
                workers=self._workers,
                workers_busy=self._workers - self._room.free_workers,
                queue_length=len(self._room),
                sent_away=self._room.sent_away,
                gave_up=self._room.gave_up,
            )

    def _admit(self, sock: Stream, peer: str) -> None:
        self._room.enter(self._prepare(sock), peer)

    def _say_goodbye(self) -> None:
        self._room.close()
        super()._say_goodbye()

    def _work(self) -> None:
        while (called := self._room.next()) is not None:
            connection, peer = called
            try:
                self.switchboard.connect(connection, peer)
                self._serve(connection)
            except Exception:
                # A worker that ends is missed by all clients to come.
                log.exception("a mistake of ours ended the connection of %s", peer)
                with self.switchboard.lock:
                    connection.abort("internal_error")
                self._end(connection, "internal_error")
            finally:
                self._room.worker_is_free()

    def _closed(self, connection: ThreadedConnection) -> None:
        with self.switchboard.lock:
            self._connections.discard(connection)
