"""Code as learners write it when it goes wrong: what the examiner must survive and report."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
from typing import Any

kept: list[object] = []


def empty(*_: object) -> None:
    """What every notebook starts with: a function without a body."""


def hangs(*_: object) -> None:
    threading.Event().wait()


def spins(*_: object) -> None:
    for _number in itertools.count():
        pass


def floods_memory(*_: object) -> None:
    kept.extend(bytes(1 << 26) for _ in itertools.count())


def floods_output(*_: object) -> None:
    for number in itertools.count():
        sys.stdout.write(f"{number}" + "x" * 1000)


def prints_and_hangs(*_: object) -> None:
    sys.stdout.write("so far\nso good\n")
    threading.Event().wait()


def exits(*_: object) -> None:
    sys.exit(3)


def exits_at_once(*_: object) -> None:
    os._exit(7)


def kills_itself(*_: object) -> None:
    os.kill(os.getpid(), 9)


def kills_its_parent(*_: object) -> None:
    os.kill(os.getppid(), 9)
    threading.Event().wait()


def raises(*_: object) -> None:
    raise ValueError(f"no good: {object()!r}")


def recurses(*_: object) -> None:
    recurses()


class Nasty:
    """Cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def returns_the_unprintable(*_: object) -> object:
    return Nasty()


def leaves_a_thread(*_: object) -> int:
    threading.Thread(target=threading.Event().wait).start()
    return 42


def leaves_a_port(*_: object) -> int:
    kept.append(socket.create_server(("127.0.0.1", 0)))
    return 42


def leaves_a_process(*_: object) -> int:
    kept.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
    return 42


def leaves_a_grandchild(path: str) -> int:
    """A daemon as they are made: two forks, a session of its own, its parent gone."""
    shell = 'sleep 60 & echo $! > "$0"'
    subprocess.run(["setsid", "sh", "-c", shell, path], check=True)
    return 42


async def leaves_a_task(*_: object) -> int:
    kept.append(asyncio.create_task(asyncio.Event().wait()))
    return 42


async def answers(*_: object) -> int:
    await asyncio.sleep(0)
    return 42


def echo(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                connection.sendall(data)


async def echo_loop(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listener)
        with connection:
            while data := await loop.sock_recv(connection, 65_536):
                await loop.sock_sendall(connection, data)


async def echo_streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


class EchoServer:
    """A server as this course has them: a context manager with an address."""

    def __enter__(self) -> EchoServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=echo, args=[self._listener], daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._listener.close()


class Lines:
    """A reader of lines, correct."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._kept = (self._kept + data).split(b"\n")
        return lines


class PieceByPiece:
    """A reader of lines that believes in pieces."""

    def feed(self, data: bytes) -> list[bytes]:
        return data.rstrip(b"\n").split(b"\n")


class StopsAtQ:
    """A reader of lines that hangs when it sees a q."""

    def feed(self, data: bytes) -> list[bytes]:
        if b"q" in data:
            threading.Event().wait()
        return Lines().feed(data)


def no_newlines(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(100):
                if b"\n" in data:
                    break
                connection.sendall(data)


def prints_nasty(*_: object) -> None:
    sys.stdout.write("<script>alert('&')</script>")


def right_family(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, text)
            return int(family)
    raise ValueError(text)


def echo_datagrams(sock: socket.socket) -> None:
    while True:
        data, whence = sock.recvfrom(65_536)
        sock.sendto(data, whence)


async def echo_datagrams_loop(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        data, whence = await loop.sock_recvfrom(sock, 65_536)
        await loop.sock_sendto(sock, data, whence)


def echo_first_datagram(sock: socket.socket) -> None:
    data, whence = sock.recvfrom(65_536)
    sock.sendto(data, whence)


def greets_in_lines(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"welcome\nto the\nunfinished")
            connection.recv(100)
