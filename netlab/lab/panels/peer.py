"""A client that somebody in a panel uses: what of its messages is new, is it over, once again.

Any object with `send(type, **fields)`, `messages`, `wait_ended(timeout_s)` and `close()` is a
client; one that is not connected yet has `__enter__` to do so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class AnyClient(Protocol):
    """What a panel needs of a client: the blocking face that all of netlab's clients have."""

    @property
    def messages(self) -> Sequence[Any]:
        """Everything that came, oldest first."""

    def send(self, wire_type: str, /, **fields: Any) -> None:
        """Send a request."""

    def wait_ended(self, timeout_s: float = ...) -> str:
        """Return why the conversation is over, or raise TimeoutError."""

    def close(self) -> None:
        """End the conversation."""


Source = AnyClient | Callable[[], AnyClient]
"""a client, or a function that makes one: with it the panel can connect again"""


class Peer:
    """One user of a panel, by name. A client that the panel made, the panel closes."""

    def __init__(self, name: str, source: Source) -> None:
        self.name = name
        self.client: AnyClient | None = None
        self.ended: str | None = "not connected yet"
        """why there is no conversation; None while there is one"""
        self._last: Any = None  # the newest message that was taken
        self._make: Callable[[], AnyClient] | None = None
        if callable(source):
            self._make = source
        else:
            _check(source)
            self.client, self.ended = source, None

    @property
    def can_reconnect(self) -> bool:
        """Does the panel know how to connect?"""
        return self._make is not None

    def connect(self) -> None:
        """Connect, again if need be; raises what the function that makes the client raises."""
        if self._make is None:
            return
        self.close()
        self._last = None
        client = self._make()
        _check(client)
        enter = getattr(client, "__enter__", None)
        self.client, self.ended = (enter() if enter else client), None

    def fresh(self) -> list[Any]:
        """Return the messages that came since the last call; note if the conversation is over."""
        if self.client is None:
            return []
        if self.ended is None:
            # Before the messages: what came last is then among them.
            try:
                self.ended = self.client.wait_ended(0)
            except TimeoutError:
                pass
        messages = self.client.messages
        start = len(messages)
        while start and messages[start - 1] is not self._last:
            start -= 1
        new = list(messages[start:])
        if new:
            self._last = new[-1]
        return new

    def send(self, wire_type: str, **fields: Any) -> None:
        """Send a request. Raises what the client raises; ConnectionError: there is none."""
        if self.client is None:
            raise ConnectionError(f"{self.name} is not connected: {self.ended}")
        self.client.send(wire_type, **fields)

    def close(self) -> None:
        """Close the client if the panel made it."""
        if self._make is not None and self.client is not None:
            self.client.close()
            self.client, self.ended = None, "closed"


def peers_of(
    users: Mapping[str, Source] | Callable[[], AnyClient], names: Sequence[str] | None
) -> list[Peer]:
    """Return the users of a panel: `{"alice": client}`, or a function that connects and names.

    Raises:
        TypeError, ValueError: it is neither, or there is no name.
    """
    if callable(users) and not isinstance(users, Mapping):
        if names is None or isinstance(names, str) or not names:
            raise ValueError('a function that connects needs names=, as in names=("alice", "bob")')
        return [Peer(name, users) for name in names]
    if not isinstance(users, Mapping) or not users:
        raise TypeError(
            f'users must be {{"alice": client, …}} or a function that connects, not {users!r}'
        )
    if names is not None:
        raise ValueError("names= goes with a function that connects; here the keys are the names")
    return [Peer(name, source) for name, source in users.items()]


def _check(client: Any) -> None:
    missing = [n for n in ("send", "messages", "wait_ended", "close") if not hasattr(client, n)]
    if missing:
        raise TypeError(
            f"{type(client).__name__} is no client for a panel: it has no {', '.join(missing)}; "
            "pass a blocking client such as TCPClient, or a function that makes one"
        )
