"""Run a server beside the notebook; a cell that is run again replaces it.

    server = background(TCPServer(EchoService, **LESSON))
    server.address        # real: clients can connect from here on

A server is any object with ``start()``, ``stop()`` and ``address``. When they are coroutine
functions, the server gets an event loop in a thread of its own: in the kernel's loop it would
starve as long as a cell blocks.
"""

from __future__ import annotations

import atexit
import inspect
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from netlab.lab.loop_thread import LoopFactory, LoopThread, Server

log = logging.getLogger("netlab.lab.background")

EXIT_TIMEOUT_S = 1.0


ServerT = TypeVar("ServerT", bound=Server)

_running: dict[str, Background[Any]] = {}
_running_lock = threading.Lock()  # guards _running


def background(
    server: ServerT, *, name: str | None = None, loop_factory: LoopFactory | None = None
) -> Background[ServerT]:
    """Start `server` and return once clients can connect to it.

    A server started earlier under the same `name` (default: the name of the class) is stopped
    first. `loop_factory` makes the event loop of an async server, for instance
    ``uvloop.new_event_loop``.

    Raises: whatever ``server.start()`` raises, in its own type, here in the calling cell;
    TimeoutError: an async start took more than 10 seconds.
    """
    name = name or type(server).__name__
    with _running_lock:
        earlier = _running.pop(name, None)
    if earlier is not None:
        earlier.stop()
    started = Background(server, name, loop_factory)
    with _running_lock:
        _running[name] = started
    return started


class Background(Generic[ServerT]):
    """A server that runs beside the notebook. Made by `background`; also a context manager."""

    def __init__(self, server: ServerT, name: str, loop_factory: LoopFactory | None = None) -> None:
        self.server = server
        self.name = name
        self._stop_lock = threading.Lock()  # one stop at a time; guards _stopped
        self._stopped = False
        self._loop_thread: LoopThread | None = None
        if inspect.iscoroutinefunction(server.start):
            self._loop_thread = LoopThread(server, name, loop_factory)
            self._loop_thread.start()
        else:
            server.start()

    @property
    def address(self) -> Any:
        """Where clients connect, as the server says it."""
        return self.server.address

    @property
    def running(self) -> bool:
        return not self._stopped

    def stats(self) -> Any:
        """Return ``server.stats()``, called in the server's own loop if it has one."""
        stats: Callable[[], Any] = self.server.stats  # type: ignore[attr-defined]
        return self.call(stats)

    def call(self, function: Callable[..., Any], *args: Any, timeout_s: float = 10.0) -> Any:
        """Call `function(*args)` where the server runs and return its result.

        For an async server that is its event loop, and `function` may be a coroutine function.
        Raises: what `function` raises; TimeoutError; RuntimeError: the server is stopped.
        """
        if self._stopped:
            raise RuntimeError(f"background server {self.name!r} is stopped; run its cell again")
        if self._loop_thread is not None:
            return self._loop_thread.call(function, args, timeout_s)
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{self.name!r} is a threaded server and has no event loop to await "
                f"{function.__name__}() in; pass an ordinary function"
            )
        return function(*args)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the server and wait until it is gone. A second call does nothing.

        Raises: what ``server.stop()`` raises; TimeoutError: an event loop that is still busy
        after `timeout_s` seconds.
        """
        with self._stop_lock:
            if self._stopped:
                return
            self._stopped = True
            with _running_lock:
                if _running.get(self.name) is self:
                    del _running[self.name]
            if self._loop_thread is not None:
                self._loop_thread.stop(timeout_s)
            else:
                self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        # No port: a cell that ends with this object shows the same in each run.
        return f"<Background {self.name}: {'running' if self.running else 'stopped'}>"


def _stop_all() -> None:
    """Stop what still runs when Python ends; wait at most one second for all together."""
    with _running_lock:
        servers = list(_running.values())
    threads = [threading.Thread(target=_stop_quietly, args=[one], daemon=True) for one in servers]
    deadline = time.monotonic() + EXIT_TIMEOUT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _stop_quietly(server: Background[Any]) -> None:
    try:
        server.stop(EXIT_TIMEOUT_S)
    except Exception:
        log.debug("stopping %s at exit", server.name, exc_info=True)


# Python joins all threads that are no daemons *before* it runs atexit functions, so a threaded
# server would never be told to stop. threading's own list runs before that; it is private, but
# concurrent.futures depends on it for the same reason. atexit is the second best.
getattr(threading, "_register_atexit", atexit.register)(_stop_all)
