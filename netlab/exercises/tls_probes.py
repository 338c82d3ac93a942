"""Probes for servers that echo lines over TLS: the trial `tls-echo`, and chapter 09."""

from __future__ import annotations

import ssl
from typing import Any

from netlab.exercises.layered import END, Layered
from netlab.exercises.tls_peers import Answer
from netlab.exercises.tls_talk import TlsTalk, client_context, first_hello
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, in_short

MAX_LINE_BYTES = 65_536
"""longest line that is sent, counting its newline"""
STALLED = 8
"""clients that stall in their handshakes at the same time"""
UNREAD_BYTES = 64 * 1024 * 1024
"""of answers that nobody reads, at most so many are asked for"""

LINES = (b"one\n", b"\n", b"three\r\n", b"\xff\x00\xfe\n", "café 🙂\n".encode())


def says(talk: TlsTalk, *lines: bytes) -> None:
    """Send each line, and read it back."""
    for line in lines:
        talk.send(line)
        talk.expect(line)


def still_there(trial: Trial, address: Any) -> None:
    """A new client is served."""
    says(TlsTalk(trial, address, "next"), b"still there?\n")


def lines(trial: Trial) -> None:
    """A client says lines one after the other; some are no text."""
    address = trial.wait("listening")
    says(TlsTalk(trial, address), b"hello\n", b"hello again\n", *LINES)


def cut(trial: Trial) -> None:
    """Records arrive in segments that end anywhere."""
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, most_bytes=40)
    for most_bytes in (1, 7):
        talk.send_cut((b"ab\nc", b"d\n"), most_bytes)
        talk.expect(b"ab\ncd\n")


def records(trial: Trial) -> None:
    """A line in several records, several lines in one, all in one segment."""
    _records(trial, trial.wait("listening"))


def one_by_one(trial: Trial) -> None:
    """The same; and the next client asks what `Answer` has been given."""
    address = trial.wait("listening")
    _records(trial, address)
    _ask(trial, address)


def _records(trial: Trial, address: Any) -> None:
    talk = TlsTalk(trial, address)
    for pieces in ((b"half a ", b"line\n"), LINES, (b"a\nb\nc", b"\nd", b"\n"), tuple(b"xyz\n")):
        texts = tuple(one if isinstance(one, bytes) else bytes([one]) for one in pieces)
        talk.send(*texts)
        talk.expect(b"".join(texts))
    talk.send(b"".join(LINES))
    talk.expect(b"".join(LINES))


def long_line(trial: Trial) -> None:
    """A line as long as it may be, which several records carry."""
    address = trial.wait("listening")
    says(TlsTalk(trial, address), bytes(MAX_LINE_BYTES - 1) + b"\n", b"and a short one\n")


def goodbye(trial: Trial) -> None:
    """A client sends close_notify and waits for the server's."""
    address = trial.wait("listening")
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        talk = TlsTalk(trial, address, context=client_context(version))
        says(talk, b"bye\n")
        talk.close_notify()
        talk.expect_close_notify()


def last_words(trial: Trial) -> None:
    """What is unfinished is answered when close_notify has come."""
    address = trial.wait("listening")
    talk = TlsTalk(trial, address)
    talk.send(b"whole\nand the rest")
    talk.close_notify()
    talk.expect(b"whole\nand the rest")
    talk.expect_close_notify()


def truncated(trial: Trial) -> None:
    """What is unfinished is not answered when the connection is cut."""
    _truncate(trial, trial.wait("listening"))


def unheard(trial: Trial) -> None:
    """The same; and the next client asks what `Answer` has been given."""
    address = trial.wait("listening")
    _truncate(trial, address)
    _ask(trial, address)


def _ask(trial: Trial, address: Any) -> None:
    talk = TlsTalk(trial, address, "next")
    talk.send(Answer.QUESTION)
    talk.expect(b"nothing\n")


def _truncate(trial: Trial, address: Any) -> None:
    talk = TlsTalk(trial, address)
    talk.send(b"pay 10\npay 10")
    talk.expect(b"pay 10\n")
    talk.truncate()
    talk.expect_end()


def plaintext(trial: Trial) -> None:
    """Clients that speak no TLS are turned away."""
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
    still_there(trial, address)


def stalled(trial: Trial) -> None:
    """Clients stall in their handshakes; another one comes."""
    address = trial.wait("listening")
    with trial.in_silence():
        for number in range(STALLED):
            silent = Layered(trial, address, f"stalled {number}")
            silent.write(first_hello()[: 60 * (number % 2)])
    trial.note(f"{STALLED} clients connect, and stall: some after 60 bytes of their first message")
    still_there(trial, address)


def never_reads(trial: Trial) -> None:
    """A client sends and sends and reads nothing; another one comes."""
    address = trial.wait("listening")
    talk = TlsTalk(trial, address, "never reads")
    line = b"y" * 8191 + b"\n"
    trial.note(f"never reads sends {in_short(line)} over and over, and reads nothing")
    talk.stop_reading()
    talk.tcp.fill(lambda: talk.sealed(*[line] * 8), UNREAD_BYTES)
    still_there(trial, address)


def vanishes(trial: Trial) -> None:
    """Clients reset their connections in the handshake, and in the middle of a record."""
    address = trial.wait("listening")
    for number in (1, 2, 3):
        early = Layered(trial, address, f"early {number}")
        early.said("sends the first message of a handshake", b"")
        early.write(first_hello())
        early.tcp.reset()
        late = TlsTalk(trial, address, f"late {number}")
        says(late, b"hello\n")
        late.said("sends all of a record but its last bytes", b"")
        late.write(late.sealed(b"you need not answer\n")[:-3])
        late.tcp.wait_read()
        late.tcp.reset()
        still_there(trial, address)


def unbelieving(trial: Trial) -> None:
    """A client refuses the certificate; another one comes."""
    address = trial.wait("listening")
    refused = "its certificate is refused"
    try:
        TlsTalk(trial, address, "wary", context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    except Broken as broken:
        if not broken.got.startswith(refused):
            raise
    else:
        raise Broken("a certificate of nobody's authority", "one that is believed")
    trial.note("wary does not know who signed the certificate, and refuses it (an alert)")
    still_there(trial, address)
