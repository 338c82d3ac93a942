"""The wire vocabulary, whole: every message, by its class and by its name on the wire."""
# ruff: noqa: F403

from __future__ import annotations

from typing import Any

import msgspec

from netlab.core.chat_messages import *
from netlab.core.chat_messages import ChatReply, ChatRequest
from netlab.core.errors import LocalProtocolError
from netlab.core.game_messages import *
from netlab.core.game_messages import GameReply, GameRequest
from netlab.core.wire import *
from netlab.core.wire import ConnectionReply, ConnectionRequest, type_name

AnyRequest = ChatRequest | ConnectionRequest | GameRequest
AnyReply = ChatReply | ConnectionReply | GameReply


def _fields_by_type(union: Any) -> dict[str, tuple[str, ...]]:
    return {type_name(cls): cls.__struct_encode_fields__ for cls in union.__args__}


REQUEST_FIELDS = _fields_by_type(AnyRequest)
"""the fields of each request, by its type, as they are named on the wire"""
REPLY_FIELDS = _fields_by_type(AnyReply)
"""the same for replies"""
REPLY_TYPES = tuple(REPLY_FIELDS)


def make_request(wire_type: str, **fields: Any) -> AnyRequest:
    """Return the request named `wire_type` with the fields as they are named on the wire.

    Raises:
        LocalProtocolError: there is no such request, or its fields are others.
    """
    if wire_type not in REQUEST_FIELDS:
        raise LocalProtocolError(
            f"no request is called {wire_type!r}; there are: {', '.join(REQUEST_FIELDS)}"
        )
    allowed = ", ".join(REQUEST_FIELDS[wire_type])
    if unknown := [name for name in fields if name not in REQUEST_FIELDS[wire_type]]:
        raise LocalProtocolError(
            f"{wire_type} has no field {', '.join(unknown)}; it has: {allowed}"
        )
    try:
        request: AnyRequest = msgspec.convert({"type": wire_type, **fields}, AnyRequest)
    except msgspec.ValidationError as error:
        raise LocalProtocolError(f"{wire_type}: {error}; its fields are: {allowed}") from None
    return request
