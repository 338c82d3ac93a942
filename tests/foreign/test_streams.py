"""Servers of lines and datagrams, with the programs that everybody has: nc, socat, telnet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.foreign.conftest import Run, output, serving

LINES = ["tcp_threads", "tcp_pool", "tcp_selectors", "tcp_asyncio"]


@pytest.mark.parametrize("transport", LINES)
def test_nc_talks_and_hears_the_others(run: Run, transport: str) -> None:
    with serving(transport, "--service", "echo") as (host, port):
        ann, ben = run("nc", host, port), run("nc", host, port)
        for who in (ann, ben):
            who.say("here")
            who.expect("^Echo: here$")
        ann.say("good morning ☀")
        ann.expect("^Echo: good morning ☀$")
        ben.expect(r"^Broadcast from \('127\.0\.0\.1', \d+\): good morning ☀$")


@pytest.mark.parametrize("transport", LINES)
def test_nc_that_half_closes_gets_its_answers(transport: str) -> None:
    with serving(transport, "--service", "echo") as (host, port):
        assert output("nc", "-N", host, port, text="one\ntwo\n") == "Echo: one\nEcho: two\n"


@pytest.mark.parametrize("transport", LINES)
def test_nc_chats(run: Run, transport: str) -> None:
    with serving(transport) as (host, port):
        ann, ben = run("nc", host, port), run("nc", host, port)
        for name, who in (("Ann", ann), ("Ben", ben)):
            who.expect('"type":"welcome"')
            who.say(json.dumps({"type": "join_room", "room": "hall", "username": name}))
            who.expect('"type":"room_joined"')
        ann.expect('"type":"user_joined".*"Ben"')
        ann.say('{"type":"room_message","room":"hall","content":"hello"}')
        ben.expect('"type":"room_message".*"from":"Ann".*"hello"')
        ann.process.kill()
        ben.expect('"type":"user_left".*"Ann"')


def test_nc_over_udp(run: Run) -> None:
    with serving("udp", "--service", "echo") as (host, port):
        ann = run("nc", "-u", host, port)
        ann.say("anybody?")
        ann.expect("^Echo: anybody[?]")


@pytest.mark.parametrize("transport", LINES)
def test_socat(run: Run, transport: str) -> None:
    with serving(transport, "--service", "echo") as (host, port):
        ann = run("socat", "-", f"TCP:{host}:{port},nodelay")
        ann.say("hello")
        ann.expect("^Echo: hello$")


def test_socat_over_udp(run: Run) -> None:
    with serving("udp", "--service", "echo") as (host, port):
        ann = run("socat", "-", f"UDP:{host}:{port}")
        ann.say("hello")
        ann.expect("^Echo: hello")


def test_a_unix_socket_that_socat_lends(run: Run, tmp_path: Path) -> None:
    """None of our servers has one; behind socat they all have."""
    path = tmp_path / "chat.sock"
    with serving("tcp_asyncio", "--service", "echo") as (host, port):
        door = run("socat", "-d", "-d", f"UNIX-LISTEN:{path},fork", f"TCP:{host}:{port}")
        door.expect("listening on")
        ann = run("nc", "-U", path)
        ann.say("through a file")
        ann.expect("^Echo: through a file$")


def test_telnet(run: Run) -> None:
    r"""Lines of telnet end with `\r\n`."""
    with serving("tcp_threads", "--service", "echo") as (host, port):
        ann = run("telnet", host, port)
        ann.expect("Escape character")
        ann.say("hello")
        ann.expect("^Echo: hello$")
