"""The chat for a class: somebody, the teacher, sees who is here and can send away or silence.

What the teacher does comes in as all else does, by a call with the time: `kick`, `mute`. A rule of
the chat that it changes: who is muted is answered with the error `muted` where the request would
show others words of one's own choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from netlab.core import messages
from netlab.core.chat import ChatService
from netlab.core.errors import Refused
from netlab.core.limits import Limits
from netlab.core.messages import AnyRequest, Closing, Hello
from netlab.core.roster import User
from netlab.core.sends import ClientId, Send

WINDOW_S = 60
"""seconds over which a pace is counted"""
# Moves, too: an action is passed on as it came, and has room for any text beside the move.
_SAYS = (
    messages.SendRoomMessage,
    messages.SendPrivateMessage,
    messages.Text,
    messages.SetUsername,
    messages.CreateGameSession,
    messages.GameAction,
    messages.TypingStart,
)
_COUNTED = (messages.SendRoomMessage, messages.SendPrivateMessage, messages.Text)


@dataclass(frozen=True)
class Person:
    """Somebody who is here, as the teacher sees it."""

    client_id: str
    username: str
    peer: str
    rooms: tuple[str, ...]
    messages: int
    """texts said since connecting: to rooms, to one, to everybody; those refused are not counted"""
    messages_per_minute: float
    silent_s: float
    """seconds since the last of them, or since connecting"""
    muted: bool


class Pace:
    """How often something happened in the last minute, with two counters instead of every time.

    The window slides over two fixed minutes: of the one before counts the part that it still
    covers, as if all in it had been evenly spread.
    """

    def __init__(self, now: float) -> None:
        self.total = 0
        self.last = now
        self._slot = now // WINDOW_S
        self._before = self._in_slot = 0

    def add(self, now: float) -> None:
        """Count one."""
        self._turn_to(now)
        self.total += 1
        self._in_slot += 1
        self.last = now

    def per_minute(self, now: float) -> float:
        """Return how many there were in the `WINDOW_S` seconds before `now`."""
        self._turn_to(now)
        passed = (now % WINDOW_S) / WINDOW_S
        return self._before * (1 - passed) + self._in_slot

    def _turn_to(self, now: float) -> None:
        slot = now // WINDOW_S
        if slot > self._slot:
            self._before = self._in_slot if slot == self._slot + 1 else 0
            self._slot, self._in_slot = slot, 0


class ClassroomService(ChatService):
    """The chat service, and what a teacher may do in it.

    Args:
        limits, secret: as `ChatService`.
    """

    def __init__(self, *, limits: Limits | None = None, secret: bytes) -> None:
        super().__init__(limits=limits, secret=secret)
        self._paces: dict[ClientId, Pace] = {}

    # ------------------------------------------------------------ what the teacher does

    def people(self, now: float) -> tuple[Person, ...]:
        """Return who is here, in order of connecting."""
        return tuple(
            Person(
                client_id=client.id,
                username=user.name,
                peer=client.peer,
                rooms=tuple(room.name for room in user.rooms.values()),
                messages=pace.total,
                messages_per_minute=pace.per_minute(now),
                silent_s=now - pace.last,
                muted=user.muted,
            )
            for client in self._clients.values()
            for user, pace in [(self._roster.here[client.id], self._paces[client.id])]
        )

    def kick(self, client: str, now: float) -> list[Send]:
        """Send somebody away. Name, rooms and seats are not kept; nobody is kept from coming anew.

        Raises:
            Refused: `no_such_user`.
        """
        last = Closing("kicked", "the teacher has sent you away")
        return self._close([self._one(client).id], last, now, for_good=True)

    def mute(self, client: str, *, muted: bool = True) -> list[Send]:
        """Silence somebody, or no longer. It stays so where that person vanishes and comes back.

        Raises:
            Refused: `no_such_user`.
        """
        user = self._one(client)
        user.muted = muted
        return []

    def _one(self, client: str) -> User:
        # By id alone: a name may have got to somebody else while the teacher looked at it.
        user = self._roster.here.get(ClientId(client))
        if user is None:
            raise Refused("no_such_user", "nobody here has that id; who had it is gone")
        return user

    # ------------------------------------------------------------ what the others do

    def _connected(self, client: ClientId, now: float, hello: Hello | None) -> list[Send]:
        self._paces[client] = Pace(now)
        return super()._connected(client, now, hello)

    def _remove(self, client: ClientId) -> None:
        super()._remove(client)
        del self._paces[client]

    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        if self._roster.here[client].muted:
            self._check_muted(message)
        sends = super()._received(client, message, now)
        if isinstance(message, _COUNTED):
            self._paces[client].add(now)
        return sends

    def _check_muted(self, message: AnyRequest) -> None:
        match message:
            case messages.JoinRoom(username=None, room=room) if self._rooms.has(room):
                return  # the name of a new one would be shown to all who ask for the list
            case messages.JoinRoom():
                what = "enter a room that exists already, and under the name that you have"
            case Hello(username=str()):
                what = "keep the name that you have"
            case _ if isinstance(message, _SAYS):
                what = "read, and look on"
            case _:
                return
        raise Refused("muted", f"the teacher has muted you: for now you can {what}")
