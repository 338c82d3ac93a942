"""What runs beside a learner's code in the child process: scripted peers, and calls of the code."""

from __future__ import annotations

import gc
import select
import socket
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

Function = Callable[..., Any]
Report = Callable[..., None]


def call(function: Function, report: Report, *arguments: Any) -> None:
    """Call the function and report what it returned."""
    report("answer", function(*arguments))


def serve(function: Function, report: Report) -> None:
    """Give the function a listening socket and report its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        report("listening", listener.getsockname())
        try:
            function(listener)
        except BaseException as error:
            report("raised", describe(function, error))
        else:
            report("ended")
        # Keep the listener open until the examiner ends this process: what it sees must not
        # depend on whether it connected before or after the function returned.
        threading.Event().wait()


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
                select.select([connection], [], [], 0.1)
            rest = connection.recv(1024)
            got.extend([line, rest])
            if not rest:
                report("wire", ("your code", "client→server", "fin"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=answer, args=[listener], daemon=True)
        server.start()
        report("answer", function(listener.getsockname()))
        server.join()
        report("got", tuple(got))


def run_thrice(function: Function, report: Report) -> None:
    """Call the function three times, and report after each what it returned and left behind."""
    from netlab.lab.leftovers import baseline, leftovers

    for number in (1, 2, 3):
        before = baseline()
        report("step", f"run {number} of 3")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            answer = function()
            left = str(leftovers(since=before, timeout_s=0.5))
            gc.collect()
        report("answer", answer)
        report("left", _forgotten(caught) or left)


def _forgotten(caught: list[warnings.WarningMessage]) -> str | None:
    """Say how many sockets the garbage collector had to close; None: none."""
    count = sum(issubclass(one.category, ResourceWarning) for one in caught)
    if not count:
        return None
    return f"sockets that nobody closed: {count}; the garbage collector found them"


def judge_cells(function: Function, report: Report, cell: Function, beside: bool) -> None:
    """Call the function with a cell, and report whether it raised AssertionError.

    `beside`: does a thread that the cell has nothing to do with run already?
    """
    stop = threading.Event()
    if beside:
        threading.Thread(target=stop.wait, daemon=True).start()
    calls = []

    def counted() -> None:
        calls.append(1)
        cell()

    report("answer", _verdict(function, counted))
    report("calls", len(calls))


def judge_server(function: Function, report: Report, server: Function) -> None:
    """Call the function with the address of a running server; report whether it asserted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=server, args=[listener], daemon=True).start()
        report("answer", _verdict(function, listener.getsockname()))


def _verdict(function: Function, argument: Any) -> str | None:
    try:
        function(argument)
    except AssertionError as error:
        return f"AssertionError: {error}".rstrip(": ")
    return None


def dial(function: Function, report: Report, plan: Sequence[str]) -> None:
    """Call the function with candidates made by `plan`, each `dead` or `alive`, and `v4` or `v6`.

    Reported: which candidate it is connected to (None: it raised OSError, as it should when all
    are dead), and what sockets it left open besides.
    """
    from netlab.lab.leftovers import baseline, leftovers

    families = {"v4": (socket.AF_INET, "127.0.0.1"), "v6": (socket.AF_INET6, "::1")}
    candidates, listeners = [], []
    for one in plan:
        life, version = one.split()
        family, host = families[version]
        listener = socket.create_server((host, 0), family=family)
        candidates.append((family, listener.getsockname()))
        if life == "alive":
            listeners.append(listener)
        else:
            listener.close()  # nobody listens there now: connecting is refused
        report("step", f"candidate {len(candidates)}: {host}, where {_LIFE[life]}")
    before = baseline()
    gathered = warnings.catch_warnings(record=True)
    caught = gathered.__enter__() or []
    warnings.simplefilter("always", ResourceWarning)
    try:
        sock = function(candidates)
    except OSError as error:
        report("answer", f"it raised {type(error).__name__}")
    else:
        if not isinstance(sock, socket.socket):
            report("answer", f"it returned {sock!r}")
        else:
            peer = sock.getpeername()
            number = 1 + [address for _, address in candidates].index(peer)
            report("answer", f"it is connected to candidate {number}")
            sock.close()
    left = str(leftovers(since=before, timeout_s=0.5))
    gc.collect()
    gathered.__exit__(None, None, None)
    report("left", _forgotten(caught) or left)
    for listener in listeners:
        listener.close()


_LIFE = {"dead": "nobody listens", "alive": "somebody listens"}


def describe(function: Function, error: BaseException) -> tuple[str, str, int | None]:
    """Return the error's type, its text, and in which line of the function it came up."""
    if isinstance(error, SystemExit):
        return "SystemExit", f"your code called sys.exit({error.code!r})", None
    return type(error).__name__, str(error), _line_in(function, error)


def _line_in(function: Function, error: BaseException) -> int | None:
    """Return in which line of the function, counted from 1, the error came up."""
    if not isinstance(function, FunctionType):
        return None
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code is function.__code__:
            return line - function.__code__.co_firstlineno + 1
    return None
