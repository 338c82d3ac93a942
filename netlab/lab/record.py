"""`record`: note what passes through a socket that you hold.

    recorded = record(sock)
    recorded.sendall(b"hello\\n")
    ladder(recorded.recording)

For asyncio's streams see `netlab.lab.recorded_streams`. To record a server's conversation with all
its clients, from outside, see `netlab.lab.Tap`.
"""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Any, Literal, Self, cast

from netlab.lab.recording import Chunk, Direction, Ends, Kind, Recording

__all__ = ["Chunk", "Direction", "RecordedSocket", "Recording", "record"]

UNRECORDED = {
    "sendmsg": "send() or sendto()",
    "recvmsg": "recv() or recvfrom()",
    "recvmsg_into": "recv_into()",
    "recvfrom_into": "recvfrom()",
    "sendfile": "sendall() with what you read from the file",
}


class RecordedSocket:
    """A socket that notes what is sent and received; made by `record`.

    Everything else is the socket's own, so it can be passed where a socket is wanted. Recorded are
    send, sendall, recv, recv_into, sendto, recvfrom, shutdown and close, and what passes through
    files that makefile returns; what would pass unseen (`UNRECORDED`) raises NotImplementedError.
    """

    def __init__(
        self, sock: socket.socket, recording: Recording, connection: str, sends: Direction
    ) -> None:
        self._sock = sock
        self.recording = recording
        self._connection = connection
        self._sends = sends
        self._finished = self._ended = False  # what we send, what we receive
        self._datagrams = sock.type == socket.SOCK_DGRAM

    def send(self, data: bytes, flags: int = 0) -> int:
        with _Resets(self):
            sent = self._sock.send(data, flags)
        self._note(self._sends, "data", bytes(data[:sent]))
        return sent

    def sendall(self, data: bytes, flags: int = 0) -> None:
        # Noted first: another thread may receive the answer before sendall returns.
        self._note(self._sends, "data", bytes(data))
        with _Resets(self):
            self._sock.sendall(data, flags)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        with _Resets(self):
            data = self._sock.recv(bufsize, flags)
        if not flags & socket.MSG_PEEK:
            self._received(data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        with _Resets(self):
            count = self._sock.recv_into(buffer, nbytes, flags)
        if not flags & socket.MSG_PEEK:
            self._received(bytes(memoryview(buffer)[:count]))
        return count

    def sendto(self, data: bytes, *flags_and_address: Any) -> int:
        sent = self._sock.sendto(data, *flags_and_address)
        self._note(self._sends, "data", bytes(data[:sent]))
        return sent

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        data, address = self._sock.recvfrom(bufsize, flags)
        if not flags & socket.MSG_PEEK:
            self._received(data)
        return data, address

    def makefile(self, *args: Any, **options: Any) -> Any:
        """Return a file as `socket.makefile` does; what passes through it is recorded, too."""
        return socket.socket.makefile(cast(socket.socket, self), *args, **options)

    @property
    def _io_refs(self) -> int:  # files that are open: the socket counts them in makefile
        return cast(int, self._sock._io_refs)  # type: ignore[attr-defined]

    @_io_refs.setter
    def _io_refs(self, count: int) -> None:
        self._sock._io_refs = count  # type: ignore[attr-defined]

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)
        if how != socket.SHUT_RD:
            self._finish()

    def close(self) -> None:
        if self._sock.fileno() != -1:
            self._finish()
        self._sock.close()

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            self._note(self._sends, "fin")

    def _received(self, data: bytes) -> None:
        """Nothing means the end, which is noted once; but datagrams may be empty."""
        if data or self._datagrams:
            self._note(self._sends.opposite, "data", data)
        elif not self._ended:
            self._ended = True
            self._note(self._sends.opposite, "fin")

    def _note(self, direction: Direction, kind: Kind, data: bytes = b"") -> None:
        self.recording.append(self._connection, direction, kind, data)

    def __getattr__(self, name: str) -> Any:
        if name in UNRECORDED:
            raise NotImplementedError(f"{name}() is not recorded; use {UNRECORDED[name]}")
        return getattr(self._sock, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RecordedSocket {self._connection}>"


class _Resets:
    """Notes an RST when the block raises ConnectionResetError or BrokenPipeError."""

    def __init__(self, sock: RecordedSocket) -> None:
        self.sock = sock

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, ConnectionError):
            self.sock._finished = True
            self.sock._note(self.sock._sends.opposite, "rst")


def record(
    sock: socket.socket,
    recording: Recording | None = None,
    *,
    connection: str = "c1",
    side: Literal["client", "server"] = "client",
) -> RecordedSocket:
    """Wrap a connected socket so that it records what you send and receive.

    It may carry TCP, UNIX, UDP, or TLS (of an `ssl.SSLSocket` what is inside is recorded). Several
    sockets may share one `recording`, each under its own `connection` name. `side` says which end
    you hold. The result's ``.recording`` goes into `ladder`.
    """
    sends = Direction.TO_SERVER if side == "client" else Direction.TO_CLIENT
    recorded = RecordedSocket(
        sock, recording if recording is not None else Recording(), connection, sends
    )
    recorded.recording.note_ends(connection, _ends(sock, side))
    recorded._note(Direction.TO_SERVER, "open")
    return recorded


def _ends(sock: socket.socket, side: Literal["client", "server"]) -> Ends:
    """Ask the socket between whom it is, as far as it is connected."""
    here = there = None
    with contextlib.suppress(OSError):  # it is closed, or not connected
        here = sock.getsockname()
        there = sock.getpeername()
    transport: Literal["tcp", "udp"] = "udp" if sock.type == socket.SOCK_DGRAM else "tcp"
    return Ends.seen_from(here, there, side, transport, decrypted=hasattr(sock, "cipher"))
