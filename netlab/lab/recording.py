"""What went over the wire: chunks with time, connection, direction and bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

MAX_BYTES = 16 * 1024 * 1024
CHUNK_COST = 256  # bytes of memory for a chunk beside its data, roughly


class Direction(StrEnum):
    """Who sent it."""

    TO_SERVER = "client→server"
    TO_CLIENT = "server→client"

    @property
    def opposite(self) -> Direction:
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER


Kind = Literal["open", "data", "fin", "rst", "error", "lost"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One thing that happened on one connection.

    A chunk of data is what one ``recv`` returned: TCP keeps the order of the bytes, not the cuts
    between them (RFC 9293, 3.8.3), so two recordings of one conversation may differ in chunks.
    """

    time_s: float
    """Seconds since the recording began, on the monotonic clock."""
    connection: str
    direction: Direction
    kind: Kind
    data: bytes = b""
    """What was carried, or was ``lost``; for an ``error`` the exception's message, in UTF-8."""
    note: str = ""
    """What a fault proxy did to it, in a few words."""

    def __str__(self) -> str:
        what = f"{len(self.data)} bytes" if self.kind == "data" else self.kind
        return f"{self.connection} {self.direction}: {what}"


@dataclass(frozen=True, slots=True)
class Ends:
    """Between whom a connection is: what a file for Wireshark needs to know.

    The addresses are numeric (host, port); None where there are none, as with a UNIX socket.
    """

    transport: Literal["tcp", "udp"] = "tcp"
    client: tuple[str, int] | None = None
    server: tuple[str, int] | None = None
    decrypted: bool = False
    """Whether what was inside TLS is recorded."""

    @classmethod
    def seen_from(
        cls,
        here: object,
        there: object,
        side: Literal["client", "server"],
        transport: Literal["tcp", "udp"] = "tcp",
        decrypted: bool = False,
    ) -> Ends:
        """Return the ends for whom holds one: its address and its peer's, as sockets give them."""
        both = (here, there) if side == "client" else (there, here)
        client, server = (
            (str(one[0]), int(one[1])) if isinstance(one, tuple) and one[1] else None
            for one in both
        )
        return cls(transport, client, server, decrypted)


class Recording:
    """Chunks in the order in which they were seen. Any thread may append.

    Holds at most `max_bytes`, counting 256 bytes a chunk beside its data. When it is full it keeps
    what came first, whole, and only counts the rest: see `dropped_bytes`.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()  # guards everything below
        self._start = time.monotonic()
        self.started_at_s = time.time()
        """When the recording began, in seconds since 1970."""
        self.on_chunk: Callable[[Chunk, bool], object] | None = None
        """Called with each chunk and whether it is kept, by the thread that appends it."""
        self._chunks: list[Chunk] = []
        self._names: dict[str, str] = {}
        self._ports: dict[int, str] = {}
        self._ends: dict[str, Ends] = {}
        self._used_bytes = 0
        self._dropped_chunks = 0
        self._dropped_bytes = 0

    def append(
        self,
        connection: str,
        direction: Direction | str,
        kind: Kind,
        data: bytes = b"",
        note: str = "",
    ) -> None:
        """Note that this happened now."""
        with self._lock:
            now = time.monotonic() - self._start
            chunk = Chunk(now, connection, Direction(direction), kind, data, note)
            cost = len(data) + CHUNK_COST
            # Once one is dropped all are: a recording with holes would show what never happened.
            kept = not self._dropped_chunks and self._used_bytes + cost <= self.max_bytes
            if kept:
                self._used_bytes += cost
                self._chunks.append(chunk)
            else:
                self._dropped_chunks += 1
                self._dropped_bytes += len(data)
        if self.on_chunk is not None:
            self.on_chunk(chunk, kept)

    def rename(self, connection: str, name: str) -> None:
        """Call a connection `name` from now on, in what is recorded already, too."""
        with self._lock:
            self._names[connection] = name

    def note_port(self, port: int, connection: str) -> None:
        """Remember that `port` is an end of `connection`, so that diagrams can say its name."""
        with self._lock:
            self._ports[port] = connection

    def note_ends(self, connection: str, ends: Ends) -> None:
        """Remember between whom a connection is, for `to_pcapng`."""
        with self._lock:
            self._ends[connection] = ends

    def to_pcapng(self, path: str | Path) -> None:
        """Write a file that Wireshark opens; see `netlab.lab.pcapng`.

        Raises:
            OSError: it cannot be written.
            ModuleNotFoundError: dpkt is missing; ``pip install 'netlab[lab]'``.
        """
        from netlab.lab.pcapng import write_pcapng

        with self._lock:
            chunks, names = list(self._chunks), dict(self._names)
            ports, ends = dict(self._ports), dict(self._ends)
        with Path(path).open("wb") as file:
            write_pcapng(
                file,
                chunks,
                started_at_s=self.started_at_s,
                ends=ends,
                names=names,
                ports=ports,
                dropped_note=self.dropped_note("The recording was "),
            )

    def clear(self) -> None:
        """Forget the chunks; names stay. For a diagram of the next step alone."""
        with self._lock:
            self._chunks.clear()
            self._used_bytes = self._dropped_chunks = self._dropped_bytes = 0

    def __iter__(self) -> Iterator[Chunk]:
        with self._lock:
            chunks, names = list(self._chunks), dict(self._names)
        for chunk in chunks:
            name = names.get(chunk.connection)
            yield chunk if name is None else replace(chunk, connection=name)

    def __len__(self) -> int:
        with self._lock:
            return len(self._chunks)

    @property
    def connections(self) -> list[str]:
        """The names of the connections, in the order in which they were opened."""
        return list(dict.fromkeys(chunk.connection for chunk in self))

    @property
    def ports(self) -> dict[int, str]:
        """Port -> name of the connection that it is an end of."""
        with self._lock:
            return {port: self._names.get(key, key) for port, key in self._ports.items()}

    @property
    def dropped_bytes(self) -> int:
        """How many bytes came after the recording was full."""
        with self._lock:
            return self._dropped_bytes

    @property
    def dropped_chunks(self) -> int:
        with self._lock:
            return self._dropped_chunks

    def bytes(self, connection: str, direction: Direction | str) -> bytes:
        """Return all the bytes of one direction of one connection, joined."""
        return b"".join(
            chunk.data
            for chunk in self
            if chunk.kind == "data"
            and (chunk.connection, chunk.direction) == (connection, direction)
        )

    def events(self) -> list[Chunk]:
        """Return what is no data: connections opened, FIN, RST and errors, in order."""
        return [chunk for chunk in self if chunk.kind != "data"]

    def __repr__(self) -> str:
        chunks = list(self)
        data_bytes = sum(len(chunk.data) for chunk in chunks if chunk.kind == "data")
        connections = ", ".join(dict.fromkeys(chunk.connection for chunk in chunks)) or "none"
        return f"<Recording of {connections}: {data_bytes} bytes{self.dropped_note('; ')}>"

    def dropped_note(self, before: str = "") -> str:
        """Return a sentence about what did not fit, after `before`; empty if all did."""
        if not self.dropped_chunks:
            return ""
        mib = self.max_bytes / 2**20
        limit = f"{mib:.3g} MiB" if mib >= 1 else f"{self.max_bytes:,} bytes"
        return f"{before}full at {limit}: {self.dropped_bytes:,} later bytes are not recorded"
