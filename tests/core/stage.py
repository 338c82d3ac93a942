"""A stage for stories: a service, its twin, and actors who talk to it in simulated time.

Whatever happens is told to both services, and they have to answer alike. Each answer is checked
for what must hold always, whatever the story.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netlab.core.chat import ChatService
from netlab.core.errors import RemoteProtocolError
from netlab.core.json_codec import Json
from netlab.core.limits import STREAM, Limits, Liveness
from netlab.core.messages import (
    ClientList,
    Closing,
    Error,
    GameSessionList,
    Hello,
    RoomJoined,
    RoomList,
    make_request,
)
from netlab.core.sends import ClientId, Send
from netlab.core.service import Service

SECRET = b"sixteen bytes or more"
DATAGRAM_BYTES = 60_000
"""no message that cannot be cut may be longer: it has to fit into a UDP datagram"""
CUT = (RoomJoined, RoomList, ClientList, GameSessionList)
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def chat(**limits: int | None) -> Callable[[], Service]:
    return lambda: ChatService(limits=Limits(**limits), secret=SECRET)  # type: ignore[arg-type]


class Actor:
    """Somebody with a connection. Names of types and fields are those on the wire."""

    def __init__(self, stage: Stage, client: ClientId) -> None:
        self.stage = stage
        self.id = client
        self.inbox: list[Any] = []
        self.ended: Closing | None = None
        """the last message that somebody told to go has to be"""

    def does(self, wire_type: str, **fields: Any) -> Any:
        """Send a request, and return what came back to the actor at once: the only message, or
        all of them, or None."""
        before = len(self.inbox)
        request = make_request(wire_type, **fields)
        self.stage.tell(lambda service, now: service.receive(self.id, request, now))
        heard = self.inbox[before:]
        return heard[0] if len(heard) == 1 else heard or None

    def refused(self, wire_type: str, **fields: Any) -> str:
        """Send a request that must be answered with an `error` to the actor alone."""
        others = {actor: len(actor.inbox) for actor in self.stage.actors.values()}
        error = self.does(wire_type, **fields)
        assert isinstance(error, Error), error
        for actor, count in others.items():
            assert len(actor.inbox) == count + (actor is self)
        return error.code

    def garbles(self, error: RemoteProtocolError) -> None:
        """Send what the codec refuses."""
        self.stage.tell(lambda service, now: service.reject(self.id, error, now))

    def vanishes(self) -> None:
        """Lose the connection."""
        self.stage.forget(self)

    def hears(self) -> list[Any]:
        """Take everything out of the inbox."""
        heard, self.inbox[:] = list(self.inbox), []
        return heard

    def types(self) -> list[str]:
        """Take everything out of the inbox, and return the types."""
        return [message.type for message in self.hears()]


class Stage:
    """A service and its actors."""

    def __init__(
        self,
        make: Callable[[], Service] | None = None,
        *,
        liveness: Liveness = STREAM,
        max_reply_bytes: int = 0,
    ) -> None:
        make = make or chat()
        self.service, self.twin = make(), make()
        for service in (self.service, self.twin):
            service.carried_by(liveness, max_reply_bytes=max_reply_bytes)
        self.now = START
        self.actors: dict[ClientId, Actor] = {}

    def enter(self, hello: Hello | None = None) -> Actor:
        """Let somebody connect."""
        client = self.service.new_client()
        assert self.twin.new_client() == client
        actor = self.actors[client] = Actor(self, client)
        self.tell(lambda service, now: service.connect(client, now, "peer", hello))
        return actor

    def named(self, name: str) -> Actor:
        """Let somebody connect, take a name and forget what was heard until then."""
        actor = self.enter(Hello(username=name))
        actor.hears()
        return actor

    def cast(self, *names: str, room: str | None = None) -> list[Actor]:
        """Let several connect, and join a room if there is one; all inboxes are empty then."""
        actors = [self.named(name) for name in names]
        for actor in actors:
            if room is not None:
                actor.does("join_room", room=room)
        for actor in actors:
            actor.hears()
        return actors

    def wait(self, seconds: float) -> None:
        """Let time pass, and let the service do what becomes due, when it becomes due."""
        until = self.now + seconds
        while (due := self.service.next_tick()) is not None and due <= until:
            self.now = max(self.now, due)
            self.tell(lambda service, now: service.tick(now))
            after = self.service.next_tick()
            assert after is None or after > self.now, "a tick must do all that is due"
        self.now = until

    def forget(self, actor: Actor) -> None:
        """Take an actor's connection away."""
        del self.actors[actor.id]
        self.tell(lambda service, now: service.disconnect(actor.id, now))

    def tell(self, event: Callable[[Service, float], list[Send]]) -> list[Send]:
        """Tell both services, compare their answers, and deliver them."""
        sends = event(self.service, self.now)
        assert event(self.twin, self.now) == sends, "the same calls must give the same answers"
        assert self.twin.next_tick() == self.service.next_tick()
        for send in sends:
            self._deliver(send)
        return sends

    def _deliver(self, send: Send) -> None:
        assert send.to, f"{send.message} is for nobody"
        assert len(set(send.to)) == len(send.to), f"somebody gets {send.message} twice"
        codec = self.service.codec
        frame = codec.encode_reply(send.message)
        assert b"\n" not in frame
        if isinstance(codec, Json):  # lines for people leave out what people do not need
            assert codec.encode_reply(codec.decode_reply(frame)) == frame, "it is read otherwise"
        limit = self.service.max_reply_bytes if isinstance(send.message, CUT) else DATAGRAM_BYTES
        assert not limit or len(frame) <= limit
        for client in send.to:
            assert client in self.actors, f"{send.message} is for somebody who is not connected"
            actor = self.actors[client]
            assert actor.ended is None, f"{send.message} came after {actor.ended}"
            actor.inbox.append(send.message)
            if isinstance(send.message, Closing):
                actor.ended = send.message
