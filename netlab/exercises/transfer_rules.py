"""The rules of a sender that waits for acknowledgements, watched over: `Watch`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NoReturn

from netlab.exercises.words import count, in_short

RESEND_S = 0.5
"""seconds after which what was not acknowledged is sent again"""
MOST_SENDINGS = 8
"""of one message"""
TOLERANCE_S = 0.1
"""seconds by which code that looks at the clock now and then may be late"""
_EXACT_S = 1e-6
NUMBER_BYTES = 4


class Rule(IntEnum):
    """The rules of both exercises, by their numbers."""

    FORM = 1
    WINDOW = 2
    ACKNOWLEDGED = 3
    AGAIN = 4
    GIVE_UP = 5
    RESULT = 6


class Breach(BaseException):
    """A rule is broken: mark, what was expected, what came, number of the rule.

    No `Exception`: what the code catches is none of its business.
    """


class Watch:
    """What a sender has done so far, and what it may do now.

    Args:
        messages: what it is to send.
        window: how many of them may be under way at the same time.

    Its methods raise `Breach`; the first is kept as `breach`.
    """

    def __init__(self, messages: Sequence[bytes], window: int) -> None:
        self._messages = tuple(messages)
        self._window = window
        self._sendings: dict[int, list[float]] = {}
        self._acknowledged: set[int] = set()
        self._may_be_sent_since: dict[int, float] = {}
        self._ignorable_s: float | None = None
        """when the last datagram came, if it was one to be ignored"""
        self.breach: Breach | None = None
        self._open_window(0.0)

    @property
    def _base(self) -> int:
        """The first message that is not acknowledged."""
        number = 0
        while number in self._acknowledged:
            number += 1
        return number

    # ── what the code does ───────────────────────────────────────────────────────────────────

    def sends(self, data: bytes, now_s: float) -> None:
        """Look at a datagram that was sent."""
        number = int.from_bytes(data[:NUMBER_BYTES])
        known = len(data) >= NUMBER_BYTES and number < len(self._messages)
        if not known or data[NUMBER_BYTES:] != self._messages[number]:
            self._not_as_it_should_be(data)
        times = self._sendings.setdefault(number, [])
        base = self._base
        if number in self._acknowledged:
            expected = f"message {number} not to be sent again: it is acknowledged"
            self._broken(expected, f"it was sent again at {now_s:g} s", Rule.AGAIN)
        if number >= base + self._window:
            first = number - self._window
            before = "message 0 is" if first == 0 else f"messages 0 to {first} are all"
            got = f"it was sent at {now_s:g} s, and message {base} is not acknowledged"
            expected = f"message {number} not to be sent before {before} acknowledged"
            self._broken(expected, got, Rule.WINDOW)
        if times and now_s < times[-1] + RESEND_S - _EXACT_S:
            expected = f"message {number} not to be sent again before {times[-1] + RESEND_S:g} s"
            got = f"it was sent again at {now_s:g} s"
            stray = self._ignorable_s == now_s and not self._sent_again_at(now_s)
            got += ", upon a datagram that is to be ignored" if stray else ""
            self._broken(expected, got, Rule.ACKNOWLEDGED if stray else Rule.AGAIN)
        if len(times) == MOST_SENDINGS:
            expected = f"message {number} to be sent {MOST_SENDINGS} times at most"
            self._broken(expected, f"one time more, at {now_s:g} s", Rule.GIVE_UP)
        times.append(now_s)

    def receives(self, data: bytes, now_s: float) -> None:
        """Take note of what the code has received."""
        number = int.from_bytes(data[:NUMBER_BYTES])
        valid = len(data) == NUMBER_BYTES and number in self._sendings
        if not valid or number in self._acknowledged:
            self._ignorable_s = now_s
            return
        self._ignorable_s = None
        self._acknowledged.add(number)
        self._open_window(now_s)

    def clock(self, now_s: float) -> None:
        """Look what should have been sent by now."""
        for number, since_s in self._may_be_sent_since.items():
            if number not in self._sendings and now_s > since_s + TOLERANCE_S + _EXACT_S:
                expected = f"message {number} to be sent at {since_s:g} s"
                self._broken(expected, f"it was not sent before {now_s:g} s", Rule.WINDOW)
        for number, times in self._sendings.items():
            due_s = times[-1] + RESEND_S
            if number in self._acknowledged or now_s <= due_s + TOLERANCE_S + _EXACT_S:
                continue
            if len(times) == MOST_SENDINGS:
                expected = f"TimeoutError at {due_s:g} s: message {number} was sent "
                expected += f"{MOST_SENDINGS} times, and is not acknowledged"
                self._broken(expected, f"your code still waits at {now_s:g} s", Rule.GIVE_UP)
            expected = f"message {number} to be sent again at {due_s:g} s"
            self._broken(expected, f"it was not sent before {now_s:g} s", Rule.AGAIN)

    def returns(self, value: Any, now_s: float) -> None:
        """Look at what the code returned, and when."""
        n_sent = sum(map(len, self._sendings.values()))
        if self._messages and not n_sent:
            expected = f"{in_short(self._datagram(0))} to be sent: message 0 with its number"
            self._broken(expected, "nothing was sent", Rule.FORM)
        if len(self._acknowledged) < len(self._messages):
            expected = "it to return when every message is acknowledged"
            got = f"it returned at {now_s:g} s, and message {self._base} is not acknowledged"
            self._broken(expected, got, Rule.RESULT)
        if value != n_sent or isinstance(value, bool):
            expected = f"{n_sent} to be returned: that many datagrams were sent"
            self._broken(expected, f"{value!r:.100}", Rule.RESULT)

    def gives_up(self, now_s: float) -> None:
        """Look whether the code may raise TimeoutError now."""
        for number, times in self._sendings.items():
            tried = len(times) == MOST_SENDINGS and now_s >= times[-1] + RESEND_S - _EXACT_S
            if tried and number not in self._acknowledged:
                return
        expected = f"TimeoutError {RESEND_S} s after the {MOST_SENDINGS}th sending of a message"
        n_sent = max(map(len, self._sendings.values()), default=0)
        so_far = f"none was sent more than {count(n_sent, 'time')}" if n_sent else "none was sent"
        got = f"it was raised at {now_s:g} s, when {so_far}"
        self._broken(f"{expected}, and not before", got, Rule.GIVE_UP)

    # ── what follows from it ─────────────────────────────────────────────────────────────────

    def _open_window(self, now_s: float) -> None:
        last = min(self._base + self._window, len(self._messages))
        for number in range(self._base, last):
            self._may_be_sent_since.setdefault(number, now_s)

    def _sent_again_at(self, now_s: float) -> bool:
        """Was something sent again at this time, as it should have been?"""
        return any(len(times) > 1 and times[-1] == now_s for times in self._sendings.values())

    def _datagram(self, number: int) -> bytes:
        return number.to_bytes(NUMBER_BYTES) + self._messages[number]

    def _not_as_it_should_be(self, data: bytes) -> NoReturn:
        unsent = [number for number in range(len(self._messages)) if number not in self._sendings]
        expected = "nothing but the messages with their numbers"
        if unsent:
            expected = f"{in_short(self._datagram(unsent[0]))}: the number of message {unsent[0]} "
            expected += f"in {NUMBER_BYTES} bytes, and the message"
        self._broken(expected, in_short(data), Rule.FORM)

    def _broken(self, expected: str, got: str, rule: Rule) -> NoReturn:
        # The first one counts: what comes after it may be its consequence.
        self.breach = self.breach or Breach("broken", expected, got, int(rule))
        raise self.breach
