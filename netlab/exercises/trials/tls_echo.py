"""`tls-echo`: lines echoed over TLS, where an end can be a forgery and a handshake a trap."""

from __future__ import annotations

import ssl
from typing import Any

from netlab.exercises import tls_probes
from netlab.exercises.conditions import storm
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.layered import END, Layered
from netlab.exercises.tls_peers import Certificate, serve_tls
from netlab.exercises.tls_probes import MAX_LINE_BYTES, says, still_there
from netlab.exercises.tls_talk import (
    HANDSHAKE,
    NAME,
    TlsTalk,
    client_context,
    first_hello,
    old_hello,
    pinning_context,
)
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

STORM = 40
"""clients that come and go at once in the middle of a handshake"""
STRANGER = "other.example"
"""a host that the server is not (RFC 2606, 2)"""


def _older(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, context=client_context(ssl.TLSVersion.TLSv1_2))
    says(talk, b"hello in 1.2\n")


def _too_old(trial: Trial) -> None:
    address = trial.wait("listening")
    what = f"an alert, or {END}: nothing older than TLS 1.2 is spoken here"
    old = Layered(trial, address, "antique")
    old.said("offers TLS 1.1 and nothing later", old_hello())
    old.write(old_hello())
    if old.read_some(what, old.deadline(), reset_is_end=True)[:1] == bytes([HANDSHAKE]):
        raise Broken(what, "a ServerHello: the server agrees to TLS 1.1")
    still_there(trial, address)


def _certificate(trial: Trial) -> None:
    address = trial.wait("listening")
    shown = TlsTalk(trial, address).tls.getpeercert(binary_form=True)
    assert shown is not None
    context = pinning_context(shown)
    trial.note(f"the next client asks whether this certificate is one for {NAME!r}, and valid")
    says(TlsTalk(trial, address, "pinning", context=context), b"I know you\n")


def _stranger(trial: Trial) -> None:
    address = trial.wait("listening")
    try:
        TlsTalk(trial, address, "misled", server_name=STRANGER)
    except Broken as broken:
        if "silence" in broken.got or "Refused" in broken.got:
            raise
    else:
        what = f"the handshake to fail: the client seeks {STRANGER!r} (SNI)"
        raise Broken(what, "a handshake, as if that were its name")
    trial.note(f"the handshake fails, as it should: misled seeks {STRANGER!r} (SNI)")
    says(TlsTalk(trial, address, "no name", server_name=None), b"I seek nobody\n")
    still_there(trial, address)


def _too_long(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, "endless")
    talk.said("sends 100,000 bytes without a newline", b"")
    talk.write(talk.sealed(bytes(100_000)), may_fail=True)
    talk.expect_end()
    still_there(trial, address)


def _storm(trial: Trial) -> None:
    address = trial.wait("listening")
    storm(trial, address, STORM, first_hello()[:100])
    trial.tally(STORM)
    still_there(trial, address)


def _probe(name: str, rule: int, examine: Any) -> Probe:
    return Probe(name, rule, examine, serve_tls, (Certificate(),))


TRIAL = Exercise(
    "tls-echo",
    chapter="trials",
    kind="trial",
    title="On trial: a server that echoes lines over TLS",
    task="Write a server that speaks TLS and sends each line back, in any language, and examine it "
    "while it runs: `netlab check tls-echo 127.0.0.1:9000`. It needs a certificate for "
    "`localhost`; `python -m trustme -i localhost` makes one (`server.pem`, and its key, "
    "`server.key`), and so does `openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key "
    "-out server.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost`. In Python a "
    "function `tls_echo(listener, certificate)` will do: it serves the clients of a listening TCP "
    "socket for ever; `certificate` is the path of a PEM file with a key and its certificate.",
    rules=(
        r"Within TLS, each line comes back to who sent it, byte for byte, with the `\n` at its "
        "end; it may be empty, and need not be text.",
        "TLS 1.2 and TLS 1.3 are spoken. A client that knows nothing later than TLS 1.1 gets no "
        "handshake, but an alert, or the end of the connection (RFC 8996).",
        "The certificate is valid now and for the name `localhost`, in its subjectAltName. It may "
        "be signed by anybody, itself included.",
        "A client may say whom it seeks (SNI). One that seeks another host than `localhost`, such "
        f"as `{STRANGER}`, gets no handshake; one that does not say is served.",
        "Neither segments nor records are lines. Records, those of the handshake too, may be cut "
        "anywhere by TCP; a line may stretch over several records, and a record hold several "
        f"lines. A line has at most {MAX_LINE_BYTES:,} bytes, its `\\n` included; when more have "
        "come without one, the server closes the connection.",
        "A client that has finished sends the alert close_notify, and goes on reading. When the "
        "server has answered all, it sends close_notify, too, and closes the connection. (To close "
        "the socket alone sends none, in most languages.)",
        r"What a client has sent after its last `\n` comes back when its close_notify has come. If "
        "instead the connection ends without one (FIN), somebody on the way may have cut it: then "
        "what is unfinished is not answered, and the connection is closed.",
        "A client that speaks no TLS hears nothing but, perhaps, an alert; its connection is "
        "closed. It disturbs nobody.",
        "A client that stalls in its handshake, or never reads, keeps no other waiting.",
        "A client that vanishes (RST), in its handshake or later, costs only its own connection, "
        "and so do many that come and go at once.",
    ),
    hints=(
        "Do the handshake where you serve the client, in its own thread or task, and not where "
        "you accept: until it is over, nobody else is accepted. Which errors end only this client?",
        "What does your library say at the end of a connection: the same, with close_notify and "
        "without? And what does it send when you close?",
        "In Python: `ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)` with an `sni_callback`; in the "
        "client's thread `context.wrap_socket(connection, server_side=True, "
        "suppress_ragged_eofs=False)`, then `recv`, and at the end `unwrap()`, which says so.",
    ),
    probes=(
        _probe("a line, then others", 1, tls_probes.lines),
        _probe("a client of TLS 1.2", 2, _older),
        _probe("a client of TLS 1.1", 2, _too_old),
        _probe("the certificate", 3, _certificate),
        _probe("a client that seeks another host", 4, _stranger),
        _probe("records cut by TCP", 5, tls_probes.cut),
        _probe("lines across records", 5, tls_probes.records),
        _probe("a long line", 5, tls_probes.long_line),
        _probe("a line that is too long", 5, _too_long),
        _probe("goodbye", 6, tls_probes.goodbye),
        _probe("last words, then close_notify", 7, tls_probes.last_words),
        _probe("a connection that is cut", 7, tls_probes.truncated),
        _probe("clients that speak no TLS", 8, tls_probes.plaintext),
        _probe("clients that stall in the handshake", 9, tls_probes.stalled),
        _probe("a client that never reads", 9, tls_probes.never_reads),
        _probe("clients that vanish", 10, tls_probes.vanishes),
        _probe("a storm of clients", 10, _storm),
    ),
    converse=_probe("last words, then close_notify", 7, tls_probes.last_words),
    preload=("ssl",),
)
