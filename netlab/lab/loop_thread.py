"""An event loop in a thread of its own, with one async server in it. See `background`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import inspect
import threading
from collections.abc import Callable
from typing import Any, Protocol

START_TIMEOUT_S = 10.0


class Server(Protocol):
    """What `background` needs: ordinary methods, or coroutine functions."""

    def start(self) -> Any: ...
    def stop(self) -> Any: ...
    @property
    def address(self) -> Any: ...


LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def usual_loop() -> LoopFactory | None:
    """Return what makes the loop of a server; None: what asyncio makes anyway.

    Windows' usual loop, the Proactor, completes reads and writes, but cannot watch a listener
    (`add_reader`), as our servers do; its selector loop can, for 512 sockets.
    """
    return asyncio.SelectorEventLoop if hasattr(asyncio, "ProactorEventLoop") else None


class LoopThread:
    """A daemon thread that runs an event loop, and one async server in it."""

    def __init__(self, server: Server, name: str, loop_factory: LoopFactory | None) -> None:
        self._server = server
        self._name = name
        self._loop_factory = loop_factory or usual_loop()
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
