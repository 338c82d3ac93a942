"""The examiner on both sides of a proxy: how a function gets the upstream address, or a program."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from importlib.resources import as_file, files
from subprocess import PIPE, Popen
from typing import Any

import pytest

from netlab import exercises
from netlab.exercises.subjects import NotExaminable
from netlab.exercises.upstream import VARIABLE

from . import proxies

PROXY = exercises.find("mob-in-the-middle")
PROGRAM = """
import runpy, socket, sys
proxy = runpy.run_path(sys.argv[1])["mob_in_the_middle"]
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
proxy(listener, ("127.0.0.1", int(sys.argv[2])))
"""


@pytest.mark.parametrize("proxy", [proxies.for_each_client, proxies.for_all_clients])
def test_a_coroutine_function_gets_the_address_last(proxy: Any) -> None:
    report = PROXY.check(proxy)
    assert report.passed, str(report)


def test_who_takes_no_address_is_told() -> None:
    def proxy(listener: socket.socket) -> None:
        listener.accept()

    report = PROXY.check(proxy)
    assert report.failure is not None
    assert "takes 1 positional argument but 2 were given" in report.failure.broken.got


def test_who_never_goes_upstream_is_told() -> None:
    def proxy(listener: socket.socket, upstream: Any) -> None:
        listener.accept()[0].recv(1)

    report = PROXY.check(proxy)
    assert report.failure is not None
    assert report.failure.broken.expected == "the proxy to connect to the server upstream"


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nobody else gets meanwhile: bound, and not listening (socket(7))."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def test_a_program_connects_where_the_variable_says(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"127.0.0.1:{free_port}")
    place = files("netlab.exercises.solutions").joinpath("trials/mob_in_the_middle.py")
    with as_file(place) as path:
        command = [sys.executable, "-c", PROGRAM, str(path), str(free_port)]
        with Popen(command, stdout=PIPE, text=True) as program:
            try:
                assert program.stdout is not None
                report = PROXY.check(f"127.0.0.1:{int(program.stdout.readline())}")
            finally:
                program.kill()
    assert report.passed, str(report)


def test_a_taken_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host, port = taken.getsockname()
        monkeypatch.setenv(VARIABLE, f"{host}:{port}")
        with pytest.raises(NotExaminable, match=f"set {VARIABLE}=HOST:PORT"):
            PROXY.check(f"127.0.0.1:{port}")


def test_what_is_no_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "upstairs")
    with pytest.raises(NotExaminable, match="'upstairs' is no HOST:PORT"):
        PROXY.check("127.0.0.1:9")
