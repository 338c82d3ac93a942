"""The examiner's end of a TLS connection, when the server says close_notify first."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.report import Report
from netlab.exercises.tls_peers import Certificate, serve_tls
from netlab.exercises.tls_talk import TlsTalk
from netlab.exercises.trial import Trial


def says_goodbye_first(listener: socket.socket, certificate: str) -> None:
    """Greet one client, say close_notify, and read on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    raw, _ = listener.accept()
    with context.wrap_socket(raw, server_side=True) as connection:
        connection.sendall(b"welcome\n")
        connection.unwrap()


def check(examine: Any) -> Report:
    return Exercise(
        "x",
        chapter="99",
        kind="core",
        title="",
        task="",
        rules=("r",),
        hints=("", "", ""),
        probes=[Probe("p", 1, examine, serve_tls, (Certificate(),))],
    ).check(says_goodbye_first)


@pytest.mark.parametrize("end", ["expect_close_notify", "expect_end"])
def test_it_is_the_end(end: str) -> None:
    def examine(trial: Trial) -> None:
        talk = TlsTalk(trial, trial.wait("listening"))
        talk.expect(b"welcome\n")
        talk.close_notify()
        getattr(talk, end)()

    report = check(examine)
    assert report.passed, report


def test_without_a_word_of_ours_it_is_the_end_of_theirs() -> None:
    def examine(trial: Trial) -> None:
        TlsTalk(trial, trial.wait("listening")).expect(b"welcome\nand more")

    report = check(examine)
    assert report.failure is not None
    assert report.failure.broken.got == "b'welcome\\n', then close_notify"
