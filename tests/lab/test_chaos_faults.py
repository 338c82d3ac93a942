"""Faults in words, whom they concern, and the log of what was done."""

from __future__ import annotations

from dataclasses import fields

import pytest

from netlab.lab.chaos_log import Log
from netlab.lab.chaos_rules import Rules
from netlab.lab.faults import DatagramFaults, StreamFaults, changed
from netlab.lab.recording import Direction

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

STREAM_WORDS = {
    "latency_ms": (20, "20 ms later"),
    "jitter_ms": (5.5, "0 to 5.5 ms later"),
    "bytes_per_s": (12_000, "at most 12,000 bytes/s"),
    "slice_bytes": (3, "cut every 3 bytes"),
    "slice_at": ({9, 1_024, 4}, "cut at byte 4, 9 and 1,024"),
    "slice_random": ((1, 9), "cut into pieces of 1 to 9 bytes"),
    "coalesce_bytes": (10, "hold back until there are 10 bytes, FIN, or 200 ms of silence"),
    "stall_at": (0, "stall at byte 0 until released"),
    "corrupt_at": (range(10), "corrupt byte 0, 1, 2, 3, 4, 5, 6 and 3 more"),
    "slow_close_ms": (100, "FIN 100 ms later"),
    "limit_bytes": (1, "close after 1 byte"),
    "half_close_after_bytes": (0, "half-close after 0 bytes"),
    "reset_after_bytes": (1_024, "reset after 1,024 bytes"),
}
DATAGRAM_WORDS = {
    "loss": (0.25, "lose 0.25 of all"),
    "duplication": (0.5, "deliver 0.5 of all twice"),
    "reordering": (1, "let 1 of all be overtaken by the next"),
    "corruption": (0.1, "corrupt 0.1 of all"),
    "latency_ms": (20, "20 ms later"),
    "jitter_ms": (5, "0 to 5 ms later"),
    "drop": ({5, 2}, "lose datagram 2 and 5"),
    "duplicate": (3, "deliver datagram 3 twice"),
    "corrupt": ([1, 2, 3], "corrupt datagram 1, 2 and 3"),
    "swap": ({(5, 4)}, "let datagram 4 be overtaken by 5"),
    "delay": ({3: 200}, "datagram 3 200 ms later"),
}
PARAMETERS = {"coalesce_idle_ms", "stall_ms", "hold_ms"}  # of other faults; they do nothing alone


@pytest.mark.parametrize(
    ("kind", "words"), [(StreamFaults, STREAM_WORDS), (DatagramFaults, DATAGRAM_WORDS)]
)
def test_every_fault_has_words(kind, words):
    assert set(words) == {field.name for field in fields(kind)} - PARAMETERS
    for name, (value, text) in words.items():
        assert kind(**{name: value}).words() == text
    assert kind().words() == "nothing"
    assert kind(**{name: value for name, (value, _) in words.items()}).words().count(";") >= 9


@pytest.mark.parametrize("kind", [StreamFaults, DatagramFaults])
def test_dials_are_of_faults_that_are_numbers(kind):
    for name, dial in kind.dials().items():
        assert getattr(kind(), name) == 0
        assert kind(**{name: dial.most}) is not None
        assert 0 < dial.step < dial.most


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"latency_ms": -1}, "latency_ms=-1: milliseconds, from 0 to 3,600,000, are allowed"),
        ({"latency_ms": True}, "latency_ms=True: milliseconds are wanted"),
        ({"coalesce_bytes": 2_000_000}, "coalesce_bytes=2000000: a whole number, from 0 to 1,048,"),
        ({"reset_after_bytes": 1.5}, "reset_after_bytes=1.5: a whole number, 0 or more, is wanted"),
        ({"slice_at": {0}}, "slice_at=0: a whole number, 1 or more, is allowed"),
        ({"slice_at": None}, "slice_at=None: a whole number or several"),
        ({"slice_random": (5, 3)}, "the first size may not be above the second"),
        ({"slice_random": 5}, "slice_random: 5 came; a pair is wanted"),
    ],
)
def test_wrong_settings_are_told(faults, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        changed(StreamFaults(), faults)
    assert said in str(caught.value)


def test_what_is_set_for_one_connection_holds_besides_what_is_set_for_all():
    rules = Rules(StreamFaults())
    assert rules.words() == ["no faults"]
    rules.set("both", None, {"latency_ms": 5})
    rules.set("to_server", 2, {"slice_bytes": 3})
    assert rules.get(UP, 1) == rules.get(DOWN, 2) == StreamFaults(latency_ms=5)
    assert rules.get(UP, 2) == StreamFaults(latency_ms=5, slice_bytes=3)
    assert rules.words() == [
        "both ways: 5 ms later",
        "to the server, connection 2: 5 ms later; cut every 3 bytes",
    ]
    rules.set(UP, None, {"latency_ms": 0})
    assert rules.words() == [
        "to the client: 5 ms later",
        "to the server, connection 2: cut every 3 bytes",
    ]


def test_the_log_is_sorted_bounded_and_harmless():
    told = []
    log = Log(max_entries=3, on_entry=told.append)
    log.add("c10", UP, "byte 1", "cut")
    log.add("c2", DOWN, "byte 4", "<b>")
    log.rename("c2", "<bob>")
    log.add("c2", UP, "byte 1,024", "RST")
    log.add("c2", UP, "byte 9", "one too many")
    assert str(log).splitlines() == [
        "<bob> to server: byte 1,024: RST",
        "<bob> to client: byte 4: <b>",
        "c10 to server: byte 1: cut",
        "and 1 more",
    ]
    assert [entry.connection for entry in log.in_order()] == ["c10", "<bob>", "<bob>"]
    assert [str(entry) for entry in told][-1] == "<bob> to server: byte 9: one too many"
    page = log._repr_mimebundle_()["text/html"]
    assert (
        "<tr><td>&lt;bob&gt;</td><td>to client</td><td>byte 4</td><td>&lt;b&gt;</td></tr>" in page
    )
    assert "1 more were not kept" in page
    assert (len(log), log.left_out) == (3, 1)
    log.clear()
    assert str(log) == "nothing was done"
