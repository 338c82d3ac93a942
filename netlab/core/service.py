"""What every service is to a transport: told what happened, it answers who must hear what.

A transport carries any `Service`. The service holds no socket and no clock: `now` (epoch seconds)
comes in with each call, so the same calls give the same answers, on this machine or on another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import ClassVar

from netlab.core.deadlines import Deadlines, earliest
from netlab.core.errors import LocalProtocolError, Refused, RemoteProtocolError
from netlab.core.iso_time import iso_time
from netlab.core.json_codec import Codec
from netlab.core.limits import STREAM
from netlab.core.limits import Limits as Limits
from netlab.core.limits import Liveness as Liveness
from netlab.core.messages import AnyRequest, Closing, Error, Heartbeat, Hello
from netlab.core.sends import ClientId as ClientId
from netlab.core.sends import Send as Send
from netlab.core.sends import without

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
    """without those that were told `closing` already"""
    frames_in: int
    refused: dict[str, int] = field(default_factory=dict)
    """how many frames were answered with `error`, by its code"""
    rooms: dict[str, int] = field(default_factory=dict)
    """members of each room, by its name"""
    games: dict[str, int] = field(default_factory=dict)
    """game sessions, by their status"""


class Service(ABC):
    """Clients, limits and the calendar; what the service does with a message, a subclass says.

    A client is *here* from `connect` until it is told `closing`, or until `disconnect`, whichever
    comes first. Then it is out of everything at once, and nothing more is sent to it.

    Args:
        limits: what one client may use up.
        secret: key of the ids; whoever knows it can guess them.
    """

    codec: Codec
    sends_heartbeats: ClassVar[bool] = True

    def __init__(self, *, limits: Limits | None = None, secret: bytes = b"") -> None:
        self.limits = limits or Limits()
        self._ids = blake2b(key=blake2b(secret).digest(), digest_size=12)
        self._ids_given: dict[str, int] = {}
        self._clients: dict[ClientId, Client] = {}  # those who are here, in order of connecting
        self._leaving: set[ClientId] = set()  # told `closing`, not yet disconnected
        self._frames_in = 0
        self._refused: dict[str, int] = {}
        self.carried_by(STREAM)

    def carried_by(self, liveness: Liveness, *, max_reply_bytes: int = 0) -> None:
        """Take note of what the transport is like; it says so once, before the first `connect`.

        Args:
            liveness: how it finds out that a client is gone.
            max_reply_bytes: longest frame it can carry to a client; 0 = as long as
                `limits.max_frame_bytes`. Lists and histories are cut to it.
        """
        if self._clients or self._leaving:
            raise LocalProtocolError("there are clients already: call this before the first one")
        frame = self.limits.max_frame_bytes
        self.max_reply_bytes = min(filter(None, (frame, max_reply_bytes)), default=0)
        ask, drop = liveness.seconds(self.limits.heartbeat_seconds if self.sends_heartbeats else 0)
        idle = self.limits.idle_seconds
        self._silence_code = "idle" if idle and not 0 < drop < idle else "heartbeat_timeout"
        self._silent: Deadlines[ClientId] = Deadlines(min(filter(None, (idle, drop)), default=0))
        self._to_ask: Deadlines[ClientId] = Deadlines(ask)
        # Every frame of every client is noted in these, so leave out what never falls due.
        self._silence = [d for d in (self._silent, self._to_ask) if d.delay_s]

    # ------------------------------------------------------------ the contract

    def new_client(self) -> ClientId:
        """Return an id never given before and, without the secret, not to be guessed."""
        return ClientId(self._new_id("client"))

    def connect(
        self, client: ClientId, now: float, peer: str = "", hello: Hello | None = None
    ) -> list[Send]:
        """Take note of a new client.

        Args:
            client: its id, from `new_client`.
            now: epoch seconds.
            peer: its address, for texts and statistics.
            hello: what it said to be let in, where the transport lets nobody in without it.
        """
        tokens = BURST_SECONDS * self.limits.messages_per_second
        newcomer = Client(client, peer, now, now, tokens)
        if self.limits.max_clients and len(self._clients) >= self.limits.max_clients:
            self._leaving.add(client)
            full = f"all {self.limits.max_clients} places are taken; try again later"
            return [Send((client,), Closing("server_full", full))]
        self._clients[client] = newcomer
        for deadlines in self._silence:
            deadlines.touch(client, now)
        return self._connected(client, now, hello)

    def receive(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        """Take a message from a client."""
        refusal = self._count(client, now)
        if refusal is not None:
            return refusal
        try:
            return self._received(client, message, now)
        except Refused as error:
            return self._refuse(client, message, error)

    def reject(self, client: ClientId, error: RemoteProtocolError, now: float) -> list[Send]:
        """Take note of a frame from a client that is no message."""
        refusal = self._count(client, now)
        if refusal is not None:
            return refusal
        if error.closes:
            return self.close(client, error.code, str(error), now)
        return self._error(client, error.code, str(error), error.in_reply_to)

    def disconnect(self, client: ClientId, now: float) -> list[Send]:
        """Take note that a client is gone; called exactly once for each that connected."""
        if client not in self._clients:
            self._check_leaving(client)
            self._leaving.remove(client)
            return []
        self._remove(client)
        return self._departed([client], now, for_good=False)

    def tick(self, now: float) -> list[Send]:
        """Do what time alone makes due."""
        silence = Closing(self._silence_code, f"nothing came for {self._silent.delay_s:g} s")
        sends = self._close(self._silent.take_due(now), silence, now)
        if asked := tuple(self._to_ask.take_due(now)):
            for client in asked:
                self._to_ask.touch(client, now)
            sends.append(Send(asked, Heartbeat(iso_time(now), len(self._clients))))
        return sends

    def next_tick(self) -> float | None:
        """Return when `tick` is due (epoch seconds); None: not before something happens."""
        return earliest(*[deadlines.next() for deadlines in self._silence])

    def close(self, client: ClientId, code: str, reason: str, now: float) -> list[Send]:
        """Send a client away for a reason outside the service; it may come back for its seats."""
        return self._close([client], Closing(code, reason), now)

    def close_all(self, code: str, reason: str, now: float) -> list[Send]:
        """Send everybody away; as nobody is left to be told who left, it is one message to all."""
        return self._close(tuple(self._clients), Closing(code, reason), now, for_good=True)

    def stats(self, now: float) -> ServiceStats:
        """Return the service in figures."""
        clients = tuple(
            ClientStats(c.id, c.peer, now - c.connected_at, now - c.last_activity, c.frames_in)
            for c in self._clients.values()
        )
        return ServiceStats(clients, self._frames_in, dict(self._refused))

    # ------------------------------------------------------------ for subclasses

    def _connected(self, client: ClientId, now: float, hello: Hello | None) -> list[Send]:
        return []

    @abstractmethod
    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        """Do what the message asks. Raises Refused where the rules do not allow it."""

    def _departed(self, clients: Sequence[ClientId], now: float, *, for_good: bool) -> list[Send]:
        """Tell the others that these are no longer here (all of them have left already)."""
        return []

    def _others(self, client: ClientId) -> tuple[ClientId, ...]:
        return without(tuple(self._clients), client)

    def _new_id(self, purpose: str) -> str:
        number = self._ids_given[purpose] = self._ids_given.get(purpose, 0) + 1
        token = self._ids.copy()
        token.update(f"{purpose} {number}".encode())
        return token.hexdigest()

    def _refuse(self, client: ClientId, request: AnyRequest, error: Refused) -> list[Send]:
        return self._error(client, error.code, str(error), request.ref or request.type)

    def _error(
        self, client: ClientId, code: str, text: str, in_reply_to: str | None = None
    ) -> list[Send]:
        self._refused[code] = self._refused.get(code, 0) + 1
        return [Send((client,), Error(code=code, message=text, in_reply_to=in_reply_to))]

    def _close(
        self, clients: Sequence[ClientId], last: Closing, now: float, *, for_good: bool = False
    ) -> list[Send]:
        """Send clients away. `for_good`: they will not come back for their seats."""
        here = tuple(client for client in clients if client in self._clients)
        if not here:
            return []
        for client in here:
            self._remove(client)
            self._leaving.add(client)
        return [Send(here, last), *self._departed(here, now, for_good=for_good)]

    def _remove(self, client: ClientId) -> None:
        del self._clients[client]
        for deadlines in self._silence:
            deadlines.forget(client)

    # ------------------------------------------------------------ activity and rate

    def _check_leaving(self, client: ClientId) -> None:
        if client not in self._leaving:
            raise LocalProtocolError(f"client {client} never connected, or is disconnected")

    def _count(self, client_id: ClientId, now: float) -> list[Send] | None:
        """Note a frame; return what to answer instead of acting on it, None to act on it."""
        client = self._clients.get(client_id)
        if client is None:
            self._check_leaving(client_id)
            return []
        for deadlines in self._silence:
            deadlines.touch(client_id, now)
        self._frames_in += 1
        client.frames_in += 1
        rate = self.limits.messages_per_second
        elapsed, client.last_activity = now - client.last_activity, now
        if not rate:
            return None
        client.tokens = min(client.tokens + max(0.0, elapsed) * rate, BURST_SECONDS * rate)
        if client.tokens < 1:
            return self._error(
                client_id, "rate_limited", f"more than {rate} messages a second; send them slower"
            )
        client.tokens -= 1
        return None
