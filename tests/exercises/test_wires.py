"""Datagrams between the examiner and a server: a simulated clock or a real one, the same talk."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab import exercises
from netlab.exercises.clocked import serve_clocked
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.reversal_peer import escape, reverse_lines, unescape
from netlab.exercises.subjects import FromFile, NotExaminable
from netlab.exercises.wires import LATENCY_MS, Wire, on_wire
from netlab.exercises.words import Broken

TRIAL = exercises.find("line-reversal")


class Reminds:
    """Answers what comes, and says once more after a minute what it has said."""

    def __init__(self) -> None:
        self.later: list[tuple[float, bytes, Any]] = []

    def received(self, data: bytes, peer: Any, now: float) -> list[tuple[bytes, Any]]:
        self.later.append((now + 60.0, b"as I said: " + data, peer))
        return [(data, peer)]

    def due(self, now: float) -> list[tuple[bytes, Any]]:
        ready = [one for one in self.later if one[0] <= now]
        self.later = [one for one in self.later if one[0] > now]
        return [(data, peer) for _, data, peer in ready]


@on_wire
def minute(wire: Wire) -> None:
    assert wire.simulated
    clients = [wire.client(name) for name in ("one", "another")]
    for client in clients:
        client.send(client.name.encode())
    for client in clients:
        assert client.read("an answer", 1.0) == client.name.encode()
    assert wire.now_s == pytest.approx(2 * LATENCY_MS / 1000)
    for client in clients:
        assert client.read("a reminder", 61.0) == b"as I said: " + client.name.encode()
    assert 60.0 <= wire.now_s <= 60.1
    with pytest.raises(Broken, match=r"silence for 5 s"):
        clients[0].read("more", 5.0)


@on_wire
def faults(wire: Wire) -> None:
    client = wire.client(drop={2}, duplicate={3})
    for data in (b"1", b"2", b"3"):
        client.send(data)
    wire.wait(lambda: False, 1.0)
    # The second to come back is lost, too, and the third is doubled, both ways.
    assert list(client.inbox) == [b"1", b"3", b"3"]
    assert any("is lost" in step for step in wire.trial.steps)


@on_wire
def long_story(wire: Wire) -> None:
    for number in range(100):
        wire.note(f"step {number}")
    raise Broken("an end", "none")


@on_wire
def one_word(wire: Wire) -> None:
    client = wire.client()
    client.send(b"hello")
    client.read("an answer", 1.0)


def exercise(*talks: Any) -> Exercise:
    return Exercise(
        "reminder",
        chapter="99",
        kind="core",
        title="Reminder",
        task="",
        rules=("It reminds.",),
        hints=("", "", ""),
        probes=[Probe(f"talk {n}", 1, talk, serve_clocked) for n, talk in enumerate(talks)],
    )


def test_minutes_pass_at_once() -> None:
    begun = time.monotonic()
    report = exercise(minute).check(Reminds)
    assert report.passed, str(report)
    assert time.monotonic() - begun < 10.0


def test_datagrams_are_lost_and_doubled_as_told() -> None:
    report = exercise(faults).check(Reminds)
    assert report.passed, str(report)


def test_a_long_story_is_told_in_short() -> None:
    report = str(exercise(long_story).check(Reminds))
    assert "0.00 s: step 0\n" in report
    assert "… and 60 more steps, then" in report
    assert "step 50" not in report
    assert "step 99" in report


def returns_nothing(self: Any, data: bytes, peer: Any, now: float) -> None:
    """What a stub does."""


def returns_text(self: Any, data: bytes, peer: Any, now: float) -> Any:
    return [("text", peer)]


def raises(self: Any, data: bytes, peer: Any, now: float) -> Any:
    raise LookupError("no such session")


def hangs(self: Any, data: bytes, peer: Any, now: float) -> Any:
    threading.Event().wait()


def floods(self: Any, data: bytes, peer: Any, now: float) -> Any:
    while True:
        yield data, peer


def writes_to_strangers(self: Any, data: bytes, peer: Any, now: float) -> Any:
    return [(data, ("192.0.2.1", 9))]


def ends_the_process(self: Any, data: bytes, peer: Any, now: float) -> Any:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("received", "told"),
    [
        (returns_nothing, "TypeError: None came; received() returns a list of pairs (data, peer)"),
        (returns_text, "TypeError: [('text', ('127.0.0.1', PORT))] came; received() returns"),
        (raises, r"LookupError: no such session (line "),
        (hangs, "nothing: your code still ran after 2 s"),
        (floods, "received() returned more than 1,000 datagrams at once"),
        (writes_to_strangers, "one to ['192.0.2.1', 9]"),
        (ends_the_process, "SystemExit: your code called sys.exit(3)"),
    ],
)
def test_a_class_that_goes_wrong_is_told(received: Any, told: str) -> None:
    faulty = type("Faulty", (Reminds,), {"received": received})
    first, second = (exercise(one_word).check(faulty) for _ in range(2))
    assert not first.passed
    assert told in str(first)
    assert str(first) == str(second)


def test_a_class_that_cannot_be_made_is_told() -> None:
    class Broken_(Reminds):
        def __init__(self) -> None:
            raise OSError("no room")

    assert "OSError: no room" in str(exercise(one_word).check(Broken_))


@given(st.binary())
def test_escaping_is_undone_by_unescaping(data: bytes) -> None:
    escaped = escape(data)
    assert unescape(escaped) == data
    assert re.fullmatch(rb"(?:[^\\/]|\\[\\/])*", escaped)


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"")), min_size=1))
def test_reversing_lines_twice_gives_them_back(lines: list[bytes]) -> None:
    *whole, _ = lines
    stream = b"\n".join(lines)
    assert reverse_lines(reverse_lines(stream)) == b"".join(line + b"\n" for line in whole)


def test_the_solution_passes_in_real_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ("a silent client", "a bad network")  # two seconds and more each, on a real clock
    quick = tuple(probe for probe in TRIAL.probes if probe.name not in slow)
    monkeypatch.setattr(TRIAL, "probes", quick)
    place = files("netlab.exercises.solutions.trials").joinpath("line_reversal.py")
    with as_file(place) as path:
        report = TRIAL.check(FromFile(path, "line_reversal"))
    assert report.passed, str(report)


@contextmanager
def silent_server() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def test_a_server_that_runs_already_is_examined_in_real_time() -> None:
    with silent_server() as address:
        report = TRIAL.check(address)
    assert report.failed_probe == "a session from beginning to end"
    assert "expected: /ack/12345/0/" in str(report)
    assert "nothing of the kind within 2 s" in str(report)


def test_nobody_there_is_told() -> None:
    with silent_server() as address:
        pass
    report = TRIAL.check(address)
    assert "ConnectionRefusedError (Connection refused)" in str(report)
    with pytest.raises(NotExaminable, match="not this machine"):
        TRIAL.check("192.0.2.1:9000")
