"""One direction of one TCP conversation: bytes in, messages out.

Every stream transport reads through these two, so that they all understand the same bytes alike.
"""

from __future__ import annotations

import re

from netlab.core.errors import ForeignProtocol, RemoteProtocolError
from netlab.core.framing import LineReader
from netlab.core.json_codec import Codec
from netlab.core.messages import AnyReply, AnyRequest

_HTTP_REQUEST_LINE = re.compile(rb"HTTP/\d(\.\d)?$")
_HTTP_REQUEST_START = re.compile(rb"[A-Z]{3,7} /")


class RequestStream:
    """What a server reads from one client.

    A first line that ends like an HTTP request line (RFC 9112, 3) is refused and nothing after it
    is read: a web page can make a browser send text of its choice to any port, and would otherwise
    talk here in its visitor's name.
    """

    def __init__(self, codec: Codec, max_frame_bytes: int) -> None:
        self._codec = codec
        self._lines = LineReader(max_frame_bytes)
        self._at_first_line = True
        self._start = b""
        self._refused = False

    def feed(self, data: bytes) -> list[AnyRequest | RemoteProtocolError]:
        """Return the messages completed by `data`, and in their place the peer's mistakes."""
        if self._at_first_line:
            self._start = (self._start + data[:16])[:16]
        return self._read(self._lines.feed(data))

    def end(self) -> list[AnyRequest | RemoteProtocolError]:
        """Take note that the client sends no more; a half line it left is a mistake."""
        return self._read(self._lines.end())

    def _read(
        self, frames: list[bytes | RemoteProtocolError]
    ) -> list[AnyRequest | RemoteProtocolError]:
        return [self._decode(frame) for frame in frames if not self._refused]

    def _decode(self, frame: bytes | RemoteProtocolError) -> AnyRequest | RemoteProtocolError:
        try:
            if self._at_first_line and self._is_http(frame):
                self._refused = True
                raise ForeignProtocol("this is an HTTP request; a chat of lines is spoken here")
            self._at_first_line = False
            if isinstance(frame, RemoteProtocolError):
                raise frame
            return self._codec.decode_request(frame)
        except RemoteProtocolError as error:
            return error

    def _is_http(self, frame: bytes | RemoteProtocolError) -> bool:
        if isinstance(frame, RemoteProtocolError):
            # Of a line that is too long the end was not kept, and a URL can be as long as it likes.
            return _HTTP_REQUEST_START.match(self._start) is not None
        return _HTTP_REQUEST_LINE.search(frame) is not None


class ReplyStream:
    """What a client reads from its server."""

    def __init__(self, codec: Codec, max_frame_bytes: int) -> None:
        self._codec = codec
        self._lines = LineReader(max_frame_bytes)

    def feed(self, data: bytes) -> list[AnyReply]:
        """Return the messages completed by `data`.

        Raises:
            RemoteProtocolError: the server sent what is no message; there is no way to go on.
        """
        replies = []
        for frame in self._lines.feed(data):
            if isinstance(frame, RemoteProtocolError):
                raise frame
            replies.append(self._codec.decode_reply(frame))
        return replies
