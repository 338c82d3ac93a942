"""The examiner's ends of a conversation: lines, datagrams, TLS; and what they say when it fails."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest

from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve, serve_datagrams
from netlab.exercises.report import Report
from netlab.exercises.trial import Trial

from . import code


def check(examine: Any, subject: Any, run: Any = serve) -> Report:
    return Exercise(
        "x",
        chapter="99",
        kind="core",
        title="",
        task="",
        rules=("r",),
        hints=("", "", ""),
        probes=[Probe("p", 1, examine, run)],
    ).check(subject)


def test_lines_are_read_one_by_one() -> None:
    def examine(trial: Trial) -> None:
        talk = trial.talk(trial.wait("listening"))
        assert talk.read_line("a welcome") == b"welcome\n"
        talk.expect(b"to ")
        assert talk.read_line("the rest") == b"the\n"
        talk.half_close()
        talk.read_line("one more line")

    report = check(examine, code.greets_in_lines)
    assert report.failure is not None
    assert report.failure.broken.expected == "one more line"
    assert report.failure.broken.got == "b'unfinished', then the end of the connection (FIN)"


def test_what_is_left_of_a_line_is_not_the_end() -> None:
    def examine(trial: Trial) -> None:
        talk = trial.talk(trial.wait("listening"))
        talk.read_line("a welcome")
        talk.half_close()
        talk.read_line("another")
        talk.expect_end()

    report = check(examine, code.greets_in_lines)
    assert report.failure is not None
    assert report.failure.broken.expected == "the end of the connection (FIN)"


def test_so_many_bytes_are_read() -> None:
    def examine(trial: Trial) -> None:
        talk = trial.talk(trial.wait("listening"), "Ada")
        assert talk.name == "Ada"
        talk.send(b"abcdef")
        assert talk.read_exactly(4, "four bytes") == b"abcd"
        talk.half_close()
        talk.read_exactly(4, "four more")

    report = check(examine, code.echo)
    assert report.failure is not None
    assert report.failure.broken.expected == "four more"
    assert report.failure.broken.got == "b'ef', then the end of the connection (FIN)"


def test_a_line_has_a_limit() -> None:
    def examine(trial: Trial) -> None:
        talk = trial.talk(trial.wait("listening"))
        talk.send(b"x" * 100)
        talk.read_line("a short line", max_bytes=10)

    report = check(examine, code.echo)
    assert report.failure is not None
    assert "more than 10 bytes without its end" in report.failure.broken.got


def examine_datagrams(trial: Trial) -> None:
    talk = trial.datagrams_to(trial.wait("listening"))
    for data in (b"", b"one", b"x" * 9000):
        talk.send(data)
        talk.expect(data)
    for data in (b"1", b"2", b"3"):
        talk.send(data)
    talk.expect_each([b"3", b"2", b"1"])
    talk.expect_silence(0.05, "all was answered")


@pytest.mark.parametrize("server", [code.echo_datagrams, code.echo_datagrams_loop])
def test_datagrams_are_echoed(server: Any) -> None:
    report = check(examine_datagrams, server, serve_datagrams)
    assert report.passed, str(report)


def test_who_answers_one_datagram_only_is_told() -> None:
    report = check(examine_datagrams, code.echo_first_datagram, serve_datagrams)
    assert report.failure is not None
    assert report.failure.trial.steps[-1] == "examiner sends b'one'"
    assert report.failure.broken.got == "the function returned"
    assert "<svg" in report._repr_mimebundle_()["text/html"]


def test_a_datagram_too_many_is_told() -> None:
    def examine(trial: Trial) -> None:
        talk = trial.datagrams_to(trial.wait("listening"))
        talk.send(b"a")
        talk.expect_silence(2.0, "it was no question")

    report = check(examine, code.echo_datagrams, serve_datagrams)
    assert report.failure is not None
    assert report.failure.broken.expected == "silence: it was no question"
    assert report.failure.broken.got == "b'a'"


def test_a_handshake_that_fails_is_told() -> None:
    def wrap(sock: socket.socket) -> socket.socket:
        return ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")

    def examine(trial: Trial) -> None:
        trial.talk(trial.wait("listening"), wrap=wrap)

    report = check(examine, code.echo)
    assert report.failure is not None
    assert report.failure.broken.expected == "the handshake to succeed"
    assert "SSL" in report.failure.broken.got
