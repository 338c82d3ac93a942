"""Between one service and all of a server's connections: every event passes here, one at a time.

"One order for all" rests on one sentence: the service is called *and* every outbox is appended to
under one lock. Nothing here blocks while it is held.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from netlab.core.errors import RemoteProtocolError
from netlab.core.messages import AnyRequest, Closing, Hello
from netlab.core.service import ClientId, Send, Service, ServiceStats
from netlab.transports.clock import Clock

log = logging.getLogger("netlab.transports")
T = TypeVar("T")


class Connection(Protocol):
    """What the switchboard needs of a connection. Called with the lock held: must not block."""

    id: ClientId

    def post(self, frame: bytes) -> None:
        """Send a frame, or keep it for later."""

    def finish(self, reason: str) -> None:
        """Send what is still kept, then end the connection; nothing more is posted to it."""

    @property
    def outbox_bytes(self) -> int:
        """Bytes that wait because the client does not read them."""


@dataclass(frozen=True, kw_only=True)
class ServerStats(ServiceStats):
    """A server in figures: those of its service, and its own."""

    seconds_up: float
    outbox_bytes: dict[str, int]
    """by client id: bytes that wait to be sent"""
    frames_out: int
    ended: dict[str, int]
    """connections that are over, by reason"""


class Switchboard:
    """Calls the service, one event at a time, and posts what it answers.

    Args:
        encode: makes the bytes of a frame from those of a message (adds the newline, say).
    """

    def __init__(self, service: Service, clock: Clock, encode: Callable[[bytes], bytes]) -> None:
        self.service = service
        self.clock = clock
        self.lock = threading.Lock()  # guards the service, all outboxes and the figures
        self._encode = encode
        self._connections: dict[ClientId, Connection] = {}
        self._frames_out = 0
        self._ended: dict[str, int] = {}
        self._started_at = clock.peek()
        self._calendar_is_broken = False
        self._planned = math.inf  # the epoch seconds for which a calendar has set its alarm
        self.wake: Callable[[], None] = lambda: None
        """called, with the lock held, when something falls due earlier than was planned"""

    def connect(self, connection: Connection, peer: str, hello: Hello | None = None) -> None:
        """Tell the service of a new client; its connection gets its id here.

        `hello` is what it said to be let in, where the transport lets nobody in without it.
        """
        with self.lock:
            connection.id = self.service.new_client()
            self._connections[connection.id] = connection
            self._post(self.service.connect(connection.id, self.clock(), peer, hello))
            self._look_ahead()

    def receive(self, client: ClientId, message: AnyRequest | RemoteProtocolError) -> None:
        """Tell the service what a client sent, were it a message or a mistake."""
        with self.lock:
            now = self.clock()
            try:
                if isinstance(message, RemoteProtocolError):
                    sends = self.service.reject(client, message, now)
                else:
                    sends = self.service.receive(client, message, now)
            except Exception:  # a fault of ours must cost one client its answer, not all the server
                log.exception("the service failed on a message of %s", client)
                sends = self.service.close(client, "internal_error", "a mistake of ours", now)
            self._post(sends)
            self._look_ahead()

    def act(self, what: Callable[[float], Sequence[Send]]) -> None:
        """Let the service do something that no client has asked for; `what` is told the time.

        Raises: what it raises.
        """
        with self.lock:
            self._post(what(self.clock()))
            self._look_ahead()

    def ask(self, what: Callable[[float], T]) -> T:
        """Return what the service says at this moment; `what` is told the time."""
        with self.lock:
            return what(self.clock.peek())

    def disconnect(self, client: ClientId, reason: str) -> None:
        """Tell the service, once, that a client is gone."""
        with self.lock:
            if self._connections.pop(client, None) is None:
                return
            self._ended[reason] = self._ended.get(reason, 0) + 1
            try:
                self._post(self.service.disconnect(client, self.clock()))
            except Exception:  # its connection has to be closed all the same
                log.exception("the service failed on the end of %s", client)
            self._look_ahead()
        # Without the lock: whoever writes the log may be slow, or block for ever.
        log.info("client %s is gone: %s", client, reason)

    def tick(self) -> None:
        """Let the service do what time alone makes due."""
        with self.lock:
            try:
                self._post(self.service.tick(self.clock()))
            except Exception:  # asking again at once would fail again: better no calendar at all
                log.exception("the service failed on its calendar; nothing falls due from now on")
                self._calendar_is_broken = True

    def seconds_to_tick(self) -> float | None:
        """Return how long to wait until `tick`; None: until something happens."""
        with self.lock:
            due = None if self._calendar_is_broken else self.service.next_tick()
            self._planned = math.inf if due is None else due
            return None if due is None else self.clock.seconds_until(due)

    def close_all(self, code: str, reason: str) -> None:
        """Tell every client that the server ends the connection."""
        with self.lock:
            self._post(self.service.close_all(code, reason, self.clock()))

    def stats(self) -> ServerStats:
        """Return the server in figures."""
        with self.lock:
            now = self.clock.peek()
            return ServerStats(
                **vars(self.service.stats(now)),
                seconds_up=now - self._started_at,
                outbox_bytes={str(c.id): c.outbox_bytes for c in self._connections.values()},
                frames_out=self._frames_out,
                ended=dict(self._ended),
            )

    def _look_ahead(self) -> None:
        due = self.service.next_tick()
        if due is not None and due < self._planned:
            self._planned = due
            self.wake()

    def _post(self, sends: Sequence[Send]) -> None:
        for send in sends:
            if not send.to:
                continue
            frame = self._encode(self.service.codec.encode_reply(send.message))
            for client in send.to:
                if connection := self._connections.get(client):
                    self._frames_out += 1
                    connection.post(frame)
                    if isinstance(send.message, Closing):
                        connection.finish(send.message.code)
