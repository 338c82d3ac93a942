"""The wire vocabulary: what clients ask, what the server answers, and both as JSON.

One class a message; its `type` on the wire is the class's name in snake_case unless `tag=` says
otherwise. Fields whose names are Python keywords have another name here: `sender` is `from` on the
wire, `role` is `as`. Unknown fields are ignored, so that old programs understand newer ones.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import field

from netlab.core.errors import InvalidMessage, LocalProtocolError
from netlab.core.framing import decode_text

Ref = Annotated[str, msgspec.Meta(max_length=64)]
"""A client's own mark on a request; the direct reply carries it back."""


def _wire_name(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag=_wire_name):
    """Anything that crosses the wire."""

    @property
    def type(self) -> str:
        """The name on the wire."""
        return type_name(self.__class__)


def type_name(message_class: type[Message]) -> str:
    """Return what stands in the field `type` of such messages."""
    return str(message_class.__struct_config__.tag)


# ---------------------------------------------------------------- what a client sends


class Request(Message, frozen=True, kw_only=True):
    """What a client sends; `ref` comes back in the direct reply."""

    ref: Ref | None = None


class Text(Request, frozen=True):
    """Say something to everybody; the sender hears `echo`, the others `broadcast`."""

    content: str


class Ping(Request, frozen=True):
    """Ask for a `pong`."""


class Bye(Request, frozen=True):
    """Ask the server to end the connection."""


AnyRequest = Text | Ping | Bye

# ---------------------------------------------------------------- what the server sends


class Reply(Message, frozen=True, kw_only=True):
    """What the server sends; `ref` is that of the request it answers directly."""

    ref: Ref | None = None


class Echo(Reply, frozen=True):
    """Your own text, back."""

    content: str
    timestamp: str = ""


class Broadcast(Reply, frozen=True):
    """Somebody else's text."""

    content: str
    sender: str = field(name="from")
    from_id: str = ""
    timestamp: str = ""


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


AnyReply = Echo | Broadcast | Pong | Heartbeat | Error | Closing

# ---------------------------------------------------------------- codecs


class Codec(Protocol):
    """A frame's bytes to a message and back, for both sides of a conversation."""

    def decode_request(self, frame: bytes | str, *, bare_text: bool = True) -> AnyRequest:
        """Read what a client sent. `bare_text`: may a frame that is no JSON object be `text`?

        Raises:
            RemoteProtocolError: the frame is no request; the error's text is fit for the client.
        """
        ...

    def encode_reply(self, message: AnyReply) -> bytes:
        """Write what the server sends."""
        ...

    def encode_request(self, message: AnyRequest) -> bytes:
        """Write what a client sends."""
        ...

    def decode_reply(self, frame: bytes | str) -> AnyReply:
        """Read what the server sent.

        Raises:
            RemoteProtocolError: the frame is no reply.
        """
        ...


M = TypeVar("M")

_encoder = msgspec.json.Encoder()
_request_decoder: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_reply_decoder: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)


def _fields_by_type(union: Any) -> dict[str, tuple[str, ...]]:
    return {type_name(cls): cls.__struct_encode_fields__ for cls in union.__args__}


_request_fields = _fields_by_type(AnyRequest)
_reply_fields = _fields_by_type(AnyReply)
REPLY_TYPES = tuple(_reply_fields)


def make_request(wire_type: str, **fields: Any) -> AnyRequest:
    """Return the request named `wire_type` with the fields as they are named on the wire.

    Raises:
        LocalProtocolError: there is no such request, or its fields are others.
    """
    if wire_type not in _request_fields:
        raise LocalProtocolError(
            f"no request is called {wire_type!r}; there are: {', '.join(_request_fields)}"
        )
    allowed = _request_fields[wire_type]
    if unknown := [name for name in fields if name not in allowed]:
        raise LocalProtocolError(
            f"{wire_type} has no field {', '.join(unknown)}; it has: {', '.join(allowed)}"
        )
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        request: AnyRequest = msgspec.convert({"type": wire_type, **given}, AnyRequest)
    except msgspec.ValidationError as error:
        raise LocalProtocolError(
            f"{wire_type}: {error}; its fields are: {', '.join(allowed)}"
        ) from None
    return request


class Json:
    """One JSON object a frame (RFC 8259), tagged by `type`."""

    def decode_request(self, frame: bytes | str, *, bare_text: bool = True) -> AnyRequest:
        """Read a request; with `bare_text`, a frame that starts with neither { nor [ is `text`."""
        text = decode_text(frame)
        if bare_text and text.lstrip()[:1] not in ("{", "["):
            return Text(content=text)
        return _decode(_request_decoder, text, _request_fields)

    def encode_reply(self, message: AnyReply) -> bytes:
        """Write a reply as one line of JSON, without its newline."""
        return _encoder.encode(message)

    def encode_request(self, message: AnyRequest) -> bytes:
        """Write a request as one line of JSON, without its newline."""
        return _encoder.encode(message)

    def decode_reply(self, frame: bytes | str) -> AnyReply:
        """Read a reply."""
        return _decode(_reply_decoder, decode_text(frame), _reply_fields)


def _decode(
    decoder: msgspec.json.Decoder[M], text: str, fields_by_type: dict[str, tuple[str, ...]]
) -> M:
    try:
        return decoder.decode(text)
    except _UNREADABLE as error:
        complaint = str(error)
    try:
        got = msgspec.json.decode(text)
    except _UNREADABLE as error:
        raise InvalidMessage(
            "invalid_json", f"not a JSON object: {error}; send one object a frame"
        ) from None
    raise _explain(got, complaint, fields_by_type)


_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)


def _explain(
    got: object, complaint: str, fields_by_type: dict[str, tuple[str, ...]]
) -> InvalidMessage:
    """Say what came and what is allowed; the decoder itself knows only where it stopped."""
    if not isinstance(got, dict):
        return InvalidMessage(
            "invalid_json", f"a JSON {_json_name(got)} came; send one JSON object a frame"
        )
    wire_type, ref = got.get("type"), got.get("ref")
    in_reply_to = ref if isinstance(ref, str) and len(ref) <= 64 else None
    if not isinstance(wire_type, str) or wire_type not in fields_by_type:
        what = "no `type` came" if wire_type is None else f"unknown type {_short(wire_type)}"
        return InvalidMessage(
            "unknown_type", f"{what}; known types: {', '.join(fields_by_type)}", in_reply_to
        )
    allowed = ", ".join(name for name in fields_by_type[wire_type] if name != "ref") or "none"
    return InvalidMessage(
        "invalid_message",
        f"{wire_type}: {complaint[:200]}; its fields are: {allowed}",
        in_reply_to or wire_type,
    )


def _json_name(value: object) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return names.get(type(value), "null")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
