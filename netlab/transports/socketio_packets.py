"""Socket.IO packets as text, as far as a conversation in events needs them; nothing here waits.

A packet is a digit for its kind, then `/namespace,` unless it is the default one, then digits if
an acknowledgement is asked for, then JSON (Socket.IO protocol 5, "Packet encoding")::

    42["room_message",{"room":"hall","content":"hi"}]
    ││                └ the other fields: the event's one argument
    │└ 2: an event; its name is the message's type
    └ 4: the Engine.IO packet around it, "message"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import msgspec
from engineio.packet import MESSAGE, Packet

from netlab.core.errors import InvalidMessage
from netlab.core.json_codec import Codec, short
from netlab.core.messages import AnyRequest, Hello
from netlab.transports.websocket_connection import encode_text

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = "0123456"
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting"})
"""names of events that the library raises itself; "must not be used" by an application"""

_PACKET = re.compile(
    r"([0-6])(?:(\d{1,9})-)?(?:(/[^,?]*)(?:\?[^,]*)?(?:,|$))?(\d{0,16})(?!\d)(.*)", re.S
)
_arguments: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)


@dataclass(frozen=True, slots=True)
class ClientPacket:
    """What a client sent in one Engine.IO message."""

    kind: str
    attachments: int
    """how many binary messages follow that belong to it"""
    namespace: str
    ack: str
    """the digits before the JSON: the number of an acknowledgement"""
    payload: str

    @property
    def wanted_ack(self) -> str:
        """The number under which an acknowledgement is asked for; "" if none is."""
        return self.ack if self.kind in (EVENT, BINARY_EVENT) else ""


def parse_packet(text: str) -> ClientPacket:
    """Return the parts of a packet.

    Raises:
        InvalidMessage: it is none.
    """
    found = _PACKET.fullmatch(text)
    if found is None:
        raise InvalidMessage(
            "invalid_packet",
            f"{short(text[:40])} is no Socket.IO packet; an event is 2 and a JSON array: "
            '2["ping",{}]',
        )
    kind, attachments, namespace, ack, payload = found.groups()
    if kind not in (BINARY_EVENT, BINARY_ACK):
        attachments = None
    return ClientPacket(kind, int(attachments or 0), namespace or "/", ack, payload)


def parse_event(packet: ClientPacket, codec: Codec) -> AnyRequest:
    """Return the request in an event's JSON: `["type", {its other fields}]`.

    Raises:
        RemoteProtocolError: it is none; the error's text is fit for the client.
    """
    if packet.kind != EVENT or packet.namespace != "/":
        raise InvalidMessage("invalid_packet", _complaint(packet))
    payload = packet.payload
    try:
        name, *arguments = _arguments.decode(payload)
        wire_type = msgspec.json.decode(name)
    except (*_UNREADABLE, ValueError) as error:  # ValueError: the array is empty
        complaint = "the array is empty" if payload.strip() == "[]" else str(error)
        raise InvalidMessage(
            "invalid_event",
            f"an event is a JSON array of its name and one object of fields: {complaint}",
        ) from None
    if not isinstance(wire_type, str):
        raise InvalidMessage(
            "invalid_event", f"an event's name is a string; {short(wire_type)} came"
        )
    if wire_type in RESERVED:
        raise InvalidMessage(
            "reserved_event",
            f"{wire_type!r} is an event of the library itself; choose one of the vocabulary's",
            wire_type,
        )
    fields = bytes(arguments[0]) if arguments else b"{}"
    if len(arguments) > 1 or fields[:1] != b"{":
        came = f"{len(arguments)} arguments" if len(arguments) > 1 else "something else"
        raise InvalidMessage(
            "invalid_event",
            f"{short(wire_type)} takes one argument, an object of its fields; {came} came",
            wire_type[:64],
        )
    return codec.decode_request(_with_type(bytes(name).decode(), fields.decode()), bare_text=False)


def _with_type(name: str, fields: str) -> str:
    """Return an object of JSON with `type` before its other fields; `name` is JSON, too."""
    rest = fields.lstrip()[1:].lstrip()
    comma = "" if rest.startswith("}") else ","
    return f'{{"type":{name}{comma}{rest}'


def _complaint(packet: ClientPacket) -> str:
    if packet.kind in (BINARY_EVENT, BINARY_ACK):
        return "binary attachments are not understood here; send fields of JSON"
    if packet.kind == EVENT:
        return f"you are not connected to the namespace {short(packet.namespace)}, only to /"
    return f"clients send packets 0 (connect), 1 (disconnect) and 2 (event), not {packet.kind}"


def parse_hello(payload: str, codec: Codec) -> Hello | None:
    """Return what a CONNECT packet carries as `auth`; None where it carries nothing.

    Raises:
        RemoteProtocolError: it is no object with the fields of `hello`.
    """
    if payload.strip() in ("", "null"):
        return None
    if payload.lstrip()[:1] != "{":
        raise InvalidMessage(
            "invalid_message", f"auth is an object; {short(payload[:40])} came", "hello"
        )
    try:
        hello = codec.decode_request(_with_type('"hello"', payload), bare_text=False)
    except InvalidMessage as error:
        # What came is not repeated: it may be a secret with a comma missing.
        raise InvalidMessage(error.code, f"auth: {error}", error.in_reply_to or "hello") from None
    return hello if isinstance(hello, Hello) else None


def connect_error(namespace: str, text: str) -> str:
    """Return the packet that refuses a connection to a namespace."""
    where = "" if namespace == "/" else f"{namespace},"
    return CONNECT_ERROR + where + msgspec.json.encode({"message": text}).decode()


def acknowledgement(ack: str, refusal: Event | None) -> Event:
    """Return the packet that answers a request which asked for an acknowledgement."""
    content = b'{"ok":true}'
    if refusal is not None:
        content = b'{"ok":false,"error":' + refusal.fields + b"}"
    return Event(b"43" + ack.encode() + b"[" + content + b"]")


class Event(bytes):
    """A packet to clients, ready to be sent as an Engine.IO message: made once for all of them.

    Whatever form a connection needs is made when the first one asks for it, and kept.
    """

    def __new__(cls, data: bytes) -> Event:
        return super().__new__(cls, data)

    @classmethod
    def from_json(cls, message: bytes) -> Event:
        """Return the event for a message `{"type":"…",…}`; the tag comes first (msgspec)."""
        end = message.index(b'"', 9)
        rest = message[end + 1 :]
        fields = b"{" + rest[1:] if rest[:1] == b"," else b"{}"
        return cls(b'42["' + message[9:end] + b'",' + fields + b"]")

    @property
    def name(self) -> bytes:
        """The event's name; only of events."""
        return self[4 : self.index(b'"', 4)]

    @property
    def fields(self) -> bytes:
        """The JSON of the event's argument."""
        return self[self.index(b",") + 1 : -1]

    @cached_property
    def packet(self) -> SizedPacket:
        """The same as Engine.IO's library takes it."""
        return SizedPacket(self[1:].decode(), len(self))

    @cached_property
    def frame(self) -> bytes:
        """The same as a WebSocket frame."""
        return encode_text(self)


class SizedPacket(Packet):  # type: ignore[misc]  # the library has no types
    """An Engine.IO message that knows how many bytes it takes on the wire."""

    def __init__(self, text: str, size_bytes: int | None = None) -> None:
        super().__init__(MESSAGE, text)
        self.size_bytes = len(text.encode()) + 1 if size_bytes is None else size_bytes
