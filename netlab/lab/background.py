"""Run a server beside the notebook; a cell that is run again replaces it.

    server = background(TCPServer(EchoService, **LESSON))
    server.address        # real: clients can connect from here on

A server is any object with ``start()``, ``stop()`` and ``address``. When they are coroutine
functions, the server gets an event loop in a thread of its own: in the kernel's loop it would
starve as long as a cell blocks.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import inspect
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

log = logging.getLogger("netlab.lab.background")

START_TIMEOUT_S = 10.0
EXIT_TIMEOUT_S = 1.0


class Server(Protocol):
    """What `background` needs: ordinary methods, or coroutine functions."""

    def start(self) -> Any: ...
    def stop(self) -> Any: ...
    @property
    def address(self) -> Any: ...


ServerT = TypeVar("ServerT", bound=Server)
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

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
        self._loop_thread: _LoopThread | None = None
        if inspect.iscoroutinefunction(server.start):
            self._loop_thread = _LoopThread(server, name, loop_factory)
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

    def stop(self, timeout_s: float = 2.0) -> None:
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


class _LoopThread:
    """A daemon thread that runs an event loop, and one async server in it."""

    def __init__(self, server: Server, name: str, loop_factory: LoopFactory | None) -> None:
        self._server = server
        self._name = name
        self._loop_factory = loop_factory
        self._started: concurrent.futures.Future[asyncio.AbstractEventLoop] = (
            concurrent.futures.Future()
        )
        self._stop_error: BaseException | None = None
        self._stop_timeout_s = 2.0
        self._thread = threading.Thread(
            # A daemon: one that is not would keep the kernel from ending until it is joined.
            target=self._run,
            name=f"netlab-loop-{name}",
            daemon=True,
        )

    def start(self) -> None:
        self._thread.start()
        try:
            self._loop = self._started.result(START_TIMEOUT_S)
        except TimeoutError as error:
            self._cancel()
            if self._started.done():  # start() itself raised TimeoutError: that is its answer
                raise
            raise TimeoutError(
                f"{self._name}.start() did not return within {START_TIMEOUT_S:g} s; "
                "it must return once clients can connect"
            ) from error
        except BaseException:  # start() failed, or Ctrl-C while waiting: leave no loop behind
            self._cancel()
            raise

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], timeout_s: float) -> Any:
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                f"call() from the event loop of {self._name!r} would wait for itself; "
                "call the function directly"
            )

        async def in_the_loop() -> Any:
            result = function(*args)
            return await result if inspect.isawaitable(result) else result

        future = asyncio.run_coroutine_threadsafe(in_the_loop(), self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            if not future.done():
                future.cancel()
                raise TimeoutError(
                    f"{getattr(function, '__name__', function)} did not finish within "
                    f"{timeout_s:g} s in the event loop of {self._name!r}"
                ) from None
            raise

    def stop(self, timeout_s: float) -> None:
        self._stop_timeout_s = timeout_s
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop_asked.set)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(
                f"the event loop of {self._name!r} is still busy after {timeout_s:g} s; something "
                "in it blocks (time.sleep or a blocking recv where an await belongs?)"
            )
        if self._stop_error is not None:
            raise self._stop_error

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._main())
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            elif self._stop_error is None:
                self._stop_error = error

    async def _main(self) -> None:
        self._main_task = asyncio.current_task()
        self._stop_asked = asyncio.Event()
        await self._server.start()  # an error here goes through _run to the waiting caller
        self._started.set_result(asyncio.get_running_loop())
        await self._stop_asked.wait()
        # Less than the caller waits, so that the Runner still has time to cancel what is left.
        async with asyncio.timeout(0.75 * self._stop_timeout_s):
            await self._server.stop()

    def _cancel(self) -> None:
        task = getattr(self, "_main_task", None)
        if task is not None:
            with contextlib.suppress(RuntimeError):
                task.get_loop().call_soon_threadsafe(task.cancel)
        self._thread.join(1.0)


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
