"""The WebSocket server, and its client: what only they have. The stories are elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import AddressInUse, LocalProtocolError
from netlab.core.service import Limits
from netlab.lab import LESSON, background
from netlab.lab.background import Background
from netlab.transports.websocket import WebSocketClient, WebSocketServer
from netlab.transports.websocket_connection import CLOSE_CODES, encode_text
from tests.transports.clocks import ManualClock
from tests.transports.exhaustion import free_descriptors
from tests.transports.raw_websocket import (
    ACCEPT,
    BINARY,
    CLOSE,
    CONT,
    KEY,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    Peer,
    connected,
    frame,
    hold_up,
    request,
    text,
)

NO_RATE = Limits(messages_per_second=0)
_numbers = itertools.count(1)


def serve(service: type[Any] = ChatService, **options: Any) -> Background[Any]:
    # A name of its own: two servers in one test must not replace each other.
    name = f"websocket-{next(_numbers)}"
    return background(WebSocketServer(service, **{**LESSON, **options}), name=name)


@pytest.fixture
def server() -> Iterator[Any]:
    with serve(limits=NO_RATE) as running:
        yield running


@pytest.fixture
def honest(server: Any) -> Iterator[WebSocketClient]:
    """Somebody who must not notice anything."""
    with WebSocketClient(server.address) as client:
        client.wait_for("welcome", PATIENCE_S)
        yield client
        client.send("ping", ref="still there?")
        while client.wait_for("pong", PATIENCE_S).ref != "still there?":
            pass


def wait_until(server: Any, condition: Callable[[Any], bool]) -> Any:
    """Ask for the server's figures until they fulfil the condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


def wait_ended(server: Any, reason: str, count: int = 1) -> None:
    wait_until(server, lambda stats: stats.ended.get(reason, 0) >= count)


def read_all(peer: Peer) -> None:
    while peer.sock.recv(1_000_000):
        pass


def reset(peer: Peer) -> None:
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()


# ---------------------------------------------------------------- HTTP


def test_the_handshake_of_the_rfc(server: Any) -> None:
    """Fault 37: a handler with the wrong signature said 101 and closed at once with 1011."""
    with Peer(server.address) as peer:
        answer = peer.upgrade(**{"Sec-WebSocket-Key": KEY})
        assert answer.status == 101
        assert answer.headers["sec-websocket-accept"] == ACCEPT
        assert peer.read()["type"] == "welcome"
        peer.send(text(type="ping"))
        assert peer.read()["type"] == "pong"


def test_the_page_and_its_files_are_served(server: Any, honest: WebSocketClient) -> None:
    index = request(server.address)
    assert index.status == 200
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in index.headers["content-security-policy"]
    assert index.headers["x-content-type-options"] == "nosniff"
    assert b"<title>" in index.body
    assert b"new WebSocket" in request(server.address, start="GET /link.js HTTP/1.1").body
    if "method" not in Request.__annotations__:
        return  # earlier versions of the library refuse all methods but GET
    head = request(server.address, start="HEAD /?x HTTP/1.1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == index.headers["content-length"]


@pytest.mark.parametrize("path", ["/nothing", "/../web.py", "/%2e%2e/web.py", "//etc/passwd"])
def test_what_is_no_page_is_not_found(server: Any, path: str) -> None:
    answer = request(server.address, start=f"GET {path} HTTP/1.1")
    assert (answer.status, answer.body) == (404, b"There is nothing here; the page is at /.\n")


@pytest.mark.skipif("method" not in Request.__annotations__, reason="earlier versions just close")
def test_other_methods_are_refused(server: Any) -> None:
    assert request(server.address, start="DELETE / HTTP/1.1").status == 405


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\r\n\r\n",
        b"hello\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/3\r\n\r\n",
        b"\x00" * 9999,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000,
        b"GET /" + b"x" * 100_000,
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=range(9),
)
def test_what_is_no_http_is_closed(server: Any, honest: WebSocketClient, rubbish: bytes) -> None:
    with Peer(server.address) as peer, contextlib.suppress(ConnectionError):
        peer.send(rubbish)
        peer.sock.shutdown(socket.SHUT_WR)
        read_all(peer)


@pytest.mark.parametrize("headers", [{}, UPGRADE], ids=["page", "websocket"])
class TestWhoMayConnect:
    """Faults 57: any page could connect. For the page itself, and for the upgrade."""

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "*", ""]
    )
    @pytest.mark.parametrize("origins", [(), []])
    def test_foreign_pages_are_refused(
        self, headers: dict[str, Any], origin: str, origins: Any
    ) -> None:
        with serve(origins=origins) as server:
            answer = request(server.address, {**headers, "Origin": origin})
            assert answer.status == 403
            assert answer.sentence.startswith(f"Pages of {origin!r} may not connect here: this is ")
            assert not wait_until(server, lambda stats: True).clients

    def test_its_own_page_is_not(self, server: Any, headers: dict[str, Any]) -> None:
        host = "{}:{}".format(*server.address)
        expect_open(server, {**headers, "Origin": f"http://{host}"})
        expect_open(server, {**headers, "Origin": f"https://{host}"})
        expect_open(server, headers)  # no page at all

    def test_nor_is_one_that_was_named(self, headers: dict[str, Any]) -> None:
        with serve(origins=["https://a.example"]) as server:
            expect_open(server, {**headers, "Origin": "https://a.example"})
            expect_open(server, {**headers, "Origin": "https://A.example:443"})
            assert request(server.address, {**headers, "Origin": "http://a.example"}).status == 403

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b", [], ["a"] * 2],
    )
    def test_foreign_names_are_refused(
        self, server: Any, headers: dict[str, Any], host: Any
    ) -> None:
        """DNS rebinding: then Origin and Host agree, and only the name is wrong."""
        origin = {"Origin": f"http://{host}"} if host and isinstance(host, str) else {}
        answer = request(server.address, {**headers, **origin, "Host": host})
        assert answer.status == 403
        assert "is not known here" in answer.sentence

    def test_its_own_names_are_not(self, headers: dict[str, Any]) -> None:
        with serve(hosts=["Chat.example"]) as server:
            for host in ("localhost:1", "127.0.0.1", "[::1]:80", "10.1.2.3", "chat.example:8080"):
                expect_open(server, {**headers, "Host": host, "Origin": f"http://{host}"})

    def test_behind_jupyterhub_the_proxy_knows(
        self, headers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
        with serve() as server:
            hub = {"Host": "hub.example", "Origin": "https://hub.example"}
            expect_open(server, {**headers, **hub})
            evil = {**hub, "Origin": "https://evil.example"}
            assert request(server.address, {**headers, **evil}).status == 403


def expect_open(server: Any, headers: dict[str, Any]) -> None:
    with Peer(server.address) as peer:
        peer.ask("GET / HTTP/1.1", headers)
        assert peer.read_head().status == (101 if "Upgrade" in headers else 200)


def test_a_wrong_origin_is_told_when_the_server_is_made() -> None:
    with pytest.raises(ValueError, match="no wildcard"):
        WebSocketServer(ChatService, origins=["*"])


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    "payload",
    [
        *("5", "true", "null", '"hi"', "[1]", "NaN", " 12\n", "hello", "", "{", "{}", '{"type":5}'),
        *('{"type":"dance"}', '{"type":"join_room"}', '{"type":"join_room","room":["a"]}'),
        *('{"type":"set_username","username":5}', r'{"type":"text","content":"\ud800"}'),
        *("[" * 60_000, '{"a":' * 10_000),
    ],
    ids=lambda payload: payload[:40],
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_what_is_no_message_is_an_error(
    server: Any, honest: WebSocketClient, payload: str, opcode: int
) -> None:
    """Fault 28: whoever typed 5 was closed with 1000 and without a word."""
    with connected(server.address) as peer:
        peer.send(frame(opcode, payload.encode()))
        assert peer.read("error")["code"] in ("invalid_json", "unknown_type", "invalid_message")
        peer.send(text(type="ping"))
        assert peer.read()["type"] == "pong"


def test_a_binary_message_is_taken_as_text(server: Any) -> None:
    with connected(server.address) as peer:
        peer.send(frame(BINARY, '{"type": "set_username", "username": "Zoë"}'.encode()))
        assert peer.read("username_set")["username"] == "Zoë"
        peer.send(frame(BINARY, b'{"type": "text", "content": "\xff"}'))
        assert peer.read("error")["code"] == "invalid_utf8"
        peer.send(text(type="ping"))
        assert peer.read()["type"] == "pong"


@pytest.mark.parametrize(
    ("data", "code", "why"),
    [
        (frame(TEXT, b"caf\xe9"), 1007, "invalid_utf8"),
        (frame(TEXT, b"x" * 65_537), 1009, "frame_too_long"),
        (
            frame(TEXT, b"x" * 40_000, fin=False) + frame(CONT, b"x" * 40_000),
            1009,
            "frame_too_long",
        ),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009, "frame_too_long"),
        (frame(TEXT, b"{}", masked=False), 1002, "protocol_error"),
        (frame(3, b"{}"), 1002, "protocol_error"),
        (b"\xc1" + text(type="ping")[1:], 1002, "protocol_error"),
        (frame(CONT, b"{}"), 1002, "protocol_error"),
        (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, "protocol_error"),
        (frame(PING, b"x" * 126), 1002, "protocol_error"),
        (frame(CLOSE, b"\x03"), 1002, "protocol_error"),
    ],
    ids=str,
)
def test_what_breaks_the_protocol_closes_with_its_code(
    server: Any, honest: WebSocketClient, data: bytes, code: int, why: str
) -> None:
    with connected(server.address) as peer:
        peer.send(data)
        assert peer.read_close()[0] == code
        with contextlib.suppress(ConnectionResetError):
            assert peer.sock.recv(1) == b""
    wait_ended(server, why)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1_000_000])
def test_a_frame_is_that_of_the_library(size: int) -> None:
    payload = b"x" * size
    assert encode_text(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_a_message_of_exactly_the_limit_passes() -> None:
    with serve(EchoService) as server, connected(server.address) as peer:
        peer.send(frame(TEXT, b"x" * 65_536))
        assert peer.read_frame() == (TEXT, b"Echo: " + b"x" * 65_536)


def test_any_split_gives_the_same_messages(server: Any, honest: WebSocketClient) -> None:
    fragments = [b'{"type":"set_user', b'name","username":"Zo\xc3', b'\xab"}']
    data = (
        frame(TEXT, fragments[0], fin=False)
        + frame(PING, b"between")
        + frame(CONT, fragments[1], fin=False)
        + frame(CONT, fragments[2])
        + text(type="ping")
    )
    for cut in range(1, len(data)):
        with connected(server.address) as peer:
            peer.send(data[:cut])
            peer.send(data[cut:])
            got = [peer.read_frame() for _ in range(4)]
            assert got[1] == (PONG, b"between")
            assert json.loads(got[2][1])["username"] == "Zoë"
            assert json.loads(got[3][1])["type"] == "pong"
            peer.send(frame(CLOSE, b"\x03\xe8"))
            assert peer.read_close()[0] == 1000  # and the name is free for the next


def test_one_byte_at_a_time(server: Any) -> None:
    with Peer(server.address) as peer:
        head = "\r\n".join(["GET / HTTP/1.1", f"Host: {peer.host}"])
        head += "".join(f"\r\n{name}: {value}" for name, value in UPGRADE.items()) + "\r\n\r\n"
        for byte in head.encode() + text(type="ping") + text(type="ping", ref="second"):
            peer.send(bytes([byte]))
        assert peer.read_head().status == 101
        assert [peer.read()["type"] for _ in range(2)] == ["welcome", "pong"]
        assert peer.read()["ref"] == "second"


def test_glued_messages_are_all_answered_in_order_and_others_have_their_turn(
    server: Any, honest: WebSocketClient
) -> None:
    """Faults 1 and 3 cannot arise: a frame says how long it is."""
    with connected(server.address) as peer:
        peer.send(b"".join(text(type="ping", ref=str(number)) for number in range(2000)))
        honest.send("ping")
        honest.wait_for("pong", PATIENCE_S)
        assert [peer.read("pong")["ref"] for _ in range(2000)] == [str(n) for n in range(2000)]


# ---------------------------------------------------------------- coming, going, closing


def test_who_closes_is_answered_and_gone(server: Any, honest: WebSocketClient) -> None:
    for sent, code in ((b"", b""), (b"\x03\xe8", b"\x03\xe8"), (b"\x0f\xa1mine", b"\x0f\xa1mine")):
        with connected(server.address) as peer:
            peer.read("welcome")
            peer.send(frame(CLOSE, sent))
            assert peer.read_frame() == (CLOSE, code)
            assert peer.sock.recv(1) == b""
    wait_ended(server, "left", 3)
    assert len(server.stats().clients) == 1


@pytest.mark.parametrize("rooms", [1, 3, 400])
def test_who_vanishes_is_missed_in_every_room(rooms: int, caplog: pytest.LogCaptureFixture) -> None:
    """Fault 38: only the first room heard of it; with 400 rooms it stayed for ever."""
    limits = Limits(max_rooms=0, messages_per_second=0)
    with serve(limits=limits) as server, WebSocketClient(server.address) as member:
        for number in range(rooms):
            member.send("join_room", room=f"room {number}")
        with connected(server.address) as peer:
            for number in range(rooms):
                peer.send(text(type="join_room", room=f"room {number}"))
            for _ in range(rooms):
                peer.read("room_joined")
            reset(peer)
        left = [member.wait_for("user_left", PATIENCE_S).room for _ in range(rooms)]
        assert sorted(left) == sorted(f"room {number}" for number in range(rooms))
        wait_ended(server, "reset")
        assert len(server.stats().clients) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_reset_at_every_step(server: Any, honest: WebSocketClient) -> None:
    message = text(type="text", content="hello")
    for step in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(10):
            peer = Peer(server.address)
            peer.send(step)
            reset(peer)
    for step in (b"", message[:3], message, message * 500, frame(CLOSE), frame(PING)):
        for _ in range(10):
            peer = connected(server.address)
            peer.send(step)
            reset(peer)
    wait_until(server, lambda stats: len(stats.clients) == 1)


def test_half_close_is_an_end(server: Any, honest: WebSocketClient) -> None:
    with connected(server.address) as peer:
        peer.read("welcome")
        peer.sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            read_all(peer)
    wait_ended(server, "reset")


def test_a_storm_of_clients_that_come_and_go(server: Any, honest: WebSocketClient) -> None:
    for number in range(300):
        peer = Peer(server.address)
        peer.ask("GET / HTTP/1.1", dict(UPGRADE))
        if number % 3 == 0:
            peer.read_head()
            peer.send(text(type="join_room", room="storm"))
        if number % 2:
            reset(peer)
        else:
            peer.sock.close()
    wait_until(server, lambda stats: len(stats.clients) == 1)


def end_bye(_: Any, peer: Peer) -> None:
    peer.send(text(type="bye"))


def end_stop(server: Any, _: Peer) -> None:
    threading.Thread(target=server.stop, name="netlab-test-stop").start()


def end_replaced(server: Any, peer: Peer) -> None:
    peer.send(text(type="list_clients"))  # its welcome is read already
    with connected(server.address) as other:
        other.send(text(type="hello", resume=SECRETS.pop()))
        assert other.read("welcome")
        assert other.read("welcome")["resumed"]


def end_idle(server: Any, _: Peer) -> None:
    server.server.service.clock_of_test.advance(301)
    server.call(server.server.switchboard.tick)


SECRETS: list[str] = []


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (end_bye, "bye"),
        (end_stop, "server_stopping"),
        (end_replaced, "replaced"),
        (end_idle, "idle"),
    ],
)
def test_closing_comes_first_and_then_its_close_code(
    end: Callable[[Any, Peer], None], code: str
) -> None:
    """Faults 43, 44: who was idle for 301 s was muted and not closed, and not told."""
    clock = ManualClock()
    with serve(limits=NO_RATE, clock=clock) as server:
        server.server.service.clock_of_test = clock
        with connected(server.address) as peer:
            SECRETS[:] = [peer.read("welcome")["secret"]]
            end(server, peer)
            assert peer.read("closing")["code"] == code
            assert peer.read_close() == (CLOSE_CODES[code], code)
            peer.send(frame(CLOSE, CLOSE_CODES[code].to_bytes(2, "big")))
            assert peer.sock.recv(1) == b""
        if code != "server_stopping":
            wait_ended(server, code)
    for thread in threading.enumerate():
        if thread.name == "netlab-test-stop":
            thread.join()


def test_a_full_server_says_try_again_later() -> None:
    with serve(limits=Limits(max_clients=1)) as server, WebSocketClient(server.address) as one:
        one.wait_for("welcome", PATIENCE_S)
        with connected(server.address) as two:
            assert two.read()["code"] == "server_full"
            assert two.read_close() == (1013, "server_full")
        one.send("ping")
        assert one.wait_for("pong", PATIENCE_S)


def test_all_close_codes_may_be_sent() -> None:
    """RFC 6455, 7.4: 1005, 1006 and 1015 never are, and 1004 means nothing."""
    sendable = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
    assert set(CLOSE_CODES.values()) <= sendable


def test_who_never_answers_the_close_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netlab.transports.websocket_connection.LINGER_S", 0.05)
    with serve() as server, connected(server.address) as peer:
        peer.send(text(type="bye"))
        assert peer.read_close()[0] == 1000
        wait_ended(server, "bye")
        with pytest.raises(ConnectionResetError):
            peer.sock.recv(1)


@pytest.mark.parametrize(
    ("last", "why"), [(frame(CLOSE, b"\x03\xe8"), "left"), (frame(3), "protocol_error")]
)
def test_who_stays_after_the_end_is_no_member_for_long(
    last: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library alone would wait for the end of the TCP connection, for ever."""
    monkeypatch.setattr("netlab.transports.websocket_connection.LINGER_S", 0.05)
    with serve(ping_interval_s=None) as server, connected(server.address) as peer:
        peer.read("welcome")
        peer.send(last)
        wait_ended(server, why)
        assert not server.stats().clients


def test_a_client_knows_that_it_was_closed(server: Any) -> None:
    """Fault 42: after a normal close the client took itself for connected."""
    for ending, code in ((lambda c: c.send("bye"), 1000), (lambda c: server.stop(), 1001)):
        with WebSocketClient(server.address) as client:
            client.wait_for("welcome", PATIENCE_S)
            assert client.close_code is None
            ending(client)
            assert client.wait_ended(PATIENCE_S).startswith("the server closed the connection: ")
            with pytest.raises(ConnectionError, match="ping was not sent: the server closed"):
                client.send("ping")
            assert client.close_code == code


# ---------------------------------------------------------------- signs of life


def test_who_does_not_answer_pings_is_closed() -> None:
    with (
        serve(ping_interval_s=0.05, ping_timeout_s=2) as server,
        WebSocketClient(server.address) as client,  # answers
        connected(server.address) as peer,
    ):
        assert peer.read_close() == (1011, "keepalive ping timeout")
        peer.sock.close()
        wait_ended(server, "ping_timeout")
        client.wait_for("welcome", PATIENCE_S)
        client.send("ping")
        client.wait_for("pong", PATIENCE_S)


def test_heartbeats_inform_and_are_answered() -> None:
    clock = ManualClock()
    with serve(clock=clock) as server, WebSocketClient(server.address) as client:
        client.wait_for("welcome", PATIENCE_S)
        for beat in range(1, 11):  # ten minutes of reading
            clock.advance(60)
            server.call(server.server.switchboard.tick)
            wait_until(server, lambda stats, beat=beat: stats.frames_in == beat)
        assert [message.type for message in client.messages] == ["welcome"]


def test_an_innocent_sender_is_never_closed() -> None:
    """Fault 20: the sender waited for a member that did not read, so nobody read *its* pongs."""
    limits = Limits(messages_per_second=0, outbox_bytes=100_000)
    options: Any = {"limits": limits, "ping_interval_s": 0.05, "ping_timeout_s": 5}
    with ExitStack() as stack:
        server = stack.enter_context(serve(**options))
        sender = stack.enter_context(WebSocketClient(server.address))
        deaf = stack.enter_context(connected(server.address, receive_buffer_bytes=4096))
        deaf.send(text(type="join_room", room="x"))
        deaf.read("room_joined")
        sender.send("join_room", room="x")
        for _ in range(5000):
            sender.send("room_message", room="x", content="x" * 4000)
            sender.wait_for("room_message", PATIENCE_S)
            stats = server.stats()
            assert all(waiting <= 100_000 for waiting in stats.outbox_bytes.values())
            if stats.ended:
                break
        assert stats.ended == {"slow_reader": 1}
        with pytest.raises(ConnectionResetError):  # what was on its way, then the reset
            read_all(deaf)
        assert sender.wait_for("user_left", PATIENCE_S)
        sender.send("ping")
        assert sender.wait_for("pong", PATIENCE_S)


def test_nobody_waits_for_a_member_that_does_not_read() -> None:
    """Faults 18 and 20, from the others' side: every message reaches every one who reads."""
    limits = Limits(messages_per_second=0, outbox_bytes=0)  # so that the deaf one stays
    with ExitStack() as stack:
        server = stack.enter_context(serve(limits=limits))
        members = [stack.enter_context(WebSocketClient(server.address)) for _ in range(3)]
        deaf = stack.enter_context(connected(server.address, receive_buffer_bytes=4096))
        for member in members:
            member.send("join_room", room="x")
            member.wait_for("room_joined", PATIENCE_S)
        deaf.send(text(type="join_room", room="x"))
        deaf.read("room_joined")
        for number in range(900):
            content = f"{number} ".ljust(4000)
            members[number % 3].send("room_message", room="x", content=content)
        orders = [
            [member.wait_for("room_message", PATIENCE_S).content for _ in range(900)]
            for member in members
        ]
        assert len(set(orders[0])) == 900
        assert orders[0] == orders[1] == orders[2]
        assert max(server.stats().outbox_bytes.values()) > 0


def test_who_asks_much_and_reads_nothing_is_held_up_not_dropped(server: Any) -> None:
    """Its own answers pile up, so the server stops reading from it: TCP passes the pressure on."""
    with connected(server.address, receive_buffer_bytes=4096) as peer:
        data = text(type="text", content="x" * 4000, ref="r") * 50
        sent = hold_up(peer.sock, data)
        assert len(server.stats().clients) == 1
        complete = sent // (len(data) // 50)
        for _ in range(complete):
            assert peer.read("echo")
        assert server.stats().ended == {}


def test_who_is_held_up_and_resets_is_no_mistake_of_ours(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server.address, receive_buffer_bytes=4096) as peer:
        hold_up(peer.sock, text(type="text", content="x" * 4000) * 50)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sock.close()
        assert wait_until(server, lambda stats: not stats.clients).ended == {"reset": 1}
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


# ---------------------------------------------------------------- starting and stopping


def test_a_busy_port_raises_in_the_caller(server: Any) -> None:
    host, port = server.address
    assert port != 0
    with pytest.raises(AddressInUse, match=f"{port} is already in use"):
        serve(host=host, port=port)


def test_stop_takes_two_seconds_at_most_whatever_clients_do() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serve(limits=NO_RATE))
        peers = [stack.enter_context(Peer(server.address)) for _ in range(12)]
        peers[1].send(b"GET / HTTP/1.1\r\n")  # half a request
        for peer in peers[2:]:
            assert peer.upgrade().status == 101
        for peer in peers[4:8]:  # these never read, and have much to read
            hold_up(peer.sock, text(type="text", content="x" * 4000) * 50)
        peers[8].send(text(type="ping")[:3])
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2
        for peer in peers:  # none is left open
            with contextlib.suppress(ConnectionError):
                read_all(peer)


def test_stop_while_clients_come() -> None:
    going = threading.Event()

    def come(address: Any) -> None:
        while not going.is_set():
            try:
                with Peer(address) as peer:
                    peer.upgrade()
            except (OSError, EOFError):
                return

    for _ in range(5):
        with serve() as server:
            threads = [
                threading.Thread(target=come, args=[server.address], name=f"netlab-test-come-{n}")
                for n in range(3)
            ]
            for thread in threads:
                thread.start()
            with WebSocketClient(server.address) as client:
                client.wait_for("welcome", PATIENCE_S)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 2
            for thread in threads:
                thread.join()


def test_it_works_in_a_loop_of_ones_own() -> None:
    async def main() -> None:
        async with WebSocketServer(EchoService) as server:
            client = WebSocketClient(server.address, service="echo")
            await asyncio.to_thread(client.connect)
            await asyncio.to_thread(client.say, "hello")
            echo = await asyncio.to_thread(client.wait_for, "echo", PATIENCE_S)
            assert echo.content == "hello"
            await server.stop()
            await server.stop()
            with pytest.raises(LocalProtocolError, match="started before"):
                await server.start()
            await asyncio.to_thread(client.close)

    asyncio.run(main())


def test_without_descriptors_it_survives_and_accepts_again(server: Any) -> None:
    """Fault 30: no free file descriptor was the end of the server."""
    with WebSocketClient(server.address) as client:
        client.wait_for("welcome", PATIENCE_S)
        with free_descriptors(1):  # which the next client takes
            waiting = Peer(server.address)
            client.send("ping")
            client.wait_for("pong", PATIENCE_S)
        with waiting:
            assert waiting.upgrade().status == 101
            assert waiting.read("welcome")


# ---------------------------------------------------------------- compression, TLS, logs


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    openssl = shutil.which("openssl") or missing("openssl", "on Debian: apt install openssl")
    folder = tmp_path_factory.mktemp("certificate")
    pem, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem]
    subprocess.run(command, check=True, capture_output=True)
    return pem, key


def missing(what: str, remedy: str) -> NoReturn:
    """Skip; where CI=true fail, for there nothing may be missing."""
    message = f"{what} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def test_wss(certificate: tuple[Path, Path]) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=certificate[0])
    with serve(EchoService, ssl=serving) as server:
        with WebSocketClient(server.address, service="echo", ssl=trusting) as client:
            client.say("hello")
            assert client.wait_for("echo", PATIENCE_S).content == "hello"
            assert client.uri.startswith("wss://")
        stranger = WebSocketClient("wss://{}:{}/".format(*server.address))
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.connect()
        with WebSocketClient(server.address, service="echo", ssl=trusting) as client:
            client.say("hello")
            client.wait_for("echo", PATIENCE_S)
            server.stop()
            assert "server_stopping" in client.wait_ended(PATIENCE_S)


def test_curl_speaks_websocket(server: Any) -> None:
    """By itself where its build can; else it makes the upgrade (RFC 6455, 1.3) by its headers."""
    curl = shutil.which("curl") or missing("curl", "on Debian: apt install curl")
    built = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout
    by_itself = re.search(r"^Protocols:.* ws\b", built, re.MULTILINE)
    # curl prints what comes; its own end is that of the time it is given.
    command = [curl, "--silent", "--no-buffer", "--include", "--max-time", "1"]
    if not by_itself:
        command += ["--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"]
        command += ["-H", "Sec-WebSocket-Version: 13"]
        command += ["-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    command += ["{}://{}:{}/".format("ws" if by_itself else "http", *server.address)]
    shown = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False).stdout
    assert b'"type":"welcome"' in shown
    if not by_itself:
        assert b"101 Switching Protocols" in shown
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in shown  # the example of RFC 6455, 1.3


def test_compression_is_off_unless_asked_for() -> None:
    offer: Any = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    with serve() as server, Peer(server.address) as peer:
        assert "sec-websocket-extensions" not in peer.upgrade(**offer).headers
    with serve(compression=True) as server, Peer(server.address) as peer:
        assert "permessage-deflate" in peer.upgrade(**offer).headers["sec-websocket-extensions"]
        _, payload = peer.read_frame()
        assert b"welcome" not in payload
        with WebSocketClient(server.address) as plain:  # offers none, and gets none
            assert plain.wait_for("welcome", PATIENCE_S)


def test_headers_messages_and_secrets_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve() as server:
        secret = "c00kie"
        with Peer(server.address) as peer:
            headers: Any = {"Cookie": secret, "Authorization": secret}
            peer.upgrade(**headers)
            welcome = peer.read("welcome")
            peer.send(text(type="text", content="whisper\nFAKE RECORD"))
            peer.read("echo")
            peer.send(frame(CLOSE, b"\x0f\xa1whisper\nFAKE"))
            peer.read_close()
        request(server.address, {"Origin": "http://evil.example", "Cookie": secret})
        with WebSocketClient(server.address) as client:
            client.wait_for("welcome", PATIENCE_S)
    everything = "\n".join(map(logging.Formatter().format, caplog.records))
    assert "listening on" in everything
    for private in (secret, "whisper", "FAKE", "evil", welcome["secret"], KEY):
        assert private not in everything


# ---------------------------------------------------------------- the client


def test_a_client_says_much_before_it_reads() -> None:
    """Fault 22: both sides were stuck in send. Here the client's loop reads all the time."""
    with (
        serve(EchoService, limits=NO_RATE) as server,
        WebSocketClient(server.address, service="echo", timeout_s=PATIENCE_S) as client,
    ):
        for _ in range(300):
            client.say("x" * 60_000)
        for _ in range(300):
            client.wait_for("echo", PATIENCE_S)


def test_a_refused_handshake_says_why() -> None:
    with serve() as server:
        port = server.address[1]
        client = WebSocketClient(f"ws://127.0.0.1:{port}/")
        client.uri = f"ws://evil.example:{port}/"  # the name in Host
        with pytest.raises(ConnectionError, match=r"403: Host 'evil\.example:.*not known here"):
            client.connect()
        client.close()


def one_answer(answer: bytes) -> Iterator[Any]:
    """Be a server that answers whatever comes with these bytes, and reads on to the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_one() -> None:
            sock, _ = listener.accept()
            with sock, contextlib.suppress(ConnectionError):
                sock.settimeout(PATIENCE_S)
                asked = sock.recv(65_536)
                key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)
                assert key is not None
                sock.sendall(answer.replace(b"ACCEPT", accept_key(key[1].decode()).encode()))
                while sock.recv(65_536):
                    pass

        thread = threading.Thread(target=answer_one, name="netlab-test-server")
        thread.start()
        yield listener.getsockname()
        thread.join()


def accept_key(key: str) -> str:
    from websockets.utils import accept_key as of_the_library

    return of_the_library(key)


one_answering = contextlib.contextmanager(one_answer)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ACCEPT\r\n\r\n"
)


@pytest.mark.parametrize(
    "answer",
    [
        b"Error: invalid_text: what is that?\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        SWITCHING.replace(b"ACCEPT", b"nonsense"),
    ],
)
def test_what_is_no_websocket_server_is_told(answer: bytes) -> None:
    with one_answering(answer) as address, pytest.raises(ConnectionError, match=r"127\.0\.0\.1"):
        WebSocketClient(address).connect()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(TEXT, b"{}", masked=False), "the server sent what is no message: "),
        (frame(TEXT, b"\xff", masked=False), "this client could not go on: 1007 "),
        (frame(TEXT, b"{}"), "this client could not go on: 1002 "),
        (frame(TEXT, b"x" * 2000, masked=False), "this client could not go on: 1009 "),
        (frame(CLOSE, b"\x0f\xa2because", masked=False), "closed the connection: 4002 .* because"),
        (frame(CLOSE, masked=False), "the server closed the connection: 1005 "),
    ],
)
def test_a_server_that_breaks_the_protocol(
    data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it end the TCP connection, which is not waited for long."""
    monkeypatch.setattr("netlab.transports.websocket_client.CLOSE_TIMEOUT_S", 0.05)
    with (
        one_answering(SWITCHING + data) as address,
        WebSocketClient(address, max_frame_bytes=1000) as client,
    ):
        assert re.search(reason, client.wait_ended(PATIENCE_S))
        with pytest.raises(ConnectionError, match="ping was not sent"):
            client.send("ping")


def test_a_lost_connection_is_told(server: Any) -> None:
    with WebSocketClient(server.address) as client:
        client.wait_for("welcome", PATIENCE_S)

        def lose_all() -> None:
            for websocket in server.server._websockets:
                websocket.transport.abort()

        server.call(lose_all)
        assert client.wait_ended(PATIENCE_S) == "the connection was lost"
        assert client.close_code == 1006


def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = WebSocketClient(listener.getsockname(), timeout_s=0.05)
        with pytest.raises(TimeoutError):
            client.connect()


def test_a_server_that_does_not_read() -> None:
    def say_for_ever(client: WebSocketClient) -> None:
        while True:
            client.say("x" * 1_000_000)

    with (
        one_that_never_reads() as address,
        WebSocketClient(address, service="echo", timeout_s=0.2) as client,
    ):
        with pytest.raises(TimeoutError, match=r"did not read within 0\.2 s"):
            say_for_ever(client)
        assert "did not read" in client.wait_ended(PATIENCE_S)


@contextlib.contextmanager
def one_that_never_reads() -> Iterator[Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:

        def accept() -> None:
            sock = stack.enter_context(listener.accept()[0])
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", sock.recv(65_536))
            assert key is not None
            sock.sendall(SWITCHING.replace(b"ACCEPT", accept_key(key[1].decode()).encode()))

        thread = threading.Thread(target=accept, name="netlab-test-server")
        thread.start()
        yield listener.getsockname()
        thread.join()


def test_nobody_there_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    client = WebSocketClient(address)
    with pytest.raises(ConnectionRefusedError):
        client.connect()
    client.close()


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:80", "http://a", "ws://", "ws://a:x", "ws://a#b", "ws://a:99999"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(LocalProtocolError, match="such as ws://"):
        WebSocketClient(address)


def test_a_uri_is_an_address(server: Any) -> None:
    port = server.address[1]
    with WebSocketClient(f"ws://localhost:{port}/any/path?query") as client:
        assert client.wait_for("welcome", PATIENCE_S)
        assert client.address == ("localhost", port)
        client.close()
        client.close()


def test_threads_send_through_one_client(server: Any) -> None:
    with WebSocketClient(server.address) as client:

        def ask() -> None:
            for _ in range(50):
                client.send("ping")

        threads = [threading.Thread(target=ask, name=f"netlab-test-{n}") for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(200):
            client.wait_for("pong", PATIENCE_S)
