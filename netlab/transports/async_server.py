"""What servers in an event loop have in common: their life."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Self

from netlab.core.errors import LocalProtocolError
from netlab.core.limits import Liveness
from netlab.core.service import Service
from netlab.transports.addresses import (
    OUT_OF_RESOURCES,
    Address,
    format_address,
    open_listener,
)
from netlab.transports.async_calendar import AsyncCalendar
from netlab.transports.clock import Clock, SystemClock
from netlab.transports.switchboard import ServerStats, Switchboard

log = logging.getLogger("netlab.transports.async_server")

FAIR_SHARE = 64
"""messages of one client that are served before another has its turn"""
STOP_GRACE_S = 0.5
"""seconds that `stop` gives clients to hear that it is over"""


class AsyncServer(ABC):
    """Starts and stops a server, and keeps its calendar in a task.

    Use `async with`, or await `start` and `stop`. In a notebook, `netlab.lab.background` runs it
    in a loop of its own.
    """

    def __init__(
        self,
        service: Service,
        liveness: Liveness,
        host: str,
        port: int,
        clock: Clock | None,
        encode: Callable[[bytes], bytes],
    ) -> None:
        self.service = service
        self.service.carried_by(liveness)
        self.switchboard = Switchboard(service, clock or SystemClock(), encode)
        self._calendar = AsyncCalendar(self.switchboard)
        self._host, self._port = host, port
        self._address: Address | None = None
        self._ending: asyncio.Task[None] | None = None
        self._life = asyncio.Lock()  # a stop waits for the start before it
        self._stopping = False

    # ------------------------------------------------------------ for each transport

    @abstractmethod
    async def _open(self, listener: Listener) -> None:
        """Accept clients on the socket from now on, and own it."""

    @abstractmethod
    async def _refuse_newcomers(self) -> None:
        """Accept no client any more; `_stopping` is set."""

    @abstractmethod
    async def _end_clients(self) -> None:
        """Give clients `STOP_GRACE_S` to hear `closing`, then close everything that is open."""

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Listen. When this returns, clients can connect and `address` is known.

        Raises:
            AddressInUse: another listener has the address.
            LocalProtocolError: the server runs already, or ran and was stopped.
        """
        if self._address is not None:
            raise LocalProtocolError("this server was started before; make a new one")
        listener = Listener(fileno=open_listener(self._host, self._port).detach())
        self._address = listener.getsockname()[:2]
        async with self._life:
            try:
                await self._open(listener)
            except BaseException:
                listener.close()
                self._address = None
                raise
            self._ticking = asyncio.create_task(self._calendar.run(), name="netlab-calendar")
        log.info("%s: listening on %s", type(self).__name__, format_address(*self.address))

    async def stop(self) -> None:
        """Tell all clients, close everything, end every task: 2 s at most. Twice is once.

        Whoever calls it, and however often: when it returns, everything has ended.
        """
        if self._address is None:
            return
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name="netlab-stop")
        # Shielded: that one caller gives up is no reason to leave a server half stopped.
        await asyncio.shield(self._ending)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _end(self) -> None:
        async with self._life:
            if self._address is None:  # the start that this has waited for has failed
                self._ending = None
                return
            self._stopping = True
            await self._refuse_newcomers()
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
            self.switchboard.close_all("server_stopping", "the server is stopping")
            await self._end_clients()
        log.info("%s: stopped listening on %s", type(self).__name__, format_address(*self.address))

    # ------------------------------------------------------------ for everybody

    @property
    def address(self) -> Address:
        """Host and port, real from the moment `start` returns."""
        if self._address is None:
            raise LocalProtocolError("the server has no address yet: call start() first")
        return self._address

    def stats(self) -> ServerStats:
        """Return the server in figures. Call it in the server's loop."""
        return self.switchboard.stats()


class Listener(socket.socket):
    """A listening socket that is asked once, not a thousand times, when no descriptor is left.

    asyncio accepts in a loop of `backlog` rounds, and goes on with it, a report in the log each
    time, after an error that it means to wait a second for.

    It remembers what was accepted: before its TLS handshake is done, a connection is nobody's.
    """

    _was_out_of_resources = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.accepted: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def accept(self) -> tuple[socket.socket, Any]:
        if self._was_out_of_resources:
            self._was_out_of_resources = False
            raise BlockingIOError(errno.EAGAIN, "no descriptor was left a moment ago")
        try:
            sock, peer = super().accept()
        except OSError as error:
            self._was_out_of_resources = error.errno in OUT_OF_RESOURCES
            raise
        self.accepted.add(sock)
        return sock, peer
