"""One connection through a tap: two sockets, and what goes from each to the other.

Nothing here waits. Each socket tells (through the poller) when it can be read or written; what one
side could not take yet is kept, and until it is gone nothing more is read from the other. So the
sender feels through the tap that the receiver does not read.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

from netlab.lab.polling import Poller, Ready
from netlab.lab.recording import Direction, Recording

READ_BYTES = 256 * 1024
LINGER_ZERO = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN: socket(7), SO_LINGER


class Side:
    """One of the two sockets, and how far its two directions have come."""

    def __init__(self, pipe: Pipe, sock: socket.socket, sends: Direction) -> None:
        self.pipe = pipe
        self.sock = sock
        self.sends = sends  # the direction of what is read from this socket
        self.pending = b""  # to be written to this socket, as soon as it takes it
        self.connected = True
        self.eof = False  # FIN was received: there is nothing more to read
        self.finish = False  # FIN is to be sent when `pending` is gone
        self.finished = False  # FIN was sent
        self.hung_up = False  # FIN has come and was sent, but it may not be read yet
        self.other: Side

    def handle(self, ready: Ready) -> None:
        """Do what this socket is ready for."""
        self.pipe.handle(self, ready)


class Pipe:
    """A client's connection and the one to the server made for it.

    `before_record` is called when something was read and is about to be recorded.
    """

    def __init__(
        self,
        key: str,
        client: socket.socket,
        server: socket.socket,
        recording: Recording,
        poller: Poller,
        before_record: Callable[[], None],
    ) -> None:
        self.key = key
        self.closed = False
        self._recording = recording
        self._poller = poller
        self._before_record = before_record
        self._client = Side(self, client, Direction.TO_SERVER)
        self._server = Side(self, server, Direction.TO_CLIENT)
        self._client.other, self._server.other = self._server, self._client
        for side in (self._client, self._server):
            side.sock.setblocking(False)
            # Without this the tap would hold small chunks back until earlier ones are
            # acknowledged (Nagle, RFC 9293, 3.7.4), which the real connection may not do.
            side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        recording.append(key, Direction.TO_SERVER, "open")

    @property
    def busy(self) -> bool:
        """Whether something was read and is not forwarded yet."""
        return not self.closed and next(self.outstanding(), None) is not None

    def outstanding(self) -> Iterator[str]:
        """Say what was read and is not forwarded yet."""
        if not self._server.connected:
            yield f"{self.key}: the server has not accepted the connection"
        for side in (self._client, self._server):
            if side.pending:
                receiver = "server" if side is self._server else "client"
                yield f"{self.key}: {len(side.pending)} bytes that the {receiver} does not read"

    def connect(self, address: Any) -> None:
        """Begin to connect to the server; what the client sends meanwhile waits."""
        code = self._server.sock.connect_ex(address)
        self._server.connected = False
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._watch()  # the socket becomes writable when it is connected, connect(2)
        else:
            self._refuse(code)

    def handle(self, side: Side, ready: Ready) -> None:
        if self.closed:  # by the other side's event, earlier in this round
            return
        if not side.connected:
            code = side.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._refuse(code)
                return
            side.connected = True
            self._recording.note_port(side.sock.getsockname()[1], self.key)
        try:
            self._write(side)
        except OSError:
            self._reset(side)
            return
        if self._may_read(side):
            if ready.read or ready.broken:
                self._read(side)
        elif ready.broken:
            self._reset(side)
        elif ready.hung_up:
            side.hung_up = True
        if not self.closed:
            self._watch()

    def _may_read(self, side: Side) -> bool:
        return side.connected and not side.eof and not side.other.pending

    def _read(self, side: Side) -> None:
        """Read once, record, forward."""
        try:
            data = side.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._before_record()
            self._reset(side)
            return
        self._before_record()
        if data:
            self._recording.append(self.key, side.sends, "data", data)
            side.other.pending = data
        else:
            side.eof = side.other.finish = True
            self._recording.append(self.key, side.sends, "fin")
        try:
            self._write(side.other)
        except OSError:
            self._reset(side.other)

    def _write(self, side: Side) -> None:
        """Send what waits for this socket, as much as it takes; then FIN if that is due."""
        if not side.connected:
            return
        if side.pending:
            try:
                sent = side.sock.send(side.pending)
            except BlockingIOError:
                return
            side.pending = side.pending[sent:]
        if side.finish and not side.pending and not side.finished:
            side.finished = True
            side.sock.shutdown(socket.SHUT_WR)

    def _watch(self) -> None:
        """Tell the poller what each socket can be used for now; close the pipe when it is done."""
        sides = (self._client, self._server)
        if all(side.eof and side.finished for side in sides):
            self.close()
            return
        for side in sides:
            read = self._may_read(side)
            write = bool(side.pending) or not side.connected
            over = side.hung_up or (side.eof and side.finished)
            if over and not read and not write:  # epoll would report it, for ever
                self._poller.forget(side.sock)
            else:
                self._poller.watch(side.sock, side, read=read, write=write)

    def _refuse(self, code: int) -> None:
        """The server cannot be reached: the client, which believes it is connected, gets RST."""
        error = OSError(code, os.strerror(code))  # makes itself a ConnectionRefusedError, if so
        message = f"{type(error).__name__}: {error}"
        self._recording.append(self.key, Direction.TO_CLIENT, "error", message.encode())
        self._abort(self._client)

    def _reset(self, side: Side) -> None:
        """`side` was reset by its peer: so is the other."""
        self._recording.append(self.key, side.sends, "rst")
        self._abort(side.other)

    def _abort(self, side: Side) -> None:
        """Close both sockets, this one with RST."""
        side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.close()

    def close(self) -> None:
        """Close both sockets. A second call does nothing."""
        if self.closed:
            return
        self.closed = True
        for side in (self._client, self._server):
            self._poller.forget(side.sock)
            side.sock.close()
