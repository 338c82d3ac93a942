"""`line-reversal`: a reliable stream over datagrams, and lines to be reversed on top of it."""

from __future__ import annotations

from collections.abc import Callable

from netlab.exercises import reversal_probes as probes
from netlab.exercises import reversal_trouble as trouble
from netlab.exercises.clocked import serve_clocked
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.reversal_peer import AGAIN_S, MAX_DATAGRAM_BYTES, MAX_NUMBER, Rule
from netlab.exercises.trial import Trial


def _probe(name: str, rule: Rule, examine: Callable[[Trial], None]) -> Probe:
    return Probe(name, rule, examine, serve_clocked)


TRIAL = Exercise(
    "line-reversal",
    code_name="LineReversal",
    chapter="trials",
    kind="trial",
    title="On trial: lines reversed, over a reliable stream of datagrams",
    task="Datagrams get lost, doubled and overtaken. Build on UDP what TCP gives you, a reliable "
    "stream each way, and on that a service that reverses lines. Examine it in any language while "
    "it runs: `netlab check line-reversal 127.0.0.1:9000`; that goes in real time and takes some "
    "seconds, as does a Python function of a bound UDP socket. Or write a Python class "
    "`LineReversal` without a socket, which is examined on a simulated clock, at once: "
    "`received(data, peer, now)` is told each datagram, `due(now)` is called at least every "
    "0.01 s, and both return a list of pairs `(data, peer)`, the datagrams to be sent; `now` is in "
    "seconds. (Problem 7 of Protohackers, with times, limits and details of our own.)",
    rules=(
        "These datagrams there are: `/connect/SESSION/`, `/data/SESSION/POS/DATA/`, "
        "`/ack/SESSION/LENGTH/` and `/close/SESSION/`. One has at most "
        f"{MAX_DATAGRAM_BYTES} bytes. SESSION, POS and LENGTH are decimal numbers of the digits "
        f"`0` to `9` alone (no sign, space or underscore), at most {MAX_NUMBER:,}. Whatever comes "
        "and is none of these is ignored: no answer, no error. What you send keeps to this, too.",
        "`connect` opens a session, and is answered with `/ack/SESSION/0/`. If it is open already, "
        "the answer is the same (the first was lost), and nothing begins anew.",
        "`data` brings bytes of the client's stream; the first of them has position POS, counted "
        "from 0. Answer each with `/ack/SESSION/LENGTH/`, where LENGTH says how many bytes there "
        "are from the beginning without a gap. Bytes that come twice count once, also where old "
        "and new overlap; what comes behind a gap is kept or dropped, as you like, and the gap is "
        "not acknowledged. DATA may be empty.",
        r"In DATA, `/` is written `\/`, and `\` is written `\\`; nothing else may follow a `\`, "
        "and a datagram in which it does is none. POS and LENGTH count the bytes of the stream, "
        "before they are written so.",
        r"A line is what ends with `\n`. When it is complete, and not before, it goes back in your "
        r"stream, its bytes in reverse order and the `\n` behind them. Lines need not be text, may "
        rf"be empty, come in any pieces, and have at most {probes.MAX_LINE_BYTES:,} bytes.",
        "Your stream goes out in `data` of the same form, from position 0, in as many datagrams as "
        "it needs. What stands at a position does not change when it is sent again.",
        f"What the client has not acknowledged is sent again {AGAIN_S:g} s after it was sent (not "
        f"before {trouble.AGAIN_EARLIEST_S:g} s, not after {trouble.AGAIN_LATEST_S:g} s), and "
        "again, as long as the session is open. What is acknowledged is not sent again.",
        "`ack` acknowledges your stream. If it says less than, or the same as, one before, it is "
        "old: ignore it. If it says less than you have sent, the rest stays to be sent again. If "
        "it says more than you have sent, the client is out of order: send `/close/SESSION/`, "
        "and forget the session.",
        "`close` ends a session, and is answered with `/close/SESSION/`. So is `data`, `ack` or "
        "`close` of a session that is not open. The same number may be opened once more, and then "
        "all begins at 0.",
        f"A session from which nothing has come for {trouble.SILENT_S:g} s is over, even if you "
        "wait for an acknowledgement: forget it, and send no more data (after "
        f"{trouble.SILENT_LATEST_S:g} s at the latest; a `/close/SESSION/` does no harm). Each "
        "datagram of its client counts as a sign of life, even an old `ack`.",
        "A session belongs to the address that opened it: the same number from another address is "
        f"another session. At least {trouble.CROWD} are open at the same time, of one client or "
        "many.",
        "Whatever a network does, both streams come through, complete and in order: datagrams are "
        "lost, doubled, delayed and overtaken (but never changed).",
    ),
    hints=(
        "Three layers that can be tested alone: bytes to a datagram's fields and back (a regular "
        "expression with `fullmatch`, on `bytes`); a session with its two streams; lines.",
        "For the stream that comes: a length, and the line that is not complete. For the stream "
        "that goes: the chunks that are not acknowledged, each with its position and when it was "
        "last sent. A dictionary finds the session by `(peer, number)`.",
        "`data` at POS is new if POS <= length < POS + len(data): take `data[length - POS:]`. An "
        "`ack` drops what lies before LENGTH, and `due` sends each chunk that is "
        f"{AGAIN_S:g} s old. Chunks of 400 bytes fit in any case: escaping at most doubles them.",
    ),
    probes=(
        _probe("a session from beginning to end", Rule.LINES, probes.whole_life),
        _probe("lines in two pieces", Rule.LINES, probes.splits),
        _probe("half a line", Rule.LINES, probes.not_early),
        _probe("the smallest and the largest number", Rule.FORM, probes.numbers),
        _probe("no datagram at all", Rule.FORM, probes.malformed),
        _probe("connect, once more", Rule.OPEN, probes.connect_again),
        _probe("sessions that are not open", Rule.CLOSE, trouble.not_open),
        _probe("data without bytes", Rule.DATA, probes.nothing_in_it),
        _probe("the same bytes twice", Rule.DATA, probes.twice),
        _probe("a gap", Rule.DATA, probes.gap),
        _probe("slashes and backslashes", Rule.ESCAPE, probes.escapes),
        _probe("bytes that are no text", Rule.LINES, probes.no_text),
        _probe("the longest lines", Rule.STREAM, probes.long),
        _probe("nothing is acknowledged", Rule.AGAIN, trouble.never_acknowledged),
        _probe("a part is acknowledged", Rule.ACK, trouble.in_part),
        _probe("more is acknowledged than was sent", Rule.ACK, trouble.more_than_sent),
        _probe("closed, and opened once more", Rule.CLOSE, trouble.once_more),
        _probe("one number, two addresses", Rule.MANY, trouble.two_addresses),
        _probe("twelve sessions at once", Rule.MANY, trouble.crowd),
        _probe("a silent client", Rule.SILENT, trouble.silent),
        _probe("one datagram is lost, or doubled", Rule.NETWORK, trouble.each_lost),
        _probe("a bad network", Rule.NETWORK, trouble.bad_network),
    ),
    converse=_probe("a session from beginning to end", Rule.LINES, probes.whole_life),
)
