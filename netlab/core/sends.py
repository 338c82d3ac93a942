"""What a service answers with: messages, and who is to have them."""

from __future__ import annotations

from typing import NewType

import msgspec

from netlab.core.messages import AnyReply

ClientId = NewType("ClientId", str)


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
