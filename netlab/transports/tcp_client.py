"""The client of every TCP server: a thread of its own reads all the time."""

from __future__ import annotations

import contextlib
import socket
import ssl as ssl_module
import threading
from typing import Self

from netlab.core.errors import RemoteProtocolError
from netlab.core.framing import encode_line
from netlab.core.stream import ReplyStream
from netlab.transports.addresses import Address
from netlab.transports.client import Client, OnEnd, OnMessage
from netlab.transports.services import ServiceName
from netlab.transports.tls import explain
from netlab.transports.tls_socket import Stream, TLSSocket

RECV_BYTES = 65_536


class TCPClient(Client):
    """Talks to a TCP server; a thread of its own reads all the time.

    Args:
        address, service, timeout_s, max_frame_bytes, on_message, on_end: see `Client`.
        ssl: what to trust; makes it TLS. The server's certificate must be for the host of
            `address`.
    """

    def __init__(
        self,
        address: Address,
        *,
        service: ServiceName = "chat",
        timeout_s: float = 5.0,
        max_frame_bytes: int = 1_048_576,
        on_message: OnMessage | None = None,
        on_end: OnEnd | None = None,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        super().__init__(
            address,
            service=service,
            timeout_s=timeout_s,
            max_frame_bytes=max_frame_bytes,
            on_message=on_message,
            on_end=on_end,
        )
        self._ssl = ssl

    def connect(self) -> Self:
        """Connect and start to listen.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: nobody answered in time.
            ssl.SSLError: the server does not speak TLS, or cannot show that it is the one.
        """
        self._about_to_connect()
        sock = socket.create_connection(self.address, self._timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock: Stream = sock if self._ssl is None else self._secured(sock, self._ssl)
        self.local_address = sock.getsockname()[:2]
        self._reader = threading.Thread(target=self._read, name="netlab-tcp-reader", daemon=True)
        self._reader.start()
        return self

    def close(self) -> None:
        """End the conversation: FIN goes out at once. Twice is once."""
        if self.local_address is None:
            return
        self._inbox.end("this client closed the connection")
        with contextlib.suppress(OSError):  # it was over before
            # close() alone sends no FIN while the reader is still blocked in recv.
            self._sock.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._sock.close()

    def _secured(self, sock: socket.socket, context: ssl_module.SSLContext) -> TLSSocket:
        try:
            tls = TLSSocket(sock, context, server_side=False, server_hostname=self.address[0])
            tls.shake_hands_now(self._timeout_s)
        except BaseException:
            sock.close()
            raise
        return tls

    def _transmit(self, frame: bytes) -> None:
        data = encode_line(frame)
        try:
            self._sock.sendall(data)
        except TimeoutError:
            # Part of it may be out, so nothing can follow.
            self._inbox.end("the server did not read what was sent to it")
            self._sock.shutdown(socket.SHUT_RDWR)
            raise

    def _read(self) -> None:
        """Put everything that comes into the inbox, until nothing more will come."""
        replies = ReplyStream(self._codec, self._max_frame_bytes)
        why_ended = ""
        while not why_ended:
            try:
                data = self._sock.recv(RECV_BYTES)
                for message in replies.feed(data):
                    self._inbox.put(message)
                why_ended = "" if data else "the server closed the connection"
            except TimeoutError:
                continue  # the socket's timeout is meant for sending; silence is no fault
            except RemoteProtocolError as error:
                why_ended = f"the server sent what is no message: {error}"
            except ssl_module.SSLError as error:  # such as an alert after the handshake (TLS 1.3)
                why_ended = f"the connection was lost: {explain(error)}"
            except OSError as error:
                why_ended = f"the connection was lost: {error.strerror}"
        self._inbox.end(why_ended)
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # we have nothing more to say, either
