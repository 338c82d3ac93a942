"""Recording sockets of other kinds, files made of sockets, and asyncio's streams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from netlab.lab import Recording, record, record_streams

UP, DOWN = "client→server", "server→client"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for sock in (ours, theirs):
            sock.settimeout(5)
        yield ours, theirs


def events(recording: Recording) -> list[tuple[str, str, bytes]]:
    return [(chunk.direction, chunk.kind, chunk.data) for chunk in recording]


def test_a_file_of_a_socket_is_recorded(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    recorded = record(ours)
    theirs.sendall(b"one\ntwo\n")
    theirs.shutdown(socket.SHUT_WR)
    with recorded.makefile("rwb") as file:
        file.write(b"hello\n")
        file.flush()
        assert file.readlines() == [b"one\n", b"two\n"]
    assert recorded.fileno() != -1, "the file is closed, the socket is not"
    recorded.close()
    assert recorded.fileno() == -1
    assert events(recorded.recording) == [
        (UP, "open", b""),
        (UP, "data", b"hello\n"),
        (DOWN, "data", b"one\ntwo\n"),
        (DOWN, "fin", b""),
        (UP, "fin", b""),
    ]


def test_the_socket_lives_as_long_as_its_file(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    recorded = record(ours)
    with recorded.makefile("rb") as file:
        recorded.close()
        theirs.sendall(b"late\n")
        assert file.readline() == b"late\n"
    assert theirs.recv(1) == b""


def test_datagrams_are_recorded_and_may_be_empty() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as server,
        socket.socket(type=socket.SOCK_DGRAM) as raw,
    ):
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        raw.settimeout(5)
        client = record(raw)
        for data in (b"hello", b""):
            client.sendto(data, server.getsockname())
            came, address = server.recvfrom(100)
            server.sendto(came, address)
            assert client.recvfrom(100) == (data, server.getsockname())
        client.sendto(b"flags", 0, server.getsockname())
    assert events(client.recording) == [
        (UP, "open", b""),
        (UP, "data", b"hello"),
        (DOWN, "data", b"hello"),
        (UP, "data", b""),
        (DOWN, "data", b""),
        (UP, "data", b"flags"),
    ]


@pytest.mark.parametrize(
    "name", ["sendmsg", "recvmsg", "recvmsg_into", "recvfrom_into", "sendfile"]
)
def test_what_would_pass_unseen_is_refused(
    name: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    with pytest.raises(NotImplementedError, match=rf"{name}\(\) is not recorded; use "):
        getattr(record(pair[0]), name)


def test_streams() -> None:
    async def talk() -> list[tuple[str, str, bytes]]:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.setblocking(False)
            loop = asyncio.get_running_loop()
            reader, writer = record_streams(*await asyncio.open_connection(sock=ours))
            writer.write(b"a")
            writer.writelines([b"b", b"c\n"])
            await writer.drain()
            assert await loop.sock_recv(theirs, 100) == b"abc\n"
            await loop.sock_sendall(theirs, b"one\ntwo;3456nine\nlast\nx")
            assert await reader.readline() == b"one\n"
            assert await reader.readuntil(b";") == b"two;"
            assert await reader.readexactly(4) == b"3456"
            assert await reader.read(0) == b""
            assert await reader.read(2) == b"ni"
            writer.write_eof()
            theirs.shutdown(socket.SHUT_WR)
            assert [line async for line in reader] == [b"ne\n", b"last\n", b"x"]
            with pytest.raises(asyncio.IncompleteReadError):
                await reader.readexactly(1)
            assert reader.at_eof()
            writer.close()
            await writer.wait_closed()
        return events(writer.recording)

    assert asyncio.run(talk()) == [
        (UP, "open", b""),
        (UP, "data", b"a"),
        (UP, "data", b"bc\n"),
        (DOWN, "data", b"one\n"),
        (DOWN, "data", b"two;"),
        (DOWN, "data", b"3456"),
        (DOWN, "data", b"ni"),
        (UP, "fin", b""),
        (DOWN, "data", b"ne\n"),
        (DOWN, "data", b"last\n"),
        (DOWN, "data", b"x"),
        (DOWN, "fin", b""),
    ]


def test_an_unfinished_read_keeps_what_came() -> None:
    async def talk() -> list[tuple[str, str, bytes]]:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = record_streams(
                *await asyncio.open_connection(sock=ours), connection="Ann", side="server"
            )
            theirs.sendall(b"hel")
            theirs.shutdown(socket.SHUT_WR)
            with pytest.raises(asyncio.IncompleteReadError):
                await reader.readexactly(5)
            writer.close()
            await writer.wait_closed()
        assert {chunk.connection for chunk in reader.recording} == {"Ann"}
        return events(reader.recording)

    assert asyncio.run(talk()) == [
        (UP, "open", b""),
        (UP, "data", b"hel"),
        (UP, "fin", b""),
        (DOWN, "fin", b""),
    ]
