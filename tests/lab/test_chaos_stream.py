"""The faults of a stream, on a clock of the test's own: placed by offset, whatever the chunks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab.chaos_dice import Dice
from netlab.lab.chaos_stream import HELD_BYTES, Act, Stream
from netlab.lab.faults import StreamFaults
from netlab.lab.recording import Direction


def stream(*, seed=1, **faults):
    return Stream(StreamFaults(**faults), seed=seed)


def acts(one, now_s=0.0):
    """Return what is to be done at this moment."""
    return list(iter(lambda: one.next(now_s), None))


def play(one, now_s=0.0):
    """Return (time, act) of all that is done from now on, waiting for nothing else."""
    done = []
    while True:
        done += [(round(now_s, 9), act) for act in acts(one, now_s)]
        if one.due_s is None:
            return done
        assert one.due_s > now_s, "it asks to be asked again at once: a busy loop"
        now_s = one.due_s


def texts(one):
    return [(note.offset, note.text) for note in one.notes()]


def sent(done):
    return b"".join(act.data for act in done)


def test_without_faults_bytes_pass_as_they_come():
    one = stream()
    one.feed(b"hello", 0.0)
    assert acts(one) == [Act("data", b"hello")]
    one.feed(b"a", 0.0)
    one.feed(b"b", 0.0)
    assert acts(one) == [Act("data", b"ab")]
    one.finish(0.0)
    assert acts(one) == [Act("fin")]
    assert (one.ended, texts(one)) == (True, [])


def test_slices_are_sent_alone():
    one = stream(slice_bytes=3)
    one.feed(b"abcdefgh", 0.0)
    assert acts(one) == [
        Act("data", b"abc"),
        Act("data", b"def", alone=True),
        Act("data", b"gh", alone=True),
    ]
    assert texts(one) == [(3, "cut"), (6, "cut")]


def test_a_cut_stands_at_its_offset_whatever_the_chunks():
    one = stream(slice_at={4})
    for chunk in (b"ab", b"cdef", b"gh"):
        one.feed(chunk, 0.0)
    assert acts(one) == [Act("data", b"abcd"), Act("data", b"efgh", alone=True)]
    one = stream(slice_at={4})
    for chunk in (b"abcd", b"efgh"):
        one.feed(chunk, 0.0)
        acts(one)
    assert texts(one) == [(4, "cut")]


def test_sizes_drawn_by_the_seed_repeat_and_differ_between_seeds():
    def pieces(seed, connection=1, direction=Direction.TO_SERVER):
        faults = StreamFaults(slice_random=(1, 9))
        one = Stream(faults, seed=seed, connection=connection, direction=direction)
        one.feed(bytes(200), 0.0)
        return [len(act.data) for act in acts(one)]

    assert pieces(1) == pieces(1)
    assert set(pieces(1)) <= set(range(1, 10))
    different = [pieces(1), pieces(2), pieces(1, 2), pieces(1, 1, Direction.TO_CLIENT)]
    assert all(a != b for a, b in itertools.combinations(different, 2))


def test_the_seed_gives_what_it_always_gave():
    dice = Dice(1, Direction.TO_SERVER, 1)
    assert [dice.whole(1, 100, "cut", number) for number in range(1, 6)] == FIRST_DRAWS


FIRST_DRAWS = [51, 31, 12, 25, 66]

chunked = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8)
slicing = st.fixed_dictionaries(
    {},
    optional={
        "slice_bytes": st.integers(1, 20),
        "slice_at": st.sets(st.integers(1, 300), max_size=6),
        "slice_random": st.tuples(st.integers(1, 5), st.integers(5, 40)),
    },
)
times = st.fixed_dictionaries(
    {},
    optional={
        "latency_ms": st.integers(0, 100),
        "jitter_ms": st.integers(0, 100),
        "bytes_per_s": st.integers(0, 2_000),
        "slow_close_ms": st.integers(0, 100),
        "stall_at": st.integers(0, 200),
        "stall_ms": st.integers(1, 100),
        "coalesce_idle_ms": st.integers(0, 100),
    },
)
batching = st.fixed_dictionaries({}, optional={"coalesce_bytes": st.integers(0, 30)})


def boundaries(pieces):
    return set(itertools.accumulate(len(piece) for piece in pieces))


@given(chunked, slicing, times, batching)
def test_no_byte_is_lost_added_or_moved(chunks, cuts, waits, batches):
    one = stream(**cuts, **waits, **batches)
    done = []
    for number, chunk in enumerate(chunks):
        one.feed(chunk, number * 0.01)
        done += acts(one, number * 0.01)
    one.finish(1.0)
    done += [act for _, act in play(one, 1.0)]
    if one.stalled:
        one.release()
        done += [act for _, act in play(one, 100.0)]
    assert sent(done) == b"".join(chunks)
    assert [act.kind for act in done if act.kind != "data"] == ["fin"]


@given(chunked, slicing)
def test_cuts_are_the_same_for_any_chunks(chunks, cuts):
    """At every planned cut one piece ends; elsewhere only where a chunk of the sender ended."""
    data = b"".join(chunks)
    whole = stream(**cuts)
    whole.feed(data, 0.0)
    planned = boundaries(act.data for act in acts(whole))
    one = stream(**cuts)
    done = []
    for chunk in chunks:
        one.feed(chunk, 0.0)
        done += acts(one)
    assert planned <= boundaries(act.data for act in done) <= planned | boundaries(chunks)
    assert texts(one) == texts(whole)
    alone = {0, *itertools.accumulate(len(act.data) for act in done)}
    starts = [at for at, act in zip(sorted(alone), done, strict=False) if act.alone]
    assert set(starts) == planned - {len(data)}


@given(chunked, slicing, st.integers(1, 30))
def test_what_is_held_back_until_it_is_enough_has_the_same_cuts_for_any_chunks(chunks, cuts, most):
    def pieces(chunks):
        one = stream(**cuts, coalesce_bytes=most, coalesce_idle_ms=0)
        done = []
        for chunk in chunks:
            one.feed(chunk, 0.0)
            done += acts(one)
        one.finish(0.0)
        return done + acts(one), texts(one)

    assert pieces(chunks) == pieces([b"".join(chunks)])


ends = st.fixed_dictionaries(
    {},
    optional={
        "reset_after_bytes": st.integers(0, 60),
        "limit_bytes": st.integers(0, 60),
        "half_close_after_bytes": st.integers(0, 60),
    },
)


@given(chunked, slicing, times, batching, ends)
def test_an_end_comes_after_exactly_so_many_bytes(chunks, cuts, waits, batches, last):
    one = stream(**cuts, **waits, **batches, **last)
    data, done = b"".join(chunks), []
    for number, chunk in enumerate(chunks):
        one.feed(chunk, number * 0.01)
        done += acts(one, number * 0.01)
    one.finish(1.0)
    done += [act for _, act in play(one, 1.0)]
    if one.stalled:
        one.release()
        done += [act for _, act in play(one, 100.0)]
    first = min(last.values(), default=len(data) + 1)
    assert sent(done) == data[:first]
    assert len([act for act in done if act.kind != "data"]) == 1
    assert one.held_bytes == 0
    assert acts(one, 1000.0) == []


def test_latency_delays_every_byte_and_fin():
    one = stream(latency_ms=20)
    one.feed(b"a", 1.0)
    one.feed(b"b", 1.005)
    one.finish(1.01)
    assert play(one, 1.01) == [
        (1.02, Act("data", b"a")),
        (1.025, Act("data", b"b")),
        (1.03, Act("fin")),
    ]
    assert texts(one) == [(0, "20 ms later")]


def test_jitter_belongs_to_the_offset_and_keeps_the_order():
    def arrivals(chunks):
        one = stream(jitter_ms=50)
        for chunk in chunks:
            one.feed(chunk, 0.0)
        return [(at, len(act.data)) for at, act in play(one)]

    data = bytes(5 * 1_460)
    found = arrivals([data])
    assert found == arrivals([data[:700], data[700:3_000], data[3_000:]])
    assert 1 < len(found) <= 5
    assert found == sorted(found)
    assert all(0 <= at < 0.05 for at, _ in found)


def test_bandwidth():
    one = stream(bytes_per_s=1_000)
    one.feed(bytes(100), 0.0)
    assert play(one) == [(0.02 * number, Act("data", bytes(20))) for number in range(1, 6)]
    one.feed(bytes(10), 10.0)
    assert [(round(at, 6), len(act.data)) for at, act in play(one, 10.0)] == [(10.01, 10)]


def test_a_slow_line_makes_good_only_a_little_of_what_a_slow_receiver_cost():
    one = stream(bytes_per_s=1_000)
    one.feed(bytes(1_000), 0.0)
    assert 80 <= len(sent(acts(one, 0.5))) <= 100


def test_a_stall_ends_when_released():
    one = stream(stall_at=3)
    one.feed(b"abcdef", 0.0)
    assert acts(one) == [Act("data", b"abc")]
    assert (one.stalled, one.wants, one.due_s) == (True, False, None)
    one.release()
    assert acts(one) == [Act("data", b"def")]
    assert texts(one) == [(3, "stalled"), (3, "released")]


def test_a_stall_ends_of_its_own_after_its_time():
    one = stream(stall_at=0, stall_ms=100)
    one.feed(b"abc", 1.0)
    assert play(one, 1.0) == [(1.1, Act("data", b"abc"))]
    assert texts(one) == [(0, "stalled"), (0, "goes on after 100 ms")]


def test_a_stall_holds_fin_too_and_may_be_taken_away():
    one = stream(stall_at=3)
    one.feed(b"abc", 0.0)
    acts(one)
    one.finish(0.0)
    assert acts(one) == []
    one.set(StreamFaults())
    assert acts(one) == [Act("fin")]
    assert texts(one) == [(3, "stalled"), (3, "the stall was taken away")]


@pytest.mark.parametrize(
    ("fault", "kind", "note"),
    [
        ("reset_after_bytes", "rst", "RST"),
        ("limit_bytes", "close", "FIN both ways, the limit"),
        ("half_close_after_bytes", "fin", "FIN, half-close"),
    ],
)
def test_an_end_after_four_bytes(fault, kind, note):
    one = stream(**{fault: 4})
    one.feed(b"abc", 0.0)
    one.feed(b"def", 0.0)
    assert acts(one) == [Act("data", b"abcd"), Act(kind)]
    assert texts(one) == [(4, note)]
    one.feed(b"more", 0.0)
    one.finish(0.0)
    assert acts(one) == []


def test_the_coalescer_waits_for_enough_for_silence_or_for_fin():
    one = stream(coalesce_bytes=4, coalesce_idle_ms=50)
    one.feed(b"ab", 0.0)
    assert acts(one) == []
    assert one.due_s == 0.05
    one.feed(b"cde", 0.01)
    assert acts(one, 0.01) == [Act("data", b"abcd")]
    assert play(one, 0.01) == [(0.06, Act("data", b"e"))]
    one.feed(b"f", 1.0)
    one.finish(1.0)
    assert acts(one, 1.0) == [Act("data", b"f"), Act("fin")]
    assert texts(one) == [
        (0, "4 bytes held back and passed on as one"),
        (4, "1 byte held back and passed on as one, after 50 ms of silence"),
        (5, "1 byte held back and passed on as one, before FIN"),
    ]


def test_corrupted_bytes():
    one = stream(corrupt_at={0, 3})
    one.feed(b"ab", 0.0)
    one.feed(b"cd", 0.0)
    assert acts(one) == [Act("data", b"\x9ebc\x9b")]
    assert texts(one) == [(0, "0x61 became 0x9e"), (3, "0x64 became 0x9b")]


def test_fin_may_come_late():
    one = stream(slow_close_ms=100)
    one.feed(b"a", 0.0)
    one.finish(0.0)
    assert play(one) == [(0.0, Act("data", b"a")), (0.1, Act("fin"))]
    assert texts(one) == [(1, "FIN, 100 ms later")]


def test_a_reset_by_the_sender_follows_the_bytes():
    one = stream(latency_ms=10)
    one.feed(b"a", 0.0)
    one.finish(0.005, "rst")
    assert play(one, 0.005) == [(0.01, Act("data", b"a")), (0.015, Act("rst"))]


def test_a_full_stream_wants_no_more():
    one = stream(stall_at=HELD_BYTES)
    one.feed(bytes(HELD_BYTES - 1), 0.0)
    assert one.wants
    one.feed(bytes(1), 0.0)
    assert not one.wants
    acts(one)
    assert not one.wants
    one.end()
    assert one.wants, "what comes after the end is read and thrown away"


def test_faults_may_change_on_the_way():
    one = stream()
    one.feed(bytes(5), 0.0)
    acts(one)
    one.set(StreamFaults(slice_bytes=2, latency_ms=10))
    one.feed(bytes(4), 0.0)
    assert [(at, len(act.data)) for at, act in play(one)] == [(0.01, 1), (0.01, 2), (0.01, 1)]
    one.set(StreamFaults(reset_after_bytes=3))
    assert acts(one) == [Act("rst")], "an offset that is behind us counts at once"
