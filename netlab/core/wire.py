"""What every message is, whatever it says; and what is said of the connection itself."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

Ref = Annotated[str, msgspec.Meta(max_length=64)]
"""A client's own mark on a request; the direct reply carries it back."""


def _wire_name(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=_wire_name
):
    """Anything that crosses the wire.

    A class's `type` on the wire is its name in snake_case unless `tag=` says otherwise. Unknown
    fields are ignored, so that old programs understand newer ones. Times are ISO 8601 in UTC.
    """

    ref: Ref | None = None

    @property
    def type(self) -> str:
        """The name on the wire."""
        return type_name(self.__class__)


def type_name(message_class: type[Message]) -> str:
    """Return what stands in the field `type` of such messages."""
    return str(message_class.__struct_config__.tag)


class Request(Message, frozen=True):
    """What a client sends; `ref` comes back in the direct reply."""


class Reply(Message, frozen=True):
    """What the server sends; `ref` is that of the request it answers directly."""


# ---------------------------------------------------------------- the connection


class Hello(Request, frozen=True):
    """Introduce yourself, before anything else; optional. The answer is another `welcome`.

    `resume` is the `secret` of an earlier `welcome`: it brings back name, rooms and seats.
    `token`, `cookie` and `pad` are between client and transport.
    """

    username: str | None = None
    resume: str | None = None
    token: str | None = None
    cookie: str | None = None
    pad: str | None = None


class Ping(Request, frozen=True):
    """Ask for a `pong`."""


class Bye(Request, frozen=True):
    """Ask the server to end the connection; your seats in games are given up."""


ConnectionRequest = Ping | Hello | Bye


class Welcome(Reply, frozen=True):
    """You are connected. `secret` brings you back after a lost connection: keep it to yourself."""

    client_id: str
    username: str
    secret: str
    message: str
    server_time: str
    resumed: bool = False
    """true where `hello` brought back an earlier connection's name, rooms and seats"""


class Cookie(Reply, frozen=True):
    """UDP: send `hello` again with this, to show that your address is yours."""

    cookie: str


class Waiting(Reply, frozen=True):
    """All places are taken; yours is this one in the queue, 1 being the next."""

    position: int


class Pong(Reply, frozen=True):
    """The answer to `ping`."""

    timestamp: str


class Heartbeat(Reply, frozen=True):
    """A sign of life from the server, which waits for one from you."""

    timestamp: str
    clients_count: int


class Error(Reply, frozen=True):
    """A request was refused. `in_reply_to` is its `ref`, or its type where it had none."""

    code: str
    message: str
    in_reply_to: str | None = None


class Closing(Reply, frozen=True):
    """The last message: the server ends the connection, and says why."""

    code: str
    reason: str


ConnectionReply = Welcome | Cookie | Waiting | Pong | Heartbeat | Error | Closing
