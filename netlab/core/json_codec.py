"""Messages as JSON, and what every codec has to offer."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from netlab.core.errors import InvalidMessage
from netlab.core.framing import decode_text
from netlab.core.messages import REPLY_FIELDS, REQUEST_FIELDS, AnyReply, AnyRequest, Text


class Codec(Protocol):
    """A frame's bytes to a message and back, for both sides of a conversation."""

    def decode_request(self, frame: bytes | str, *, bare_text: bool = True) -> AnyRequest:
        """Read what a client sent. `bare_text`: may a frame that is no JSON object be `text`?

        Raises:
            RemoteProtocolError: the frame is no request; the error's text is fit for the client.
        """

    def encode_reply(self, message: AnyReply) -> bytes:
        """Write what the server sends."""

    def encode_request(self, message: AnyRequest) -> bytes:
        """Write what a client sends."""

    def decode_reply(self, frame: bytes | str) -> AnyReply:
        """Read what the server sent.

        Raises:
            RemoteProtocolError: the frame is no reply.
        """


M = TypeVar("M")

_encoder = msgspec.json.Encoder()
_request_decoder: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_reply_decoder: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)


class Json:
    """One JSON object a frame (RFC 8259), tagged by `type`."""

    def decode_request(self, frame: bytes | str, *, bare_text: bool = True) -> AnyRequest:
        """Read a request; with `bare_text`, a frame that starts with neither { nor [ is `text`."""
        text = decode_text(frame)
        if bare_text and text.lstrip()[:1] not in ("{", "["):
            return Text(content=text)
        return _decode(_request_decoder, text, REQUEST_FIELDS)

    def encode_reply(self, message: AnyReply | AnyRequest) -> bytes:
        """Write a message as one line of JSON, without its newline."""
        return _encoder.encode(message)

    encode_request = encode_reply

    def decode_reply(self, frame: bytes | str) -> AnyReply:
        """Read a reply."""
        return _decode(_reply_decoder, decode_text(frame), REPLY_FIELDS)


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
        what = "no `type` came" if wire_type is None else f"unknown type {short(wire_type)}"
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


def short(value: object) -> str:
    """Return what somebody sent as it may stand in an error's text: quoted, escaped, short."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
