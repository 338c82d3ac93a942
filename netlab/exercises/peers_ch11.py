"""What runs a learner's Socket.IO code: as a server's handlers, or as a probe of such a server."""

from __future__ import annotations

import asyncio
import inspect
import socket
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

import socketio

from netlab.exercises.calls import Function, Report, describe
from netlab.exercises.judges import verdict
from netlab.exercises.peers import for_ever, keep
from netlab.lab.background import background
from netlab.transports.asgi_server import AsgiServer

MAX_MESSAGE_BYTES = 65_536


class Served:
    """A Socket.IO server of the library, on a free port."""

    def __init__(self, library: Any) -> None:
        self._http = AsgiServer(socketio.ASGIApp(library), max_message_bytes=MAX_MESSAGE_BYTES)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()

    async def start(self) -> None:
        """Serve."""
        await self._http.start(self._listener)

    async def stop(self) -> None:
        """Close all connections."""
        await self._http.stop()


def serve_events(function: Function, report: Report) -> None:
    """Call `function(sio)`, which registers handlers, and serve `sio`.

    What a handler raises is reported as `raised`: the library alone would only log it.
    """
    try:
        asyncio.run(_serve(function, report))
    except BaseException as error:
        report("raised", describe(function, error))
    for_ever()


async def _serve(function: Function, report: Report) -> None:
    def on_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and _is_of(function, error):
            report("raised", describe(function, error))

    asyncio.get_running_loop().set_exception_handler(on_error)
    library = socketio.AsyncServer(async_mode="asgi")
    registered = function(library)
    if inspect.isawaitable(registered):
        await registered
    served = Served(library)
    keep(served._listener)
    await served.start()
    report("listening", served.address)
    await asyncio.Event().wait()


def _is_of(function: Function, error: BaseException) -> bool:
    """Was it raised beneath the learner's code?"""
    code = getattr(function, "__code__", None)
    frames = traceback.walk_tb(error.__traceback__)
    return isinstance(code, CodeType) and any(
        frame.f_code.co_filename == code.co_filename for frame, _ in frames
    )


def judge_tables(function: Function, report: Report, accuse: Callable[[Any], None]) -> None:
    """Call the function with the URL of a server whose handlers `accuse` registers.

    Reported, as `answer`: what it asserted, or None.
    """
    library = socketio.AsyncServer(async_mode="asgi")
    accuse(library)
    with background(Served(library)) as served:
        report("answer", verdict(function, "http://{}:{}".format(*served.address)))
