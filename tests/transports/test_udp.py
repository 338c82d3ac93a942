"""UDP: whole datagrams, proven addresses, presence by last-seen; and what is never answered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.errors import AddressInUse, ConnectionEnded, LocalProtocolError
from netlab.core.messages import REPLY_TYPES, REQUEST_FIELDS, Echo, Welcome
from netlab.core.service import Limits
from netlab.transports import udp
from netlab.transports.cookies import SLOT_S, Cookies
from netlab.transports.udp import UDPClient, UDPServer
from tests.transports.clocks import ManualClock

PATIENCE_S = 10.0
SECRET = b"a secret only for these tests!!!"
UNLIMITED = Limits(messages_per_second=0)
OPENING = json.dumps({"type": "hello", "pad": "x" * 512}).encode()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def chat(clock: ManualClock) -> Iterator[UDPServer]:
    with UDPServer(ChatService, secret=SECRET, clock=clock) as server:
        yield server


@pytest.fixture
def text(clock: ManualClock) -> Iterator[UDPServer]:
    with UDPServer(EchoService, limits=UNLIMITED, secret=SECRET, clock=clock) as server:
        yield server


@pytest.fixture
def sock(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """A program at an address of its own that knows nothing of netlab."""
    with Peer() as peer:
        yield peer


class Peer:
    """A UDP socket: anybody's, a victim's, an attacker's."""

    def __init__(self, family: int = socket.AF_INET) -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.address = self.socket.getsockname()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, server: Any, data: bytes) -> None:
        self.socket.sendto(data, server.address)

    def tell(self, server: Any, **fields: Any) -> None:
        self.send(server, json.dumps(fields).encode())

    def ask(self, server: Any, data: bytes) -> bytes:
        self.send(server, data)
        return self.socket.recv(65_535)

    def hear(self) -> Any:
        return json.loads(self.socket.recv(65_535))

    def join(self, server: Any) -> Any:
        """Do the whole exchange; return the cookie's datagram and the welcome."""
        cookie = json.loads(self.ask(server, OPENING))["cookie"]
        hello = json.dumps({"type": "hello", "cookie": cookie}).encode()
        return hello, json.loads(self.ask(server, hello))

    def everything(self, server: Any) -> list[bytes]:
        """Return all that came. The server answers in order: another's answer ends the wait."""
        with Peer() as other:
            if isinstance(server.service, ChatService):
                other.ask(server, OPENING)
            else:
                other.ask(server, b"until here")
        self.socket.setblocking(False)
        came = []
        while True:
            try:
                came.append(self.socket.recv(65_535))
            except BlockingIOError:
                self.socket.settimeout(PATIENCE_S)
                return came


# ---------------------------------------------------------------- being a client


def test_a_cookie_then_welcome_then_the_service(chat: UDPServer) -> None:
    with UDPClient(chat.address) as alice, UDPClient(chat.address) as bob:
        assert alice.wait_for(Welcome).client_id != bob.wait_for(Welcome).client_id
        alice.send("ping", ref="1")
        assert alice.wait_for("pong").ref == "1"
        alice.send("join_room", room="harbour")
        alice.wait_for("room_joined")
        bob.send("join_room", room="harbour")
        bob.wait_for("room_joined")
        alice.send("room_message", room="harbour", content="good morning ☀")
        assert bob.wait_for("room_message").content == "good morning ☀"
        peers = [client.peer for client in chat.stats().clients]
        assert peers == [str(alice.local_address), str(bob.local_address)]


def test_hello_may_come_again_as_an_introduction(chat: UDPServer) -> None:
    with UDPClient(chat.address) as alice:
        first = alice.wait_for(Welcome)
        alice.send("hello", username="Alice")
        second = alice.wait_for(Welcome)
        assert (second.client_id, second.username) == (first.client_id, "Alice")


def test_who_comes_back_brings_the_old_secret(chat: UDPServer) -> None:
    with UDPClient(chat.address) as alice:
        old = alice.wait_for(Welcome)
        alice.send("set_username", username="Alice")
        alice.wait_for("username_set")
        with UDPClient(chat.address) as again:
            again.wait_for(Welcome)
            again.send("hello", resume=old.secret)
            assert again.wait_for(Welcome).username == "Alice"
            assert "replaced" in alice.wait_ended(PATIENCE_S)


def test_bye_is_the_end(chat: UDPServer) -> None:
    with UDPClient(chat.address) as alice:
        alice.send("bye")
        assert "bye" in alice.wait_ended(PATIENCE_S)
        with pytest.raises(ConnectionEnded, match="bye"):
            alice.say("anybody?")
    assert not wait_until(chat, lambda stats: stats.ended == {"bye": 1}).clients


def test_closing_a_client_says_bye(chat: UDPServer) -> None:
    with UDPClient(chat.address):
        wait_until(chat, lambda stats: len(stats.clients) == 1)
    assert not wait_until(chat, lambda stats: stats.ended == {"bye": 1}).clients


def test_a_full_server_says_so(clock: ManualClock) -> None:
    with (
        UDPServer(ChatService, limits=Limits(max_clients=1), clock=clock) as server,
        UDPClient(server.address) as one,
    ):
        with UDPClient(server.address) as two:
            assert two.wait_for("closing").code == "server_full"
            assert "1 place" in two.wait_ended()
        one.send("ping")
        one.wait_for("pong")
    with (
        UDPServer(EchoService, limits=Limits(max_clients=1), clock=clock) as server,
        UDPClient(server.address, service="echo") as one,
        UDPClient(server.address, service="echo") as two,
    ):
        one.say("in")
        one.wait_for(Echo)
        two.say("in?")
        assert two.wait_for("closing").code == "server_full"


def wait_until(server: Any, condition: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


# ---------------------------------------------------------------- unproven addresses

FIRST_DATAGRAMS = {
    "nothing": b"",
    "a byte": b"x",
    "text": b"hello",
    "long text": b"x" * 65_507,
    "no UTF-8": b"\xff" * 600,
    "no object": b"[1]" + b" " * 600,
    "deep nesting": b"[" * 60_000,
    "ping": b'{"type": "ping"}',
    "long ping": b'{"type": "ping", "ref": "r"}' + b" " * 600,
    "bye": b'{"type": "bye"}' + b" " * 600,
    "hello without padding": b'{"type": "hello"}',
    "hello one byte short": OPENING[:-2].ljust(509, b"x") + b'"}',
    "hello": OPENING,
    "hello, padded with spaces": b'{"type": "hello"}'.ljust(512),
    "longest hello": b'{"type": "hello"}'.ljust(65_507),
    "hello with the longest answer": (
        b'{"type": "hello", "ref": "' + rb"\u0001" * 64 + b'"}'
    ).ljust(512),
    "wrong cookie": b'{"type": "hello", "cookie": "0123456789abcdef0123456789abcdef"}',
    "wrong cookie, padded": b'{"type": "hello", "cookie": "\xc3\xa9"}'.ljust(512),
    "a cookie": b'{"type": "cookie", "cookie": "0123456789abcdef"}'.ljust(600),
    "an error": b'{"type": "error", "code": "x", "message": "x"}'.ljust(600),
    "an echo": b"Echo: hello".ljust(600),
    "a broadcast": b"Broadcast from ('127.0.0.1', 1): hello".ljust(600),
}


@pytest.mark.parametrize("datagram", FIRST_DATAGRAMS.values(), ids=FIRST_DATAGRAMS)
def test_nobody_is_sent_more_than_came_from_there(
    chat: UDPServer, sock: Peer, datagram: bytes
) -> None:
    """Fault 12: who writes a victim's address on a datagram gains nothing by it."""
    sock.send(chat, datagram)
    came = sock.everything(chat)
    assert sum(map(len, came)) <= len(datagram)
    for answer in came:
        assert json.loads(answer)["type"] == "cookie"
        assert b"hello" in datagram
        assert len(datagram) >= 512
    assert chat.stats().clients == ()


def test_a_hundred_openings_do_not_add_up(chat: UDPServer, sock: Peer) -> None:
    for _ in range(100):
        sock.send(chat, OPENING)
    came = sock.everything(chat)
    assert len(set(came)) == 1
    assert sum(map(len, came)) <= 100 * len(OPENING) / 5


def test_a_victim_that_never_said_hello_hears_nothing(chat: UDPServer, sock: Peer) -> None:
    """Fault 12: the datagrams are the victim's own, as forged ones would look."""
    with UDPClient(chat.address) as alice:
        for datagram in (b"give me traffic", b'{"type": "join_room", "room": "r"}', b"\xff"):
            sock.send(chat, datagram)
        alice.say("to all")
        alice.wait_for(Echo)
        assert sock.everything(chat) == []
        assert len(chat.stats().clients) == 1
        assert chat.stats().ignored == {"unproven": 3}


def test_a_cookie_is_good_for_its_address_only(chat: UDPServer, sock: Peer) -> None:
    cookie = json.loads(sock.ask(chat, OPENING))["cookie"]
    hello = json.dumps({"type": "hello", "cookie": cookie}).encode()
    with Peer() as thief:
        thief.send(chat, hello)
        assert thief.everything(chat) == []
    assert chat.stats().clients == ()
    assert json.loads(sock.ask(chat, hello))["type"] == "welcome"


def test_a_cookie_is_good_for_a_while_only(chat: UDPServer, sock: Peer, clock: ManualClock) -> None:
    cookie = json.loads(sock.ask(chat, OPENING))["cookie"]
    clock.advance(2 * SLOT_S)
    hello = {"type": "hello", "cookie": cookie}
    sock.tell(chat, **hello)
    assert sock.everything(chat) == []
    sock.tell(chat, **hello, pad="x" * 512)  # long enough for another cookie
    again = sock.hear()
    assert again["type"] == "cookie"
    assert again["cookie"] != cookie


def test_cookies() -> None:
    cookies = Cookies(SECRET)
    here, there = ("127.0.0.1", 5000), ("127.0.0.1", 5001)
    cookie = cookies.make(here, 600.0)
    assert cookies.check(cookie, here, 600.0)
    assert cookies.check(cookie, here, 600.0 + SLOT_S)
    assert not cookies.check(cookie, here, 600.0 + 2 * SLOT_S)
    assert not cookies.check(cookie, here, 600.0 - SLOT_S)
    assert not cookies.check(cookie, there, 600.0)
    assert not Cookies(b"another secret").check(cookie, here, 600.0)
    for nonsense in ("", "é", "\ud800", cookie + "0", cookie[:-1]):
        assert not cookies.check(nonsense, here, 600.0)


# ---------------------------------------------------------------- repeated and late


def test_a_second_hello_sent_twice_is_answered_twice_alike(chat: UDPServer, sock: Peer) -> None:
    hello, welcome = sock.join(chat)
    assert json.loads(sock.ask(chat, hello)) == welcome
    assert len(chat.stats().clients) == 1
    sock.tell(chat, type="join_room", room="r")
    sock.hear()
    sock.send(chat, hello)  # very late
    assert sock.everything(chat) == []
    assert chat.stats().ignored == {"duplicate": 1}
    assert chat.stats().rooms == {"r": 1}


def test_another_program_with_the_same_port_starts_afresh(chat: UDPServer, sock: Peer) -> None:
    _, welcome = sock.join(chat)
    sock.tell(chat, type="join_room", room="r")
    sock.hear()
    _, again = sock.join(chat)
    assert again["client_id"] != welcome["client_id"]
    assert len(chat.stats().clients) == 1
    assert chat.stats().rooms == {}
    assert chat.stats().ended == {"replaced": 1}


def test_an_opening_alone_disturbs_no_client(chat: UDPServer, sock: Peer) -> None:
    """It can be forged: who did not see the cookie cannot end a conversation."""
    sock.join(chat)
    sock.tell(chat, type="join_room", room="r")
    sock.hear()
    assert json.loads(sock.ask(chat, OPENING))["type"] == "cookie"
    assert chat.stats().rooms == {"r": 1}


# ---------------------------------------------------------------- answers are not answered

SERVER_TYPES = [name for name in REPLY_TYPES if name not in REQUEST_FIELDS]


@pytest.mark.parametrize("wire_type", SERVER_TYPES)
def test_what_servers_say_is_not_answered(chat: UDPServer, sock: Peer, wire_type: str) -> None:
    sock.join(chat)
    sock.tell(chat, type=wire_type, content="x")
    assert sock.everything(chat) == []
    assert chat.stats().ignored == {"answer": 1}


def test_echo_war() -> None:
    """Fault 11: two servers that were made to talk to each other fall silent at once."""
    provocations = (b"hi", b"\xff", b"x" * 65_507, b"")
    with UDPServer(EchoService) as one, UDPServer(EchoService) as two, Peer() as probe:
        for datagram in provocations:
            # As a forged one would look: it comes from the other server's address.
            two._sock.sendto(datagram, one.address)
            for _ in range(3):  # whatever it set off has come to its end
                for server in (one, two):
                    server_says = probe.ask(server, b"settled?")
                    while server_says != b"Echo: settled?":
                        server_says = probe.socket.recv(65_535)
        probes = 3 * len(provocations)
        assert one.stats().frames_in == len(provocations) + probes
        # "Error: …" is a text to it; the echo of that is where it ends.
        assert two.stats().frames_in == 2 + probes


def test_texts_of_text_servers_are_not_answered(text: UDPServer, sock: Peer) -> None:
    for answer in (b"Echo: hi", b"Broadcast from ('127.0.0.1', 1): hi"):
        sock.send(text, answer)
    assert sock.everything(text) == []
    assert text.stats().ignored == {"answer": 2}


# ---------------------------------------------------------------- datagrams of all kinds


def test_bad_bytes_cost_one_answer(text: UDPServer, sock: Peer) -> None:
    """Fault 9: b"\\xff" ended the server."""
    assert sock.ask(text, b"\xff").startswith(b"Error: invalid_utf8: byte 0xff at position 0")
    assert sock.ask(text, b"x" * 1023 + "é".encode()) == b"Echo: " + b"x" * 1023 + "é".encode()
    assert sock.ask(text, b"still there?") == b"Echo: still there?"


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 3000, 60_000, 65_501])
def test_datagrams_come_back_whole(text: UDPServer, sock: Peer, size: int) -> None:
    """Fault 10: more than 1024 bytes were cut off without a word. None at all is a message."""
    assert sock.ask(text, b"x" * size) == b"Echo: " + b"x" * size


def test_what_cannot_be_echoed_is_refused(text: UDPServer, sock: Peer) -> None:
    """Fault 10: the answer is six bytes longer, and a datagram has its limit."""
    for size in (65_502, 65_507):
        answer = sock.ask(text, b"x" * size)
        assert answer.startswith(b"Error: frame_too_long: frame of more than 65,501 bytes")
    with (
        UDPClient(text.address, service="echo") as client,
        pytest.raises(LocalProtocolError, match="65,508 bytes; a datagram carries at most 65,507"),
    ):
        client.say("x" * 65_508)


def test_a_frame_limit_of_its_own(clock: ManualClock, sock: Peer) -> None:
    with UDPServer(EchoService, limits=Limits(max_frame_bytes=100), clock=clock) as server:
        assert sock.ask(server, b"x" * 100) == b"Echo: " + b"x" * 100
        assert b"more than 100 bytes" in sock.ask(server, b"x" * 101)


def test_a_broadcast_too_long_for_a_datagram_is_lost_alone(text: UDPServer, sock: Peer) -> None:
    with Peer() as other:
        other.ask(text, b"here")
        assert len(sock.ask(text, b"x" * 65_501)) == 65_507
        assert sock.ask(text, b"short") == b"Echo: short"
        assert other.socket.recv(65_535).endswith(b": short")
    assert text.stats().not_sent == {"EMSGSIZE": 1}


def test_bad_messages_are_an_error_to_a_client(chat: UDPServer, sock: Peer) -> None:
    sock.join(chat)
    for bad, code in ((b"\xff", "invalid_utf8"), (b"[1]", "invalid_json"), (b"{", "invalid_json")):
        assert json.loads(sock.ask(chat, bad))["code"] == code
    deep = b'{"type": "dance", "x": ' + b"[" * 50_000 + b"]" * 10_000 + b"}"
    for odd in (b'{"type": "dance"}', b"{}", b'{"type": 5}', b'{"type": null}', deep):
        answer = json.loads(sock.ask(chat, odd))
        assert (answer["type"], answer["code"]) in (
            ("error", "unknown_type"),
            ("error", "invalid_json"),
        )
    assert json.loads(sock.ask(chat, b"x" * 65_507))["code"] in ("content_too_long", "too_long")
    assert json.loads(sock.ask(chat, b"5"))["type"] == "echo"


def test_replies_stay_under_60_000_bytes(chat: UDPServer, sock: Peer) -> None:
    with ExitStack() as stack:
        talkers = [stack.enter_context(Peer()) for _ in range(4)]
        for talker in [*talkers, sock]:
            talker.join(chat)
        for number, talker in enumerate(talkers):
            for room in range(20):
                talker.tell(chat, type="join_room", room=f"{'é' * 28}{number}.{room}")
                talker.hear()
        talkers[0].tell(chat, type="leave_room", room=f"{'é' * 28}0.0")
        talkers[0].hear()
        talkers[0].tell(chat, type="join_room", room="r")
        talkers[0].hear()
        for _ in range(30):
            talkers[0].tell(chat, type="room_message", room="r", content="x" * 4000)
            talkers[0].hear()
        sock.tell(chat, type="join_room", room="r")
        joined = sock.socket.recv(65_535)
        assert 40_000 < len(joined) <= 60_000
        sock.tell(chat, type="list_clients")
        assert len(sock.socket.recv(65_535)) <= 60_000


def test_thousands_of_ports(text: UDPServer) -> None:
    """Fault 14: new addresses while a broadcast was going on cut it short."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer()) for _ in range(200)]
        for peer in peers:
            assert peer.ask(text, b"here") == b"Echo: here"
        peers[0].send(text, b"to all")
        for peer in peers[1:]:
            while not peer.socket.recv(100).endswith(b": to all"):
                pass
    assert text.stats().not_sent == {}


def test_a_burst_keeps_its_order(text: UDPServer, sock: Peer) -> None:
    """Fault 13: a thread for each datagram lost most of them and shuffled the rest."""
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer()) for _ in range(10)]
        for peer in peers:
            peer.ask(text, b"here")
        for number in range(100):
            sock.send(text, b"%d" % number)
        for peer in peers:
            heard: list[int] = []
            while 99 not in heard:
                datagram = peer.socket.recv(100)
                if not datagram.endswith(b"here"):
                    heard.append(int(datagram.rpartition(b" ")[2]))
            assert heard == list(range(100))


# ---------------------------------------------------------------- who is not heard of


def test_who_is_silent_is_asked_and_then_gone(
    chat: UDPServer, sock: Peer, clock: ManualClock
) -> None:
    """Fault 27: no sign of life, no client."""
    sock.join(chat)
    with UDPClient(chat.address) as alive:
        for _ in range(2):
            clock.advance(20)
            chat.switchboard.tick()
            assert sock.hear()["type"] == "heartbeat"
            alive.say("here")
            alive.wait_for(Echo)
            assert sock.hear()["type"] == "broadcast"
        clock.advance(20)
        chat.switchboard.tick()
        assert sock.hear() == {
            "type": "closing",
            "code": "heartbeat_timeout",
            "reason": "nothing came for 60 s",
        }
        assert wait_until(chat, lambda s: s.ended).ended == {"heartbeat_timeout": 1}
        sock.tell(chat, type="ping")  # it would have to say hello again
        assert sock.everything(chat) == []
        alive.send("ping")
        alive.wait_for("pong")


def test_our_client_answers_heartbeats(chat: UDPServer, clock: ManualClock) -> None:
    with UDPClient(chat.address) as alice:
        for minute in range(1, 6):
            clock.advance(20)
            chat.switchboard.tick()
            wait_until(chat, lambda stats, n=minute: stats.frames_in == n)
        assert [message.type for message in alice.messages] == ["welcome"]


def test_an_address_that_is_silent_for_60_s_is_no_client_of_the_text_service(
    text: UDPServer, sock: Peer, clock: ManualClock
) -> None:
    sock.ask(text, b"here")
    clock.advance(59)
    text.switchboard.tick()
    assert len(text.stats().clients) == 1
    clock.advance(1)
    text.switchboard.tick()
    assert sock.socket.recv(100) == b"Closing: idle: nothing came for 60 s"
    wait_until(text, lambda stats: stats.ended == {"idle": 1})
    assert sock.ask(text, b"again") == b"Echo: again"


def test_time_passes_by_itself() -> None:
    with UDPServer(EchoService, limits=Limits(idle_seconds=1)) as server, Peer() as peer:
        peer.ask(server, b"here")
        assert peer.socket.recv(100).startswith(b"Closing: idle")


# ---------------------------------------------------------------- beyond loopback


def test_beyond_loopback_the_text_service_answers_and_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch, sock: Peer
) -> None:
    """Fault 12: broadcasts to unproven addresses made 500 bytes 50,000."""
    monkeypatch.setattr(udp, "is_loopback", lambda host: False)
    with UDPServer(EchoService, limits=Limits(max_clients=2)) as server, Peer() as other:
        assert other.ask(server, b"here") == b"Echo: here"
        assert sock.ask(server, b"hello") == b"Echo: hello"
        other.send(server, b"\xff")  # its error would be longer than what came
        with Peer() as third:
            third.send(server, b"full?")  # so would the closing
            assert sock.ask(server, b"last") == b"Echo: last"
            server.stop()
            for peer in (other, sock, third):
                peer.socket.setblocking(False)
                with pytest.raises(BlockingIOError):
                    peer.socket.recv(100)
        assert server.stats().not_sent["unproven"] == 6


def test_what_is_loopback() -> None:
    assert udp.is_loopback("127.8.8.8")
    assert udp.is_loopback("::1")
    for host in ("0.0.0.0", "::", "192.168.1.1", "fe80::1%lo"):
        assert not udp.is_loopback(host)


# ---------------------------------------------------------------- the client


def test_nobody_there(sock: Peer) -> None:
    """Fault 15: an unconnected socket never hears that nobody has the port."""
    address = sock.address
    sock.socket.close()
    with pytest.raises(ConnectionRefusedError, match=f"nobody has the UDP port .*:{address[1]}"):
        UDPClient(address).connect()
    with UDPClient(address, service="echo") as client:
        client.say("anybody?")  # nothing can be known yet
        assert "nobody has the UDP port" in client.wait_ended(PATIENCE_S)
        with pytest.raises(ConnectionEnded, match="nobody has the UDP port"):
            client.say("anybody?")


def test_a_server_that_goes_away_is_noticed() -> None:
    """Fault 15."""
    with UDPServer(EchoService) as server, UDPClient(server.address, service="echo") as client:
        client.say("hello")
        client.wait_for(Echo)
        server.stop()
        assert "server_stopping" in client.wait_ended(PATIENCE_S)


def test_strangers_are_not_heard(sock: Peer) -> None:
    """Fault 15: whatever reached the client's port was printed as the server's word."""
    with UDPServer(EchoService) as server, UDPClient(server.address, service="echo") as client:
        client.say("one")
        client.wait_for(Echo)
        sock.socket.sendto(b"Echo: I am the server", client.local_address)
        sock.socket.sendto(b"\xff", client.local_address)
        client.say("two")
        assert client.wait_for(Echo).content == "two"
        assert [message.content for message in client.messages] == ["one", "two"]


def test_a_bad_datagram_from_the_server_is_skipped(sock: Peer) -> None:
    """Fault 15: b"\\xff" ended the listener, and nobody noticed."""
    with UDPClient(sock.address, service="echo") as client:
        for datagram in (b"\xff", b"Echo: fine"):
            sock.socket.sendto(datagram, client.local_address)
        assert client.wait_for(Echo).content == "fine"


class Lossy(threading.Thread):
    """A server that loses the first of each datagram that it is sent."""

    def __init__(self, peer: Peer, deaf: bool = False) -> None:
        super().__init__(name="netlab-lossy")
        self.peer = peer
        self.seen: list[bytes] = []
        self.start()

    def run(self) -> None:
        welcome = {"type": "welcome", "client_id": "c", "username": "u", "secret": "s"}
        welcome |= {"message": "m", "server_time": "t"}
        while True:
            datagram, address = self.peer.socket.recvfrom(65_535)
            lost = datagram not in self.seen
            self.seen.append(datagram)
            if lost:
                continue
            hello = json.loads(datagram)
            answers = (
                [{"type": "cookie", "cookie": "C"}] * 2 if "cookie" not in hello else [welcome]
            )
            for answer in answers:
                self.peer.socket.sendto(json.dumps(answer).encode(), address)
            if answers == [welcome]:
                return


def test_what_is_lost_of_the_first_exchange_is_sent_again(sock: Peer) -> None:
    lossy = Lossy(sock)
    with UDPClient(sock.address) as client:
        assert client.wait_for(Welcome).client_id == "c"
    lossy.join()
    first, second = dict.fromkeys(lossy.seen)
    assert lossy.seen == [first, first, second, second]
    assert all(len(hello) >= 512 for hello in lossy.seen)


def test_a_hello_that_was_late_and_not_lost_brings_no_second_welcome(sock: Peer) -> None:
    """Each of two `hello` is answered; but what we asked for ourselves is heard each time."""
    welcome = {"type": "welcome", "client_id": "c", "username": "u", "secret": "s"}
    frame = json.dumps({**welcome, "message": "m", "server_time": "t"}).encode()

    def serve() -> None:
        _, address = sock.socket.recvfrom(65_535)
        sock.socket.sendto(b'{"type":"cookie","cookie":"C"}', address)
        for _ in range(2):  # the first answer takes its time
            sock.socket.recvfrom(65_535)
        for answer in (frame, frame, b'{"type":"pong","timestamp":"t"}', frame):
            sock.socket.sendto(answer, address)

    server = threading.Thread(target=serve, name="netlab-test-slow")
    server.start()
    with UDPClient(sock.address) as client:
        client.wait_for("pong", PATIENCE_S)
        assert [message.type for message in client.messages][:2] == ["welcome", "pong"]
        client.wait_for("welcome", PATIENCE_S)
        client.wait_for("welcome", PATIENCE_S)
    server.join()


def test_no_answer_in_time(sock: Peer) -> None:
    client = UDPClient(sock.address, timeout_s=0.4)
    with pytest.raises(TimeoutError, match=r"no answer from 127.0.0.1:\d+ within 0.4 s.*echo"):
        client.connect()
    assert len(sock.socket.recv(65_535)) >= 512


def test_a_client_connects_once(text: UDPServer) -> None:
    with UDPClient(text.address, service="echo") as client:
        with pytest.raises(LocalProtocolError, match="make a new one"):
            client.connect()
        client.close()
        client.close()
        with pytest.raises(ConnectionEnded, match="closed"):
            client.say("x")


def test_a_text_service_knows_no_hello(text: UDPServer) -> None:
    client = UDPClient(text.address, timeout_s=0.4)
    with pytest.raises(TimeoutError, match="a text service needs"):
        client.connect()


# ---------------------------------------------------------------- life


def test_stop_tells_everybody_and_takes_no_time(chat: UDPServer, sock: Peer) -> None:
    """Fault 16: a stopped server still took in one datagram, and failed to answer it."""
    sock.join(chat)
    sock.tell(chat, type="ping")
    sock.hear()
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(UDPClient(chat.address))
        began = time.monotonic()
        chat.stop()
        assert time.monotonic() - began < 1.0
        chat.stop()
    assert sock.hear()["code"] == "server_stopping"
    assert chat.stats().ended == {"server_stopping": 51}
    with pytest.raises(OSError, match="descriptor"):
        chat._sock.getsockname()


def test_stop_during_a_flood(text: UDPServer) -> None:
    enough = threading.Event()

    def flood() -> None:
        with Peer() as peer:
            while not enough.is_set():
                peer.send(text, b"x" * 1000)

    floods = [threading.Thread(target=flood, name="netlab-flood") for _ in range(2)]
    for one in floods:
        one.start()
    wait_until(text, lambda stats: stats.frames_in > 1000)
    began = time.monotonic()
    text.stop()
    took_s = time.monotonic() - began
    enough.set()
    for one in floods:
        one.join()
    assert took_s < 2.0


def test_a_busy_port_is_told_to_the_caller(text: UDPServer) -> None:
    """Fault 60."""
    second = UDPServer(EchoService, port=text.address[1])
    with pytest.raises(AddressInUse, match=r"is already in use.*port=0"):
        second.start()
    second.stop()
    with pytest.raises(OSError, match=r"cannot listen on 203\.0\.113\.1:0"):
        UDPServer(EchoService, host="203.0.113.1").start()


def test_the_port_is_free_again_and_a_server_starts_once() -> None:
    server = UDPServer(EchoService)
    with pytest.raises(LocalProtocolError, match="call start"):
        _ = server.address
    with server:
        address = server.address
        assert address[0] == "127.0.0.1"
        with pytest.raises(LocalProtocolError, match="make a new one"):
            server.start()
    with UDPServer(EchoService, port=address[1]) as again:
        assert again.address == address


def test_ipv6() -> None:
    for service, name in ((ChatService, "chat"), (EchoService, "echo")):
        with UDPServer(service, host="::1") as server:
            assert server.address[0] == "::1"
            with UDPClient(server.address, service=name) as alice:  # type: ignore[arg-type]
                alice.say("over six")
                assert alice.wait_for(Echo).content == "over six"


def test_one_thread_and_no_secret_in_the_log(
    caplog: pytest.LogCaptureFixture, clock: ManualClock
) -> None:
    caplog.set_level("DEBUG")
    before = set(threading.enumerate())
    with UDPServer(ChatService, clock=clock) as server, Peer() as peer:
        hello, welcome = peer.join(server)
        names = [thread.name for thread in set(threading.enumerate()) - before]
        assert names == ["netlab-udp"]
        peer.send(server, b"\xff")
        peer.hear()
    assert welcome["secret"] not in caplog.text
    assert json.loads(hello)["cookie"] not in caplog.text


def test_too_many_messages(clock: ManualClock, sock: Peer) -> None:
    limits = Limits(messages_per_second=1)
    with UDPServer(EchoService, limits=limits, clock=clock) as server:
        answers = [sock.ask(server, b"x") for _ in range(12)]
        assert answers[:10] == [b"Echo: x"] * 10
        assert all(answer.startswith(b"Error: rate_limited") for answer in answers[10:])


class Broken(EchoService):
    """Fails when somebody comes whose first word is wrong."""

    def connect(self, *args: Any, **options: Any) -> Any:
        super().connect(*args, **options)
        raise RuntimeError("a mistake of ours")


def test_a_mistake_of_ours_costs_one_answer(caplog: pytest.LogCaptureFixture, sock: Peer) -> None:
    with UDPServer(Broken) as server:
        sock.send(server, b"first")  # this one meets the mistake
        assert sock.ask(server, b"second") == b"Echo: second"
    assert "a mistake of ours" in caplog.text


def test_who_vanishes_is_missed_after_a_while(
    chat: UDPServer, sock: Peer, clock: ManualClock
) -> None:
    _, welcome = sock.join(chat)
    with UDPClient(chat.address) as ann:
        for person in (sock.tell, lambda _, **fields: ann.send(fields.pop("type"), **fields)):
            person(chat, type="join_room", room="r")
        ann.wait_for("room_joined")
        sock.socket.close()  # no bye: as when its machine loses power
        for _ in range(3):
            clock.advance(20)
            chat.switchboard.tick()
            ann.send("ping")
            ann.wait_for("pong")
        assert ann.wait_for("user_left").client_id == welcome["client_id"]
        with Peer() as again:
            again.join(chat)
            again.tell(chat, type="hello", resume=welcome["secret"])
            back = again.hear()
            assert (back["username"], back["resumed"]) == (welcome["username"], True)
