"""What servers that do everything in one thread have in common: their life."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Self

from netlab.core.errors import LocalProtocolError
from netlab.core.service import Service
from netlab.transports.addresses import Address, format_address
from netlab.transports.calendar import Calendar
from netlab.transports.clock import Clock, SystemClock
from netlab.transports.switchboard import ServerStats, Switchboard

log = logging.getLogger("netlab.transports.one_thread")


class OneThreadServer(ABC):
    """Starts and stops the thread, and wakes it when another thread wants it to look up.

    Use it as a context manager, or call `start` and `stop`.
    """

    _thread_name: ClassVar[str]

    def __init__(
        self,
        service: Service,
        host: str,
        port: int,
        clock: Clock | None,
        encode: Callable[[bytes], bytes],
    ) -> None:
        self.service = service
        self.switchboard = Switchboard(service, clock or SystemClock(), encode)
        self._calendar = Calendar(self.switchboard)
        self._host, self._port = host, port
        self._started = self._stopping = self._stopped = False
        self._ending = threading.RLock()  # one `stop` at a time; the others wait for it

    @abstractmethod
    def _open(self, host: str, port: int) -> socket.socket:
        """Return the socket to which clients send."""

    @abstractmethod
    def _run(self) -> None:
        """Serve until `_stopping`, then say goodbye: 1 s at most."""

    def start(self) -> None:
        """Open the socket. When this returns, clients can reach it and `address` is known.

        Raises:
            AddressInUse: somebody else has the address.
            LocalProtocolError: the server runs already, or ran and was stopped.
        """
        if self._started:
            raise LocalProtocolError("this server was started before; make a new one")
        with contextlib.ExitStack() as stack:
            self._sock = stack.enter_context(self._open(self._host, self._port))
            self._sock.setblocking(False)
            self._address: Address = self._sock.getsockname()[:2]
            # A selector waits for sockets, so it is through a socket that it is woken.
            self._waker, self._woken = map(stack.enter_context, socket.socketpair())
            self._waker.setblocking(False)
            self._selector = stack.enter_context(selectors.DefaultSelector())
            self._selector.register(self._sock, selectors.EVENT_READ)
            self._selector.register(self._woken, selectors.EVENT_READ)
            # A daemon: a server that somebody forgot does not keep the interpreter from ending.
            self._thread = threading.Thread(target=self._live, name=self._thread_name, daemon=True)
            self._thread.start()
            self._resources = stack.pop_all()
        self._started = True
        log.info("%s at %s", self._thread_name, format_address(*self._address))

    def stop(self) -> None:
        """Tell all clients, close everything, end the thread: 2 s at most. Twice is once.

        Whoever calls it, and however often: when it returns, everything has ended.
        """
        with self._ending:
            if not self._started or self._stopped:
                return
            self._stopping = True
            self._wake()
            self._thread.join()
            self._resources.close()
            self._stopped = True
        log.info("%s at %s has stopped", self._thread_name, format_address(*self._address))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def address(self) -> Address:
        """Host and port, real from the moment `start` returns."""
        if not self._started:
            raise LocalProtocolError("the server has no address yet: call start() first")
        return self._address

    def stats(self) -> ServerStats:
        """Return the server in figures."""
        return self.switchboard.stats()

    def _live(self) -> None:
        try:
            self._run()
        except Exception:
            log.exception("a mistake of ours ended the server at %s", self._address)
            self._sock.close()  # whoever sends something now hears that nobody is there

    def _wake(self) -> None:
        """Let the thread look up, if it is another one."""
        if threading.current_thread() is not self._thread:
            # Full: it is about to look up anyway. Closed: it is over.
            with contextlib.suppress(OSError):
                self._waker.send(b"\0")
