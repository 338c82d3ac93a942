"""What a client has received: a background reader puts messages in, a cell takes them out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar, overload

from netlab.core.errors import ConnectionEnded, LocalProtocolError, RemoteError
from netlab.core.messages import (
    REPLY_TYPES,
    AnyReply,
    Closing,
    Error,
    Heartbeat,
    Ping,
    Pong,
    Reply,
    type_name,
)

R = TypeVar("R", bound=Reply)

KEPT_MESSAGES = 10_000
"""messages a client keeps, taken or not; the oldest go first"""
_ANSWER_TO_HEARTBEAT = "heartbeat"


class Inbox:
    """Messages in the order in which they came, each to be taken once.

    Heartbeats are answered and passed over: however long you read between two cells, the same
    messages are here.

    Args:
        answer: sends a request, for the answers to heartbeats.
    """

    def __init__(self, answer: Callable[[Ping], None]) -> None:
        self._answer = answer
        self._changed = threading.Condition()  # guards what follows
        self._received: deque[AnyReply] = deque(maxlen=KEPT_MESSAGES)
        self._untaken: deque[AnyReply] = deque(maxlen=KEPT_MESSAGES)
        self._ended: str | None = None

    def put(self, message: AnyReply) -> None:
        """Take in a message that came."""
        if isinstance(message, Heartbeat):
            self._answer(Ping(ref=_ANSWER_TO_HEARTBEAT))
            return
        if isinstance(message, Pong) and message.ref == _ANSWER_TO_HEARTBEAT:
            return
        with self._changed:
            self._received.append(message)
            self._untaken.append(message)
            self._changed.notify_all()

    def end(self, reason: str) -> None:
        """Take note that no more messages will come. The first reason given is kept."""
        with self._changed:
            if self._ended is None:
                last = self._received[-1] if self._received else None
                if isinstance(last, Closing):
                    reason = f"the server closed the connection: {last.code}: {last.reason}"
                self._ended = reason
            self._changed.notify_all()

    @property
    def ended(self) -> str | None:
        """Why no more messages will come; None while they may."""
        with self._changed:
            return self._ended

    @property
    def messages(self) -> tuple[AnyReply, ...]:
        """Everything that came, taken or not, oldest first."""
        with self._changed:
            return tuple(self._received)

    def wait_ended(self, timeout_s: float) -> str:
        """Wait until no more messages will come, and return why.

        Raises:
            TimeoutError: the connection still stands after `timeout_s` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended is not None, timeout_s):
                raise TimeoutError(f"the connection still stands after {timeout_s} s")
            return self._ended or ""

    @overload
    def wait_for(self, wanted: type[R], timeout_s: float) -> R: ...
    @overload
    def wait_for(self, wanted: str, timeout_s: float) -> AnyReply: ...
    def wait_for(self, wanted: str | type[R], timeout_s: float) -> AnyReply | R:
        """Return the first message of the wanted type that was not taken yet.

        Args:
            wanted: a type's name on the wire (`"echo"`) or its class (`Echo`).
            timeout_s: seconds to wait for it at most.

        Raises:
            RemoteError: an `error` came before it.
            TimeoutError: it did not come in time; the text says what came instead.
            ConnectionEnded: it will not come any more.
        """
        name = wanted if isinstance(wanted, str) else type_name(wanted)
        if name not in REPLY_TYPES:
            raise LocalProtocolError(
                f"no message is called {name!r}; servers send: {', '.join(REPLY_TYPES)}"
            )
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = self._take(name)
                if found is not None:
                    return found
                if self._ended is not None:
                    raise ConnectionEnded(f"no {name} will come: {self._ended}")
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {name} within {timeout_s:g} s; {self._instead()}")

    def _take(self, name: str) -> AnyReply | None:
        for index, message in enumerate(self._untaken):
            if message.type == name:
                del self._untaken[index]
                return message
            if isinstance(message, Error):
                del self._untaken[index]
                raise RemoteError(message.code, message.message, message.in_reply_to)
        return None

    def _instead(self) -> str:
        if not self._untaken:
            return "nothing came"
        return "came instead: " + ", ".join(message.type for message in self._untaken)
