"""The stored corpus, and variations of it, through every target; `make fuzz` goes on from here."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netlab.core.chat import ChatService
from netlab.core.framing import LengthPrefixedReader, LineReader
from netlab.core.json_codec import Json
from netlab.core.messages import Ping
from netlab.lab.dissect import Dissections, Dissector
from netlab.transports.cookies import Cookies
from netlab.transports.udp import UDPServer
from tests.fuzz.__main__ import CORPUS, ROOT, write_dictionary
from tests.fuzz.targets import MAX_INPUT_BYTES, TARGETS

MOST_FILES, MOST_BYTES = 200, 4_096
EXAMPLES = 250
"""of each target: all of them together take less than a minute"""


def stored(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


@st.composite
def variations(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw one of the corpus with parts cut out, put in, overwritten and taken from another."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        other = draw(st.sampled_from(seeds))
        data[start:end] = draw(st.binary(max_size=8) | st.sampled_from([b"", other]))
    return bytes(data[:MAX_INPUT_BYTES])


@pytest.mark.parametrize("target", TARGETS)
def test_the_stored_corpus_keeps_its_promises(target: str) -> None:
    for path in sorted((CORPUS / target).iterdir()):
        try:
            TARGETS[target](path.read_bytes())
        except BaseException as error:
            error.add_note(f"with {path.relative_to(ROOT)}")
            raise


@pytest.mark.parametrize("target", TARGETS)
def test_variations_of_the_corpus_keep_its_promises(target: str) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
    @given(variations(stored(target)) | st.binary(max_size=200))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()


def test_the_corpus_stays_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == set(TARGETS)
    assert len(files) <= MOST_FILES
    assert max(path.stat().st_size for path in files) <= MOST_BYTES
    assert len({(path.parent, path.read_bytes()) for path in files}) == len(files), "no twins"


# ---------------------------------------------------------------- the targets can fail


def nothing(*_: Any, **__: Any) -> list[Any]:
    return []


def forgetful(feed: Callable[..., Any]) -> Callable[..., Any]:
    """Let a dissector lose the last of what it found."""
    return lambda self, data: feed(self, data)[:-1]


def unlimited(init: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, _=0: init(self, 0)


FAULTS = [
    ("framing", LineReader, "__init__", unlimited(LineReader.__init__)),
    ("framing", LengthPrefixedReader, "__init__", unlimited(LengthPrefixedReader.__init__)),
    ("framing", LineReader, "feed", lambda self, data: data.split(b"\n")[:-1]),
    ("messages", Json, "encode_request", lambda self, message: b'{"type":"ping"}'),
    ("packets", Json, "decode_request", lambda *_, **__: Ping()),
    ("chat", ChatService, "_departed", nothing),
    ("cookie", Cookies, "check", lambda *_: True),
    ("cookie", UDPServer, "_bury", lambda self: self._send(b"?" * 9_999, ("127.0.0.1", 40_000))),
    ("conversation", Dissector, "feed", forgetful(Dissector.feed)),
    *[
        (target, Dissector, "feed", forgetful(Dissector.feed))
        for target in ("websocket", "engineio", "http", "tls", "sniffed")
    ],
    ("socketio", Dissector, "end", nothing),
    ("http", Dissections, "_repr_mimebundle_", lambda *_, **__: {"text/html": "<script>"}),
]


@pytest.mark.parametrize(("target", "broken", "name", "with_"), FAULTS)
def test_a_target_finds_a_fault_with_the_stored_corpus_alone(
    target: str, broken: type, name: str, with_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken, name, with_)
    with pytest.raises(Exception):  # noqa: B017, PT011  # whatever it is, the fuzzer stops there
        list(map(TARGETS[target], stored(target)))


def test_every_target_is_shown_to_find_a_fault() -> None:
    assert {target for target, *_ in FAULTS} == set(TARGETS)


# ---------------------------------------------------------------- by hand


def test_the_dictionary_has_the_words_of_the_protocol(tmp_path: Any) -> None:
    write_dictionary(tmp_path / "dictionary")
    lines = (tmp_path / "dictionary").read_text("ascii").splitlines()
    words = [bytes.fromhex(line.strip('"').replace("\\x", "")).decode() for line in lines]
    assert {'{"type":"room_message",', '"content":', "COOKIE"} <= set(words)


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_target_that_is_not_there() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "no target is called nonsense; there are: framing, " in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs the extra `fuzz`")
def test_fuzzing_for_a_second() -> None:
    done = run("framing", "--seconds", "1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[1].split()[0] == "framing"
