"""What the examiner takes from a learner's process: plain data, and nothing that could be a call.

`multiprocessing` sends pickles, and a pickle may name any function to be called where it is read
(the documentation of `pickle` warns of it). The learner's process is no friend here, so that only
what `calls.plain` lets out is let in: built-in types, and members of enumerations such as
`socket.AF_INET` together with other kinds of int, str and bytes from modules loaded already.
"""

from __future__ import annotations

import io
import pickle
import sys
from enum import EnumType
from multiprocessing.connection import Connection
from typing import Any

MAX_BYTES = 64 * 1024**2
"""longest message from a learner's process"""
_PLAIN = (int, str, bytes, bytearray)
_HOLDERS = (set, frozenset, complex)


def _member(kind: object, name: object) -> object:
    if isinstance(kind, EnumType) and isinstance(name, str) and name in kind.__members__:
        return kind.__members__[name]
    raise Suspicious("getattr in a message")


class Suspicious(ValueError):
    """A message holds what no honest process sends."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):  # so Python before 3.11.4 sends a member
            return _member
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, _PLAIN) or found in _HOLDERS:
            return found
        if isinstance(found, type) and issubclass(found, _PLAIN):
            return found
        raise Suspicious(f"{module}.{name} in a message")


def plain_data(message: bytes) -> Any:
    """Return what a pickle holds.

    Raises:
        Suspicious: it holds more than plain data, or is no pickle.
    """
    try:
        return _Reader(io.BytesIO(message)).load()
    except Suspicious:
        raise
    except Exception as error:  # a broken pickle raises nearly anything
        raise Suspicious(f"a message that cannot be read: {type(error).__name__}") from None


def receive(channel: Connection[Any, Any]) -> tuple[str, Any]:
    """Return the next event and its value.

    Raises:
        Suspicious: it is no event with plain data.
        EOFError, OSError: the connection has ended, or the message is longer than `MAX_BYTES`.
    """
    match plain_data(channel.recv_bytes(MAX_BYTES)):
        case (str(event), value):
            return event, value
        case _:
            raise Suspicious("a message that is no event")
