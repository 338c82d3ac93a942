"""A socket's TLS for a proxy that must not wait: what comes in is decrypted, what goes out is not.

`TLSKeys` are the learner's own: a context with a certificate for the side of the client, to whom
the proxy is the server, and one that trusts the server for the other side.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from dataclasses import dataclass

RAW_BYTES = 65_536


@dataclass(frozen=True)
class TLSKeys:
    """What a tap needs to read TLS: it is the server to the client, and the client to the server.

    Args:
        server_context: with a certificate that the client trusts.
        client_context: one that trusts the server.
        server_hostname: the name that the server's certificate is to have (SNI, RFC 6066, 3);
            None: the address.
    """

    server_context: ssl.SSLContext
    client_context: ssl.SSLContext
    server_hostname: str | None = None


class TLSStream:
    """`recv`, `send` and `shutdown` as a non-blocking socket has them, with TLS beneath.

    Each raises BlockingIOError when it cannot go on yet, and OSError (ssl.SSLError is one) when it
    never can.
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
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self._unsent = b""  # ciphertext
        self.ready = False
        """whether the handshake is done"""
        self.ended = False
        """whether the peer has said that nothing more comes, though more was returned with it"""

    @property
    def wants_write(self) -> bool:
        """Whether ciphertext waits for room."""
        return bool(self._unsent)

    def begin(self) -> None:
        """Say the first word of the handshake, if it is ours."""
        with contextlib.suppress(BlockingIOError):
            self._shake_hands()

    def recv(self, _size: int) -> bytes:
        """Return what can be decrypted of what has come; b"" at the end."""
        if self.ended:
            return b""
        raw = self._sock.recv(RAW_BYTES)
        if raw:
            self._incoming.write(raw)
        else:
            self._incoming.write_eof()
        if not self.ready:
            self._shake_hands()
        data = self._decrypt()
        if data or self.ended:
            return data
        raise BlockingIOError

    def send(self, data: bytes) -> int:
        """Encrypt some of it and send that; return how much was taken."""
        self._flush()
        if not self.ready or self._unsent:
            raise BlockingIOError
        if not data:
            return 0
        taken = self._tls.write(data[:RAW_BYTES])
        self._flush()
        return taken

    def shutdown(self) -> None:
        """Say close_notify (RFC 8446, 6.1), then FIN."""
        self._flush()
        if not self.ready or self._unsent:
            raise BlockingIOError
        # SSLWantReadError: ours is out, the peer's has not come; that is all we want here.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        self._sock.shutdown(socket.SHUT_WR)

    def _decrypt(self) -> bytes:
        pieces = []
        try:
            while piece := self._tls.read(RAW_BYTES):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # Many programs close without close_notify, Python's SSLSocket.close() among them.
            self.ended = True
        self._flush()
        return b"".join(pieces)

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            self._flush()
            raise BlockingIOError from None
        except ssl.SSLError:
            self._flush()  # the alert that says why
            raise
        self._flush()

    def _flush(self) -> None:
        self._unsent += self._outgoing.read()
        if self._unsent:
            with contextlib.suppress(BlockingIOError):
                sent = self._sock.send(self._unsent)
                self._unsent = self._unsent[sent:]
