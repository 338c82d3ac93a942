"""Who is here under which name, and who may come back for theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netlab.core.deadlines import Deadlines
from netlab.core.errors import Refused
from netlab.core.json_codec import short
from netlab.core.limits import Limits
from netlab.core.lookalikes import look_of
from netlab.core.messages import Player
from netlab.core.names import clean_name, name_key
from netlab.core.sends import ClientId

if TYPE_CHECKING:
    from netlab.core.rooms import Room

SEATS_KEPT_S = 60
"""seconds for which somebody who vanished may come back for name, rooms and seats"""
_MOST_AWAY = 10_000
"""people kept in mind after they vanished; the longest away go first"""


@dataclass(slots=True, eq=False)
class User:
    """Somebody with a name. Whoever comes back with the secret is the same user with a new id."""

    id: ClientId
    name: str
    secret: str
    rooms: dict[str, Room] = field(default_factory=dict)
    """by the key of their names, in order of joining"""
    rooms_left: tuple[str, ...] = ()
    """names of the rooms that somebody who is away was in"""
    hellos: int = 0
    came_back: bool = False
    """on this connection"""
    muted: bool = False
    """may listen, and say nothing; see `netlab.core.classroom`"""

    @property
    def player(self) -> Player:
        """The user as games show it."""
        return Player(self.id, self.name)


class Roster:
    """All users, here and away. No two who are here have the same name, or two that look alike."""

    def __init__(self, limits: Limits) -> None:
        self.here: dict[ClientId, User] = {}
        self._max_name_length = limits.max_name_length
        self._by_name: dict[str, User] = {}
        self._by_look: dict[str, User] = {}
        self._by_secret: dict[str, User] = {}
        self._away = Deadlines[str](SEATS_KEPT_S, _MOST_AWAY)  # secrets

    def add(self, client: ClientId, secret: str) -> User:
        """Note a newcomer, under the name `User_` and the first 8 characters of the id."""
        user = self._by_secret[secret] = User(client, self._default_name(client), secret)
        self._enter(user)
        return user

    def rename(self, user: User, name: str) -> str:
        """Give a user another name, and return the old one.

        Raises:
            Refused: `invalid_name`, `name_taken`; nothing has changed.
        """
        old, new = user.name, clean_name(name, "username", self._max_name_length)
        if self._by_name.get(name_key(new), user) is not user:
            raise Refused("name_taken", f"somebody else is called {short(new)}; choose another")
        alike = self._by_look.get(look_of(new), user)
        if alike is not user:
            raise Refused(
                "name_taken",
                f"{short(new)} looks like the name of {short(alike.name)}, who is here; choose "
                "another",
            )
        self._forget_name(user)
        user.name = new
        self._note_name(user)
        return old

    def find(self, target: str) -> User:
        """Return who is here with that id, else with that name.

        Raises:
            Refused: `no_such_user`.
        """
        user = self.here.get(ClientId(target)) or self._by_name.get(name_key(target))
        if user is None:
            raise Refused(
                "no_such_user",
                f"nobody here has the id or the name {short(target)}; list_clients says who is",
            )
        return user

    def leave(self, user: User, now: float, *, for_good: bool) -> None:
        """Note that somebody is no longer here; the name is free for others."""
        user.came_back = False
        del self.here[user.id]
        self._forget_name(user)
        if for_good:
            del self._by_secret[user.secret]
        else:
            self._away.touch(user.secret, now)

    def holder(self, secret: str) -> User | None:
        """Return whose secret it is, here or away."""
        return self._by_secret.get(secret)

    def come_back(self, away: User, newcomer: User, now: float) -> None:
        """Let somebody who was away go on under the newcomer's id, and the old name if it is free.

        It is not kept free: most who vanish and come back were started anew, without the secret.
        """
        self.leave(newcomer, now, for_good=True)
        self._away.forget(away.secret)
        away.id, away.hellos, away.came_back = newcomer.id, newcomer.hellos, True
        if not self._is_free(away.name):
            away.name = self._default_name(away.id)
        self._enter(away)

    def give_up(self, now: float) -> Sequence[User]:
        """Forget those who were away too long, and return them."""
        return [self._by_secret.pop(secret) for secret in self._away.take_due(now)]

    def next_tick(self) -> float | None:
        """Return when `give_up` is due (epoch seconds)."""
        return self._away.next()

    def _enter(self, user: User) -> None:
        self.here[user.id] = user
        self._note_name(user)

    def _note_name(self, user: User) -> None:
        self._by_name[name_key(user.name)] = self._by_look[look_of(user.name)] = user

    def _forget_name(self, user: User) -> None:
        del self._by_name[name_key(user.name)]
        del self._by_look[look_of(user.name)]

    def _is_free(self, name: str) -> bool:
        return name_key(name) not in self._by_name and look_of(name) not in self._by_look

    def _default_name(self, client: ClientId) -> str:
        lengths = range(8, len(client) + 1)  # more than 8 where these 8 are taken already
        names = (f"User_{client[:length]}" for length in lengths)
        return next(name for name in names if self._is_free(name))
