"""Small stdlib servers for these tests: what netlab.lab expects of a server, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

Handler = Callable[[socket.socket], None]


def echo(sock: socket.socket) -> None:
    """Send back what comes until the peer has finished; then finish too."""
    while data := sock.recv(65536):
        sock.sendall(data)


class ThreadedServer:
    """Runs `handle(sock)` in a thread a connection."""

    def __init__(
        self, handle: Handler = echo, *, host: str = "127.0.0.1", port: int = 0, backlog: int = 128
    ) -> None:
        self.handle = handle
        self.where = (host, port)
        self.backlog = backlog
        self.threads: list[threading.Thread] = []
        self.clients: list[socket.socket] = []

    def start(self) -> None:
        family = socket.AF_INET6 if ":" in self.where[0] else socket.AF_INET
        self.listener = socket.create_server(self.where, family=family, backlog=self.backlog)
        self.threads = [threading.Thread(target=self._accept, name="netlab-test-accept")]
        self.threads[0].start()

    @property
    def address(self) -> Any:
        return self.listener.getsockname()

    def stats(self) -> dict[str, int]:
        return {"connections": len(self.clients)}

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            thread = threading.Thread(target=self._serve, args=[client], name="netlab-test-serve")
            self.threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            self.handle(client)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # wakes recv()
        for thread in self.threads:
            thread.join(2.0)

    def __enter__(self) -> ThreadedServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class AsyncServer:
    """Echoes lines in an event loop."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.thread_name = ""
        self.tasks: set[asyncio.Task[Any]] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.thread_name = threading.current_thread().name

    @property
    def address(self) -> Any:
        return self.server.sockets[0].getsockname()

    def stats(self) -> str:
        asyncio.get_running_loop()  # raises outside of the loop's thread
        return threading.current_thread().name

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        self.writers.append(writer)
        try:
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        finally:
            writer.close()

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.gather(*self.tasks, return_exceptions=True)
