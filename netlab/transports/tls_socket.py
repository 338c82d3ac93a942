"""`TLSSocket`: TLS over a connected socket, for a thread that reads and another that writes.

Python's `ssl.SSLSocket` reads while it writes and writes while it reads, and two threads in it
would need a lock that is held while one of them waits for its peer. So here OpenSSL sees no socket
(`ssl.SSLObject`, `ssl.MemoryBIO`): it makes records of bytes and bytes of records, which takes no
time, under a lock; and whoever waits for the socket waits without it.

It has those methods of a socket that the transports use. One thread may receive and one may send.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import threading
from typing import Any

RECORD_BYTES = 16_384
"""longest piece that becomes one record (RFC 8446, 5.1)"""
MAX_REPLY_BYTES = 65_536
"""records that OpenSSL may have to send of its own accord, as answers to KeyUpdate, while nobody
sends; a peer that asks for more wants our memory"""
_DONT_WAIT: int = getattr(socket, "MSG_DONTWAIT", 0)  # Windows has none


class TLSSocket:
    """A connected socket, and TLS over it.

    Args:
        sock: the connected socket; it is this object's from now on.
        context: `ssl.SSLContext` of a server or a client.
        server_side: which of the two.
        server_hostname: whom a client means to talk to; its certificate must be for that name.
    """

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
    ) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side, server_hostname
        )
        self._lock = threading.Lock()  # guards the object and its two buffers
        self._flushing = threading.Lock()  # held by whoever hands records to the kernel
        self._records = bytearray()  # ciphertext that the kernel has not taken yet
        self._ahead = b""  # looked at (MSG_PEEK), and not received yet
        self._taken = 0  # bytes of plaintext that are in `_records`, and not told to the caller
        self.ended = False
        """the peer has said that nothing more will come (close_notify)"""

    # ------------------------------------------------------------ the handshake

    def shake_hands(self) -> int:
        """Go on with the handshake of a non-blocking socket; return the events to wait for.

        0: it is done. Raises: ssl.SSLError or OSError: it has failed.
        """
        while True:
            try:
                with self._lock:
                    self._object.do_handshake()
            except ssl.SSLWantReadError:
                if not self._flush(0):
                    return selectors.EVENT_WRITE
                try:
                    self._take_in(self._sock.recv(RECORD_BYTES))
                except BlockingIOError:
                    return selectors.EVENT_READ
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush(0)  # the alert that says why
                raise
            else:
                return 0 if self._flush(0) else selectors.EVENT_WRITE

    def shake_hands_now(self, timeout_s: float) -> None:
        """Do the whole handshake, waiting at most `timeout_s` seconds for each step.

        Raises: ssl.SSLError: it has failed. TimeoutError: the peer did not answer.
        """
        self._sock.setblocking(False)
        with selectors.DefaultSelector() as selector:
            while events := self.shake_hands():
                key = selector.register(self._sock, events)
                ready = selector.select(timeout_s)
                selector.unregister(key.fileobj)
                if not ready:
                    raise TimeoutError("the TLS handshake was not answered in time")
        self._sock.settimeout(timeout_s)

    # ------------------------------------------------------------ as of a socket

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive: all that one `recv` of up to `size` bytes makes readable; b"" is the end.

        With MSG_PEEK all that is returned will be received again.

        Raises:
            ConnectionResetError: the stream has ended without close_notify, so perhaps too early.
            OSError: as of a socket; what is no TLS is one.
        """
        if not self._ahead:
            flags_below = flags & ~socket.MSG_PEEK
            while not (data := self._read()) and not self.ended:
                self._take_in(self._sock.recv(size, flags_below))
            self._ahead = data
        data = self._ahead
        if not flags & socket.MSG_PEEK:
            self._ahead = b""
        return data

    def send(self, data: bytes | bytearray | memoryview, flags: int = 0) -> int:
        """Send a part of it; return how many bytes are out.

        Raises:
            BlockingIOError: not all of the part is out. Call it again, with data that begins with
                the same bytes: they are a record already, and cannot be taken back.
        """
        if not self._records:
            with self._lock:
                self._taken = self._object.write(bytes(data[:RECORD_BYTES]))
        if not self._flush(flags):
            raise BlockingIOError(errno.EAGAIN, "no room for more")
        return self._taken

    def sendall(self, data: bytes) -> None:
        """Send all of it; raises as a socket does."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.send(rest) :]

    def shutdown(self, how: int) -> None:
        """Say close_notify (unless only reading ends), then shut the socket down."""
        if how != socket.SHUT_RD:
            with contextlib.suppress(OSError, ValueError), self._lock:
                self._object.unwrap()
            # Where another thread is at it, and perhaps blocked, the close_notify is lost.
            if self._flushing.acquire(blocking=False):
                try:
                    with contextlib.suppress(OSError):
                        self._hand_over(_DONT_WAIT)
                finally:
                    self._flushing.release()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def __getattr__(self, name: str) -> Any:
        """`setsockopt`, `setblocking`, `getsockname`, …: the socket's own."""
        return getattr(self._sock, name)

    # ------------------------------------------------------------ inside

    def _read(self) -> bytes:
        """Return what can be read of the records that are here."""
        pieces = []
        with self._lock, contextlib.suppress(ssl.SSLWantReadError):
            try:
                while piece := self._object.read(RECORD_BYTES):
                    pieces.append(piece)
                self.ended = True
            except ssl.SSLZeroReturnError:
                self.ended = True
            except ssl.SSLError:
                if not pieces:
                    raise
                # What came before the fault is delivered; the fault will be raised again.
        return b"".join(pieces)

    def _take_in(self, records: bytes) -> None:
        if not records:
            # All that came before has been read, so the end of the stream came without a word.
            # (OpenSSL is not asked: some builds of Python tell it to take that for an end.)
            raise ConnectionResetError(
                errno.ECONNRESET, "the stream ended without close_notify: it may be cut"
            )
        with self._lock:
            if self._outgoing.pending > MAX_REPLY_BYTES:
                raise ConnectionResetError(errno.ECONNRESET, "the peer updates its keys for ever")
            self._incoming.write(records)

    def _flush(self, flags: int) -> bool:
        """Hand records to the kernel; say whether it took all."""
        with self._flushing:
            return self._hand_over(flags)

    def _hand_over(self, flags: int) -> bool:
        with self._lock:
            self._records += self._outgoing.read()
        while self._records:
            try:
                sent = self._sock.send(self._records, flags)
            except BlockingIOError:
                return False
            del self._records[:sent]
        return True


Stream = socket.socket | TLSSocket
"""what a connection may be made of"""
