"""UDP: a datagram is a frame, and there are no connections.

Who is a client? With the chat service an address that sent back its cookie; with the text service
any address that something came from. It stays one until it says `bye` or is not heard of for 60 s.

What UDP does not promise, nothing here adds: a datagram lost is lost, on the way or in a full
receive buffer, without a word to anybody. Only the first exchange of a client is repeated.
"""

from __future__ import annotations

import errno
import logging
import secrets
import socket
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from netlab.core.chat import ChatService
from netlab.core.echo import TextLines
from netlab.core.errors import FrameTooLong, RemoteProtocolError
from netlab.core.limits import DATAGRAMS
from netlab.core.messages import REPLY_TYPES, AnyRequest, Cookie, Hello
from netlab.core.service import ClientId, Limits, Service
from netlab.transports.addresses import is_loopback, open_datagram_socket
from netlab.transports.clock import Clock
from netlab.transports.cookies import Cookies
from netlab.transports.one_thread import OneThreadServer
from netlab.transports.services import make_service
from netlab.transports.switchboard import ServerStats
from netlab.transports.udp_client import UDPClient as UDPClient
from netlab.transports.udp_sizes import (
    ECHO_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_REPLY_BYTES,
    MIN_HELLO_BYTES,
    RECV_BYTES,
    SOCKET_BUFFER_BYTES,
)

log = logging.getLogger("netlab.transports.udp")

TURN_DATAGRAMS = 64
"""datagrams taken in before the calendar has its turn"""
TEXT_IDLE_S = 60
"""seconds without a datagram after which an address is no client of the text service any more"""
_ANSWERS = (b"Echo: ", b"Broadcast from (")
"""what a text service says: whoever answered it would never hear the end of it"""


class _Tagged(msgspec.Struct):
    type: str


def _is_reply(datagram: bytes) -> bool:
    try:
        return msgspec.json.decode(datagram, type=_Tagged).type in REPLY_TYPES
    except (msgspec.DecodeError, RecursionError):  # it has no `type`, or one that is no string
        return False


@dataclass(frozen=True)
class UDPStats(ServerStats):
    """A UDP server in figures."""

    ignored: dict[str, int] = field(default_factory=dict)
    """datagrams that got no answer, by reason"""
    not_sent: dict[str, int] = field(default_factory=dict)
    """datagrams that did not go out, by reason: the name of the kernel's error, or `unproven`"""


class _Peer:
    """A client: the address where its datagrams come from. There is nothing to close."""

    id: ClientId
    outbox_bytes = 0  # the kernel takes a whole datagram at once, or drops it

    def __init__(self, address: Any, server: UDPServer) -> None:
        self.address = address
        self.ended: str | None = None
        self.spoke = False
        """something came from it since its `hello`"""
        self.starts_again = False
        """a `hello` without a cookie came: perhaps another program has the port now"""
        self.first_frame: bytes | None = None
        self._server = server

    def post(self, frame: bytes) -> None:
        if self.first_frame is None:
            self.first_frame = frame
        self._server.send(self, frame)

    def finish(self, reason: str) -> None:
        self.ended = reason
        self._server.forget(self)


class UDPServer(OneThreadServer):
    """Carries a service over UDP, in one thread.

    The chat service lets in who returns a cookie; to other addresses it sends nothing but that
    cookie, and never more bytes than came from there. The text service has no cookie: it serves
    whoever speaks. Bound beyond loopback it therefore sends an address only the answer to its own
    datagram, longer by no more than `Echo: `; no broadcasts, no `closing`.

    Use it as a context manager, or call `start` and `stop`.

    Args: as `TCPServer`. Of `limits`, `outbox_bytes` means nothing here, and a client of the text
        service is gone after 60 s of silence even where `idle_seconds` is more.
    """

    _thread_name = "netlab-udp"

    def __init__(
        self,
        service: Service | type[Service] = ChatService,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        secret: bytes | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(make_service(service, limits, secret), host, port, clock, bytes)
        self._is_text = isinstance(self.service.codec, TextLines)
        limits = self.service.limits
        if self._is_text and limits.idle_seconds > TEXT_IDLE_S:
            self.service.limits = replace(limits, idle_seconds=TEXT_IDLE_S)
        self.service.carried_by(DATAGRAMS, max_reply_bytes=MAX_REPLY_BYTES)
        # The echo of a text must fit into a datagram, too.
        longest = MAX_PAYLOAD_BYTES - (ECHO_BYTES if self._is_text else 0)
        self._max_frame_bytes = min(limits.max_frame_bytes or longest, longest)
        self._cookies = Cookies(secret or secrets.token_bytes(32))
        self._peers: dict[Any, _Peer] = {}
        self._gone: list[_Peer] = []
        self._asking: tuple[_Peer | None, int] = (None, 0)
        """whose datagram is being answered, and its size"""
        self._ignored: Counter[str] = Counter()
        self._not_sent: Counter[str] = Counter()

    def _open(self, host: str, port: int) -> socket.socket:
        sock = open_datagram_socket(host, port)
        self._sends_unasked = not self._is_text or is_loopback(sock.getsockname()[0])
        # The kernel grants less where it must (socket(7), rmem_max).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        return sock

    def stats(self) -> UDPStats:
        """Return the server in figures."""
        stats = self.switchboard.stats()
        return UDPStats(**vars(stats), ignored=dict(self._ignored), not_sent=dict(self._not_sent))

    # ------------------------------------------------------------ what peers call (locked)

    def send(self, peer: _Peer, frame: bytes) -> None:
        """Send a frame to a client, if it may have it."""
        asking, size = self._asking
        if self._sends_unasked or (peer is asking and len(frame) <= size + ECHO_BYTES):
            self._send(frame, peer.address)
        else:
            self._not_sent["unproven"] += 1

    def forget(self, peer: _Peer) -> None:
        """Tell the service soon that a client is gone (not now: it is being asked)."""
        self._gone.append(peer)
        self._wake()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._stopping:
            self._bury()
            wait_s = self._calendar.do_what_is_due()
            if self._gone:
                continue
            for key, _ in self._selector.select(wait_s):
                if key.fileobj is self._woken:
                    self._woken.recv(4096)
            self._take_turn()
        self.switchboard.close_all("server_stopping", "the server is stopping")
        self._bury()

    def _bury(self) -> None:
        while self._gone:
            peer = self._gone.pop()
            if self._peers.get(peer.address) is peer:
                del self._peers[peer.address]
            self.switchboard.disconnect(peer.id, peer.ended or "left")

    def _take_turn(self) -> None:
        for _ in range(TURN_DATAGRAMS):
            try:
                datagram, address = self._sock.recvfrom(RECV_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                # Windows says here that an earlier answer met a closed port: no reason to stop.
                log.debug("recvfrom: %s", error)
                continue
            try:
                self._take(datagram, address)
            except Exception:
                log.exception("a mistake of ours cost a datagram its answer")
            self._bury()

    # ------------------------------------------------------------ one datagram

    def _take(self, datagram: bytes, address: Any) -> None:
        if datagram.startswith(_ANSWERS):
            self._ignored["answer"] += 1
            return
        message = self._decode(datagram)
        if message is None:
            self._ignored["answer"] += 1
            return
        peer = self._peers.get(address)
        if not self._is_text:
            if isinstance(message, Hello) and (message.cookie or len(datagram) >= MIN_HELLO_BYTES):
                self._shake_hands(message, len(datagram), address, peer)
                return
            if peer is None:
                self._ignored["unproven"] += 1
                return
        peer = peer or _Peer(address, self)
        self._asking = peer, len(datagram)
        try:
            if address not in self._peers:
                self._admit(peer)
            peer.spoke, peer.first_frame = True, b""
            if peer.ended is None:
                self.switchboard.receive(peer.id, message)
        finally:
            self._asking = None, 0

    def _decode(self, datagram: bytes) -> AnyRequest | RemoteProtocolError | None:
        """Return the message, or what is wrong with it; None for what only servers say."""
        if len(datagram) > self._max_frame_bytes:
            return FrameTooLong(self._max_frame_bytes)
        try:
            return self.service.codec.decode_request(datagram)
        except RemoteProtocolError as error:
            return None if error.code == "unknown_type" and _is_reply(datagram) else error

    def _shake_hands(self, hello: Hello, size: int, address: Any, peer: _Peer | None) -> None:
        """Answer a `hello` with a cookie, or the cookie with `welcome`."""
        now = self.switchboard.clock.peek()
        if hello.cookie is None or not self._cookies.check(hello.cookie, address, now):
            answer = Cookie(self._cookies.make(address, now), ref=hello.ref)
            frame = self.service.codec.encode_reply(answer)
            if size < MIN_HELLO_BYTES or len(frame) > size:
                self._ignored["unproven"] += 1
                return
            if peer is not None:
                peer.starts_again = True
            self._send(frame, address)
        elif peer is None:
            self._admit(_Peer(address, self), hello)
        elif not peer.spoke:
            self._send(peer.first_frame or b"", address)  # the `welcome` was lost, perhaps
        elif peer.starts_again:
            self.switchboard.disconnect(peer.id, "replaced")
            self._admit(_Peer(address, self), hello)
        else:
            self._ignored["duplicate"] += 1  # late: what it asked for has been done

    def _admit(self, peer: _Peer, hello: Hello | None = None) -> None:
        self._peers[peer.address] = peer
        self.switchboard.connect(peer, str(peer.address[:2]), hello)

    def _send(self, frame: bytes, address: Any) -> None:
        try:
            self._sock.sendto(frame, address)
        except OSError as error:
            # This one is lost, as datagrams may be; it says nothing about the next.
            self._not_sent[errno.errorcode.get(error.errno or 0, "OSError")] += 1
