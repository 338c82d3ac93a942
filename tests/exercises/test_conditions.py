"""Cuts of a stream lose nothing; pieces that are sent apart arrive apart."""

from __future__ import annotations

import random
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.exercises import unread
from netlab.exercises.cases import agree, feed, run_cases
from netlab.exercises.conditions import (
    bytewise,
    coalesced,
    cut_characters,
    every,
    every_split,
    random_splits,
    storm,
    straddling,
)
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import serve
from netlab.exercises.shrink import Pieces
from netlab.exercises.subjects import Remote
from netlab.exercises.talk import Talk
from netlab.exercises.trial import RemoteTrial, Trial
from netlab.exercises.unread import unread_at_peer

from . import code

DEADLINE_S = 10.0


@given(st.binary(min_size=2, max_size=30), st.integers())
def test_cuts_lose_nothing(stream: bytes, seed: int) -> None:
    cases = [*every_split(stream), bytewise(stream)]
    cases += random_splits(stream, 5, random.Random(seed))
    assert all(b"".join(case) == stream and all(case) for case in cases)
    assert len(set(every_split(stream))) == len(stream)
    assert random_splits(stream, 5, random.Random(seed)) == cases[-5:]


@given(st.text(min_size=1, max_size=10))
def test_characters_are_cut_inside(text: str) -> None:
    for first, second in cut_characters(text):
        assert first + second == text.encode()
        with pytest.raises(UnicodeDecodeError):
            first.decode()


def test_messages_are_joined_or_straddled() -> None:
    assert coalesced([b"a\n", b"b\n"]) == (b"a\nb\n",)
    assert straddling([b"ab\n", b"cd\n"]) == [(b"ab\nc", b"d\n"), (b"ab", b"\ncd\n")]


# ---------------------------------------------------------------- segments


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("netlink", [True, False])
def test_what_the_peer_has_not_read_is_known(
    host: str, netlink: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not netlink:
        monkeypatch.setattr(unread, "_ask", _no_netlink)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as sock,
    ):
        assert unread_at_peer(sock) == 0, "in the backlog"
        sock.sendall(b"hello")
        assert unread_at_peer(sock) == 5
        connection, _ = listener.accept()
        with connection:
            connection.recv(3)
            assert unread_at_peer(sock) == 2
            connection.recv(3)
            assert unread_at_peer(sock) == 0


def _no_netlink(*_: object) -> int:
    raise PermissionError("no netlink here")


def test_pieces_sent_apart_are_read_apart() -> None:
    read: list[bytes] = []

    def server(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(100):
                read.append(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=server, args=[listener], name="netlab-test")
        serving.start()
        with RemoteTrial(Remote(*listener.getsockname())) as trial:
            talk = trial.talk(trial.wait("listening"))
            talk.send_apart(b"ab", b"c", b"def")
            talk.trickle(b"xyz")
            talk.half_close()
            talk.expect_end()
        serving.join(DEADLINE_S)
    # The last piece of one call and the first of the next may meet; no others do.
    assert read in ([b"ab", b"c", b"def", b"x", b"y", b"z"], [b"ab", b"c", b"defx", b"y", b"z"])
    assert trial.steps[-3] == "examiner sends b'xyz', one byte at a time"


def test_a_storm_is_bounded() -> None:
    with RemoteTrial(Remote("127.0.0.1", 9)) as trial, pytest.raises(ValueError, match="at most"):
        storm(trial, ("127.0.0.1", 9), 1000)


# ---------------------------------------------------------------- cases


def echo_case(trial: Trial, address: Any, case: Pieces) -> None:
    talk: Talk = trial.talk(address)
    talk.send_apart(*case)
    talk.expect(b"".join(case))


def echo_cases(trial: Trial) -> None:
    every(trial, every_split(b"words and a\nline"), echo_case)


def exercise(probe: Probe) -> Exercise:
    return Exercise(
        "x",
        chapter="99",
        kind="core",
        title="",
        task="",
        rules=("It echoes.",),
        hints=("", "", ""),
        probes=[probe],
    )


def test_the_shortest_case_is_told() -> None:
    report = exercise(Probe("cases", 1, echo_cases, serve)).check(code.no_newlines)
    assert "examiner sends b'\\n'" in str(report)
    assert "what failed first was b'words and a\\nline'" in str(report)
    assert report.failure is not None
    assert report.failure.trial.steps == ["examiner connects", "examiner sends b'\\n'"]
    report = exercise(Probe("cases", 1, echo_cases, serve)).check(code.echo)
    assert "✓ cases (16 tries)" in str(report)


def lines(case: Pieces) -> list[bytes]:
    return b"".join(case).split(b"\n")[:-1]


LINES = [*every_split(b"one\ntwo\n"), bytewise(b"one\ntwo\n")]


def test_a_parser_is_held_against_a_model() -> None:
    probe = Probe("cuts", 1, agree, run_cases, (feed, lines, LINES))
    report = exercise(probe).check(code.Lines)
    assert "✓ cuts (9 tries)" in str(report)
    report = exercise(probe).check(code.PieceByPiece)
    assert report.failure is not None
    assert report.failure.trial.steps == ["it is given b'a'"]
    assert (report.failure.broken.expected, report.failure.broken.got) == ("[]", "[b'a']")
    report = exercise(probe).check(code.empty)
    assert report.failure is not None
    assert report.failure.broken.got.startswith("raises AttributeError: 'NoneType' object has no")


def test_a_parser_that_hangs_is_told_with_its_case() -> None:
    probe = Probe("q", 1, agree, run_cases, (feed, lines, [(b"a",), (b"b", b"q")]))
    report = exercise(probe).check(code.StopsAtQ)
    assert report.failure is not None
    assert report.failure.trial.steps == ["it is given b'b'", "it is given b'q'"]
    assert report.failure.broken.got == "nothing: your code still ran after 2 s"
