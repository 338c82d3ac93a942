"""What fuzzers have kept is tried again, and Hypothesis tries some more from there.

`make fuzz` searches for as long as you like, led by what is reached (atheris); here is the part
that needs no more than a minute, nor atheris.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netlab.core.framing import LineReader
from netlab.transports.cookies import Cookies
from tests.fuzz import targets
from tests.fuzz.__main__ import CORPUS
from tests.fuzz.targets import MAX_INPUT_BYTES, TARGETS

KEPT = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
MAX_FILES = 200
EXAMPLES = 1_000


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_kept_breaks_no_promise(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_the_corpus_is_small_and_every_target_has_a_part_of_it() -> None:
    assert {path.parent.name for path in KEPT} == set(TARGETS)
    assert len(KEPT) < MAX_FILES
    assert max(path.stat().st_size for path in KEPT) <= MAX_INPUT_BYTES


def near(name: str) -> st.SearchStrategy[bytes]:
    """Inputs made of pieces of what was kept for a target, with strange bytes between them."""
    kept = [path.read_bytes() for path in KEPT if path.parent.name == name]
    piece = st.sampled_from(kept).flatmap(
        lambda data: st.tuples(st.integers(0, len(data)), st.integers(0, len(data))).map(
            lambda cut: data[min(cut) : max(cut)]
        )
    )
    parts = st.lists(piece | st.binary(max_size=24) | st.sampled_from(kept), max_size=8)
    return parts.map(lambda found: b"".join(found)[:MAX_INPUT_BYTES])


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_like_it_breaks_none_either(name: str) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(data=near(name))
    def run(data: bytes) -> None:
        TARGETS[name](data)

    run()


# ---------------------------------------------------------------- a target can fail


def broken_by_some(name: str) -> bool:
    """Is a promise of this target broken by any of what was kept for it?"""
    for path in KEPT:
        if path.parent.name == name:
            try:
                TARGETS[name](path.read_bytes())
            except AssertionError:
                return True
    return False


def test_a_reader_that_loses_bytes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = LineReader.feed
    monkeypatch.setattr(LineReader, "feed", lambda self, data: feed(self, data[1:]))
    assert broken_by_some("framing")


def test_a_server_that_says_more_than_it_heard_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cookies, "check", lambda *_: True)
    assert broken_by_some("cookie")


def test_a_dissector_that_leaves_bytes_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = targets.dissect
    monkeypatch.setattr(targets, "dissect", lambda data, *a, **k: honest(data[:-1], *a, **k))
    assert all(broken_by_some(name) for name in ("websocket", "http", "socketio", "tls"))
