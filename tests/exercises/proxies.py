"""Proxies for the examiner to examine. The child imports this file, so it imports little."""

from __future__ import annotations

import asyncio
import contextlib
import socket

Address = tuple[str, int]
OURS = b"bx0postoffice"
ALPHABET = b"abcdefghijklmnopqrstuvwxyz0123456789"


def _rewritten(line: bytes) -> bytes:
    words = line.split(b" ")
    for number, word in enumerate(words):
        if word.startswith(b"bx") and 10 <= len(word) <= 14 and not word.strip(ALPHABET):
            words[number] = OURS
    return b" ".join(words) + b"\n"


async def for_each_client(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: Address
) -> None:
    writers = [writer]

    async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        kept = b""
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                *lines, kept = (kept + data).split(b"\n")
                sink.write(b"".join(map(_rewritten, lines)))
        for each in writers:
            each.close()

    with contextlib.suppress(OSError):
        from_server, to_server = await asyncio.open_connection(*upstream)
        writers.append(to_server)
        await asyncio.gather(one_way(reader, to_server), one_way(from_server, writer))
    writer.close()


async def for_all_clients(listener: socket.socket, upstream: Address) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await for_each_client(reader, writer, upstream)

    server = await asyncio.start_server(one, sock=listener)
    await server.serve_forever()
