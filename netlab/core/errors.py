"""Every error that netlab raises on purpose.

The tree::

    NetlabError
    ├── ProtocolError               somebody broke the protocol:
    │   ├── LocalProtocolError      you did, by calling something wrongly
    │   └── RemoteProtocolError     the peer did; `code` goes back to it in an `error` message
    │       ├── FrameTooLong
    │       ├── TruncatedFrame
    │       ├── InvalidText
    │       ├── InvalidMessage
    │       └── ForeignProtocol     it speaks another protocol: the connection is closed
    ├── Refused                     understood, but not allowed: the rules say no
    ├── RemoteError                 the server answered a request of ours with `error`
    ├── ConnectionEnded             the conversation is over (also a ConnectionError)
    └── AddressInUse                another listener has the address (also an OSError)

Whose fault it is decides who has to act, so it is the first branch of the tree (the idea is h11's).
"""

import errno
from typing import ClassVar


class NetlabError(Exception):
    """Base class of all errors raised by netlab."""


class ProtocolError(NetlabError):
    """Somebody broke the protocol."""


class LocalProtocolError(ProtocolError):
    """You called something wrongly: mend the call."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol: tell it so and go on serving the others."""

    code: str = "protocol_error"
    in_reply_to: str | None = None
    closes: ClassVar[bool] = False
    """True where nothing that follows on the connection could be understood."""


class FrameTooLong(RemoteProtocolError):
    """A frame is longer than the limit; it was thrown away, the next one is read."""

    code = "frame_too_long"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"frame of more than {limit_bytes:,} bytes, the limit; send shorter frames"
        )


class TruncatedFrame(RemoteProtocolError):
    """The bytes ended in the middle of a frame."""

    code = "truncated_frame"


class InvalidText(RemoteProtocolError):
    """A frame that must be UTF-8 text is not (RFC 3629)."""

    code = "invalid_utf8"


class InvalidMessage(RemoteProtocolError):
    """A frame is no message of the vocabulary.

    `code` is `invalid_json`, `unknown_type` or `invalid_message`.
    """

    def __init__(self, code: str, text: str, in_reply_to: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.in_reply_to = in_reply_to


class ForeignProtocol(RemoteProtocolError):
    """The peer speaks another protocol (a browser sent an HTTP request, say)."""

    code = "foreign_protocol"
    closes = True


class Refused(NetlabError):
    """A request was understood, and the rules do not allow it. `code` says which rule."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class RemoteError(NetlabError):
    """The server answered with an `error` message: its `code` and `in_reply_to` are here."""

    def __init__(self, code: str, text: str, in_reply_to: str | None = None) -> None:
        about = f" (in reply to {in_reply_to})" if in_reply_to else ""
        super().__init__(f"{code}: {text}{about}")
        self.code = code
        self.in_reply_to = in_reply_to


class ConnectionEnded(NetlabError, ConnectionError):
    """The conversation is over; the text says who ended it and why, as far as is known."""


class AddressInUse(NetlabError, OSError):
    """Another listener has the address."""

    def __init__(self, address: str) -> None:
        text = (
            f"{address} is already in use: another server listens there (perhaps one that an "
            "earlier cell started). Stop it, or pass port=0 for a free port chosen by the system"
        )
        OSError.__init__(self, errno.EADDRINUSE, text)
