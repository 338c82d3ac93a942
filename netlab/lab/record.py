"""`record`: note what passes through a socket that you hold.

    recorded = record(sock)
    recorded.sendall(b"hello\\n")
    ladder(recorded.recording)

To record a server's conversation with all its clients, from outside, see `netlab.lab.Tap`.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Any, Literal, Self

from netlab.lab.recording import Chunk, Direction, Kind, Recording

__all__ = ["Chunk", "Direction", "RecordedSocket", "Recording", "record"]


class RecordedSocket:
    """A socket that notes what is sent and received; made by `record`.

    Everything else is the socket's own, so it can be passed where a socket is wanted. Recorded are
    send, sendall, recv, recv_into, shutdown and close.
    """

    def __init__(
        self, sock: socket.socket, recording: Recording, connection: str, sends: Direction
    ) -> None:
        self._sock = sock
        self.recording = recording
        self._connection = connection
        self._sends = sends
        self._finished = False

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
            self._note(self._sends.opposite, "data" if data else "fin", data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        with _Resets(self):
            count = self._sock.recv_into(buffer, nbytes, flags)
        if not flags & socket.MSG_PEEK:
            data = bytes(memoryview(buffer)[:count])
            self._note(self._sends.opposite, "data" if data else "fin", data)
        return count

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

    def _note(self, direction: Direction, kind: Kind, data: bytes = b"") -> None:
        self.recording.append(self._connection, direction, kind, data)

    def __getattr__(self, name: str) -> Any:
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

    Several sockets may share one `recording`, each under its own `connection` name. `side` says
    which end you hold. The result's ``.recording`` goes into `ladder`.
    """
    sends = Direction.TO_SERVER if side == "client" else Direction.TO_CLIENT
    recorded = RecordedSocket(
        sock, recording if recording is not None else Recording(), connection, sends
    )
    recorded._note(Direction.TO_SERVER, "open")
    return recorded
