"""What a client has received: its reader puts messages in, a cell takes them out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

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


class Mail:
    """Messages in the order in which they came, each to be taken once. Nothing here waits.

    Heartbeats are passed over: however long you read between two cells, the same messages are here.
    """

    def __init__(self) -> None:
        self.ended: str | None = None
        self._received: deque[AnyReply] = deque(maxlen=KEPT_MESSAGES)
        self._untaken: deque[AnyReply] = deque(maxlen=KEPT_MESSAGES)

    def put(self, message: AnyReply) -> Ping | None:
        """Take in a message that came; return what to answer to it, if it asks for an answer."""
        if isinstance(message, Heartbeat):
            return Ping(ref=_ANSWER_TO_HEARTBEAT)
        if not _is_passed_over(message):
            self._received.append(message)
            self._untaken.append(message)
        return None

    def end(self, reason: str) -> None:
        """Take note that no more messages will come. The first reason given is kept."""
        if self.ended is None:
            last = self._received[-1] if self._received else None
            if isinstance(last, Closing):
                reason = f"the server closed the connection: {last.code}: {last.reason}"
            self.ended = reason

    @property
    def messages(self) -> tuple[AnyReply, ...]:
        """Everything that came, taken or not, oldest first."""
        return tuple(self._received)

    def take(self, wanted: str | type[Reply]) -> AnyReply | None:
        """Return the first message of that type not taken yet; None: it may still come.

        Raises:
            RemoteError: an `error` came before it.
            ConnectionEnded: it will not come any more.
            LocalProtocolError: servers send no such message.
        """
        name = _type_of(wanted)
        if name not in REPLY_TYPES:
            raise LocalProtocolError(
                f"no message is called {name!r}; servers send: {', '.join(REPLY_TYPES)}"
            )
        for index, message in enumerate(self._untaken):
            if message.type == name:
                del self._untaken[index]
                return message
            if isinstance(message, Error):
                del self._untaken[index]
                raise RemoteError(message.code, message.message, message.in_reply_to)
        if self.ended is not None:
            raise ConnectionEnded(f"no {name} will come: {self.ended}")
        return None

    def too_late(self, wanted: str | type[Reply], timeout_s: float) -> TimeoutError:
        """Return the error that says what was awaited and what came instead."""
        counts = Counter(message.type for message in self._untaken)
        came = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        instead = f"came instead: {came}" if came else "nothing came"
        return TimeoutError(f"no {_type_of(wanted)} within {timeout_s:g} s; {instead}")


class Inbox(Mail):
    """Mail that one thread puts in and others wait for.

    Args:
        answer: sends a request, for the answers to heartbeats.
        on_message: told of each message that is kept, in the thread that puts it in.
        on_end: told, once, why no more messages will come.
    """

    def __init__(
        self,
        answer: Callable[[Ping], None],
        on_message: Callable[[AnyReply], None] | None = None,
        on_end: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self._answer = answer
        self._on_message = on_message
        self._on_end = on_end
        self._changed = threading.Condition()  # guards the mail

    def put(self, message: AnyReply) -> None:
        """Take in a message that came, and answer it if it is a heartbeat."""
        with self._changed:
            answer = super().put(message)
            self._changed.notify_all()
        if answer is not None:
            with contextlib.suppress(OSError):  # it is lost, and its reader is about to see that
                self._answer(answer)
        elif self._on_message is not None and not _is_passed_over(message):
            self._on_message(message)

    def end(self, reason: str) -> None:
        """Take note that no more messages will come. The first reason given is kept."""
        with self._changed:
            is_first = self.ended is None
            super().end(reason)
            self._changed.notify_all()
        if is_first and self._on_end is not None:
            self._on_end(self.ended or reason)

    @property
    def messages(self) -> tuple[AnyReply, ...]:
        """Everything that came, taken or not, oldest first."""
        with self._changed:
            return super().messages

    def wait_ended(self, timeout_s: float) -> str:
        """Wait until no more messages will come, and return why.

        Raises:
            TimeoutError: the connection still stands after `timeout_s` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended is not None, timeout_s):
                raise TimeoutError(f"the connection still stands after {timeout_s:g} s")
            return self.ended or ""

    def wait_for(self, wanted: str | type[Reply], timeout_s: float) -> AnyReply:
        """Return the first message of the wanted type that was not taken yet.

        Args:
            wanted: a type's name on the wire (`"echo"`) or its class (`Echo`).
            timeout_s: seconds to wait for it at most.

        Raises:
            RemoteError: an `error` came before it.
            TimeoutError: it did not come in time; the text says what came instead.
            ConnectionEnded: it will not come any more.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (found := self.take(wanted)) is None:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise self.too_late(wanted, timeout_s)
            return found


def _is_passed_over(message: AnyReply) -> bool:
    if isinstance(message, Heartbeat):
        return True
    return isinstance(message, Pong) and message.ref == _ANSWER_TO_HEARTBEAT


def _type_of(wanted: str | type[Reply]) -> str:
    return wanted if isinstance(wanted, str) else type_name(wanted)
