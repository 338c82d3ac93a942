"""`record_streams`: note what passes through asyncio's streams that you hold.

    reader, writer = record_streams(*await asyncio.open_connection(host, port))
    writer.write(b"hello\\n")
    await reader.readline()
    ladder(writer.recording)

What you asked for and got is recorded, not what the kernel handed to the event loop: the loop reads
ahead into the reader's buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, Literal

from netlab.lab.recording import Direction, Ends, Kind, Recording


class _Recorded:
    """The reader or the writer of one connection; everything else is the stream's own."""

    def __init__(
        self, stream: Any, recording: Recording, connection: str, direction: Direction
    ) -> None:
        self._stream = stream
        self.recording = recording
        self._connection = connection
        self._direction = direction
        self._finished = False

    def _note(self, kind: Kind, data: bytes = b"") -> None:
        if kind != "data":
            if self._finished:
                return
            self._finished = True
        self.recording.append(self._connection, self._direction, kind, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._connection}>"


class RecordedReader(_Recorded, AsyncIterator[bytes]):
    """A StreamReader that notes what was read; made by `record_streams`."""

    async def read(self, n: int = -1) -> bytes:
        return await self._take(self._stream.read(n), asked=n != 0)

    async def readline(self) -> bytes:
        return await self._take(self._stream.readline())

    async def readexactly(self, n: int) -> bytes:
        return await self._take(self._stream.readexactly(n), asked=n != 0)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        return await self._take(self._stream.readuntil(separator))

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    async def _take(self, reading: Awaitable[bytes], *, asked: bool = True) -> bytes:
        """Note what came; nothing, where something was asked for, is the end."""
        try:
            data = await reading
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self._note("data", error.partial)
            self._note("fin")
            raise
        except ConnectionError:
            self._note("rst")
            raise
        if data:
            self._note("data", data)
        elif asked:
            self._note("fin")
        return data


class RecordedWriter(_Recorded):
    """A StreamWriter that notes what was written; made by `record_streams`."""

    def write(self, data: bytes) -> None:
        self._note("data", bytes(data))
        self._stream.write(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def write_eof(self) -> None:
        self._stream.write_eof()
        self._note("fin")

    def close(self) -> None:
        self._note("fin")
        self._stream.close()


def record_streams(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    recording: Recording | None = None,
    *,
    connection: str = "c1",
    side: Literal["client", "server"] = "client",
) -> tuple[RecordedReader, RecordedWriter]:
    """Wrap the streams of one connection so that they record what you read and write.

    Several connections may share one `recording`, each under its own `connection` name. `side` says
    which end you hold. The result's ``.recording`` goes into `ladder`.
    """
    into = recording if recording is not None else Recording()
    sends = Direction.TO_SERVER if side == "client" else Direction.TO_CLIENT
    here, there, tls = map(writer.get_extra_info, ("sockname", "peername", "ssl_object"))
    into.note_ends(connection, Ends.seen_from(here, there, side, decrypted=tls is not None))
    into.append(connection, Direction.TO_SERVER, "open")
    return (
        RecordedReader(reader, into, connection, sends.opposite),
        RecordedWriter(writer, into, connection, sends),
    )
