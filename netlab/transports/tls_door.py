"""`TLSDoor`: where clients shake hands before a server lets them in.

A handshake takes as long as the client likes. So nobody who accepts does it: one thread does all
of them, by readiness, and hands over who is done. Who says nothing, or speaks no TLS, keeps nobody
waiting and is sent off.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from netlab.transports.tls import HANDSHAKE_S, explain
from netlab.transports.tls_socket import TLSSocket

log = logging.getLogger("netlab.transports.tls_door")

MAX_AT_DOOR = 512
"""clients in their handshake; when there are more, the one that came first is sent off"""

Admit = Callable[[TLSSocket, str], None]


class _Guest(NamedTuple):
    sock: TLSSocket
    peer: str
    until: float
    """when its patience ends, in seconds of `time.monotonic`"""


class TLSDoor:
    """Shakes hands with clients.

    Args:
        context: of the server.
        admit: called with each client whose handshake is done, in the door's thread; the socket is
            non-blocking.
    """

    def __init__(self, context: ssl.SSLContext, admit: Admit) -> None:
        self._context = context
        self._admit = admit
        self._lock = threading.Lock()  # guards _coming
        self._coming: list[tuple[socket.socket, str]] = []
        self._guests: dict[int, _Guest] = {}  # by descriptor, in order of coming
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._open = True
        # A daemon: a server that somebody forgot does not keep the interpreter from ending.
        self._thread = threading.Thread(target=self._run, name="netlab-tls-door", daemon=True)
        self._thread.start()

    def enter(self, sock: socket.socket, peer: str) -> None:
        """Begin the handshake of a client that was accepted; the socket is the door's now."""
        with self._lock:
            self._coming.append((sock, peer))
        self._wake()

    def close(self) -> None:
        """Send off who is still here, and end the thread. Twice is once."""
        if not self._open:
            return
        self._open = False
        self._wake()
        self._thread.join()
        self._waker.close()
        self._woken.close()
        for sock, _ in self._coming:
            sock.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is about to look up
            self._waker.send(b"\0")

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            while self._open:
                for key, _ in selector.select(self._patience_s()):
                    if key.fileobj is self._woken:
                        self._woken.recv(4096)
                    else:
                        self._go_on(selector, key.data)
                self._let_in(selector)
                now = time.monotonic()
                for guest in [one for one in self._guests.values() if one.until <= now]:
                    self._send_off(selector, guest, f"not done within {HANDSHAKE_S:g} s")
            for guest in tuple(self._guests.values()):
                self._send_off(selector, guest, "the server is stopping")

    def _patience_s(self) -> float | None:
        first = next(iter(self._guests.values()), None)
        return None if first is None else max(0.0, first.until - time.monotonic())

    def _let_in(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            coming, self._coming = self._coming, []
        for sock, peer in coming:
            if len(self._guests) >= MAX_AT_DOOR:
                first = next(iter(self._guests.values()))
                self._send_off(selector, first, f"{MAX_AT_DOOR} others came after it")
            sock.setblocking(False)
            try:
                tls = TLSSocket(sock, self._context, server_side=True)
            except Exception:  # such as no memory; the next client may have more luck
                log.exception("cannot begin a handshake with %s", peer)
                sock.close()
                continue
            guest = _Guest(tls, peer, time.monotonic() + HANDSHAKE_S)
            self._guests[sock.fileno()] = guest
            self._go_on(selector, guest)

    def _go_on(self, selector: selectors.BaseSelector, guest: _Guest) -> None:
        try:
            events = guest.sock.shake_hands()
        except ssl.SSLError as error:
            return self._send_off(selector, guest, explain(error))
        except OSError as error:
            return self._send_off(selector, guest, error.strerror or str(error))
        number = guest.sock.fileno()
        if number in selector.get_map():
            selector.unregister(number)
        if events:
            selector.register(number, events, guest)
            return None
        del self._guests[number]
        try:
            self._admit(guest.sock, guest.peer)
        except Exception:  # whatever it is, the next client may have more luck
            log.exception("cannot admit a client")
            guest.sock.close()
        return None

    def _send_off(self, selector: selectors.BaseSelector, guest: _Guest, why: str) -> None:
        log.info("no TLS with %s: %s", guest.peer, why)
        number = guest.sock.fileno()
        if number in selector.get_map():
            selector.unregister(number)
        self._guests.pop(number, None)
        guest.sock.close()
