"""What runs beside a learner's code in the child process: scripted peers, and calls of the code."""

from __future__ import annotations

import inspect
import select
import socket
import threading
from collections.abc import Sequence
from typing import Any

from netlab.exercises.calls import Function, Report, describe, result, tidily


def call(function: Function, report: Report, *arguments: Any) -> None:
    """Call the function, or run the coroutine function, and report what it returned."""
    report("answer", tidily(report, function, *arguments))


def serve(function: Function, report: Report) -> None:
    """Let the code serve, and report at which address. The code is one of these:

    - `function(listener)`, which accepts the clients of a listening socket, for ever;
    - `async def function(listener)`, the same (the listener does not block);
    - `async def function(reader, writer)`, which serves one client, as `asyncio.start_server` has
      it;
    - a class: `C()` is a context manager with an `address`, such as the servers of this course.
    """
    try:
        if inspect.isclass(function):
            make: Any = function
            with make() as server:
                report("listening", tuple(server.address[:2]))
                for_ever()
        _serve_listener(function, report)
    except BaseException as error:
        report("raised", describe(function, error))
    else:
        report("ended")
    # Nothing is closed until the examiner ends this process: what it sees must not depend on
    # whether it connected before or after the function returned.
    for_ever()


def serve_datagrams(function: Function, report: Report) -> None:
    """Let the code serve with UDP: `function(sock)`, or a coroutine function, of a bound socket.

    Or a class, as in `serve`.
    """
    try:
        if inspect.isclass(function):
            make: Any = function
            with make() as server:
                report("listening", tuple(server.address[:2]))
                for_ever()
        sock = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(not inspect.iscoroutinefunction(function))
        report("listening", sock.getsockname())
        result(function, sock)
    except BaseException as error:
        report("raised", describe(function, error))
    else:
        report("ended")
    for_ever()


_kept: list[socket.socket] = []


def keep(sock: socket.socket) -> socket.socket:
    """Return the socket, which from now on is closed by the end of the process only."""
    _kept.append(sock)
    return sock


def _serve_listener(function: Function, report: Report) -> None:
    listener = keep(socket.create_server(("127.0.0.1", 0)))
    # Inherited by those that it accepts: what the code sends in two steps is sent in two, at once.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not inspect.iscoroutinefunction(function):
        report("listening", listener.getsockname())
        function(listener)
        return
    import asyncio

    async def for_each_client() -> None:
        server = await asyncio.start_server(function, sock=listener)
        report("listening", listener.getsockname())
        await server.serve_forever()

    async def for_all_clients() -> None:
        listener.setblocking(False)
        report("listening", listener.getsockname())
        await function(listener)

    takes_one = len(inspect.signature(function).parameters) == 1
    asyncio.run(for_all_clients() if takes_one else for_each_client())


def for_ever() -> None:
    """Stay, so that the process ends when the examiner ends it."""
    while True:
        threading.Event().wait()


def _has_hung_up(connection: socket.socket) -> bool:
    """Wait for the client's next byte or its end; say whether it was the end."""
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:  # it went with something unread
        return True


def meet_server(function: Function, report: Report, pieces: Sequence[bytes]) -> None:
    """Call the function with the address of a server that answers one line with `pieces`.

    Reported: what the function returned, then what the server got.
    """
    got: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        report("wire", ("your code", "client→server", "open"))
        with connection:
            line = b""
            while not line.endswith(b"\n"):
                data = connection.recv(1024)
                if not data:
                    break
                line += data
            report("step", f"the server receives {line!r}")
            report("wire", ("your code", "client→server", "data", line))
            for piece in pieces:
                report("step", f"the server sends {piece!r}")
                report("wire", ("your code", "server→client", "data", piece))
                connection.sendall(piece)
                # A slow server: the next piece comes 0.1 s later, unless the client hangs up.
                if select.select([connection], [], [], 0.1)[0] and _has_hung_up(connection):
                    break
            rest = b"" if _has_hung_up(connection) else connection.recv(1024)
            got.extend([line, rest])
            if not rest:
                report("wire", ("your code", "client→server", "fin"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer, args=[listener], daemon=True, name="peer")
        server.start()
        report("answer", result(function, listener.getsockname()))
        server.join()
        report("got", tuple(got))
