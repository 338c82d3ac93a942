"""The text service: what you say comes back to you and goes to everybody else.

It needs no program of its own at the other end: `nc` and `telnet` are clients. Its codec makes
all text a message and every message text; nothing in a line is special to it.
"""

from __future__ import annotations

import re

from netlab.core import messages
from netlab.core.errors import LocalProtocolError, Refused
from netlab.core.framing import decode_text
from netlab.core.json_codec import Codec
from netlab.core.messages import AnyReply, AnyRequest
from netlab.core.service import ClientId, Send, Service


class TextLines:
    """Plain text for people: `Echo: …`, `Broadcast from …: …`, `Error: …`, `Closing: …`.

    A server that has no worker free says `Waiting: …` first.
    """

    def decode_request(self, frame: bytes | str, *, bare_text: bool = True) -> AnyRequest:
        """Read a frame: whatever it is, it is `text`."""
        return messages.Text(content=decode_text(frame))

    def encode_reply(self, message: AnyReply) -> bytes:
        """Write a reply as a line for people, without its newline."""
        match message:
            case messages.Echo(content=content):
                line = f"Echo: {content}"
            case messages.Broadcast(content=content, sender=sender):
                line = f"Broadcast from {sender}: {content}"
            case messages.Error(code=code, message=text) | messages.Closing(code=code, reason=text):
                line = f"{type(message).__name__}: {code}: {text}"
            case messages.Waiting(position=position):
                line = f"Waiting: you are number {position} in the queue"
            case _:
                raise TypeError(f"the text service sends no {message.type}")
        return line.encode()

    def encode_request(self, message: AnyRequest) -> bytes:
        """Write a text; nothing else can be said to a text service."""
        if not isinstance(message, messages.Text):
            raise LocalProtocolError(f"a text service understands no {message.type}; send text")
        return message.content.encode()

    def decode_reply(self, frame: bytes | str) -> AnyReply:
        """Read a line for people back into the message it was made of."""
        line = decode_text(frame)
        if found := re.fullmatch(r"Echo: (.*)", line, re.DOTALL):
            return messages.Echo(content=found[1])
        if found := re.fullmatch(r"Broadcast from (\(.*?\)): (.*)", line, re.DOTALL):
            return messages.Broadcast(sender=found[1], content=found[2])
        if found := re.fullmatch(r"(Error|Closing): (\w+): (.*)", line, re.DOTALL):
            code, text = found[2], found[3]
            return (
                messages.Error(code, text) if found[1] == "Error" else messages.Closing(code, text)
            )
        if found := re.fullmatch(r"Waiting: you are number (\d{1,9}) in the queue", line):
            return messages.Waiting(int(found[1]))
        return messages.Echo(content=line)


class EchoService(Service):
    """Echo to the sender, broadcast to the others."""

    codec: Codec = TextLines()
    sends_heartbeats = False  # to `nc` and `telnet` they would be noise

    def _received(self, client: ClientId, message: AnyRequest, now: float) -> list[Send]:
        if not isinstance(message, messages.Text):
            raise Refused("text_only", f"this service understands text, not {message.type}")
        peer = self._clients[client].peer
        return [
            Send((client,), messages.Echo(content=message.content)),
            Send(self._others(client), messages.Broadcast(content=message.content, sender=peer)),
        ]
