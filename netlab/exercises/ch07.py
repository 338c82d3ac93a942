"""Exercises of chapter 07: datagrams, and what has to be done so that all arrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netlab.exercises.asking import Said, ask_in_company, ask_in_vain, gives_up, hears
from netlab.exercises.estimating import TIMED_OUT, Event, Measured, estimate, estimates_well
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.transfers import sends_well, transfer
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict
from netlab.exercises.warring import (
    CautiousServer,
    FragileServer,
    PoliteServer,
    SlowServer,
    judge_warring,
)

# ---------------------------------------------------------------- warm-up

ANSWER = b"a quarter past seven"
LONG = bytes(range(250)) * 260
"""65,000 bytes, nearly as much as a datagram can carry"""


def _asks(name: str, rule: int, *says: Said, answer: bytes = ANSWER, early: Any = None) -> Probe:
    everything = (*says, ("server", answer))
    return Probe(name, rule, hears(answer), ask_in_company, (early, everything))


ask = Exercise(
    "ask",
    chapter="07",
    kind="warm-up",
    title="One question, one answer, one deadline",
    task="Write `ask(sock, server, question, timeout_s)`. `sock` is a bound UDP socket, `server` "
    "an IPv4 address, the pair of host and port. It sends the question there and returns the "
    "answer.",
    rules=(
        "`question` (`bytes`) is sent to `server` in one datagram, once.",
        "The answer is the first datagram that comes from `server`: from the same host *and* the "
        "same port. It is returned as `bytes`. What comes from anybody else is thrown away, what "
        "already waited in the socket, too.",
        "If the answer has not come after `timeout_s` seconds, counted from the call, "
        "`TimeoutError` is raised; not before. No datagram of a stranger makes it later, however "
        "many come.",
        "An answer is whole, up to the 65,507 bytes that a datagram can have. An empty one is an "
        "answer, too: `b''`.",
        "`sock` is used for other servers as well: it is neither connected nor closed.",
    ),
    hints=(
        "`recvfrom` returns the datagram and its sender's address. Compare all of the address "
        "with `server`; in a loop, for a stranger may have been first.",
        "If each round of the loop waits `timeout_s` seconds, a stranger who says something every "
        "second keeps you for ever. Write down once when the time is over: "
        "`deadline_s = time.monotonic() + timeout_s`.",
        "In each round `left_s = deadline_s - time.monotonic()`. If that is 0 or less, raise "
        "`TimeoutError`; else `sock.settimeout(left_s)`, and `recvfrom` raises it by itself. "
        "(`settimeout(0)` would mean something else, and a negative one is a `ValueError`.)",
    ),
    probes=(
        _asks("an answer", 1),
        _asks("an empty answer", 4, answer=b""),
        _asks("a long answer", 4, answer=LONG),
        _asks("a stranger is first", 2, ("stranger", b"noon!"), ("stranger", b"")),
        _asks("a stranger on another host, at the same port", 2, ("namesake", b"midnight!")),
        _asks("a stranger was first", 2, early=b"noon!"),
        Probe("nobody answers", 3, gives_up(""), ask_in_vain, (False,)),
        Probe("strangers without end", 3, gives_up(", and a stranger never stops talking"),
              ask_in_vain, (True,)),
    ),
    converse=_asks("a stranger is first", 2, ("stranger", b"noon!")),
)  # fmt: skip

# ---------------------------------------------------------------- core: one at a time

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

# ---------------------------------------------------------------- core: how long to wait


def _estimates(name: str, rule: int, *stories: tuple[Event, ...]) -> Probe:
    return Probe(name, rule, estimates_well, estimate, (stories,))


def _measured(*rtts_s: float) -> tuple[Measured, ...]:
    return tuple(Measured(rtt_s) for rtt_s in rtts_s)


rtt_estimator = Exercise(
    "rtt_estimator",
    code_name="RttEstimator",
    chapter="07",
    kind="core",
    title="How long to wait (RFC 6298)",
    task="Write the class `RttEstimator`. Its attribute (or property) `rto_s` says how many "
    "seconds to wait for an acknowledgement. `measured(rtt_s, retransmitted=False)` is called "
    "when one has come, `timed_out()` when none came in time.",
    rules=(
        "Before anything is measured, `rto_s` is 1.",
        "`measured` with the first round trip R sets SRTT to R and RTTVAR to R / 2.",
        "Each later one sets RTTVAR to 3/4 of RTTVAR and 1/4 of |SRTT - R|, with the SRTT that "
        "was there *before* it; and then SRTT to 7/8 of SRTT and 1/8 of R.",
        "`rto_s` is then SRTT + 4 * RTTVAR, but never less than 1, nor more than 60. (RFC 6298 "
        "adds the granularity of the clock; here it is 0.)",
        "`timed_out()` doubles `rto_s`; it does not become more than 60.",
        "With `retransmitted=True` the message had been sent more than once, and nobody knows "
        "which copy was acknowledged (Karn): nothing changes, and `rto_s` stays as it is, doubled "
        "perhaps.",
        "The next measurement that counts sets `rto_s` by rules 2 to 4: the doubling is over.",
    ),
    hints=(
        "Three numbers to remember: `rto_s`, `srtt_s` and `rttvar_s`. Nothing measured yet can be "
        "`srtt_s = None`.",
        "Mind the order: RTTVAR first, then SRTT. With the new SRTT it would be 7/8 of the "
        "deviation.",
        "`measured` begins with `if retransmitted: return` and ends with "
        "`self.rto_s = min(60, max(1, self.srtt_s + 4 * self.rttvar_s))`. The limits hold for "
        "`rto_s` alone: SRTT and RTTVAR have none.",
    ),
    probes=(
        _estimates("nothing measured", 1, ()),
        _estimates("the first", 2, _measured(2.0), _measured(0.5)),
        _estimates("one less than a second", 4, _measured(0.02, 0.03), _measured(0.0)),
        _estimates("the second", 3, _measured(2.0, 4.0), _measured(4.0, 2.0),
                   _measured(0.0, 4.0)),
        _estimates("always the same", 3, _measured(*[2.0] * 12)),
        _estimates("one that is much longer", 3, _measured(2.0, 2.0, 9.0, 2.0, 2.0, 2.0)),
        _estimates("short ones, and a long one", 4, _measured(0.1, 0.1, 0.1, 3.0, 0.1, 0.1)),
        _estimates("more than a minute", 4, _measured(50.0, 5.0, 1.0, 1.0)),
        _estimates("nobody answers", 5, (TIMED_OUT,) * 8, (*_measured(2.0), TIMED_OUT, TIMED_OUT)),
        _estimates("measured what was sent twice", 6,
                   (*_measured(2.0), Measured(9.0, retransmitted=True), *_measured(3.0)),
                   (Measured(9.0, retransmitted=True), *_measured(2.0))),
        _estimates("patience stays", 6,
                   (*_measured(2.0), TIMED_OUT, Measured(0.5, retransmitted=True), TIMED_OUT)),
        _estimates("an answer after all", 7,
                   (*_measured(2.0, 2.0), TIMED_OUT, TIMED_OUT, *_measured(2.0, 2.0))),
    ),
)  # fmt: skip

# ---------------------------------------------------------------- core: many at a time

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

# ---------------------------------------------------------------- red team

PROBE_S = 5.0
"""seconds that a probe of the learner's may take"""


def _judged(name: str, rule: int, make: type[CautiousServer], fault: str = "") -> Probe:
    praise = "this server answers questions, and nothing else"
    examine = verdict(fault, praise=praise, late_rule=5, timeout_s=PROBE_S)
    return Probe(name, rule, examine, judge_warring, (make,))


war_probe = Exercise(
    "war_probe",
    chapter="07",
    kind="red-team",
    title="Red team: the server that answers answers",
    task="Two UDP servers answer every question correctly. One of them answers answers, too: put "
    "two of its kind together, and one forged datagram starts a war without end. The other takes "
    "every datagram for text, and one that is none is its last. Write `war_probe(start_server)`, "
    "which raises `AssertionError` for both.",
    rules=(
        "`with start_server() as server:` starts a new server in a thread of its own, and stops it "
        "at the end. `server.address` is the address of its UDP socket, an IPv4 one. A correct "
        "server answers `ask TEXT` with `answer TEXT` and sends nothing back for any other "
        "datagram, be it an answer, empty, or no UTF-8.",
        "`AssertionError` is raised for a server that sends something back for an answer "
        "(a datagram that begins with `answer `).",
        "So it is for a server that answers nothing any more after a datagram that is no UTF-8: "
        "`AssertionError`, not `TimeoutError`.",
        "For a correct server nothing is raised. It takes one datagram after the other, in the "
        "order in which they come, loses none, and may take up to half a second for an answer.",
        "It is done (returns or raises) within 5 seconds.",
    ),
    hints=(
        "Your own socket can play the other server: send an answer that nobody asked for, and "
        "look whether anything comes back.",
        "*Nothing comes back* need not be waited for. Send a question behind it: the server takes "
        "them in order, so what comes first tells you what it did with the answer.",
        "Send `b'answer hello'`, then `b'\\xff'`, then `b'ask still there?'`, and receive once, "
        "with a timeout of a second. Something other than `b'answer still there?'` is the one "
        "fault; a `TimeoutError`, which you catch, is the other.",
    ),
    probes=(
        _judged("the server that answers answers", 2, PoliteServer,
                "this server answers an answer"),
        _judged("the server that takes everything for text", 3, FragileServer,
                "this server falls silent after a datagram that is no UTF-8"),
        _judged("a correct server", 4, CautiousServer),
        _judged("a correct server that takes its time", 4, SlowServer),
    ),
)  # fmt: skip

EXERCISES = (ask, stop_and_wait, rtt_estimator, send_window, war_probe)
