"""A datagram server without a socket, on a simulated clock: seconds of waiting take no time.

    class Server:
        def received(self, data, peer, now): ...    # this datagram has come
        def due(self, now): ...                     # time has gone on

Both return the datagrams to be sent, as a list of pairs `(data, peer)`; `now` is in seconds. Such a
class runs in the child process and is told what comes by the examiner, who has the clock and the
network (see `wires`). Whatever else serves datagrams is served by `serve_datagrams`, in real time.
"""

from __future__ import annotations

import inspect
import itertools
import json
import socket
import traceback
from typing import Any, BinaryIO

from netlab.exercises.calls import Function, Report, describe
from netlab.exercises.peers import serve_datagrams

TICK_S = 0.01
"""simulated seconds from one call of `due` to the next"""
MOST_AT_ONCE = 1_000
"""datagrams that one call may send"""
SIMULATED = "simulated"

Sent = list[tuple[bytes, tuple[str, int]]]


def serve_clocked(function: Function, report: Report) -> None:
    """Let a class with `received` and `due` serve on a simulated clock, anything else in real time.

    Reported, as `listening`, for such a class: `SIMULATED`, host and port at which a TCP connection
    of the examiner asks it, one question and one answer (JSON) a line.
    """
    if not (inspect.isclass(function) and hasattr(function, "received")):
        serve_datagrams(function, report)
        return
    try:
        make: Any = function
        server = make()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            report("listening", (SIMULATED, *listener.getsockname()))
            connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rwb") as stream:
            try:
                _answer(server, stream)
            except BaseException as error:  # told before the connection ends
                name, text, _ = describe(None, error)
                report("raised", (name, text + _line(function, error), None))
    except Exception as error:
        report("raised", describe(None, error))


def _answer(server: Any, stream: Any) -> None:
    questions: BinaryIO = stream
    for line in questions:
        now_s, until_s, peer, data = json.loads(line)
        sent: Sent = []
        if peer is not None:
            said = server.received(bytes.fromhex(data), tuple(peer), now_s)
            sent = _checked("received", said)
        while now_s < until_s and not sent:
            now_s = min(until_s, round(now_s + TICK_S, 9))
            sent = _checked("due", server.due(now_s))
        told = [(one.hex(), to) for one, to in sent]
        questions.write(json.dumps([now_s, told]).encode() + b"\n")
        questions.flush()


def _checked(name: str, said: Any) -> Sent:
    wanted = f"{name}() returns a list of pairs (data, peer), which may be empty"
    try:
        found = list(itertools.islice(said, MOST_AT_ONCE + 1))
        sent = [(bytes(memoryview(data)), (str(peer[0]), int(peer[1]))) for data, peer in found]
    except (TypeError, ValueError, IndexError) as error:
        if inspect.isgenerator(said):  # the error may be of the code's own
            raise
        shown = "None" if said is None else f"{said!r:.200}"
        raise TypeError(f"{shown} came; {wanted}") from error
    if len(sent) > MOST_AT_ONCE:
        raise ValueError(f"{name}() returned more than {MOST_AT_ONCE:,} datagrams at once")
    return sent


def _line(function: Any, error: BaseException) -> str:
    """Say in which line of the code it came up, if in any."""
    code = getattr(function.received, "__code__", None)
    if code is None:
        return ""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == code.co_filename]
    return f" (line {lines[-1]})" if lines else ""
