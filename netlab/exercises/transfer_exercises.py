"""Two exercises of chapter 07: messages that all arrive, one at a time or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.transfers import sends_well, transfer
from netlab.exercises.trial import Trial

# ---------------------------------------------------------------- both

_MESSAGES = (b"one", b"two", b"three", b"four")
_SAME = (b"again", b"again", b"", b"again")
_MEANS = (
    "`endpoint.send(datagram)`, `endpoint.receive(timeout_s)` and `endpoint.now_s` are all that "
    "you need. The clock is simulated: it goes on while `receive` waits, and only then. "
    "(`time.monotonic()` knows nothing of it.)"
)
_FORM = (
    "A datagram is `number.to_bytes(4) + message`; the number is the message's place in "
    "`messages`, from 0. Messages are `bytes`, may be empty, and may be equal."
)
_ACKNOWLEDGED = (
    "`number.to_bytes(4)`, alone, acknowledges that message{}. Whatever else "
    "comes is ignored, such as old acknowledgements, doubled ones, and datagrams of another "
    "length: nothing is sent because of it, and no time begins anew."
)
_AGAIN = (
    "A message that is not acknowledged is sent again 0.5 seconds after it was sent last: not "
    "earlier, and at most 0.1 seconds later. What is acknowledged is not sent again."
)
_GIVE_UP = (
    "A message is sent 8 times at most. If it is not acknowledged 0.5 seconds after the eighth "
    "time, `TimeoutError` is raised (at most 0.1 seconds later)."
)
_RESULT = (
    "When all messages are acknowledged, it returns how many datagrams it has sent in all: 0 if "
    "`messages` is empty."
)

Faults = Mapping[str, Any]
_NO_CHATTER: tuple[float, tuple[bytes, ...]] = (0.0, ())


def _transfers(
    name: str,
    rule: int,
    messages: tuple[bytes, ...],
    window: int | None = None,
    *,
    there: Faults | None = None,
    back: Faults | None = None,
    chatter: tuple[float, tuple[bytes, ...]] = _NO_CHATTER,
    examine: Callable[[Trial], None] | None = None,
) -> Probe:
    """`there`, `back`: the faults of the messages' way and of the acknowledgements'."""
    arguments = (messages, window, there or {}, back or {}, chatter)
    return Probe(name, rule, examine or sends_well(), transfer, arguments)


def _numbered(how_many: int) -> tuple[bytes, ...]:
    return tuple(f"message {number}".encode() for number in range(how_many))


_BAD_WEATHER = {"loss": 0.1, "duplication": 0.2, "reordering": 0.2}
_OTHER_LENGTHS = (
    0.1875,
    (b"", b"\x00", b"\x00\x00\x00\x01!", b"\x00\x00\x00\x00\x00\x00\x00\x01"),
)

# ---------------------------------------------------------------- one at a time

stop_and_wait = Exercise(
    "stop_and_wait",
    chapter="07",
    kind="core",
    title="Send, wait, send again",
    task="Write `stop_and_wait(endpoint, messages)`: it sends the messages of a list, one after "
    "the other, over a network that loses some datagrams and doubles others. `endpoint` is its "
    "end of a `SimulatedNetwork`; the other end acknowledges each datagram that arrives.",
    rules=(
        _FORM,
        "Message 0 is sent at once, each other one as soon as the one before it is acknowledged, "
        "and not before: one message is under way at a time.",
        _ACKNOWLEDGED.format(""),
        _AGAIN,
        _GIVE_UP,
        _RESULT,
        _MEANS,
    ),
    hints=(
        "Two loops, one in the other: for each message up to eight times *send, then wait*; and "
        "while waiting, receive until it is the right acknowledgement or the 0.5 seconds are "
        "over.",
        "`receive(0.5)` in a loop begins anew with each datagram that is ignored. Write down "
        "`due_s = endpoint.now_s + 0.5` once when you send, and wait for "
        "`due_s - endpoint.now_s`.",
        "A function `acknowledged(endpoint, number)` helps: it receives until the right "
        "datagram has come (`return True`) or `receive` has raised `TimeoutError` "
        "(`return False`). With it the rest is two `for` loops; the `else` of a `for` runs if "
        "no `break` ended it.",
    ),
    probes=(
        _transfers("a network without faults", 1, _MESSAGES),
        _transfers("equal messages, and an empty one", 1, _SAME),
        _transfers("no message at all", 6, ()),
        _transfers("a message is lost", 4, _MESSAGES, there={"drop": {2}}),
        _transfers("an acknowledgement is lost", 4, _MESSAGES, back={"drop": {1, 3}}),
        _transfers("lost seven times", 5, _MESSAGES, there={"drop": set(range(2, 9))}),
        _transfers("each acknowledgement comes twice", 3, _MESSAGES,
                   back={"duplicate": set(range(1, 9))}),
        _transfers("an acknowledgement comes late", 3, _MESSAGES, there={"drop": {3}},
                   back={"delay": {1: 437.5}}),
        _transfers("other datagrams", 3, _MESSAGES, there={"drop": {2, 3}},
                   chatter=_OTHER_LENGTHS),
        _transfers("an old acknowledgement, again and again", 3, _MESSAGES, there={"drop": {2}},
                   chatter=(0.3125, (b"\x00\x00\x00\x00",))),
        _transfers("nobody is there", 5, _MESSAGES, there={"loss": 1.0},
                   examine=sends_well(gives_up=True)),
        _transfers("bad weather", 4, _numbered(40), there=_BAD_WEATHER, back=_BAD_WEATHER),
    ),
    converse=_transfers("a message is lost", 4, _MESSAGES, there={"drop": {2}}),
)  # fmt: skip

# ---------------------------------------------------------------- many at a time

_HASTE = sends_well(most_sent=40, within_s=1.5)

send_window = Exercise(
    "send_window",
    chapter="07",
    kind="core",
    title="A window of messages",
    task="Write `send_window(endpoint, messages, window)`. It does what `stop_and_wait` does, but "
    "with up to `window` messages under way at the same time.",
    rules=(
        _FORM,
        "With a window of 4, messages 0 to 3 are sent at once, and message 7 as soon as messages "
        "0 to 3 are all acknowledged, and not before: message `n` waits for all up to "
        "`n - window`. (As soon as: at most 0.1 seconds later.)",
        _ACKNOWLEDGED.format(", and no other"),
        _AGAIN + " Each message has its own 0.5 seconds.",
        _GIVE_UP,
        _RESULT,
        _MEANS,
        "So with a round trip of 0.25 seconds and a window of 8, 40 messages take 1.25 "
        "seconds if nothing is lost. The examiner allows 1.5. (One at a time they would take 10.)",
    ),
    hints=(
        "Remember of each message that is under way when it was sent last, and how often; take it "
        "out when it is acknowledged. Two dicts, with the number as key.",
        "One loop, until all are acknowledged: send what the window allows and what is due, then "
        "receive once, for as long as nothing is due: until the earliest of "
        "`last_sent_s[number] + 0.5`.",
        "The base is the smallest number that is not acknowledged. "
        "`while next_number < min(base + window, len(messages))`: send it. Then send again each "
        "whose time has come (`endpoint.now_s >= due`), and wait for "
        "`min(last_sent_s.values()) + 0.5 - endpoint.now_s`. A `TimeoutError` of `receive` only "
        "means: round the loop once more.",
    ),
    probes=(
        _transfers("a network without faults", 2, _MESSAGES, 2),
        _transfers("forty messages", 8, _numbered(40), 8, examine=_HASTE),
        _transfers("a window of one", 2, _MESSAGES, 1),
        _transfers("more window than messages", 2, _SAME, 9),
        _transfers("no message at all", 6, (), 4),
        _transfers("a message is lost", 4, _numbered(10), 4, there={"drop": {2}}),
        _transfers("the first acknowledgement is lost", 3, _numbered(10), 4, back={"drop": {1}}),
        _transfers("two are lost, at different times", 4, _numbered(12), 4, there={"drop": {2, 5}}),
        _transfers("acknowledgements overtake each other", 3, _numbered(12), 4,
                   back={"swap": {1: 3, 6: 8}}),
        _transfers("each acknowledgement comes twice", 3, _numbered(12), 4,
                   back={"duplicate": set(range(1, 13))}),
        _transfers("other datagrams", 3, _MESSAGES, 2, there={"drop": {2, 3}},
                   chatter=_OTHER_LENGTHS),
        _transfers("an old acknowledgement, again and again", 3, _MESSAGES, 2,
                   there={"drop": {2}}, chatter=(0.3125, (b"\x00\x00\x00\x00",))),
        _transfers("lost seven times", 5, _MESSAGES, 1, there={"drop": set(range(2, 9))}),
        _transfers("nobody is there", 5, _MESSAGES, 2, there={"loss": 1.0},
                   examine=sends_well(gives_up=True)),
        _transfers("bad weather", 4, _numbered(100), 8, there=_BAD_WEATHER, back=_BAD_WEATHER),
    ),
    converse=_transfers("a message is lost", 4, _numbered(6), 3, there={"drop": {2}}),
)  # fmt: skip
