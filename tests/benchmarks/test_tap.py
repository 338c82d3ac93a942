"""The benchmarks run, with next to nothing to measure; what they find is not tested."""

from __future__ import annotations

import socket

import pytest

from tests.benchmarks import tap
from tests.benchmarks.relay import Relay


def test_the_tap_is_measured_beside_a_relay(capsys: pytest.CaptureFixture[str]) -> None:
    assert tap.main(["--runs", "1", "--mib", "1", "--rounds", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:18].strip() for line in lines[1:5]] == list(tap.WAYS)
    assert lines[5].startswith("tap : relay = ")


def test_it_says_when_a_target_is_missed() -> None:
    slow, fast = tap.Sample(100.0, 100.0, 1.0), tap.Sample(900.0, 900.0, 0.1)
    samples = {way: [slow if way == "tap" else fast] for way in tap.WAYS}
    said = list(tap.report(samples))
    assert "NO" in said[6]
    assert said[6].endswith("NO")
    assert "NO" not in said[8]


def test_the_relay_passes_on_both_ways_and_half_closes() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Relay(listener.getsockname()) as relay,
        socket.create_connection(relay.address, 10) as client,
    ):
        listener.settimeout(10)
        server, _ = listener.accept()
        with server:
            server.settimeout(10)
            client.sendall(b"before")
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: server.recv(100), b"")) == b"before"
            server.sendall(b"after")
        assert b"".join(iter(lambda: client.recv(100), b"")) == b"after"


def test_a_benchmark_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tap.main(["--runs", "0"])
    assert "1 or more" in capsys.readouterr().err
