"""What a service answers with: messages, who is to have them, and as much as fits into a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType, TypeVar

import msgspec

from netlab.core.messages import AnyReply, Reply

ClientId = NewType("ClientId", str)
T = TypeVar("T", bound=msgspec.Struct)

_SPARE_BYTES = 64
"""for `truncated`, a newline, Socket.IO's own brackets"""


class Send(msgspec.Struct, frozen=True):
    """One message to many receivers, so that a transport encodes it once."""

    to: tuple[ClientId, ...]
    message: AnyReply


def to_all(
    everyone: tuple[ClientId, ...], sender: ClientId, message: AnyReply, ref: str | None
) -> list[Send]:
    """Send one message to all, `sender` among them, whose own copy carries the `ref` it gave."""
    if ref is None:
        return [Send(everyone, message)]
    own = Send((sender,), msgspec.structs.replace(message, ref=ref))
    others = without(everyone, sender)
    return [own, Send(others, message)] if others else [own]


def without(everyone: tuple[ClientId, ...], client: ClientId) -> tuple[ClientId, ...]:
    """Return all but one, who must be among them."""
    place = everyone.index(client)  # much faster than a comprehension that compares each
    return everyone[:place] + everyone[place + 1 :]


def that_fit(items: Iterable[T], empty: Reply, max_bytes: int) -> tuple[T, ...]:
    """Return items from the first on, as many as fit into a frame with the message around them.

    Args:
        items: in the order in which they matter.
        empty: the message without them.
        max_bytes: longest frame; 0 = unlimited.
    """
    if not max_bytes:
        return tuple(items)
    left = max_bytes - len(msgspec.json.encode(empty)) - _SPARE_BYTES
    fitting: list[T] = []
    for item in items:
        left -= len(msgspec.json.encode(item)) + 1  # and a comma
        if left < 0:
            break
        fitting.append(item)
    return tuple(fitting)
