"""The faults of datagrams: decided by seed, direction, flow and number, and by nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import chaos_datagrams
from netlab.lab.chaos_datagrams import DatagramLine, fate
from netlab.lab.chaos_dice import Dice
from netlab.lab.faults import DatagramFaults
from netlab.lab.recording import Direction

CHANCES = {"loss": 0.2, "duplication": 0.2, "reordering": 0.2, "corruption": 0.2}


def line(*, seed=1, flow=1, direction=Direction.TO_SERVER, **faults):
    return DatagramLine(DatagramFaults(**faults), seed=seed, flow=flow, direction=direction)


def play(one, datagrams, now_s=0.0):
    """Feed these at one moment; return (time, kind, number, data) of all that comes of them."""
    for data in datagrams:
        one.feed(data, now_s)
    done = []
    while one.due_s is not None:
        now_s = max(now_s, one.due_s)
        found = one.take(now_s)
        done += [(round(now_s, 6), kind, number, data) for kind, number, data, _ in found]
    return done


def numbers(done):
    return [number for _, kind, number, _ in done if kind != "lost"]


LETTERS = [bytes([code]) for code in b"abcdefgh"]


def test_without_faults_all_arrive_in_order():
    assert play(line(), LETTERS) == [
        (0.0, "data", number, data) for number, data in enumerate(LETTERS, 1)
    ]


def test_the_script():
    one = line(drop={2, 5}, duplicate={3}, swap={(6, 7)}, corrupt={8}, hold_ms=100)
    assert play(one, LETTERS) == [
        (0.0, "data", 1, b"a"),
        (0.0, "lost", 2, b"b"),
        (0.0, "data", 3, b"c"),
        (0.0, "duplicate", 3, b"c"),
        (0.0, "data", 4, b"d"),
        (0.0, "lost", 5, b"e"),
        (0.0, "data", 7, b"g"),
        (0.0, "late", 6, b"f"),
        (0.0, "data", 8, b"\x97"),
    ]


def test_delays_let_others_overtake():
    assert play(line(delay={1: 50}, latency_ms=20), LETTERS[:2]) == [
        (0.02, "data", 2, b"b"),
        (0.07, "data", 1, b"a"),
    ]


def test_who_waits_for_one_that_never_comes_or_is_lost_goes_on():
    assert play(line(swap={(1, 2)}, hold_ms=100), LETTERS[:1]) == [(0.1, "late", 1, b"a")]
    done = play(line(swap={(1, 2)}, drop={2}), LETTERS[:2])
    assert [entry[1:3] for entry in done] == [("lost", 2), ("late", 1)]


def test_who_is_overtaken_by_one_that_waits_itself_waits_with_it():
    assert numbers(play(line(reordering=1, hold_ms=50), LETTERS[:3])) == [3, 2, 1]
    one = line(swap={(1, 2), (3, 4)}, seed=0)
    assert numbers(play(one, LETTERS[:4])) == [2, 1, 4, 3]
    one = line(swap={(1, 3)}, delay={3: 10})
    assert numbers(play(one, LETTERS[:4])) == [2, 4, 3, 1]


def test_the_notes_say_what_was_done():
    one = line(drop={1}, corrupt={2}, duplicate={2}, swap={(3, 4)}, delay={5: 50})
    for data in LETTERS[:5]:
        one.feed(data, 0.0)
    assert [(outcome.number, outcome.note) for outcome in one.take(1.0)] == [
        (1, "lost"),
        (2, "byte 0: 0x62 became 0x9d"),
        (2, "once more"),
        (4, ""),
        (3, "overtaken by 4"),
        (5, "50 ms later"),
    ]


def fates(seed=1, flow=1, direction=Direction.TO_SERVER, count=100, **faults):
    wanted = DatagramFaults(**{**CHANCES, **faults})
    return [fate(wanted, Dice(seed, direction, flow), n, 100) for n in range(1, count + 1)]


def test_the_same_seed_gives_the_same_and_another_gives_others():
    assert fates() == fates()
    others = [fates(seed=2), fates(flow=2), fates(direction=Direction.TO_CLIENT)]
    assert all(other != fates() for other in others)


def test_the_seed_gives_what_it_always_gave():
    assert [number for number, one in enumerate(fates(count=30), 1) if one.lost] == LOST_BY_SEED_1


LOST_BY_SEED_1 = [1, 2, 5, 8, 10, 23, 28]


def test_chances_are_what_they_are_said_to_be():
    found = fates(count=5_000)
    assert 900 < sum(one.lost for one in found) < 1_100
    assert 900 < sum(one.copies == 2 for one in found) < 1_100
    assert 900 < sum(one.corrupt_at is not None for one in found) < 1_100
    assert 900 < sum(one.behind is not None for one in found) < 1_100


def test_more_loss_loses_the_same_and_more_and_changes_nothing_else():
    some, more = fates(loss=0.2), fates(loss=0.4)
    assert all(b.lost for a, b in zip(some, more, strict=True) if a.lost)
    assert [one[1:] for one in some] == [one[1:] for one in more]


chances = st.fixed_dictionaries(
    {},
    optional={
        "duplication": st.floats(0, 1),
        "reordering": st.floats(0, 1),
        "jitter_ms": st.integers(0, 100),
        "latency_ms": st.integers(0, 100),
        "swap": st.just({(2, 4), (3, 9)}),
        "delay": st.just({5: 70}),
    },
)
sent = st.lists(st.binary(max_size=20), max_size=20)


@given(st.integers(), chances, sent)
def test_nothing_is_lost_or_changed_that_was_not_to_be(seed, faults, datagrams):
    done = play(line(seed=seed, **faults), datagrams)
    arrived = Counter((number, data) for _, kind, number, data in done if kind != "duplicate")
    assert arrived == Counter(enumerate(datagrams, 1))
    for _, kind, number, data in done:
        if kind == "duplicate":
            assert data == datagrams[number - 1]


@given(st.integers(), st.floats(0, 1), sent)
def test_each_is_lost_or_arrives_once(seed, loss, datagrams):
    done = play(line(seed=seed, loss=loss), datagrams)
    assert sorted(number for _, _, number, _ in done) == list(range(1, len(datagrams) + 1))
    again = play(line(seed=seed, loss=loss), [b"other bytes"] * len(datagrams))
    assert [entry[1:3] for entry in again] == [entry[1:3] for entry in done]


def test_a_line_holds_so_much_and_no_more(monkeypatch):
    monkeypatch.setattr(chaos_datagrams, "MAX_HELD", 3)
    one = line(latency_ms=10)
    assert [entry[1:3] for entry in play(one, LETTERS[:4])] == [
        ("lost", 4),
        ("data", 1),
        ("data", 2),
        ("data", 3),
    ]
    assert one.held == 0
    monkeypatch.setattr(chaos_datagrams, "MAX_HELD_BYTES", 100)
    one = line(latency_ms=10)
    assert [entry[1] for entry in play(one, [bytes(60)] * 2)] == ["lost", "data"]
    assert [entry[1] for entry in play(one, [bytes(60)] * 2, 1.0)] == ["lost", "data"]


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"loss": 1.5}, "loss=1.5: a probability, from 0 to 1, are allowed"),
        ({"loss": "1"}, "loss='1': a probability are wanted"),
        ({"drop": "2"}, "drop='2': a whole number or several"),
        ({"drop": {0}}, "drop=0: a whole number, 1 or more"),
        ({"swap": {(4, 5), (5, 6)}}, "a number may stand in one pair only"),
        ({"swap": {(4, 4)}}, "a number may stand in one pair only"),
        ({"swap": 4}, "swap=4: pairs of numbers"),
        ({"delay": 4}, "delay=4: number -> milliseconds"),
        ({"delay": {4: -1}}, "delay=-1: milliseconds"),
        ({"jitter_ms": float("nan")}, "jitter_ms=nan: milliseconds"),
        ({"duplicate": {True}}, "duplicate=True: a whole number"),
    ],
)
def test_wrong_settings_are_told(faults, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        DatagramFaults(**faults)
    assert said in str(caught.value)
