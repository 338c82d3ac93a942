"""Exercises of chapter 09: whom to believe, and what ends."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from netlab.exercises import tls_accused, tls_probes
from netlab.exercises.calls import Function
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.tls_clients import (
    SCENES,
    Meeting,
    context_holds,
    meet_server,
    says,
    shows,
    try_context,
)
from netlab.exercises.tls_peers import Certificate, serve_answers
from netlab.exercises.trial import Trial
from netlab.exercises.verdicts import verdict

CERTIFICATES = (
    "netlab.exercises.tls_certificates",
    "cryptography.hazmat.backends.openssl.backend",
)
PEM = (
    "`ca_pem` is a `str`: the certificate of an authority, as `ca.cert_pem.bytes().decode()` gives "
    "it for a `trustme.CA`."
)
HOST, NUMERIC = "localhost", "127.0.0.1"

# ---------------------------------------------------------------- warm-up


def _meets(name: str, rule: int, *meetings: Meeting) -> Probe:
    return Probe(name, rule, context_holds, try_context, meetings)


client_context = Exercise(
    "client_context",
    chapter="09",
    kind="warm-up",
    title="Whom to believe",
    task="Write `client_context(ca_pem)`, which returns the `ssl.SSLContext` of a client that "
    f"believes one authority. {PEM}",
    rules=(
        "The context is for a client. Its handshake succeeds with a server whose certificate this "
        "authority has signed, for the name that the client seeks, or for the numeric address; "
        "with TLS 1.3 as well as with TLS 1.2.",
        "No other authority is believed, and no certificate that only its owner has signed. That "
        "goes for the authorities whom this machine trusts, too: while your function runs, the "
        "examiner gives the machine one to trust, and then shows a certificate of it.",
        "A certificate for another host is refused, whoever has signed it. One for a name alone "
        "is none for a numeric address.",
        "A certificate that has expired is refused, and so is one that is not valid yet.",
        "Nothing older than TLS 1.2 is spoken. (Some Pythons, Debian's among them, leave that to "
        "the system: say it.)",
    ),
    hints=(
        "There is one call that switches on the checks of rules 2, 3 and 4. Which of its "
        "arguments keeps it from loading what the machine trusts?",
        "`ssl.create_default_context()` loads the machine's authorities, and what you add comes on "
        "top of them; `ssl.create_default_context(cadata=…)` loads what you give it alone.",
        "Text in `cadata` is taken for PEM, bytes for DER: give it `ca_pem` as it is. Then say "
        "`context.minimum_version = ssl.TLSVersion.TLSv1_2`, and return the context.",
    ),
    probes=(
        _meets("a server to believe", 1, Meeting("right", believed=True),
               Meeting("right", NUMERIC, believed=True),
               Meeting("right", version=ssl.TLSVersion.TLSv1_2, believed=True)),
        _meets("another authority", 2, Meeting("of another authority")),
        _meets("a certificate that its owner has signed", 2, Meeting("signed by itself")),
        _meets("an authority that the machine trusts", 2,
               Meeting("of an authority that the machine trusts")),
        _meets("another host", 3, Meeting("for another host"),
               Meeting("for the name only", believed=True),
               Meeting("for the name only", NUMERIC)),
        _meets("out of date", 4, Meeting("expired"), Meeting("not valid yet")),
        _meets("TLS 1.1", 5, Meeting("right", version=ssl.TLSVersion.TLSv1_1)),
    ),
    preload=CERTIFICATES,
)  # fmt: skip

# ---------------------------------------------------------------- core: a server


def _served(name: str, rule: int, examine: Callable[[Trial], None]) -> Probe:
    return Probe(name, rule, examine, serve_answers, (Certificate(),))


secure_lines = Exercise(
    "secure_lines",
    chapter="09",
    kind="core",
    title="Lines, secured",
    task="Write `secure_lines(listener, context, answer)`: it serves the clients of a listening "
    "TCP socket over TLS, all at the same time, for ever (the examiner ends it). `context` is an "
    "`ssl.SSLContext` for a server; its certificate is loaded. `answer(line)` returns what is to "
    "be sent back (the examiner's: nearly always the line itself), and may do something besides, "
    "such as pay a bill (the examiner's remembers what it was given). Use threads, as in chapter "
    "04: asyncio's streams take the ends of rules 4 and 5 for the same, and answer after neither.",
    rules=(
        r"For each line, its `\n` included, `answer` is called once, as soon as the line is "
        "complete, and what it returns is sent. A line need not be text; it has at most "
        f"{tls_probes.MAX_LINE_BYTES:,} bytes.",
        "Records are not lines: a line may stretch over several records, and a record hold several "
        "lines. TCP may cut records anywhere, those of the handshake, too.",
        "A client that has finished sends the alert close_notify, and goes on reading. When all is "
        "answered, the server sends close_notify, too, and closes the connection.",
        r"What a client has sent after its last `\n` is given to `answer`, too, as a last line, "
        "once its close_notify has come.",
        "If a connection ends without close_notify (FIN alone), somebody on the way may have cut "
        r"it: what came after the last `\n` is not given to `answer`, and the connection is "
        "closed.",
        "A client that speaks no TLS costs only its own connection. It may be told so by an alert, "
        "and hears nothing else.",
        "A client that refuses your certificate costs only its own connection.",
        "A client that says nothing at all, or stops in the middle of its first message, keeps no "
        "other waiting; neither does one that never reads.",
        "A client that vanishes (RST), in its handshake or later, costs only its own connection.",
    ),
    hints=(
        "`accept` on the TCP socket; everything about TLS happens in the client's own thread, the "
        "handshake first. Every `ssl.SSLError` is an `OSError`: it ends this client, and no other.",
        "With `suppress_ragged_eofs=True`, which is the default, both ends look the same: `b''`. "
        "And `close()` sends no close_notify: which method does?",
        "`secure = context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False)`; "
        "then `for line in secure.makefile('rb'):` gives the lines, and at last the unfinished "
        "one, or raises; after the loop `secure.unwrap()`. All of it inside `with connection:` and "
        "`try: … except OSError: pass`.",
    ),
    probes=(
        _served("a line, then others", 1, tls_probes.lines),
        _served("records cut by TCP", 2, tls_probes.cut),
        _served("lines across records", 2, tls_probes.one_by_one),
        _served("a long line", 1, tls_probes.long_line),
        _served("goodbye", 3, tls_probes.goodbye),
        _served("last words, then close_notify", 4, tls_probes.last_words),
        _served("clients that speak no TLS", 6, tls_probes.plaintext),
        _served("clients that vanish", 9, tls_probes.vanishes),
        _served("a connection that is cut", 5, tls_probes.unheard),
        _served("a client that refuses the certificate", 7, tls_probes.unbelieving),
        _served("clients that stall in the handshake", 8, tls_probes.stalled),
        _served("a client that never reads", 8, tls_probes.never_reads),
    ),
    converse=_served("last words, then close_notify", 4, tls_probes.last_words),
    preload=("ssl",),
)

# ---------------------------------------------------------------- core: a client

LONG_S, SHORT_S = 5.0, 0.2
"""seconds that `diagnose` may wait: where it need not, and where it waits in vain"""


def _finds(expected: str, rule: int, name: str, certificate: str = "", sought: str = HOST) -> Probe:
    """A scene of that name, or a server that shows a certificate."""
    scene = shows(certificate) if certificate else SCENES[name]
    arguments = (scene, sought, SHORT_S if expected == "silence" else LONG_S)
    return Probe(name, rule, says(expected), meet_server, arguments)


diagnose = Exercise(
    "diagnose",
    chapter="09",
    kind="core",
    title="What is wrong with this connection?",
    task="Write `diagnose(address, hostname, ca_pem, timeout_s)`. It connects by TCP to `address` "
    "(a pair of host and port) and shakes hands with the server, of whom it demands a certificate "
    "for `hostname` (a name, or a numeric address) that the authority has signed. It returns what "
    f"came of it, in one of eight texts. {PEM}",
    rules=(
        "`'ok'`: the handshake has succeeded.",
        "`'nobody'`: nobody listens there; the connection is refused.",
        "`'silence'`: connected, but the handshake does not come to its end within `timeout_s` "
        "seconds.",
        "`'hung up'`: the server ends the connection (FIN or RST) in the middle of the handshake, "
        "and has said nothing but, perhaps, a part of an answer in TLS. (FIN is an "
        "`ssl.SSLEOFError`; in Python before 3.11.4 it is an `ssl.SSLZeroReturnError`.)",
        "`'not TLS'`: the server says something that is not TLS. It greets in plain text, answers "
        "with an error page, or sends back what it hears. OpenSSL has many names for that; believe "
        "none of them: it is any other `ssl.SSLError`.",
        "`'unknown authority'`: another authority has signed the certificate, or nobody but its "
        "owner. What the machine trusts does not count: the examiner gives it an authority to "
        "trust, as in the first exercise.",
        "`'wrong host'`: it is a certificate of the right authority, but not for `hostname`.",
        "`'not valid now'`: it is the right certificate, but it has expired, or is not valid yet.",
        "One of these is returned, whatever happens; nothing is raised. (A certificate has at most "
        "one fault here.)",
    ),
    hints=(
        "Almost everything comes as an exception. Let each situation happen once, and look at "
        "`type(error).__mro__`: which classes are special cases of which others? `except` clauses "
        "are tried from the top.",
        "An `ssl.SSLCertVerificationError` has a number, `verify_code`: 9 and 10 are about the "
        "dates, 62 (a name) and 64 (a numeric address) about the host, 18 to 20 about who signed.",
        "`socket.create_connection(address, timeout_s)`, then `wrap_socket(sock, "
        "server_hostname=hostname)`, both in `with`. The order: `SSLCertVerificationError`; "
        "`(SSLEOFError, SSLZeroReturnError, ConnectionResetError)`; `SSLError`; "
        "`ConnectionRefusedError`; `TimeoutError`.",
    ),
    probes=(
        _finds("ok", 1, "a server to believe", "for the name only"),
        _finds("ok", 1, "a numeric address", "right", NUMERIC),
        _finds("nobody", 2, "nobody listens"),
        _finds("silence", 3, "a server that says nothing"),
        _finds("silence", 3, "a server that stops in the middle"),
        _finds("hung up", 4, "a server that hangs up"),
        _finds("hung up", 4, "a server that resets"),
        _finds("hung up", 4, "a server that hangs up in the middle"),
        _finds("not TLS", 5, "a greeting in plain text"),
        _finds("not TLS", 5, "an error page"),
        _finds("not TLS", 5, "an echo"),
        _finds("unknown authority", 6, "another authority", "of another authority"),
        _finds("unknown authority", 6, "a certificate that its owner has signed",
               "signed by itself"),
        _finds("unknown authority", 6, "an authority that the machine trusts",
               "of an authority that the machine trusts"),
        _finds("wrong host", 7, "another host", "for another host"),
        _finds("wrong host", 7, "a name, where a number is sought", "for the name only", NUMERIC),
        _finds("not valid now", 8, "expired", "expired"),
        _finds("not valid now", 8, "not valid yet", "not valid yet"),
    ),
    preload=CERTIFICATES,
)  # fmt: skip

# ---------------------------------------------------------------- red team

PROBE_S = 3.0
"""seconds that a probe of the learner's may take"""


def _accused(name: str, rule: int, client: Function, fault: str = "") -> Probe:
    examine = verdict(fault, praise="it is correct", late_rule=6, timeout_s=PROBE_S)
    return Probe(name, rule, examine, tls_accused.judge_client, (client,))


trust_probe = Exercise(
    "trust_probe",
    chapter="09",
    kind="red-team",
    title="Red team: find the client that believes anybody",
    task="Somebody's clients connect, and all is well; so they do with the wrong server. Write "
    "`trust_probe(connect, serve)`, which raises `AssertionError` for them. "
    "`connect(address, hostname, ca_pem)` is such a client: it demands a certificate for "
    "`hostname` that the authority `ca_pem` (a `str`, PEM) has signed, and returns an "
    "`ssl.SSLSocket`, or refuses by raising. `with serve(leaf) as address:` is a server that "
    "shakes hands with whoever comes; `leaf` is its certificate, as `issue_cert` of a "
    "`trustme.CA()` returns it. Authorities and certificates are yours to make.",
    rules=(
        "It raises `AssertionError` for a client that believes a certificate of any authority. "
        "There are two: one checks nothing; the other one checks everything and, if that fails, "
        "connects again and checks nothing.",
        "It does so for a client that does not compare the host: it believes every certificate of "
        "the right authority.",
        "It does so for a client that does not look at the dates: it believes a certificate that "
        "has expired.",
        "It does so for a client that refuses the right server: it believes those whom the machine "
        "trusts, and not the authority that it was given.",
        "It raises nothing for a correct client. To refuse, clients raise an `OSError` (an "
        "`ssl.SSLError` is one); which, is up to them: one has errors in its own words.",
        "It is done (returns or raises) within 3 seconds.",
    ),
    hints=(
        "That it connects to the right server proves little. Which servers does it have to refuse? "
        "Make one for each of rules 1 to 3, in which only that one thing is wrong.",
        "A helper is worth its lines: `believes(leaf)` serves a certificate, calls `connect`, "
        "closes what it returns, and returns `True`; or `False` after `except OSError`.",
        'With `ours` and `theirs` from `trustme.CA()`: `ours.issue_cert("chat.example")` is to be '
        "believed; the same from `theirs`, one for another host from `ours`, and one with "
        "`not_before=` and `not_after=` in the past (`datetime`, in UTC) are not.",
    ),
    probes=(
        _accused("a client that checks nothing", 1, tls_accused.credulous,
                 "this client believes anybody"),
        _accused("a client that gives in", 1, tls_accused.yielding,
                 "this client believes anybody, at the second try"),
        _accused("a client that does not compare the host", 2, tls_accused.nameless,
                 "this client believes a certificate for another host"),
        _accused("a client that does not look at the dates", 3, tls_accused.timeless,
                 "this client believes a certificate that has expired"),
        _accused("a client that refuses the right one", 4, tls_accused.worldly,
                 "this client refuses the right server"),
        _accused("a correct client", 5, tls_accused.careful),
        _accused("a correct client with words of its own", 5, tls_accused.eloquent),
    ),
    preload=CERTIFICATES,
)  # fmt: skip

EXERCISES = (client_context, secure_lines, diagnose, trust_probe)
