"""Exercises of chapter 07: datagrams, and what has to be done so that all arrive."""

from __future__ import annotations

from typing import Any

from netlab.exercises.asking import Said, ask_in_company, ask_in_vain, gives_up, hears
from netlab.exercises.estimating import TIMED_OUT, Event, Measured, estimate, estimates_well
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.transfer_exercises import send_window, stop_and_wait
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
