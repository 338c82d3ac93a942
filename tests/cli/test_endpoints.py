"""Endpoints of the command line: what is understood, and what is said of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.endpoints import Endpoint, check_bind, parse_endpoint
from netlab.terminal import CommandFailed


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:9000", Endpoint("tcp", "127.0.0.1", 9000)),
        (":9000", Endpoint("tcp", "127.0.0.1", 9000)),
        ("localhost:80", Endpoint("tcp", "localhost", 80)),
        ("[::1]:9000", Endpoint("tcp", "::1", 9000)),
        ("TCP://[::1]:9000", Endpoint("tcp", "::1", 9000)),
        ("udp://127.0.0.1:9", Endpoint("udp", "127.0.0.1", 9)),
        ("udp://:9", Endpoint("udp", "127.0.0.1", 9)),
        ("unix:/tmp/a b.sock", Endpoint("unix", path="/tmp/a b.sock")),
        ("unix:///tmp/x", Endpoint("unix", path="/tmp/x")),
        ("unix:x", Endpoint("unix", path="x")),
    ],
)
def test_an_endpoint_is_understood(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no host and port; write one like: 127.0.0.1:9000"),
        ("9000", "did you mean :9000?"),
        ("127.0.0.1", "names no host and port"),
        ("127.0.0.1:", "names no port"),
        ("::1:9000", "stands in brackets"),
        ("[127.0.0.1]:9", "in brackets stands an IPv6 address"),
        (":0", "nobody can be reached on port 0"),
        (":65536", "65536 is no port"),
        (":" + "9" * 5000, "is no port"),
        (":\uff19\uff10", "is no host and port"),
        ("a b:9", "is no host and port"),
        ("user@host:9", "is no host and port"),
        ("tcp://host:9/path", "is no host and port"),
        ("http://host:9", "http cannot be had here"),
        ("unix:", "names no file"),
        ("unix:" + "x" * 108, "a path of 108 bytes"),
        ("\x1b[2J:9", "\\x1b[2J:9"),
    ],
)
def test_what_is_none_is_told_why(text: str, said: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        parse_endpoint(text)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_listener_may_leave_its_port_to_the_kernel() -> None:
    assert parse_endpoint(":0", listen=True) == Endpoint("tcp", "127.0.0.1", 0)


def test_a_command_may_take_fewer_schemes_or_others() -> None:
    with pytest.raises(CommandFailed, match=r"unix cannot be had here; .* udp://127"):
        parse_endpoint("unix:/x", schemes=("tcp", "udp"))
    assert parse_endpoint("tls://:9", schemes=("tcp", "tls")).scheme == "tls"


@given(st.text() | st.from_regex(r"((tcp|udp|unix):(//)?)?[\[a-z.:\]]*:[0-9]*", fullmatch=True))
def test_any_text_is_an_endpoint_that_reads_back_or_is_refused(text: str) -> None:
    try:
        endpoint = parse_endpoint(text, listen=True)
    except CommandFailed:
        return
    assert parse_endpoint(str(endpoint), listen=True) == endpoint


@pytest.mark.parametrize("text", [":0", "localhost:0", "[::1]:0", "unix:/tmp/x", "127.9.9.9:1"])
def test_who_listens_on_loopback_need_say_nothing(text: str) -> None:
    check_bind(parse_endpoint(text, listen=True), flag="--others", told=False)


def test_who_would_serve_other_machines_must_say_so() -> None:
    for text in ("0.0.0.0:0", "[::]:0", "udp://0.0.0.0:0"):
        endpoint = parse_endpoint(text, listen=True)
        with pytest.raises(CommandFailed, match=r"everybody .* with --others"):
            check_bind(endpoint, flag="--others", told=False)
        check_bind(endpoint, flag="--others", told=True)


def test_an_unknown_host_is_told() -> None:
    with pytest.raises(CommandFailed, match=r"no host is called .no-such\.invalid"):
        parse_endpoint("no-such.invalid:1").only_this_machine()
