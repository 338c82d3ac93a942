"""Attacks on every server alike: byte by byte, by guessing, by listening in, through the log.

SECURITY.md names these tests.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hmac import compare_digest
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import RemoteError
from netlab.core.messages import Welcome
from netlab.core.service import Limits
from netlab.lab import Chaos, Tap
from netlab.transports import (
    asgi_server,
    async_connection,
    cookies,
    tls_door,
    websocket,
    websocket_connection,
)
from netlab.transports.udp_sizes import MIN_HELLO_BYTES
from tests.transports.harness import CHATS, SECURED, STREAMS, UDP, WEBSOCKET, Transport, secured
from tests.transports.raw_websocket import CONT, PING, TEXT, UPGRADE, Peer, frame
from tests.transports.test_tls_adversaries import hello

PATIENCE_S = 10.0
SERVERS = [one for one in CHATS if one.name != "tcp_asyncio_client" and "socketio_" not in one.name]
"""every server once"""

every = pytest.mark.parametrize("transport", SERVERS, ids=lambda one: one.name)
streams = pytest.mark.parametrize("transport", STREAMS, ids=lambda one: one.name)
over_tls = pytest.mark.parametrize(
    "transport", [secured(one) for one in SERVERS if one is not UDP], ids=lambda one: one.name
)


def trickle(sock: socket.socket, pieces: Iterator[bytes]) -> bytes:
    """Send piece after piece, slowly; return what came back before the server hung up."""
    sock.settimeout(0.05)
    deadline, heard = time.monotonic() + PATIENCE_S, b""
    while time.monotonic() < deadline:
        with suppress(TimeoutError):
            try:
                if not (data := sock.recv(65_536)):
                    return heard
                heard += data
                continue
            except ConnectionResetError:
                return heard
        with suppress(OSError):
            sock.sendall(next(pieces))
    raise AssertionError(f"after {PATIENCE_S:g} s the server still listens; it said {heard!r}")


@every
def test_it_listens_on_this_machine_alone_unless_told_otherwise(transport: Transport) -> None:
    with transport.serve(ChatService) as server:
        assert server.address[0] == "127.0.0.1"


@pytest.mark.parametrize("proxy", [Tap, Chaos], ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_so_do_the_proxies(proxy: Any, kind: str) -> None:
    with proxy(("127.0.0.1", 9), transport=kind) as made:
        assert made.address[0] == "127.0.0.1"


# ---------------------------------------------------------------- slowness


@streams
def test_bytes_without_a_line_are_no_sign_of_life(transport: Transport) -> None:
    with transport.serve(EchoService, limits=Limits(idle_seconds=1)) as server:
        with socket.create_connection(server.address) as sock:
            heard = trickle(sock, itertools.repeat(b"x"))
        assert b"Closing: idle: nothing came for 1 s" in heard


@pytest.mark.parametrize(
    "piece", [frame(PING), frame(CONT, b"x", fin=False)], ids=["pings", "fragments"]
)
def test_frames_without_a_message_are_no_sign_of_life(
    piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, "LINGER_S", 0.1)
    with WEBSOCKET.serve(ChatService, limits=Limits(idle_seconds=1)) as server:
        with Peer(server.address) as peer:
            peer.ask("GET / HTTP/1.1", UPGRADE)
            peer.read_head()
            peer.send(frame(TEXT, b"x", fin=False))
            heard = trickle(peer.sock, itertools.repeat(piece))
        assert b'"closing","code":"idle"' in heard


@over_tls
def test_a_handshake_byte_by_byte_is_not_waited_for(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tls_door, async_connection, websocket, asgi_server):
        monkeypatch.setattr(module, "HANDSHAKE_S", 0.3)
    with transport.serve(ChatService) as server:
        with socket.create_connection(server.address) as sock:
            trickle(sock, (bytes([byte]) for byte in hello()))
        with transport.connect(server, "chat") as honest:
            honest.wait_for("welcome", PATIENCE_S)


# ---------------------------------------------------------------- who is who


@every
def test_who_does_not_know_the_secret_comes_back_as_nobody(transport: Transport) -> None:
    """Ids are public; what brings back name, rooms and seats is not to be had from them."""
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve(ChatService))
        ann = stack.enter_context(transport.connect(server, "chat"))
        welcome = ann.wait_for("welcome", PATIENCE_S)
        thief = stack.enter_context(transport.connect(server, "chat"))
        mine = thief.wait_for("welcome", PATIENCE_S)
        for guess in (welcome.client_id, welcome.username, "", "0" * 24, mine.client_id):
            with suppress(RemoteError):
                thief.send("hello", resume=guess)
                thief.send("list_clients")
                names = [c.username for c in thief.wait_for("client_list", PATIENCE_S).clients]
                assert sorted(names) == sorted([welcome.username, mine.username])
        assert not any(m.resumed for m in thief.messages if isinstance(m, Welcome))
        assert welcome.secret != welcome.client_id
        assert len(bytes.fromhex(welcome.secret)) * 8 == 96


@every
def test_without_a_secret_given_every_server_has_its_own(transport: Transport) -> None:
    seen = set()
    for _ in range(2):
        with transport.serve(ChatService) as server, transport.connect(server, "chat") as client:
            seen.add(client.wait_for("welcome", PATIENCE_S).secret)
    assert len(seen) == 2


@every
def test_nobody_else_hears_a_secret_or_a_private_word(transport: Transport) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve(ChatService))
        people = [stack.enter_context(transport.connect(server, "chat")) for _ in range(3)]
        secrets = [one.wait_for("welcome", PATIENCE_S).secret for one in people]
        for number, one in enumerate(people):
            one.send("set_username", username=f"guest {number}")
            one.wait_for("username_set", PATIENCE_S)
            one.send("join_room", room="hall")
            one.wait_for("room_joined", PATIENCE_S)
        ann, bob, eve = people
        ann.send("private_message", target="guest 1", content="between us")
        ann.wait_for("private_message_sent", PATIENCE_S)
        assert bob.wait_for("private_message", PATIENCE_S).content == "between us"
        ann.send("room_message", room="hall", content="the end")
        for one in people:
            one.wait_for("room_message", PATIENCE_S)
            one.send("list_clients")
            one.wait_for("client_list", PATIENCE_S)
        heard = [str(one.messages) for one in people]
        assert "between us" not in heard[2]
        for mine, others in ((0, (1, 2)), (1, (0, 2)), (2, (0, 1))):
            assert not any(secrets[mine] in heard[other] for other in others)
        assert eve.messages


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both cookies that might be right are compared, each wholly, whatever came."""
    compared: list[tuple[bytes, bytes]] = []

    def noting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(cookies.hmac, "compare_digest", noting)
    made = cookies.Cookies(b"a secret of this server")
    address = ("127.0.0.1", 9)
    right = made.make(address, 1_000.0)
    for came in (right, right[:-1] + "x", "x" + right[1:], "", "ü"):
        compared.clear()
        assert made.check(came, address, 1_000.0) is (came == right)
        assert len(compared) == 2


# ---------------------------------------------------------------- the log


class Everything(logging.Handler):
    """All that is logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@contextmanager
def all_that_is_logged() -> Iterator[list[str]]:
    """Collect what every logger says, from DEBUG on."""
    root, handler = logging.getLogger(), Everything()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@pytest.mark.parametrize("transport", [*SERVERS, *SECURED], ids=lambda one: one.name)
def test_nothing_that_was_said_is_logged(transport: Transport) -> None:
    """Not even at DEBUG: no message, no name, no secret."""
    with all_that_is_logged() as lines, ExitStack() as stack:
        server = stack.enter_context(transport.serve(ChatService))
        ann = stack.enter_context(transport.connect(server, "chat"))
        secret = ann.wait_for("welcome", PATIENCE_S).secret
        ann.send("set_username", username="xyzzy name")
        ann.wait_for("username_set", PATIENCE_S)
        ann.send("join_room", room="xyzzy room")
        ann.wait_for("room_joined", PATIENCE_S)
        ann.send("room_message", room="xyzzy room", content="xyzzy\r\n2026 WARNING forged \x1b[2J")
        ann.wait_for("room_message", PATIENCE_S)
        ann.send("private_message", target="xyzzy nobody", content="xyzzy private")
        with pytest.raises(RemoteError):
            ann.wait_for("private_message_sent", PATIENCE_S)
    # asyncio's own debug lines are about its selector; the client's library is the client's.
    ours = [line for line in lines if "xyzzy" in line or secret in line or "\x1b" in line]
    assert ours == []


def test_no_header_is_logged() -> None:
    """JupyterLab's cookies come along with every request to a page behind its proxy."""
    for transport in SERVERS:
        if transport.name not in ("websocket", "socketio"):
            continue
        with all_that_is_logged() as lines:
            with transport.serve(ChatService) as server:
                for extra in ({}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}):
                    with Peer(server.address) as peer:
                        cookie = {"Cookie": "xyzzy=1", "Authorization": "token xyzzy"}
                        peer.ask("GET /?token=xyzzy HTTP/1.1", {**cookie, **extra})
                        peer.read_head()
            assert not [line for line in lines if "xyzzy" in line]


# ---------------------------------------------------------------- hashing, rooms, datagrams


def test_hashes_of_names_are_keyed_by_a_secret_of_each_process() -> None:
    """Names are keys of dictionaries. Whoever could choose many with one hash would make each
    look-up as slow as in a list (CVE-2012-1150); Python keys its SipHash at random."""
    assert sys.hash_info.algorithm.startswith("siphash")
    assert sys.flags.hash_randomization or "PYTHONHASHSEED" in os.environ
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    command = [sys.executable, "-c", "print(hash('kitchen'))"]
    hashes = {subprocess.check_output(command, env=environment) for _ in range(3)}
    assert len(hashes) > 1


@every
def test_one_person_has_no_more_rooms_and_games_than_the_limit(transport: Transport) -> None:
    limits = Limits(max_rooms=3, max_games=2)
    with (
        transport.serve(ChatService, limits=limits) as server,
        transport.connect(server, "chat") as client,
    ):
        client.wait_for("welcome", PATIENCE_S)
        for number in range(5):
            client.send("join_room", room=f"room {number}")
            with suppress(RemoteError):
                client.wait_for("room_joined", PATIENCE_S)
        for _ in range(3):
            client.send("create_game_session", game_type="generic")
            with suppress(RemoteError):
                client.wait_for("game_session_created", PATIENCE_S)
        stats = server.stats()
        assert len(stats.rooms) == 3
        assert sum(stats.games.values()) == 2
        assert stats.refused == {"too_many_rooms": 2, "too_many_games": 1}


def test_an_unproven_address_never_receives_more_than_it_sent() -> None:
    """Whatever is sent in somebody's name: the answers' bytes are at most as many."""
    said = [
        b"", b"x", b"{", b"[1]", b'{"type":"ping"}', b'{"type":"list_clients"}', b"\xff" * 600,
        b'{"type":"hello"}', b'{"type":"hello","pad":"' + b"x" * 600 + b'"}',
        b'{"type":"hello","ref":"' + b"r" * 64 + b'","pad":"' + b"x" * 420 + b'"}',
        b'{"type":"hello","cookie":"' + b"0" * 32 + b'"}',
        b'{"type":"hello","cookie":"' + b"0" * 600 + b'"}',
        b'{"type":"cookie","cookie":"x"}', b"Echo: x" * 100, b"x" * 60_000,
    ]  # fmt: skip
    with UDP.serve(ChatService) as server:
        for datagram in said:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(server.address)
                sock.send(datagram)
                # The last one is answered for certain, and after the first.
                probe = {"type": "hello", "ref": "probe", "pad": "x" * MIN_HELLO_BYTES}
                sock.settimeout(PATIENCE_S)
                sock.send(json.dumps(probe).encode())
                answered = 0
                while b'"probe"' not in (answer := sock.recv(65_535)):
                    answered += len(answer)
                assert answered <= len(datagram), datagram[:60]
        assert not server.stats().clients
