"""The chat service: names, rooms, private messages, presence, and the games played there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netlab.core import messages
from netlab.core.deadlines import earliest
from netlab.core.errors import Refused
from netlab.core.game_service import GameService
from netlab.core.iso_time import iso_time
from netlab.core.json_codec import Codec, Json
from netlab.core.limits import Limits
from netlab.core.messages import AnyRequest, Closing, Hello
from netlab.core.names import check_content
from netlab.core.rooms import Rooms
from netlab.core.roster import Roster, User
from netlab.core.sends import ClientId, Send, that_fit
from netlab.core.service import Service, ServiceStats

MIN_SECRET_BYTES = 16


class ChatService(Service):
    """Everything in the table of the wire vocabulary that is not the transport's own.

    Args:
        limits: what one client may use up.
        secret: key of ids and resume secrets, at least 16 bytes that nobody can guess.
    """

    codec: Codec = Json()

    def __init__(self, *, limits: Limits | None = None, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(
                f"a secret of {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed; "
                "secrets.token_bytes(32) makes a good one"
            )
        super().__init__(limits=limits, secret=secret)
        self._roster = Roster(self.limits)
        self._rooms = Rooms(self.limits, self._new_id)
        self._games = GameService(self.limits, self._new_id)

    # ------------------------------------------------------------ the contract

    def tick(self, now: float) -> list[Send]:
        """Do what time alone makes due."""
        return super().tick(now) + self._give_up(now) + self._games.tick(now)

    def next_tick(self) -> float | None:
        """Return when `tick` is due (epoch seconds); None: not before something happens."""
        return earliest(super().next_tick(), self._roster.next_tick(), self._games.next_tick())

    def stats(self, now: float) -> ServiceStats:
        """Return the service in figures."""
        stats = super().stats(now)
        return replace(stats, rooms=self._rooms.sizes(), games=self._games.stats())

    # ------------------------------------------------------------ coming and going

    def _connected(self, client: ClientId, now: float, hello: Hello | None) -> list[Send]:
        user = self._roster.add(client, self._new_id("resume secret"))
        if hello is None:
            return [self._welcome(user, now)]
        try:
            return self._hello(user, hello, now)
        except Refused as error:
            return [self._welcome(user, now), *self._refuse(client, hello, error)]

    def _hello(self, user: User, hello: Hello, now: float) -> list[Send]:
        holder = None if hello.resume is None else self._roster.holder(hello.resume)
        if holder is not None and holder is not user:
            if user.came_back:
                raise Refused("hello_late", "you came back as somebody already; connect anew")
            return self._resume(holder, user, hello.ref, now)
        told = [] if hello.username is None else self._rename(user, hello.username)
        return [self._welcome(user, now, hello.ref), *told]

    def _resume(self, old: User, newcomer: User, ref: str | None, now: float) -> list[Send]:
        old_id = old.id
        sends = self._close([old_id], Closing("replaced", "you came back elsewhere"), now)
        self._roster.come_back(old, newcomer, now)
        sends.append(self._welcome(old, now, ref))
        for name in old.rooms_left:
            room = self._rooms.open_to(old, name, now)
            sends += self._rooms.join(old, room, None, now, self.max_reply_bytes)
        return sends + self._games.back(old_id, old.player)

    def _departed(self, clients: Sequence[ClientId], now: float, *, for_good: bool) -> list[Send]:
        users = [self._roster.here[client] for client in clients]
        for user in users:
            user.rooms_left = tuple(room.name for room in user.rooms.values())
            self._roster.leave(user, now, for_good=for_good)
        sends = self._rooms.leave_all(users, now)
        sends += self._games.gone(clients) if for_good else self._games.away(clients)
        return sends + self._give_up(now)

    def _give_up(self, now: float) -> list[Send]:
        """Take out of the games who was away too long."""
        return self._games.gone([user.id for user in self._roster.give_up(now)])

    def _welcome(self, user: User, now: float, ref: str | None = None) -> Send:
        greeting = f"Welcome back, {user.name}" if user.came_back else f"Welcome, {user.name}"
        welcome = messages.Welcome(
            client_id=user.id,
            username=user.name,
            secret=user.secret,
            message=greeting,
            server_time=iso_time(now),
            resumed=user.came_back,
            ref=ref,
        )
        return Send((user.id,), welcome)

    # ------------------------------------------------------------ requests

    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        user = self._roster.here[client]
        match message:  # the most frequent first
            case messages.SendRoomMessage():
                return self._rooms.say(user, message, now)
            case messages.SendPrivateMessage():
                return self._private(user, message, now)
            case messages.Text():
                return self._text(user, message, now)
            case messages.Ping():
                return [Send((client,), messages.Pong(iso_time(now), ref=message.ref))]
            case messages.TypingStart() | messages.TypingStop():
                return self._rooms.typing(user, message)
            case messages.JoinRoom():
                return self._join(user, message, now)
            case messages.LeaveRoom():
                return self._rooms.leave(user, message, now)
            case messages.ListRooms():
                return self._rooms.listing(user, message, self.max_reply_bytes)
            case messages.ListClients():
                return self._list(user, message)
            case messages.SetUsername():
                sends = self._rename(user, message.username)
                return [Send((client,), messages.UsernameSet(user.name, ref=message.ref)), *sends]
            case Hello():
                user.hellos += 1
                if self._clients[client].frames_in > user.hellos:
                    raise Refused("hello_late", "hello comes first; now use set_username")
                return self._hello(user, message, now)
            case messages.Bye():
                last = Closing("bye", "you said bye", ref=message.ref)
                return self._close([client], last, now, for_good=True)
            case _:  # by their types: all that is left are requests of the games
                return self._games.receive(user.player, message, now, self.max_reply_bytes)

    def _text(self, user: User, text: messages.Text, now: float) -> list[Send]:
        content, timestamp = check_content(text.content), iso_time(now)
        sends = [Send((user.id,), messages.Echo(content, timestamp, ref=text.ref))]
        if others := self._others(user.id):
            sends.append(Send(others, messages.Broadcast(content, user.name, user.id, timestamp)))
        return sends

    def _private(self, user: User, said: messages.SendPrivateMessage, now: float) -> list[Send]:
        to, content = self._roster.find(said.target), check_content(said.content)
        id_, timestamp = self._new_id("message"), iso_time(now)
        sent = messages.PrivateMessageSent(id_, to.name, to.id, content, timestamp, ref=said.ref)
        return [
            Send((user.id,), sent),
            Send((to.id,), messages.PrivateMessage(id_, user.name, user.id, content, timestamp)),
        ]

    def _join(self, user: User, request: messages.JoinRoom, now: float) -> list[Send]:
        room = self._rooms.open_to(user, request.room, now)
        sends: list[Send] = []
        if request.username is not None and user.id not in room.members:
            sends = self._rename(user, request.username)
        return sends + self._rooms.join(user, room, request.ref, now, self.max_reply_bytes)

    def _rename(self, user: User, name: str) -> list[Send]:
        """Give a user another name, and tell the members of its rooms."""
        old = self._roster.rename(user, name)
        self._games.replace(user.id, user.player)
        others = self._rooms.neighbours(user)
        if old == user.name or not others:
            return []
        return [Send(others, messages.UserRenamed(user.id, user.name, old))]

    def _list(self, user: User, request: messages.ListClients) -> list[Send]:
        infos = (
            messages.ClientInfo(
                client_id=c.id,
                username=self._roster.here[c.id].name,
                connected_at=iso_time(c.connected_at),
                last_activity=iso_time(c.last_activity),
                rooms=tuple(room.name for room in self._roster.here[c.id].rooms.values()),
            )
            for c in self._clients.values()
        )
        total, ref = len(self._clients), request.ref
        shown = that_fit(infos, messages.ClientList((), total, ref=ref), self.max_reply_bytes)
        answer = messages.ClientList(shown, total, truncated=len(shown) < total, ref=ref)
        return [Send((user.id,), answer)]
