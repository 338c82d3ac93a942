"""What comes from a learner's process is data, or it is refused before it can be a call."""

from __future__ import annotations

import http
import os
import pickle
import signal
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.exercises.calls import Opaque, plain
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import call
from netlab.exercises.received import Suspicious, plain_data
from netlab.exercises.trial import Trial

DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda each: st.lists(each) | st.tuples(each, each) | st.dictionaries(st.text(), each),
)


@given(DATA)
def test_plain_data_comes_as_it_was_sent(value: object) -> None:
    assert plain_data(pickle.dumps(plain(value))) == value


@pytest.mark.parametrize(
    "value",
    [
        socket.AF_INET,
        socket.AI_PASSIVE,
        signal.SIGTERM,
        ssl.CERT_REQUIRED,
        ssl.TLSVersion.TLSv1_3,
        http.HTTPStatus.OK,
        bytearray(b"x"),
        {1, 2},
        frozenset({b"a"}),
        Opaque("<lock>"),
    ],
)
def test_what_the_engine_lets_out_is_let_in(value: object) -> None:
    came = plain_data(pickle.dumps(plain(value)))
    assert came == value
    assert type(came) is type(value)


class Getattr:
    """Pickled as a call of `getattr`, as Python before 3.11.4 pickles members of enumerations."""

    def __init__(self, *of: object) -> None:
        self.of = of

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        return getattr, self.of


def test_a_member_sent_by_its_name_is_let_in() -> None:
    came = plain_data(pickle.dumps([Getattr(http.HTTPStatus, "OK")]))
    assert came == [http.HTTPStatus.OK]


@pytest.mark.parametrize(
    "of",
    [
        (http.HTTPStatus, "__class__"),
        (http.HTTPStatus, "mro"),
        (str, "format"),
        ("{0.__class__}", "format"),
        (http.HTTPStatus, 200),
        (http.HTTPStatus,),
    ],
)
def test_getattr_reaches_members_alone(of: tuple[object, ...]) -> None:
    with pytest.raises(Suspicious):
        plain_data(pickle.dumps(Getattr(*of)))


class Call:
    """Pickled, it is a call."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.what = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.what


@pytest.mark.parametrize(
    "message",
    [
        pickle.dumps(Call(os.system, "exit 3")),
        pickle.dumps([Call(eval, "1")]),
        pickle.dumps({"a": Call(getattr, "", "upper")}),
        pickle.dumps(Call(__import__, "antigravity")),
        pickle.dumps(Exercise),
        b"cos\nsystem\n(S'exit 3'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"cbuiltins\nint.__subclasses__\n.",
        b"no pickle",
        b"",
        b"(" * 1000,
        b"\x80\x04P1\n.",
    ],
)
def test_a_call_is_refused(message: bytes) -> None:
    with pytest.raises(Suspicious):
        plain_data(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_refused(message: bytes) -> None:
    try:
        plain_data(message)
    except Suspicious:
        pass


def lies() -> int:
    """Answers the examiner in its own words, which are a call."""
    import gc
    from multiprocessing.connection import Connection

    for one in gc.get_objects():
        if isinstance(one, Connection):
            one.send_bytes(pickle.dumps(("answer", Call(os.putenv, "A", "B"))))
    return 42


def test_a_learner_who_sends_a_call_has_failed() -> None:
    def examine(trial: Trial) -> None:
        trial.wait("answer")

    probe = Probe("the answer", 1, examine, call)
    texts: dict[str, Any] = {"title": "x", "task": "", "rules": ("It is 42.",)}
    exercise = Exercise("x", chapter="99", kind="core", hints=("", "", ""), probes=[probe], **texts)
    report = exercise.check(lies)
    assert report.failure is not None
    assert "what the examiner does not take: os.putenv" in report.failure.broken.got.replace(
        "posix", "os"
    )
