"""The trials of chats and of TLS at HOST:PORT: this course's own servers, and others."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from netlab import exercises
from netlab.exercises import line_link
from netlab.exercises.chat_people import Stage
from netlab.exercises.subjects import Remote
from netlab.exercises.tls_peers import Certificate
from netlab.exercises.trial import RemoteTrial, Trial
from netlab.lab import background
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.tcp_asyncio import AsyncTCPServer
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tcp_selectors import SelectorTCPServer
from netlab.transports.tcp_threads import TCPServer
from netlab.transports.websocket import WebSocketServer

OURS: dict[str, tuple[str, Any]] = {
    "tcp_threads": ("chat-json", TCPServer),
    "tcp_selectors": ("chat-json", SelectorTCPServer),
    "tcp_asyncio": ("chat-json", AsyncTCPServer),
    "tcp_pool": ("chat-json", partial(PoolTCPServer, workers=60)),
    "websocket": ("ws-chat", WebSocketServer),
    "socketio": ("socketio-chat", SocketIOServer),
}
"""a worker for each client of a trial, where a pool serves: who waits is greeted late"""


@pytest.mark.parametrize("name", OURS)
def test_our_servers_pass(name: str) -> None:
    trial, server = OURS[name]
    with background(server(), name=f"trial-{name}") as running:
        host, port = running.address[:2]
        for _ in range(2):  # nothing that the first leaves behind is in the second's way
            report = exercises.find(trial).check(f"{host}:{port}")
            assert report.passed, str(report)


def test_our_server_passes_on_ipv6() -> None:
    with background(WebSocketServer(host="::1"), name="trial-ipv6") as running:
        report = exercises.find("ws-chat").check(f"[::1]:{running.address[1]}")
    assert report.passed, str(report)


@contextmanager
def program(source: str, *arguments: str) -> Iterator[str]:
    """Run a program that serves the listening socket on its standard input; return where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = f"import socket\nlistener = socket.socket(fileno=0)\n{source}"
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=listener.fileno(),
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
        ) as process:
            try:
                yield "{}:{}".format(*listener.getsockname())
            finally:
                process.kill()


def test_a_tls_server_of_another_process_passes() -> None:
    source = (
        "import sys\n"
        "from netlab.exercises.solutions.trials.tls_echo import tls_echo\n"
        "tls_echo(listener, sys.argv[1])\n"
    )
    make, (path,) = Certificate().__reduce__()
    with program(source, make(path)) as address:
        report = exercises.find("tls-echo").check(address)
    assert report.passed, str(report)


def test_a_server_without_tls_is_told() -> None:
    source = (
        "from netlab.exercises.solutions.trials.line_echo import line_echo\nline_echo(listener)\n"
    )
    with program(source) as address:
        report = exercises.find("tls-echo").check(address)
    assert report.failure is not None
    assert report.failed_probe == "a line, then others"
    assert report.failure.broken.expected == "the TLS handshake to succeed"


@pytest.mark.parametrize("name", ["chat-json", "ws-chat", "socketio-chat"])
def test_a_failure_reads_the_same_each_time(name: str) -> None:
    """Ids and names that a server makes up are not in it."""
    mutants = import_module(
        f"netlab.exercises.solutions.trials.{name.replace('-', '_')}_mutants"
    ).MUTANTS
    mutant = mutants[1][0]
    first, second = (exercises.find(name).check(mutant) for _ in range(2))
    assert not first.passed
    assert str(first) == str(second)


def test_ids_are_shown_by_whose_they_are() -> None:
    with background(TCPServer(), name="trial-words") as running:
        trial: Trial = RemoteTrial(Remote(*running.address[:2]))
        with trial:
            stage = Stage(trial, line_link.enter)
            ann = stage.person("ann")
            message = {"type": "user_left", "room": "hall", "client_id": ann.id, "extra": 5}
            assert (
                stage.in_words(message) == 'user_left {"room": "hall", "client_id": "<ann\'s id>"}'
            )
            long: dict[str, Any] = {"type": "room_message", "content": "é" * 2_000}
            assert stage.in_words(long) == 'room_message {"content": "éééééééééééé… (4,000 bytes)"}'
