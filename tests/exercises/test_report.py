"""The report, in a cell and as text: the same each time, and nothing from the wire is markup."""

from __future__ import annotations

import pytest

from netlab import exercises
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import call
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken, count, difference, in_pieces, in_short, steady

from . import code

NASTY = "<script>alert('&')</script>"


def nasty(trial: Trial) -> None:
    trial.note(NASTY)
    trial.recording.append(NASTY, "client→server", "data", NASTY.encode())
    trial.wait("answer")
    raise Broken(NASTY, NASTY)


def test_what_came_from_the_wire_is_escaped() -> None:
    exercise = Exercise(
        "x",
        chapter="99",
        kind="core",
        title=NASTY,
        task="",
        rules=(f"`{NASTY}`",),
        hints=("", "", ""),
        probes=[Probe(NASTY, 1, nasty, call)],
    )
    bundle = exercise.check(code.prints_nasty)._repr_mimebundle_()
    assert "<script" not in bundle["text/html"]
    assert "<code>&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/plain"].count(NASTY) >= 5
    assert "<svg" in bundle["text/html"]


def test_the_same_code_gives_the_same_report() -> None:
    exercise = exercises.find("line-echo")
    first, second = (exercise.check(code.echo)._repr_mimebundle_() for _ in range(2))
    assert first == second


def test_a_pass_says_what_was_tried() -> None:
    exercise = exercises.find("01.family")
    report = exercise.check(code.right_family)
    assert str(report).startswith("PASSED  Which family?: nothing that was tried broke it\n")
    assert str(report).count("✓") == len(exercise.probes)
    assert report
    assert report.to_json()["passed"] is True


@pytest.mark.parametrize(
    ("text", "same_each_time"),
    [
        ("<object object at 0x7f1234567890>", "<object object>"),
        (
            "<socket.socket fd=7, laddr=('127.0.0.1', 45678), raddr=('::1', 9, 0, 0)>",
            "<socket.socket fd=…, laddr=('127.0.0.1', PORT), raddr=('::1', 9, 0, 0)>",
        ),
        ("b'at 0x'", "b'at 0x'"),
    ],
)
def test_chance_is_taken_out(text: str, same_each_time: str) -> None:
    assert steady(text) == same_each_time


def test_words() -> None:
    assert (count(1, "try"), count(2, "try"), count(1000, "probe")) == (
        "1 try",
        "2 tries",
        "1,000 probes",
    )
    assert in_short(b"x" * 50) == "50 bytes (b'xxxxxxxxxxxx' …)"
    assert in_pieces((b"a", b"b")) == "b'a', b'b'"
    assert in_pieces((b"a",) * 9).startswith("9 pieces: b'a', b'a', b'a' …")
    assert difference(b"abc", b"abx", "silence") == "b'abx'"
    assert difference(b"abc", b"", "silence") == "silence"
    assert difference(b"abc", b"ab", "silence") == "b'ab', then silence"
    assert difference(b"a" * 50, b"a" * 20 + b"b" * 30, "") == (
        "other bytes from position 20 on: b'bbbbbbbbbbbb' …"
    )
