"""TLS servers, and those who shake no hands: nobody waits for them, and the log says who it was."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from netlab.core.chat import ChatService
from netlab.core.echo import EchoService
from netlab.core.messages import Echo, Waiting, Welcome
from netlab.core.service import Limits
from netlab.transports import async_connection, tls_door
from netlab.transports.tcp_client import TCPClient
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tls import HANDSHAKE_S
from tests.certificates import HOST, client_side, server_side
from tests.transports.harness import SECURED, STREAMS, Transport

TLS_STREAMS = [one for one in SECURED if one.name in {f"{plain.name}_tls" for plain in STREAMS}]
LIBRARIES = [one for one in SECURED if one.name in {"websocket_tls", "socketio_tls"}]
PATIENCE_S = 10.0

every = pytest.mark.parametrize("transport", [*TLS_STREAMS, *LIBRARIES], ids=lambda t: t.name)
streams = pytest.mark.parametrize("transport", TLS_STREAMS, ids=lambda t: t.name)


def hello() -> bytes:
    """Return a client's first words in TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = client_side().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        talk.do_handshake()
    return outgoing.read()


def raw(server: Any) -> socket.socket:
    return socket.create_connection(server.address, PATIENCE_S)


def secured(server: Any) -> ssl.SSLSocket:
    return client_side().wrap_socket(raw(server), server_hostname=HOST)


def send_for_ever(sock: socket.socket) -> None:
    while True:
        sock.send(b"x" * 1000 + b"\n")


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def wait_until_dropped(sock: socket.socket) -> None:
    try:
        while sock.recv(65_536):  # an alert, perhaps
            pass
    except ConnectionResetError:
        pass


def wait_until(server: Any, condition: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(stats := server.stats()):
        assert time.monotonic() < deadline, stats
        threading.Event().wait(0.002)
    return stats


class Log(logging.Handler):
    """What the transports log; lines can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        with self._changed:
            self.lines.append(record.getMessage())
            self._changed.notify_all()

    def wait_for(self, *parts: str) -> str:
        def found() -> str:
            return next((x for x in self.lines if all(part in x for part in parts)), "")

        with self._changed:
            line = self._changed.wait_for(found, PATIENCE_S)
        assert line, f"no line with {parts}; logged: {self.lines}"
        return line


@pytest.fixture
def log() -> Iterator[Log]:
    logger, handler = logging.getLogger("netlab"), Log()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def talk(transport: Transport, server: Any) -> None:
    """Somebody good comes, is served, and leaves."""
    with transport.connect(server, "chat") as client:
        client.wait_for(Welcome, PATIENCE_S)
        client.send("ping")
        client.wait_for("pong", PATIENCE_S)


# ---------------------------------------------------------------- no handshake


@streams
def test_plaintext_is_refused_and_logged(transport: Transport, log: Log) -> None:
    with transport.serve(ChatService) as server:
        with raw(server) as sock:
            me = str(sock.getsockname())
            sock.sendall(b'{"type": "ping"}\n')
            wait_until_dropped(sock)
        log.wait_for("no TLS with", me, "the other side does not speak TLS")
        talk(transport, server)


@streams
@pytest.mark.parametrize("said", [b"", hello()[:50]], ids=["nothing", "half a hello"])
def test_silence_is_dropped_and_logged(
    transport: Transport, said: bytes, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_door, "HANDSHAKE_S", 0.2)
    monkeypatch.setattr(async_connection, "HANDSHAKE_S", 0.2)
    with transport.serve(ChatService) as server, raw(server) as sock:
        sock.sendall(said)
        wait_until_dropped(sock)
        log.wait_for("no TLS with", str(sock.getsockname()), "0.2 s")


@streams
def test_an_end_in_the_handshake_is_logged(transport: Transport, log: Log) -> None:
    with transport.serve(ChatService) as server:
        for end in (socket.socket.close, reset):
            sock = raw(server)
            me = str(sock.getsockname())
            sock.sendall(hello()[:50])
            end(sock)
            log.wait_for("no TLS with", me)
        talk(transport, server)


@every
def test_fifty_who_shake_no_hands_keep_nobody_waiting(transport: Transport) -> None:
    with transport.serve(ChatService) as server, ExitStack() as stack:
        for number in range(50):
            sock = raw(server)
            sock.sendall([b"", b"hello\n", hello()[:50], hello()][number % 4])
            if number % 5 == 4:
                reset(sock)
            else:
                stack.enter_context(sock)
        began = time.monotonic()
        talk(transport, server)
        assert time.monotonic() - began < HANDSHAKE_S / 2
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2.0


@streams
def test_who_does_not_trust_us_costs_nobody_anything(transport: Transport, log: Log) -> None:
    with transport.serve(ChatService) as server:
        with raw(server) as sock, pytest.raises(ssl.SSLCertVerificationError):
            client_side("other").wrap_socket(sock, server_hostname=HOST)
        log.wait_for("no TLS with", "the other side refused it")
        talk(transport, server)


def test_the_door_holds_so_many(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setattr(tls_door, "MAX_AT_DOOR", 3)
    transport = TLS_STREAMS[0]
    with transport.serve(ChatService) as server, ExitStack() as stack:
        first = stack.enter_context(raw(server))
        for _ in range(3):
            stack.enter_context(raw(server))
        wait_until_dropped(first)
        log.wait_for(str(first.getsockname()), "3 others came after it")


# ---------------------------------------------------------------- after it


@streams
def test_what_comes_with_the_last_of_the_handshake_is_answered(transport: Transport) -> None:
    """It is in the server's TLS already, and no selector would ever report it."""
    with transport.serve(EchoService) as server, raw(server) as sock:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_side().wrap_bio(incoming, outgoing, server_hostname=HOST)
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65_536))
        tls.write(b"hello\n")
        sock.sendall(outgoing.read())  # the client's Finished, and its first line
        answer = b""
        while not answer.endswith(b"\n"):
            try:
                answer += tls.read(65_536)
            except ssl.SSLWantReadError:
                data = sock.recv(65_536)
                assert data, answer
                incoming.write(data)
        assert answer == b"Echo: hello\n"


@streams
def test_big_messages_both_ways_at_once(transport: Transport) -> None:
    limits = Limits(messages_per_second=0, outbox_bytes=0)
    with transport.serve(EchoService, limits=limits) as server, ExitStack() as stack:
        clients = [stack.enter_context(transport.connect(server, "echo")) for _ in range(2)]
        wait_until(server, lambda stats: len(stats.clients) == 2)
        texts = [letter * 60_000 for letter in "abcdefghijklmnopqrstuvwxyz"]

        def speak(client: Any) -> None:
            for text in texts:
                client.say(text)

        speakers = [
            threading.Thread(target=speak, args=(client,), name="netlab-test-speaker")
            for client in clients
        ]
        for speaker in speakers:
            speaker.start()
        for client in clients:
            assert [client.wait_for(Echo, PATIENCE_S).content for _ in texts] == texts
            for _ in texts:
                client.wait_for("broadcast", PATIENCE_S)
        for speaker in speakers:
            speaker.join(PATIENCE_S)


@streams
def test_who_never_reads_is_dropped_and_its_memory_is_bounded(transport: Transport) -> None:
    limits = Limits(outbox_bytes=100_000, messages_per_second=0)
    with ExitStack() as stack:
        server = stack.enter_context(transport.serve(EchoService, limits=limits))
        talker = stack.enter_context(transport.connect(server, "echo"))
        stack.enter_context(secured(server))
        wait_until(server, lambda stats: len(stats.clients) == 2)
        most = 0
        for _ in range(1000):  # the kernel's buffers take some megabytes before anything waits
            talker.say("x" * 50_000)
            talker.wait_for(Echo, PATIENCE_S)
            if server.stats().ended:
                break
            most = max(most, *server.stats().outbox_bytes.values(), 0)
        assert server.stats().ended == {"slow_reader": 1}
        assert most <= 100_000


@streams
def test_stop_ends_within_two_seconds_whatever_clients_do(transport: Transport) -> None:
    with ExitStack() as stack:
        limits = Limits(messages_per_second=0)
        server = stack.enter_context(transport.serve(EchoService, limits=limits))
        for _ in range(10):
            stack.enter_context(raw(server))  # silent before the handshake
            stack.enter_context(secured(server))  # and after it
        for _ in range(5):  # flooding, never reading
            sock = stack.enter_context(secured(server))
            sock.settimeout(0)
            with pytest.raises(ssl.SSLWantWriteError):
                send_for_ever(sock)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    "transport", [one for one in TLS_STREAMS if one.name != "tcp_asyncio_tls"], ids=lambda t: t.name
)
def test_half_a_line_and_fin_without_close_notify_is_no_message(
    transport: Transport, log: Log
) -> None:
    """Anybody on the way can send a FIN. (asyncio's streams cannot tell the two ends apart.)"""
    with transport.serve(EchoService) as server, secured(server) as sock, ExitStack() as stack:
        other = stack.enter_context(transport.connect(server, "echo"))
        wait_until(server, lambda stats: len(stats.clients) == 2)
        sock.sendall(b"pay 10")
        sock.shutdown(socket.SHUT_WR)  # Python's says no close_notify; unwrap() would
        wait_until(server, lambda stats: stats.ended == {"reset": 1})
        log.wait_for("is gone: reset")
        other.say("and now?")
        other.wait_for(Echo, PATIENCE_S)
        assert not any("pay" in str(message) for message in other.messages)


def test_who_leaves_the_queue_of_a_pool_makes_room() -> None:
    """Its close_notify is a record like any other, until somebody looks into it."""
    with ExitStack() as stack:
        server = stack.enter_context(
            PoolTCPServer(ChatService, workers=1, queue_size=3, ssl=server_side())
        )

        def come(wanted: type[Welcome | Waiting]) -> TCPClient:
            client = stack.enter_context(TCPClient(server.address, ssl=client_side()))
            client.wait_for(wanted, PATIENCE_S)
            return client

        served, leaver, last = come(Welcome), come(Waiting), come(Waiting)
        last.send("ping")
        leaver.close()
        assert last.wait_for(Waiting, PATIENCE_S) == Waiting(1)
        served.close()
        last.wait_for(Welcome, PATIENCE_S)
        last.wait_for("pong", PATIENCE_S)
