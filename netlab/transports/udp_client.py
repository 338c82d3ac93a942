"""The client of the UDP server."""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import threading
import time
from typing import Self

from netlab.core.echo import TextLines
from netlab.core.errors import ConnectionEnded, LocalProtocolError, RemoteProtocolError
from netlab.core.messages import AnyReply, AnyRequest, Bye, Closing, Cookie, Hello, Welcome
from netlab.transports.addresses import format_address
from netlab.transports.client import Client
from netlab.transports.udp_sizes import (
    MAX_PAYLOAD_BYTES,
    MIN_HELLO_BYTES,
    RECV_BYTES,
    SOCKET_BUFFER_BYTES,
)

log = logging.getLogger("netlab.transports.udp_client")

FIRST_RETRY_S = 0.25
"""seconds until a `hello` that got no answer is sent again; each time twice as many"""


class UDPClient(Client):
    """Talks to a UDP server; a thread of its own reads all the time.

    The socket is connected, which in UDP sends nothing: the kernel notes the server's address. So
    it drops what others send to us, and when it hears that nobody has the server's port (ICMP port
    unreachable, RFC 1122, 4.1.3.3), the conversation ends with "connection refused".

    A datagram that is lost is lost, in either direction: `wait_for` then ends with a TimeoutError.

    Args and methods: see `Client`.
    """

    _first: AnyReply | None = None
    """what let us in"""
    _copies = 0
    """how often it may still come, because we said `hello` more than once"""

    def connect(self) -> Self:
        """Become a client of the chat service: return after its `welcome`, or its `closing`.

        The text service knows no such thing: this returns at once, having sent nothing, and it
        meets us when we first say something.

        Raises:
            ConnectionRefusedError: nobody has that port.
            TimeoutError: no answer came in time.
        """
        self._about_to_connect()
        host, port = self.address
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._sock = socket.socket(family, kind)
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
            self._sock.connect(address)
            if not isinstance(self._codec, TextLines):
                self._shake_hands(time.monotonic() + self._timeout_s)
        except BaseException:
            self._sock.close()
            raise
        self._sock.settimeout(self._timeout_s)
        self.local_address = self._sock.getsockname()[:2]
        self._waker, self._woken = socket.socketpair()
        self._reader = threading.Thread(target=self._read, name="netlab-udp-reader", daemon=True)
        self._reader.start()
        return self

    def close(self) -> None:
        """Say `bye` to the chat service, without waiting for its answer. Twice is once."""
        if self.local_address is None or self._sock.fileno() < 0:
            return
        with contextlib.suppress(LocalProtocolError, OSError):  # it is over, or knows no `bye`
            if not isinstance(self._codec, TextLines):
                self._send(Bye())
        self._inbox.end("this client closed the conversation")
        self._waker.close()
        self._reader.join()
        self._sock.close()

    def _transmit(self, frame: bytes) -> None:
        try:
            self._sock.send(frame)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                raise LocalProtocolError(
                    f"a message of {len(frame):,} bytes; a datagram carries at most "
                    f"{MAX_PAYLOAD_BYTES:,}: send several shorter ones"
                ) from None
            self._inbox.end(self._lost(error))
            raise

    # ------------------------------------------------------------ becoming a client

    def _shake_hands(self, deadline: float) -> None:
        """Say `hello`, return the cookie, wait for `welcome`; what is lost is sent again."""
        cookie: str | None = None
        retry_s = FIRST_RETRY_S
        self._copies = -1
        while True:
            self._copies += cookie is not None
            self._say_hello(Hello(cookie=cookie, pad="x" * MIN_HELLO_BYTES))
            answer = self._answer(min(deadline, time.monotonic() + retry_s), cookie)
            if isinstance(answer, Cookie):
                cookie, retry_s = answer.cookie, FIRST_RETRY_S
            elif answer is not None:
                return
            elif time.monotonic() >= deadline:
                raise TimeoutError(
                    f"no answer from {format_address(*self.address)} within {self._timeout_s:g} s: "
                    'no chat server is there (a text service needs service="echo"), or too many '
                    "datagrams were lost; try again with a larger timeout_s"
                )
            else:
                retry_s *= 2

    def _say_hello(self, hello: AnyRequest) -> None:
        try:
            self._sock.send(self._codec.encode_request(hello))
        except ConnectionRefusedError as error:
            raise self._refused() from error

    def _answer(self, until: float, cookie: str | None) -> AnyReply | None:
        """Return the next message that takes us further; None: none came in time."""
        while (left_s := until - time.monotonic()) > 0:
            self._sock.settimeout(left_s)
            try:
                message = self._decode(self._sock.recv(RECV_BYTES))
            except TimeoutError:
                return None
            except ConnectionRefusedError as error:
                raise self._refused() from error
            if isinstance(message, Cookie):
                if message.cookie != cookie:  # else the answer to a `hello` sent twice
                    return message
            elif isinstance(message, Welcome | Closing):
                self._first = message
                self._put(message)
                return message
            # Anything else is meant for somebody who had this port before us.
        return None

    def _refused(self) -> ConnectionRefusedError:
        return ConnectionRefusedError(
            errno.ECONNREFUSED, f"nobody has the UDP port {format_address(*self.address)}"
        )

    # ------------------------------------------------------------ reading

    def _read(self) -> None:
        with self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while self._inbox.ended is None:
                if any(key.fileobj is self._woken for key, _ in selector.select()):
                    return
                try:
                    message = self._decode(self._sock.recv(RECV_BYTES))
                except TimeoutError:
                    continue  # its checksum was wrong (select(2), BUGS)
                except OSError as error:
                    self._inbox.end(self._lost(error))
                    return
                if message is not None and not self._is_copy(message):
                    self._put(message)

    def _decode(self, datagram: bytes) -> AnyReply | None:
        try:
            return self._codec.decode_reply(datagram)
        except RemoteProtocolError as error:
            # Each datagram stands for itself: a bad one says nothing about the next.
            log.warning("a datagram of %d bytes is no message: %s", len(datagram), error)
            return None

    def _is_copy(self, message: AnyReply) -> bool:
        """Say whether it answers a `hello` of ours that was late, not lost: one is enough."""
        if self._copies <= 0 or message != self._first:
            return False
        self._copies -= 1
        return True

    def _put(self, message: AnyReply) -> None:
        with contextlib.suppress(ConnectionEnded):  # by answering a heartbeat; `_lost` said why
            self._inbox.put(message)
        if isinstance(message, Closing):
            self._inbox.end("")  # there is no FIN: this is all that we will hear

    def _lost(self, error: OSError) -> str:
        if isinstance(error, ConnectionRefusedError):
            return f"nobody has the UDP port {format_address(*self.address)} any more"
        return f"the socket failed: {error.strerror}"
