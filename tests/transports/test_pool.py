"""The pool: what happens to client N+1. What all servers promise is told elsewhere."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService, TextLines
from netlab.core.messages import Closing, Echo, Waiting, Welcome
from netlab.core.service import Limits, Send
from netlab.transports import waiting_room
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tcp_threads import TCPClient
from tests.transports.clocks import ManualClock
from tests.transports.exhaustion import free_descriptors, warnings_of

PATIENCE_S = 10.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pool(clock: ManualClock) -> Iterator[PoolTCPServer]:
    with PoolTCPServer(ChatService, workers=2, queue_size=3, clock=clock) as server:
        yield server


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def served(server: Any, stack: ExitStack) -> TCPClient:
    """Connect a client that is served at once."""
    client = stack.enter_context(TCPClient(server.address))
    client.wait_for(Welcome, PATIENCE_S)
    assert [message.type for message in client.messages] == ["welcome"]
    return client


def waiting(server: Any, stack: ExitStack, position: int) -> TCPClient:
    """Connect a client that has to wait."""
    client = stack.enter_context(TCPClient(server.address))
    assert client.wait_for(Waiting, PATIENCE_S) == Waiting(position)
    return client


def raw(server: Any) -> socket.socket:
    return socket.create_connection(server.address, PATIENCE_S)


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def send_until_it_blocks(sock: socket.socket) -> int:
    """Send and never read; return how many bytes the kernels at both ends have taken."""
    sock.setblocking(False)
    sent = 0
    while sent < 100_000_000:
        try:
            sent += sock.send(b"x" * 10_000 + b"\n")
        except BlockingIOError:
            return sent
    raise AssertionError("the server swallowed everything")


def wait_until(server: Any, condition: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


# ---------------------------------------------------------------- client N+1


def test_client_n_plus_1_waits_and_is_told_so(pool: PoolTCPServer, stack: ExitStack) -> None:
    """Fault 26: the third of two heard nothing at all."""
    served(pool, stack), served(pool, stack)
    third, fourth = waiting(pool, stack, 1), waiting(pool, stack, 2)
    assert [message.type for message in third.messages] == ["waiting"]
    assert [message.type for message in fourth.messages] == ["waiting"]
    stats = pool.stats()
    assert (stats.workers, stats.workers_busy, stats.queue_length) == (2, 2, 2)
    assert len(stats.clients) == 2


def test_who_waited_enters_when_a_worker_is_free(pool: PoolTCPServer, stack: ExitStack) -> None:
    first, _ = served(pool, stack), served(pool, stack)
    third, fourth = waiting(pool, stack, 1), waiting(pool, stack, 2)
    first.close()
    third.wait_for(Welcome, PATIENCE_S)
    assert fourth.wait_for(Waiting, PATIENCE_S) == Waiting(1)
    third.say("hello")
    assert third.wait_for(Echo, PATIENCE_S).content == "hello"
    assert [message.type for message in fourth.messages] == ["waiting", "waiting"]
    third.close()
    fourth.wait_for(Welcome, PATIENCE_S)
    assert wait_until(pool, lambda stats: stats.ended == {"left": 2}).workers_busy == 2


def test_first_come_first_served(pool: PoolTCPServer, stack: ExitStack) -> None:
    busy = [served(pool, stack), served(pool, stack)]
    queue = [waiting(pool, stack, position) for position in (1, 2, 3)]
    for client in queue:
        busy.pop(0).close()
        client.wait_for(Welcome, PATIENCE_S)
        busy.append(client)


def test_what_was_said_while_waiting_is_read_when_served(
    pool: PoolTCPServer, stack: ExitStack
) -> None:
    first, _ = served(pool, stack), served(pool, stack)
    third = waiting(pool, stack, 1)
    for number in range(5):
        third.say(f"{number}")
    first.close()
    assert [third.wait_for(Echo, PATIENCE_S).content for _ in range(5)] == list("01234")
    assert [message.type for message in third.messages] == ["waiting", "welcome", *["echo"] * 5]


def test_what_is_sent_while_waiting_is_bounded(pool: PoolTCPServer, stack: ExitStack) -> None:
    """Fault 33: nothing is read from who waits, so TCP itself holds it up."""
    served(pool, stack), served(pool, stack)
    with raw(pool) as sock:
        assert sock.recv(100) == b'{"type":"waiting","position":1}\n'
        send_until_it_blocks(sock)
        assert pool.stats().frames_in == 0


def test_nobody_waits_where_nobody_may(clock: ManualClock, stack: ExitStack) -> None:
    server = stack.enter_context(PoolTCPServer(ChatService, workers=1, queue_size=0, clock=clock))
    served(server, stack)
    late = stack.enter_context(TCPClient(server.address))
    assert late.wait_for(Closing, PATIENCE_S).code == "server_full"


def test_a_full_queue_is_told(pool: PoolTCPServer, stack: ExitStack) -> None:
    first, _ = served(pool, stack), served(pool, stack)
    for position in (1, 2, 3):
        waiting(pool, stack, position)
    late = stack.enter_context(TCPClient(pool.address))
    assert late.wait_for(Closing, PATIENCE_S) == Closing(
        "server_full", "all workers are busy and 3 clients wait; try again later"
    )
    assert "server_full" in late.wait_ended(PATIENCE_S)
    assert pool.stats().sent_away == 1
    first.close()
    wait_until(pool, lambda stats: stats.queue_length == 2)
    waiting(pool, stack, 3)


def test_who_is_sent_away_hears_why_whatever_it_sends(
    pool: PoolTCPServer, stack: ExitStack
) -> None:
    """Unread bytes would make of the close a reset, and that could overtake the reason."""
    served(pool, stack), served(pool, stack)
    for position in (1, 2, 3):
        waiting(pool, stack, position)
    for _ in range(20):
        with raw(pool) as sock:
            sock.sendall(b'{"type": "ping"}\n' * 1000)
            sock.shutdown(socket.SHUT_WR)
            heard = b""
            while data := sock.recv(1000):
                heard += data
        assert b'"code":"server_full"' in heard
    assert pool.stats().sent_away == 20


def test_who_will_not_go_is_reset(
    pool: PoolTCPServer, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "MAX_LEAVING", 3)
    served(pool, stack), served(pool, stack)
    for position in (1, 2, 3):
        waiting(pool, stack, position)
    for _ in range(10):
        stack.enter_context(raw(pool))
    wait_until(pool, lambda stats: stats.sent_away == 10)
    wait_until(pool, lambda stats: len(pool._connections) == 2 + 3 + 3)


# ---------------------------------------------------------------- leaving the queue


def test_who_leaves_the_queue_makes_room(pool: PoolTCPServer, stack: ExitStack) -> None:
    served(pool, stack), served(pool, stack)
    leaver, second, third = (waiting(pool, stack, position) for position in (1, 2, 3))
    leaver.close()
    assert second.wait_for(Waiting, PATIENCE_S) == Waiting(1)
    assert third.wait_for(Waiting, PATIENCE_S) == Waiting(2)
    assert pool.stats().queue_length == 2
    assert pool.stats().gave_up == 1
    third.close()
    wait_until(pool, lambda stats: stats.gave_up == 2)
    waiting(pool, stack, 2)
    assert [message.type for message in second.messages] == ["waiting", "waiting"]


@pytest.mark.parametrize("said", [b"", b'{"type": "ping"}\n'])
def test_resets_in_the_queue(pool: PoolTCPServer, stack: ExitStack, said: bytes) -> None:
    """Fault 23: a reset while waiting killed the server's only message thread."""
    first, _ = served(pool, stack), served(pool, stack)
    for number in range(1, 21):
        with raw(pool) as sock:
            assert b"waiting" in sock.recv(100)
            sock.sendall(said)
            reset(sock)
        # Of those who said something it is only seen when their place is wanted.
        wait_until(pool, lambda stats, n=number: stats.gave_up >= (n - 3 if said else n))
    honest = stack.enter_context(TCPClient(pool.address))
    first.close()
    honest.wait_for(Welcome, PATIENCE_S)


def speak_and_reset(sock: socket.socket) -> None:
    sock.sendall(b"hello\n")
    reset(sock)


def test_who_left_a_moment_ago_takes_nobodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is full of those who are gone, and the thread that watches has not looked yet."""
    watch = waiting_room.WaitingRoom.watch
    monkeypatch.setattr(waiting_room.WaitingRoom, "watch", lambda room: None)
    with (
        PoolTCPServer(ChatService, workers=1, queue_size=3) as server,
        ExitStack() as stack,
    ):
        served(server, stack)
        for leave in (speak_and_reset, reset, socket.socket.close):
            sock = raw(server)
            assert b"waiting" in sock.recv(100)
            leave(sock)
        waiting(server, stack, 1)
        assert (server.stats().gave_up, server.stats().sent_away) == (3, 0)
    watch(server._room)  # closes what is left


def test_who_spoke_and_left_is_found_out_when_the_queue_moves(
    pool: PoolTCPServer, stack: ExitStack
) -> None:
    first, _ = served(pool, stack), served(pool, stack)
    second = waiting(pool, stack, 1)
    with raw(pool) as ghost:
        ghost.recv(100)
        ghost.sendall(b"hello\n")
        reset(ghost)
    third = stack.enter_context(TCPClient(pool.address))
    first.close()
    second.wait_for(Welcome, PATIENCE_S)
    while third.wait_for(Waiting, PATIENCE_S) != Waiting(1):
        pass
    assert wait_until(pool, lambda stats: stats.gave_up == 1).queue_length == 1


def test_who_has_said_all_waits_for_its_answers(pool: PoolTCPServer, stack: ExitStack) -> None:
    """`printf 'hi\\n' | nc` sends FIN behind its last line: that is not leaving."""
    first, _ = served(pool, stack), served(pool, stack)
    with raw(pool) as sock:
        sock.sendall(b"hi\n")
        sock.shutdown(socket.SHUT_WR)
        assert b"waiting" in sock.recv(100)
        wait_until(pool, lambda stats: stats.queue_length == 1)
        first.close()
        heard = b""
        while data := sock.recv(1000):
            heard += data
    assert b'"type":"welcome"' in heard
    assert b'"content":"hi"' in heard


# ---------------------------------------------------------------- nobody keeps a worker for ever


def test_idle_clients_do_leave(pool: PoolTCPServer, stack: ExitStack, clock: ManualClock) -> None:
    """Faults 26 and 27: two silent clients kept both workers for good."""
    silent = [stack.enter_context(raw(pool)) for _ in range(2)]
    for sock in silent:
        assert b"welcome" in sock.recv(1000)
    third = waiting(pool, stack, 1)
    clock.advance(60)
    pool.switchboard.tick()
    for sock in silent:
        assert b"heartbeat" in sock.recv(1000)
    assert [message.type for message in third.messages] == ["waiting"]
    clock.advance(60)
    pool.switchboard.tick()
    for sock in silent:
        assert b'"code":"heartbeat_timeout"' in sock.recv(1000)
        sock.close()
    third.wait_for(Welcome, PATIENCE_S)


def test_who_answers_heartbeats_stays(
    pool: PoolTCPServer, stack: ExitStack, clock: ManualClock
) -> None:
    served(pool, stack), served(pool, stack)
    for minute in range(1, 4):
        clock.advance(60)
        pool.switchboard.tick()
        wait_until(pool, lambda stats, n=minute: stats.frames_in == 2 * n)
    assert len(pool.stats().clients) == 2


class Broken(EchoService):
    """Fails when somebody comes."""

    failures = 2

    def connect(self, *args: Any, **options: Any) -> list[Send]:
        sends = super().connect(*args, **options)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("a mistake of ours")
        return sends


def test_a_mistake_of_ours_costs_no_worker(
    caplog: pytest.LogCaptureFixture, stack: ExitStack
) -> None:
    """Fault 23: the exception in its `except` ended the thread, and nobody was answered again."""
    server = stack.enter_context(PoolTCPServer(Broken, workers=1))
    for _ in range(2):
        with contextlib.suppress(ConnectionError), raw(server) as sock:
            assert sock.recv(100) == b""
        wait_until(server, lambda stats: stats.workers_busy == 0)
    client = stack.enter_context(TCPClient(server.address, service="echo"))
    client.say("still there?")
    assert client.wait_for(Echo, PATIENCE_S).content == "still there?"
    assert "a mistake of ours" in caplog.text


# ---------------------------------------------------------------- what is said, and who is slow


def lines(sock: socket.socket, count: int) -> list[Any]:
    """Read so many lines of JSON, as they come."""
    data = b""
    while data.count(b"\n") < count:
        data += sock.recv(65_536)
    return [json.loads(line) for line in data.splitlines()]


def test_glued_and_cut_messages(pool: PoolTCPServer) -> None:
    """Faults 2 and 3: glued objects became a chat text, and 5,000 bytes became two."""
    with raw(pool) as sock:
        sock.sendall(b'{"type":"ping"}\n{"type":"ping"}\n')
        assert [m["type"] for m in lines(sock, 3)] == ["welcome", "pong", "pong"]
        sock.sendall(b'{"type":"ping"}{"type":"ping"}\n')
        assert lines(sock, 1)[0]["code"] == "invalid_json"
        message = json.dumps({"type": "text", "content": "x" * 4000, "more": "y" * 1000}).encode()
        for start in range(0, len(message), 1000):
            sock.sendall(message[start : start + 1000])
        sock.sendall(b"\n")
        assert lines(sock, 1)[0]["content"] == "x" * 4000


def test_typing_5_is_saying_5(pool: PoolTCPServer) -> None:
    """Fault 28: what was JSON, but no object, ended the connection."""
    with raw(pool) as sock:
        assert lines(sock, 1)[0]["type"] == "welcome"
        for said in ("5", "true", "null", '"hi"', "NaN", " 12"):
            sock.sendall(said.encode() + b"\n")
            assert lines(sock, 1)[0]["content"] == said
        for said in ("[1]", "[" * 3000, "{", '{"type": ["a"]}'):
            sock.sendall(said.encode() + b"\n")
            assert lines(sock, 1)[0]["type"] == "error"


def test_one_silent_client_holds_up_nobody(stack: ExitStack, clock: ManualClock) -> None:
    """Fault 21: nobody got a pong while the server's one message thread waited for it to read."""
    limits = Limits(outbox_bytes=100_000, messages_per_second=0)
    server = stack.enter_context(PoolTCPServer(ChatService, workers=2, limits=limits, clock=clock))
    stack.enter_context(raw(server))
    wait_until(server, lambda stats: len(stats.clients) == 1)
    talker = served(server, stack)
    for _ in range(5000):  # the kernel's buffers take some megabytes before anything waits
        talker.say("x" * 4000)
        talker.send("ping")
        talker.wait_for("pong", PATIENCE_S)
        if server.stats().ended:
            break
    assert server.stats().ended == {"slow_reader": 1}
    wait_until(server, lambda stats: stats.workers_busy == 1)
    served(server, stack)


# ---------------------------------------------------------------- text, life, storms


def test_the_text_service_says_it_in_words(stack: ExitStack) -> None:
    server = stack.enter_context(PoolTCPServer(EchoService, workers=1))
    with raw(server) as one, raw(server) as two:
        assert two.recv(100) == b"Waiting: you are number 1 in the queue\n"
        one.close()
        two.sendall(b"hello\n")
        assert two.recv(100) == b"Echo: hello\n"


def test_waiting_in_words_and_back() -> None:
    codec = TextLines()
    assert codec.decode_reply(codec.encode_reply(Waiting(12))) == Waiting(12)


def test_stop_with_clients_served_and_waiting(pool: PoolTCPServer, stack: ExitStack) -> None:
    """Fault 29: stopping took 30 s, and who waited heard nothing."""
    clients = [served(pool, stack), served(pool, stack)]
    clients += [waiting(pool, stack, position) for position in (1, 2, 3)]
    began = time.monotonic()
    pool.stop()
    assert time.monotonic() - began < 2.0
    for client in clients:
        assert "server_stopping" in client.wait_ended(PATIENCE_S)
    pool.stop()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("netlab-") and "reader" not in name]


def test_stop_with_clients_that_flood_and_never_read(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 63: handlers that still ran when their client was removed failed with KeyError."""
    server = stack.enter_context(
        PoolTCPServer(EchoService, workers=2, limits=Limits(messages_per_second=0))
    )
    for _ in range(6):
        sock = stack.enter_context(raw(server))
        send_until_it_blocks(sock)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 2.0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_threads_are_bounded(stack: ExitStack) -> None:
    """Fault 32: workers, an acceptor, a calendar, one that watches the queue; however many come."""
    before = set(threading.enumerate())
    server = stack.enter_context(PoolTCPServer(EchoService, workers=3))
    for _ in range(50):
        stack.enter_context(raw(server))
    wait_until(server, lambda stats: stats.queue_length == 47)
    new = sorted(thread.name for thread in set(threading.enumerate()) - before)
    assert new == [
        "netlab-tcp-accept",
        "netlab-tcp-calendar",
        "netlab-tcp-waiting-room",
        "netlab-tcp-worker-1",
        "netlab-tcp-worker-2",
        "netlab-tcp-worker-3",
    ]


def test_a_storm_passes_through_two_workers(stack: ExitStack) -> None:
    """Faults 24 and 25: clients that came and went while others talked ended the server."""
    server = stack.enter_context(
        PoolTCPServer(EchoService, workers=2, queue_size=1000, limits=Limits(messages_per_second=0))
    )
    for number in range(400):
        sock = raw(server)
        sock.sendall(b"hello\n")
        if number % 2:
            reset(sock)
        sock.close()
    wait_until(server, lambda stats: sum(stats.ended.values()) + stats.gave_up == 400)
    wait_until(server, lambda stats: stats.workers_busy == 0)
    with raw(server) as sock:
        sock.sendall(b"still there?\n")
        assert sock.recv(100) == b"Echo: still there?\n"


def test_sixty_at_once_need_not_try_again(stack: ExitStack) -> None:
    """Fault 31: with a backlog of five, most of 60 simultaneous clients took a second longer."""
    server = stack.enter_context(PoolTCPServer(EchoService, workers=1))
    with server.switchboard.lock:  # the acceptor cannot go on
        began = time.monotonic()
        for _ in range(60):
            stack.enter_context(raw(server))
        assert time.monotonic() - began < 0.9
    wait_until(server, lambda stats: stats.queue_length == 59)


def test_without_descriptors_it_pauses_and_goes_on(stack: ExitStack) -> None:
    """Fault 30."""
    server = stack.enter_context(PoolTCPServer(EchoService, workers=1))
    honest = stack.enter_context(TCPClient(server.address, service="echo"))
    honest.say("before")
    honest.wait_for(Echo, PATIENCE_S)
    with warnings_of("netlab.transports.tcp_threads") as warnings:
        with free_descriptors(1):
            late = stack.enter_context(raw(server))
            warnings.wait_for(3)
            honest.say("meanwhile")
            assert honest.wait_for(Echo, PATIENCE_S).content == "meanwhile"
        assert late.recv(100) == b"Waiting: you are number 1 in the queue\n"


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": -1}, {"queue_size": -1}])
def test_impossible_pools(options: Any) -> None:
    with pytest.raises(ValueError, match=r"=(0|-1): "):
        PoolTCPServer(EchoService, **options)
