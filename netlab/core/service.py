"""What every service is to a transport: told what happened, it answers who must hear what.

A transport carries any `Service`. The service holds no socket and no clock: `now` (epoch seconds)
comes in with each call, so the same calls give the same answers, on this machine or on another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NewType

import msgspec

from netlab.core.errors import InvalidMessage, Refused, RemoteProtocolError
from netlab.core.messages import AnyReply, AnyRequest, Closing, Codec, Error

ClientId = NewType("ClientId", str)


class Send(msgspec.Struct, frozen=True):
    """One message to many receivers, so that a transport encodes it once."""

    to: tuple[ClientId, ...]
    message: AnyReply


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one client may use up. Each is an argument and a flag; 0 = unlimited."""

    max_frame_bytes: int = 65_536
    """longest frame a client may send, in bytes, without its newline or prefix"""
    max_clients: int = 1_000
    """clients at the same time"""
    messages_per_second: int = 100
    """frames a client may send, on average; ten seconds' worth may come at once"""
    idle_seconds: int = 300
    """seconds without a frame after which a client is sent away"""
    outbox_bytes: int = 1_048_576
    """bytes that may wait for a client that does not read; one more, and it is dropped"""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ValueError(
                    f"{name}={value!r}: a limit is a whole number, 1 or more, or 0 for unlimited"
                )


BURST_SECONDS = 10


@dataclass(slots=True)
class Client:
    """What a service knows of everyone it serves."""

    id: ClientId
    peer: str
    connected_at: float
    last_activity: float
    tokens: float
    """frames it may send right now (a token bucket: filled by time, emptied by frames)"""
    frames_in: int = 0
    closing: bool = False


@dataclass(frozen=True)
class ClientStats:
    """One client, in figures."""

    client_id: str
    peer: str
    connected_s: float
    idle_s: float
    frames_in: int


@dataclass(frozen=True)
class ServiceStats:
    """What a service can say about itself."""

    clients: tuple[ClientStats, ...]
    frames_in: int
    refused: dict[str, int] = field(default_factory=dict)
    """how many frames were answered with `error`, by its code"""


class Service(ABC):
    """Clients, limits and the calendar; what the service does with a message, a subclass says.

    Args:
        limits: what one client may use up.
        secret: key of the ids; whoever knows it can guess them.
    """

    codec: Codec

    def __init__(self, *, limits: Limits | None = None, secret: bytes = b"") -> None:
        self.limits = limits or Limits()
        self._secret = secret
        self._ids_given = 0
        # In order of their last frame, the longest silent first: what `tick` needs to look at.
        self._clients: dict[ClientId, Client] = {}
        self._frames_in = 0
        self._refused: dict[str, int] = {}

    # ------------------------------------------------------------ the contract

    def new_client(self) -> ClientId:
        """Return an id never given before and, without the secret, not to be guessed."""
        self._ids_given += 1
        return ClientId(self._token("client", self._ids_given))

    def connect(self, client: ClientId, now: float, peer: str = "") -> list[Send]:
        """Take note of a new client. `peer` is its address, for texts and statistics."""
        tokens = BURST_SECONDS * self.limits.messages_per_second
        full = self.limits.max_clients and len(self._clients) >= self.limits.max_clients
        self._clients[client] = Client(client, peer, now, now, tokens)
        if full:
            return self._close(
                client, "server_full", f"all {self.limits.max_clients} places are taken; try later"
            )
        return self._connected(client, now)

    def receive(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        """Take a message from a client."""
        refusal = self._count(client, now)
        if refusal is not None:
            return refusal
        try:
            return self._received(client, message, now)
        except Refused as error:
            return self._error(client, error.code, str(error), message.ref or message.type)

    def reject(self, client: ClientId, error: RemoteProtocolError, now: float) -> list[Send]:
        """Take note of a frame from a client that is no message."""
        refusal = self._count(client, now)
        if refusal is not None:
            return refusal
        if error.closes:
            return self._close(client, error.code, str(error))
        in_reply_to = error.in_reply_to if isinstance(error, InvalidMessage) else None
        return self._error(client, error.code, str(error), in_reply_to)

    def disconnect(self, client: ClientId, now: float) -> list[Send]:
        """Take note that a client is gone; called exactly once for each that connected."""
        sends = self._disconnected(client, now)
        del self._clients[client]
        return sends

    def tick(self, now: float) -> list[Send]:
        """Do what time alone makes due."""
        sends: list[Send] = []
        for client in list(self._clients.values()):
            if (
                not self.limits.idle_seconds
                or now < client.last_activity + self.limits.idle_seconds
            ):
                break  # the others were heard later
            if not client.closing:
                silence = f"nothing came for {self.limits.idle_seconds} s"
                sends += self._close(client.id, "idle", silence)
        return sends

    def next_tick(self) -> float | None:
        """Return when `tick` is due (epoch seconds); None: not before something happens."""
        if not self.limits.idle_seconds:
            return None
        for client in self._clients.values():
            if not client.closing:
                return client.last_activity + self.limits.idle_seconds
        return None

    def close(self, client: ClientId, code: str, reason: str) -> list[Send]:
        """Send a client away for a reason that lies outside the service (the server stops, say)."""
        return self._close(client, code, reason)

    def stats(self, now: float) -> ServiceStats:
        """Return the service in figures."""
        clients = tuple(
            ClientStats(c.id, c.peer, now - c.connected_at, now - c.last_activity, c.frames_in)
            for c in sorted(self._clients.values(), key=lambda c: c.connected_at)
        )
        return ServiceStats(clients, self._frames_in, dict(self._refused))

    # ------------------------------------------------------------ for subclasses

    def _connected(self, client: ClientId, now: float) -> list[Send]:
        return []

    @abstractmethod
    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        """Do what the message asks. Raises Refused where the rules do not allow it."""

    def _disconnected(self, client: ClientId, now: float) -> list[Send]:
        return []

    def _others(self, client: ClientId) -> tuple[ClientId, ...]:
        return tuple(c.id for c in self._clients.values() if c.id != client and not c.closing)

    def _token(self, purpose: str, number: int) -> str:
        data = f"{purpose} {number}".encode()
        return blake2b(data, key=self._secret[:64], digest_size=12).hexdigest()

    def _error(
        self, client: ClientId, code: str, text: str, in_reply_to: str | None = None
    ) -> list[Send]:
        self._refused[code] = self._refused.get(code, 0) + 1
        return [Send((client,), Error(code=code, message=text, in_reply_to=in_reply_to))]

    def _close(self, client: ClientId, code: str, reason: str) -> list[Send]:
        if self._clients[client].closing:
            return []
        self._clients[client].closing = True
        return [Send((client,), Closing(code=code, reason=reason))]

    # ------------------------------------------------------------ activity and rate

    def _count(self, client_id: ClientId, now: float) -> list[Send] | None:
        """Note a frame; return what to answer instead of acting on it, None to act on it."""
        client = self._clients.pop(client_id)
        self._clients[client_id] = client  # now the last in the order of silence
        if client.closing:
            return []
        self._frames_in += 1
        client.frames_in += 1
        rate = self.limits.messages_per_second
        elapsed, client.last_activity = now - client.last_activity, now
        if not rate:
            return None
        client.tokens = min(client.tokens + elapsed * rate, BURST_SECONDS * rate)
        if client.tokens < 1:
            return self._error(
                client_id, "rate_limited", f"more than {rate} messages a second; send them slower"
            )
        client.tokens -= 1
        return None


def iso_time(now: float) -> str:
    """Return epoch seconds as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
