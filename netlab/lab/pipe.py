"""One connection through a tap: two sockets, and what goes from each to the other.

Nothing here waits. Each socket tells (through the poller) when it can be read or written; what one
side could not take yet is kept, and until it is gone nothing more is read from the other. So the
sender feels through the tap that the receiver does not read.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from typing import Any

from netlab.lab.addresses import UNIX
from netlab.lab.polling import Poller, Ready
from netlab.lab.recording import Direction, Recording
from netlab.lab.tls_stream import TLSKeys, TLSStream

READ_BYTES = 256 * 1024
LINGER_ZERO = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN: socket(7), SO_LINGER


class Side:
    """One of the two sockets, and how far its two directions have come."""

    def __init__(self, pipe: Pipe, sock: socket.socket, sends: Direction) -> None:
        self.pipe = pipe
        self.sock = sock
        self.stream: socket.socket | TLSStream = sock  # what is read and written
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

    @property
    def ready(self) -> bool:
        """Whether data can pass: it is connected, and a TLS handshake is over."""
        return self.connected and (not isinstance(self.stream, TLSStream) or self.stream.ready)

    @property
    def wants_write(self) -> bool:
        """Whether there is something to do when this socket has room."""
        if isinstance(self.stream, TLSStream) and self.stream.wants_write:
            return True
        if not self.connected:
            return True
        return self.ready and (bool(self.pending) or (self.finish and not self.finished))

    def shut_down(self) -> None:
        """Say that nothing more comes. Raises: BlockingIOError: not yet."""
        if isinstance(self.stream, TLSStream):
            self.stream.shutdown()
        else:
            self.stream.shutdown(socket.SHUT_WR)


class Pipe:
    """A client's connection and the one to the server made for it.

    `before_record` is called when something was read and is about to be recorded. With `keys` both
    connections are TLS, and what is recorded is what is inside.
    """

    def __init__(
        self,
        key: str,
        client: socket.socket,
        server: socket.socket,
        recording: Recording,
        poller: Poller,
        before_record: Callable[[], None],
        keys: TLSKeys | None = None,
    ) -> None:
        self.key = key
        self.closed = False
        self._recording = recording
        self._poller = poller
        self._before_record = before_record
        self._keys = keys
        self._client = Side(self, client, Direction.TO_SERVER)
        self._server = Side(self, server, Direction.TO_CLIENT)
        self._client.other, self._server.other = self._server, self._client
        for side in (self._client, self._server):
            side.sock.setblocking(False)
            # Without this the tap would hold small chunks back until earlier ones are
            # acknowledged (Nagle, RFC 9293, 3.7.4), which the real connection may not do.
            if side.sock.family != UNIX:
                side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if keys is not None:
            self._client.stream = TLSStream(client, keys.server_context, server_side=True)
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
        if self._keys is not None:
            name = self._keys.server_hostname or str(address[0])
            self._server.stream = TLSStream(
                self._server.sock,
                self._keys.client_context,
                server_side=False,
                server_hostname=name,
            )
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
            if side.sock.family != UNIX:
                self._recording.note_port(side.sock.getsockname()[1], self.key)
            if isinstance(side.stream, TLSStream):
                side.stream.begin()
        try:
            self._write(side)
        except OSError as error:
            self._failed(side, error)
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
        waits = side.ready and side.other.pending  # a handshake goes on all the same
        return side.connected and not side.eof and not waits

    def _read(self, side: Side) -> None:
        """Read once, record, forward."""
        try:
            data = side.stream.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._before_record()
            self._failed(side, error)
            return
        self._before_record()
        if data:
            self._recording.append(self.key, side.sends, "data", data)
            side.other.pending = data
        if not data or (isinstance(side.stream, TLSStream) and side.stream.ended):
            side.eof = side.other.finish = True
            self._recording.append(self.key, side.sends, "fin")
        try:
            self._write(side.other)
        except OSError as error:
            self._failed(side.other, error)

    def _write(self, side: Side) -> None:
        """Send what waits for this socket, as much as it takes; then FIN if that is due."""
        if not side.connected:
            return
        try:
            if side.pending or (isinstance(side.stream, TLSStream) and side.stream.wants_write):
                sent = side.stream.send(side.pending)
                side.pending = side.pending[sent:]
            if side.finish and not side.pending and not side.finished:
                side.shut_down()
                side.finished = True
        except BlockingIOError:
            return

    def _watch(self) -> None:
        """Tell the poller what each socket can be used for now; close the pipe when it is done."""
        sides = (self._client, self._server)
        if all(side.eof and side.finished for side in sides):
            self.close()
            return
        for side in sides:
            read = self._may_read(side)
            write = side.wants_write
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

    def _failed(self, side: Side, error: OSError) -> None:
        """`side` cannot go on: it was reset, or its TLS broke, which is told."""
        if isinstance(error, ssl.SSLError):
            # The place in Python's source, which stands behind it, says nothing to a learner.
            message = re.sub(r" \(_ssl\.c:\d+\)$", "", f"{type(error).__name__}: {error.args[-1]}")
            self._recording.append(self.key, side.sends, "error", message.encode())
            self._abort(side.other)
        else:
            self._reset(side)

    def _reset(self, side: Side) -> None:
        """`side` was reset by its peer: so is the other."""
        self._recording.append(self.key, side.sends, "rst")
        self._abort(side.other)

    def _abort(self, side: Side) -> None:
        """Close both sockets, this one with RST."""
        if side.sock.family != UNIX:
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
