"""Attacks on servers that browsers can reach: by slowness, by floods, by bombs, by foreign pages.

SECURITY.md names these tests. What is done to all servers alike is in `test_red_team_all.py`.
"""

from __future__ import annotations

import gzip
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.service import Limits
from netlab.lab import background
from netlab.transports import asgi_server, websocket
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.websocket import WebSocketServer
from tests.transports.engineio_wire import Polling, Upgraded
from tests.transports.raw_websocket import (
    CONT,
    PATIENCE_S,
    PING,
    TEXT,
    UPGRADE,
    Peer,
    frame,
    hold_up,
    request,
)

SERVERS: dict[str, Any] = {"websocket": WebSocketServer, "socketio": SocketIOServer}
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
PATHS = {"websocket": "/", "socketio": "/socket.io/?EIO=4&transport=websocket"}
MIB = 1024 * 1024
BOMB_BYTES = 64 * MIB

both = pytest.mark.parametrize("name", SERVERS)


def serve(name: str, limits: Limits | None = None, **options: Any) -> Any:
    limits = limits or Limits(messages_per_second=0)
    return background(SERVERS[name](ChatService, limits=limits, **options), name=name)


def upgraded(server: Any, name: str, **headers: str) -> Peer:
    """Return a peer after the handshake; on Socket.IO, after CONNECT."""
    peer = Peer(server.address)
    peer.ask(f"GET {PATHS[name]} HTTP/1.1", {**UPGRADE, **headers})
    assert peer.read_head().status == 101
    if name == "socketio":
        peer.read_frame()  # Engine.IO's open packet
        peer.send(frame(TEXT, b"40"))
        peer.read_frame()
    peer.read_frame()  # `welcome`
    return peer


def is_served(server: Any, name: str) -> None:
    """Check that somebody else does not notice anything."""
    with upgraded(server, name) as peer:
        ping = b'42["ping",{}]' if name == "socketio" else b'{"type":"ping"}'
        peer.send(frame(TEXT, ping))
        assert b"pong" in peer.read_frame()[1]


def trickle(sock: socket.socket, first: bytes, byte: bytes = b"a") -> bytes:
    """Send something, then byte after byte; return what came back before the server hung up."""
    sock.sendall(first)
    sock.settimeout(0.02)
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
            sock.sendall(byte)
    raise AssertionError(f"after {PATIENCE_S:g} s the server still listens; it said {heard!r}")


# ---------------------------------------------------------------- slowness

SLOW_REQUESTS = {
    "nothing": b"",
    "line": b"GE",
    "headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
}


@both
@pytest.mark.parametrize("how", SLOW_REQUESTS)
def test_who_never_ends_a_request_is_hung_up_on(
    name: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi_server, "REQUEST_S", 0.2)
    monkeypatch.setattr(websocket, "OPEN_TIMEOUT_S", 0.2)
    with serve(name) as server, socket.create_connection(server.address) as sock:
        trickle(sock, SLOW_REQUESTS[how], byte=b"" if how == "nothing" else b"a")
        is_served(server, name)


def test_nor_is_a_body_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_server, "REQUEST_S", 0.2)
    with serve("socketio") as server, Polling(server.address) as wire:
        wire.join()
        with socket.create_connection(server.address) as sock:
            head = f"POST {wire.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"
            trickle(sock, head.encode() + b"4")
        wire.is_served()  # its session goes on


def test_nor_the_next_request_on_a_connection_that_had_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_server, "REQUEST_S", 0.2)
    with serve("socketio") as server, Peer(server.address) as peer:
        peer.ask("GET /nothing HTTP/1.1", {})
        assert peer.read_head().status == 404
        heard = trickle(peer.sock, b"GET / HTTP/1.1\r\n")
        assert b"HTTP/1.1 408 Request Timeout\r\n" in heard


def test_a_long_poll_and_a_quiet_websocket_are_no_slow_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi_server, "REQUEST_S", 0.1)
    with (
        serve("socketio", ping_seconds=0.3) as server,
        Polling(server.address) as polls,
        Upgraded(server.address) as socket_,
    ):
        for wire in (polls, socket_):
            wire.join()
        for _ in range(2):  # each waits for a ping, longer than a request may take
            assert polls.get().status == 200
            polls.send("3")
            assert socket_.socket.recv(PATIENCE_S) == "2"
            socket_.socket.send("3")
        for wire in (polls, socket_):
            wire.is_served()


# ---------------------------------------------------------------- floods


@both
def test_who_sends_pings_and_reads_no_pong_is_dropped(name: str) -> None:
    limits = Limits(outbox_bytes=65_536)
    with serve(name, limits) as server, upgraded(server, name) as peer:
        flood = frame(PING, b"x" * 125) * 1000
        with pytest.raises(ConnectionError):
            send_often(peer, flood, BOMB_BYTES // len(flood))
        is_served(server, name)


def send_often(peer: Peer, data: bytes, times: int) -> None:
    for _ in range(times):
        peer.send(data)


def test_a_message_of_endless_empty_fragments_is_not_read_to_its_end() -> None:
    """Its frames carry no bytes that a limit on bytes could count (RFC 6455, 5.4)."""
    with serve("websocket") as server, upgraded(server, "websocket") as peer:
        peer.send(frame(TEXT, fin=False))
        with grows_less_than(4 * MIB):
            # The library reads no more; the kernels' buffers are what is filled.
            hold_up(peer.sock, frame(CONT, fin=False) * 1000)
        is_served(server, "websocket")


def test_a_message_of_too_many_fragments_is_the_end() -> None:
    with serve("socketio") as server, upgraded(server, "socketio") as peer:
        peer.send(frame(TEXT, fin=False))
        with suppress(ConnectionError):
            send_often(peer, frame(CONT, fin=False) * 1_000, asgi_server.MAX_FRAGMENTS // 500)
        with pytest.raises(ConnectionError):
            peer.read_frame()
        is_served(server, "socketio")


@both
def test_a_message_in_many_fragments_is_a_message(name: str) -> None:
    with serve(name) as server, upgraded(server, name) as peer:
        text = '42["ping",{}]' if name == "socketio" else '{"type":"ping"}'
        text += " " * 4_000
        pieces = [frame(CONT, letter.encode(), fin=False) for letter in text[1:]]
        peer.send(frame(TEXT, text[:1].encode(), fin=False) + b"".join(pieces) + frame(CONT))
        assert b"pong" in peer.read_frame()[1]


# ---------------------------------------------------------------- bombs


@contextmanager
def grows_less_than(limit: int) -> Iterator[None]:
    """Check that Python never has so many bytes more than at first."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        _, peak = tracemalloc.get_traced_memory()
        assert peak - before < limit, f"{peak - before:,} bytes"
    finally:
        tracemalloc.stop()


def deflated(size: int) -> bytes:
    """Return so many spaces as permessage-deflate sends them (RFC 7692, 7.2.1)."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(squeeze.compress(b" " * MIB) for _ in range(size // MIB))
    return (data + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


BOMB = deflated(BOMB_BYTES)
COMPRESSED = 0x40  # RSV1 in a frame's first byte


def in_one_frame() -> bytes:
    bomb = bytearray(frame(TEXT, BOMB))
    bomb[0] |= COMPRESSED
    return bytes(bomb)


def in_fragments() -> bytes:
    pieces = [BOMB[at : at + 100] for at in range(0, len(BOMB), 100)]
    first = bytearray(frame(TEXT, pieces[0], fin=False))
    first[0] |= COMPRESSED
    rest = b"".join(frame(CONT, piece, fin=False) for piece in pieces[1:])
    return bytes(first) + rest + frame(CONT)


@pytest.mark.parametrize("wrapped", [in_one_frame, in_fragments])
def test_a_compressed_message_is_measured_as_it_was(wrapped: Callable[[], bytes]) -> None:
    """64 KiB on the wire, 64 MiB in memory: the limit is that of the message."""
    bomb = wrapped()
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    with (
        serve("websocket", compression=True) as server,
        upgraded(server, "websocket", **offer) as peer,
    ):
        with grows_less_than(4 * MIB):
            with suppress(ConnectionError):
                peer.send(bomb)
            assert peer.read_close()[0] == 1009
        is_served(server, "websocket")


def test_compression_is_not_taken_where_it_was_not_asked_for() -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    for name, path in PATHS.items():
        with serve(name) as server, Peer(server.address) as peer:
            peer.ask(f"GET {path} HTTP/1.1", {**UPGRADE, **offer})
            assert "sec-websocket-extensions" not in peer.read_head().headers


def test_a_body_said_to_be_compressed_is_not_inflated() -> None:
    bomb = gzip.compress(b"4" * (16 * MIB))
    with serve("socketio") as server, Polling(server.address) as wire:
        wire.join()
        wire.headers = {"Content-Encoding": "gzip"}
        with grows_less_than(4 * MIB):
            assert wire.post(bomb).status == 400
        wire.headers = {}
        wire.is_served()


# ---------------------------------------------------------------- foreign pages


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_foreign_page_opens_sessions_with_an_image(site: str) -> None:
    """`<img src="http://127.0.0.1:8000/socket.io/…">` sends no Origin, and fills the house."""
    with serve("socketio") as server:
        foreign = request(
            server.address,
            {"Sec-Fetch-Site": site, "Connection": "close"},
            start=f"GET {HANDSHAKE} HTTP/1.1",
        )
        assert foreign.status == 403
        assert "may not ask for this" in foreign.sentence
        assert server.call(lambda: len(server.server._hub.sessions)) == 0
        linked = request(server.address, {"Sec-Fetch-Site": site, "Connection": "close"})
        assert linked.status == 200  # a link to the page is one


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_its_own_page_does(site: str) -> None:
    with (
        serve("socketio") as server,
        Polling(server.address, {"Sec-Fetch-Site": site}) as wire,
    ):
        wire.join()


def test_a_named_page_does_because_it_says_who_it_is() -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"}
    with (
        serve("socketio", origins=["https://example.org"]) as server,
        Polling(server.address, headers) as wire,
    ):
        wire.join()


TRAVERSALS = [
    *("/../web.py", "/%2e%2e/web.py", "/..%2fweb.py", "/pages/../../web.py", "//etc/passwd"),
    *("/vendor/../../pyproject.toml", "/index.html/../../web.py", "/.%00/web.py", "/link.js%00"),
    *("/\\..\\web.py", "/..;/web.py", "/chat.js/", "/vendor/"),
]


@both
@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_reads_a_file_that_is_no_page(name: str, path: str) -> None:
    with serve(name) as server:
        answer = request(server.address, {"Connection": "close"}, start=f"GET {path} HTTP/1.1")
        assert answer.status in (400, 404)
        assert b"import" not in answer.body


@both
def test_every_answer_forbids_what_the_page_does_not_need(name: str) -> None:
    """Behind JupyterLab's proxy the page shares its origin, and so everything that it may do."""
    with serve(name) as server:
        for start in ("GET / HTTP/1.1", "GET /chat.js HTTP/1.1", "GET /nothing HTTP/1.1"):
            headers = request(server.address, {"Connection": "close"}, start=start).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'self'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "access-control-allow-origin" not in headers


def test_what_the_page_is_told_is_data_and_never_part_of_it() -> None:
    """The page is a file, the same for all: no text of a stranger is ever written into it."""
    evil = "<script>alert(1)</script>"
    with serve("websocket") as server, upgraded(server, "websocket") as peer:
        before = request(server.address)
        peer.send(frame(TEXT, json.dumps({"type": "join_room", "room": evil}).encode()))
        assert json.loads(peer.read_frame()[1])["room"] == evil  # a name as good as any
        assert request(server.address).body == before.body
        assert evil.encode() not in before.body
