"""What runs beside a learner's coroutines: servers that answer together, a sink that is full."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

from netlab.exercises.calls import Function, Report, result

TOGETHER_S = 1.5
"""seconds in which all servers must have been asked"""
CLOSED_S = 1.0
"""seconds in which a connection must be closed when the code has returned"""
PIECE = b"x" * 65_536


class _Server:
    """Reads a line; what it does then, `kind` says: answers, silent, leaves, half, refuses."""

    def __init__(self, number: int, kind: str, together: threading.Barrier) -> None:
        self.kind = kind
        self.asked = ""
        self.was_closed = kind == "refuses"
        self._number = number
        self._together = together
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TOGETHER_S)
        self.address = self._listener.getsockname()
        if kind == "refuses":
            self._listener.close()
            return
        self._thread = threading.Thread(target=self._serve, name="netlab-peer", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until its client is gone."""
        if self.kind != "refuses":
            self._thread.join()

    def _serve(self) -> None:
        try:
            with self._listener:
                connection, _ = self._listener.accept()
        except OSError:
            self._together.abort()
            return
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(TOGETHER_S)
            try:
                self.asked = stream.readline().decode("utf-8", "replace")
                self._together.wait(TOGETHER_S)
            except (OSError, threading.BrokenBarrierError):
                return  # not all were asked: nobody answers
            self._answer(connection)
            connection.settimeout(CLOSED_S + 1.0)
            try:
                self.was_closed = not stream.read(1)
            except ConnectionError:
                self.was_closed = True
            except OSError:
                pass

    def _answer(self, connection: socket.socket) -> None:
        if self.kind == "answers":
            connection.sendall(f"answer {self._number}\n".encode())
        elif self.kind == "pieces":
            for piece in (b"ans", f"wer {self._number}\nand more".encode()):
                connection.sendall(piece)
        elif self.kind == "half":
            connection.sendall(b"answ")
        if self.kind in ("half", "leaves"):
            connection.shutdown(socket.SHUT_WR)


def meet_servers(
    function: Function, report: Report, kinds: Sequence[str], timeout_s: float
) -> None:
    """Call the coroutine function with the addresses of such servers.

    Reported: `answer`, what it returned; `asked`, what each server was asked; `closed`, whether
    each connection was closed.
    """
    together = threading.Barrier(max(1, sum(kind != "refuses" for kind in kinds)))
    servers = [_Server(number, kind, together) for number, kind in enumerate(kinds, 1)]
    try:
        report("answer", result(function, [one.address for one in servers], "ready?", timeout_s))
    finally:
        for one in servers:
            one.join()
    report("asked", [one.asked for one in servers])
    report("closed", [one.was_closed for one in servers])


def cancel_while_full(function: Function, report: Report) -> None:
    """Call `function(reader, writer, upstream)` with an upstream that does not read; cancel it.

    Reported as `answer`: how it ended, whether both connections are closed, and how many tasks
    it has left.
    """
    report("answer", asyncio.run(_cancelled(function)))


async def _cancelled(function: Function) -> tuple[str, bool, bool, int]:
    loop = asyncio.get_running_loop()
    began: asyncio.Future[asyncio.Task[Any]] = loop.create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        began.set_result(task)
        await function(reader, writer, upstream.getsockname())

    with socket.create_server(("127.0.0.1", 0)) as upstream:
        upstream.setblocking(False)
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        client = socket.create_connection(server.sockets[0].getsockname())
        client.setblocking(False)
        task = await began
        sink, _ = await asyncio.wait_for(loop.sock_accept(upstream), TOGETHER_S)
        with client, sink:
            before = asyncio.all_tasks()
            await _fill(client)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=CLOSED_S)
            how = "it went on" if not done else "cancelled" if task.cancelled() else "returned"
            closed = [await _is_closed(sock) for sock in (client, sink)]
            left = {one for one in asyncio.all_tasks() if not one.done()} - {
                asyncio.current_task(),
                task,
            }
            del before
        server.close()
    return how, closed[0], closed[1], len(left)


async def _fill(client: socket.socket) -> None:
    """Send until nothing more fits: the upstream does not read, so somebody waits in a write."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            await asyncio.wait_for(loop.sock_sendall(client, PIECE), 0.2)
        except TimeoutError:
            return


async def _is_closed(sock: socket.socket) -> bool:
    """Read to the end, or until there is silence."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            if not await asyncio.wait_for(loop.sock_recv(sock, 1_048_576), CLOSED_S):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
