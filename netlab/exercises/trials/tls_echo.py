"""`tls-echo`: lines echoed over TLS, where an end can be a forgery and a handshake a trap."""

from __future__ import annotations

import ssl
from typing import Any

from netlab.exercises.conditions import storm
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.layered import END, Layered
from netlab.exercises.tls_peers import Certificate, serve_tls
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
from netlab.exercises.words import Broken, in_short

MAX_LINE_BYTES = 65_536
"""longest line that is sent, counting its newline"""
STALLED = 8
"""clients that stall in their handshakes at the same time"""
STORM = 40
"""clients that come and go at once in the middle of a handshake"""
STRANGER = "other.example"
"""a host that the server is not (RFC 2606, 2)"""
UNREAD_BYTES = 64 * 1024 * 1024
"""of answers that nobody reads, at most so many are asked for"""

LINES = (b"one\n", b"\n", b"three\r\n", b"\xff\x00\xfe\n", "café 🙂\n".encode())


def _says(talk: TlsTalk, *lines: bytes) -> None:
    for line in lines:
        talk.send(line)
        talk.expect(line)


def _still_there(trial: Trial, address: Any) -> None:
    _says(TlsTalk(trial, address, "next"), b"still there?\n")


def _lines(trial: Trial) -> None:
    address = trial.wait("listening")
    _says(TlsTalk(trial, address), b"hello\n", b"hello again\n", *LINES)


def _older(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, context=client_context(ssl.TLSVersion.TLSv1_2))
    _says(talk, b"hello in 1.2\n")


def _too_old(trial: Trial) -> None:
    address = trial.wait("listening")
    what = f"an alert, or {END}: nothing older than TLS 1.2 is spoken here"
    old = Layered(trial, address, "antique")
    old.said("offers TLS 1.1 and nothing later", old_hello())
    old.write(old_hello())
    if old.read_some(what, old.deadline(), reset_is_end=True)[:1] == bytes([HANDSHAKE]):
        raise Broken(what, "a ServerHello: the server agrees to TLS 1.1")
    _still_there(trial, address)


def _certificate(trial: Trial) -> None:
    address = trial.wait("listening")
    shown = TlsTalk(trial, address).tls.getpeercert(binary_form=True)
    assert shown is not None
    context = pinning_context(shown)
    trial.note(f"the next client asks whether this certificate is one for {NAME!r}, and valid")
    _says(TlsTalk(trial, address, "pinning", context=context), b"I know you\n")


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
    _says(TlsTalk(trial, address, "no name", server_name=None), b"I seek nobody\n")
    _still_there(trial, address)


def _cut(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, most_bytes=40)
    for most_bytes in (1, 7):
        talk.send_cut((b"ab\nc", b"d\n"), most_bytes)
        talk.expect(b"ab\ncd\n")


def _records(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address)
    for records in ((b"half a ", b"line\n"), LINES, (b"a\nb\nc", b"\nd", b"\n"), tuple(b"xyz\n")):
        texts = tuple(one if isinstance(one, bytes) else bytes([one]) for one in records)
        talk.send(*texts)
        talk.expect(b"".join(texts))
    talk.send(b"".join(LINES))
    talk.expect(b"".join(LINES))


def _long(trial: Trial) -> None:
    address = trial.wait("listening")
    _says(TlsTalk(trial, address), bytes(MAX_LINE_BYTES - 1) + b"\n", b"and a short one\n")


def _too_long(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, "endless")
    talk.said("sends 100,000 bytes without a newline", b"")
    talk.write(talk.sealed(bytes(100_000)), may_fail=True)
    talk.expect_end()
    _still_there(trial, address)


def _goodbye(trial: Trial) -> None:
    address = trial.wait("listening")
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        talk = TlsTalk(trial, address, context=client_context(version))
        _says(talk, b"bye\n")
        talk.close_notify()
        talk.expect_close_notify()


def _last_words(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address)
    talk.send(b"whole\nand the rest")
    talk.close_notify()
    talk.expect(b"whole\nand the rest")
    talk.expect_close_notify()


def _truncated(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address)
    talk.send(b"pay 10\npay 10")
    talk.expect(b"pay 10\n")
    talk.truncate()
    talk.expect_end()


def _plaintext(trial: Trial) -> None:
    address = trial.wait("listening")
    for words in (b"hello\n" * 20, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(600)):
        plain = Layered(trial, address, "plain")
        plain.said(f"sends {in_short(words)}, without TLS", words)
        plain.write(words)
        what, until, came = f"an alert, or {END}", plain.deadline(), b""
        while data := plain.read_some(what, until, reset_is_end=True):
            came += data
            if b"hello" in came or came[:1] == b"\x00":
                raise Broken(what, f"{in_short(came)}, without TLS")
        trial.note("plain is turned away")
    _still_there(trial, address)


def _stalled(trial: Trial) -> None:
    address = trial.wait("listening")
    with trial.in_silence():
        for number in range(STALLED):
            silent = Layered(trial, address, f"stalled {number}")
            silent.write(first_hello()[: 60 * (number % 2)])
    trial.note(f"{STALLED} clients connect, and stall: some after 60 bytes of their first message")
    _still_there(trial, address)


def _never_reads(trial: Trial) -> None:
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, "never reads")
    line = b"y" * 8191 + b"\n"
    trial.note(f"never reads sends {in_short(line)} over and over, and reads nothing")
    talk.stop_reading()
    sent = 0
    while sent < UNREAD_BYTES:
        try:
            talk.tcp.sock.sendall(talk.sealed(*[line] * 8))
        except OSError:  # full, or it hung up: either is an answer
            break
        sent += 8 * len(line)
    _still_there(trial, address)


def _vanishes(trial: Trial) -> None:
    address = trial.wait("listening")
    for number in (1, 2, 3):
        early = Layered(trial, address, f"early {number}")
        early.said("sends the first message of a handshake", b"")
        early.write(first_hello())
        early.tcp.reset()
        late = TlsTalk(trial, address, f"late {number}")
        _says(late, b"hello\n")
        late.said("sends all of a record but its last bytes", b"")
        late.write(late.sealed(b"you need not answer\n")[:-3])
        late.tcp.wait_read()
        late.tcp.reset()
        _still_there(trial, address)


def _storm(trial: Trial) -> None:
    address = trial.wait("listening")
    storm(trial, address, STORM, first_hello()[:100])
    trial.tally(STORM)
    _still_there(trial, address)


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
        _probe("a line, then others", 1, _lines),
        _probe("a client of TLS 1.2", 2, _older),
        _probe("a client of TLS 1.1", 2, _too_old),
        _probe("the certificate", 3, _certificate),
        _probe("a client that seeks another host", 4, _stranger),
        _probe("records cut by TCP", 5, _cut),
        _probe("lines across records", 5, _records),
        _probe("a long line", 5, _long),
        _probe("a line that is too long", 5, _too_long),
        _probe("goodbye", 6, _goodbye),
        _probe("last words, then close_notify", 7, _last_words),
        _probe("a connection that is cut", 7, _truncated),
        _probe("clients that speak no TLS", 8, _plaintext),
        _probe("clients that stall in the handshake", 9, _stalled),
        _probe("a client that never reads", 9, _never_reads),
        _probe("clients that vanish", 10, _vanishes),
        _probe("a storm of clients", 10, _storm),
    ),
    converse=_probe("last words, then close_notify", 7, _last_words),
    preload=("ssl",),
)
