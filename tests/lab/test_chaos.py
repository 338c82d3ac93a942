"""The fault proxy between real sockets: what the receiver's recv sees, whatever the kernel does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import threading
import time

import pytest

from netlab.lab import Background, background
from netlab.lab.chaos import Chaos

from .servers import AsyncServer, ThreadedServer, echo

DEADLINE_S = 10.0
UP, DOWN = "client→server", "server→client"


class Clock:
    """Stands still until a test turns it."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    def seconds_until(self, due_s):
        return 0.0 if due_s <= self.now_s else None

    def turn(self, chaos, seconds):
        self.now_s += seconds
        chaos.set()  # wakes the thread; when it returns, what is due is done


def recvs(received):
    """A handler that notes what each recv gave."""

    def handle(sock):
        try:
            while data := sock.recv(65536):
                received.append(data)
            received.append(b"")
        except ConnectionResetError:
            received.append("RST")

    return handle


@pytest.fixture
def server():
    with ThreadedServer() as running:
        yield running


def connect(chaos):
    return socket.create_connection(chaos.address, timeout=DEADLINE_S)


def receive_all(sock):
    data = bytearray()
    while more := sock.recv(1 << 20):
        data += more
    return bytes(data)


def until_rst(sock):
    """Receive until there is an RST, which must come; return what came before."""
    data = bytearray()
    try:
        while more := sock.recv(10_000):
            data += more
    except ConnectionResetError:
        return bytes(data)
    raise AssertionError(f"FIN after {len(data)} bytes, no RST")


def fill(sock, chaos):
    """Send until nothing more goes in, and return how much did."""
    sock.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 256 * 1024 * 1024:
            sent += sock.send(bytes(1 << 20))
            with contextlib.suppress(TimeoutError):
                chaos.settled(0.02)
    assert sent < 256 * 1024 * 1024, "nothing makes the sender wait"
    return sent


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def conversation(server, data, **faults):
    """Send `data` and FIN to a server that notes its recvs; return them and the log's lines."""
    received = []
    server.handle = recvs(received)
    with Chaos(server.address, **faults) as chaos, connect(chaos) as alice:
        with contextlib.suppress(OSError):  # a fault may have reset it, between any two of these
            alice.sendall(data)
            alice.shutdown(socket.SHUT_WR)
            receive_all(alice)
        chaos.settled(DEADLINE_S)
        wait_for(lambda: received[-1:] in ([b""], ["RST"]))
    return received, [str(entry) for entry in chaos.log]


def test_without_faults_it_is_a_plain_relay(server):
    data = os.urandom(3_000_000)
    with Chaos(server) as chaos, connect(chaos) as alice:
        sender = threading.Thread(target=lambda: (alice.sendall(data), alice.shutdown(1)))
        sender.start()
        assert receive_all(alice) == data
        sender.join()
        chaos.settled()
        assert chaos.describe() == "no faults"
        assert str(chaos.log) == "nothing was done"
        assert chaos.recording.bytes("c1", UP) == chaos.received.bytes("c1", DOWN) == data


def test_each_recv_of_the_receiver_sees_one_slice(server):
    received, log = conversation(server, b"abcdefgh", direction="to_server", slice_bytes=3)
    assert received == [b"abc", b"def", b"gh", b""]
    assert log == ["c1 to server: byte 3: cut", "c1 to server: byte 6: cut"]


def test_a_receiver_that_answers_each_recv_sees_the_slices_too(server):
    """After an answer the kernel delays acknowledgements: who waited for them would wait long."""
    sizes = []

    def answer(sock):
        while data := sock.recv(65536):
            sizes.append(len(data))
            sock.sendall(b"!")

    server.handle = answer
    before = time.monotonic()
    with Chaos(server, direction="to_server", slice_bytes=2) as chaos, connect(chaos) as alice:
        alice.sendall(bytes(200))
        alice.shutdown(socket.SHUT_WR)
        assert receive_all(alice) == b"!" * 100
    assert sizes == [2] * 100
    assert time.monotonic() - before < 3.0


def test_a_slow_reader_sees_the_slices_too(server):
    received = []
    go = threading.Event()

    def wait_then_read(sock):
        assert go.wait(DEADLINE_S)
        recvs(received)(sock)

    server.handle = wait_then_read
    faults = {"direction": "to_server", "slice_at": {1, 3}, "patience_s": DEADLINE_S}
    with Chaos(server, **faults) as chaos, connect(chaos) as alice:
        alice.sendall(b"abcdef")
        alice.shutdown(socket.SHUT_WR)
        with pytest.raises(TimeoutError, match="c1: 2 bytes that the server does not read"):
            chaos.settled(0.05)
        go.set()
        assert receive_all(alice) == b""
    assert received == [b"a", b"bc", b"def", b""]


def test_who_reads_nothing_gets_the_rest_when_patience_is_over(server):
    go = threading.Event()
    server.handle = lambda sock: go.wait(DEADLINE_S)
    with (
        Chaos(server, direction="to_server", slice_at={1}, patience_s=0.01) as chaos,
        connect(chaos) as alice,
    ):
        alice.sendall(b"ab")
        chaos.settled(DEADLINE_S)
        assert [entry.text for entry in chaos.log] == [
            "cut",
            "passed on although the bytes before are unread after 0.01 s",
        ]
        go.set()


def test_slices_by_the_seed_repeat(server):
    first = conversation(server, bytes(300), direction="to_server", seed=7, slice_random=(1, 20))
    again = conversation(server, bytes(300), direction="to_server", seed=7, slice_random=(1, 20))
    other = conversation(server, bytes(300), direction="to_server", seed=8, slice_random=(1, 20))
    assert first == again != other


def test_a_reader_of_lines_that_trusts_recv_breaks_and_a_good_one_does_not(server):
    def trusting(sock):
        while data := sock.recv(65536):
            sock.sendall(data.decode().rstrip("\n").upper().encode() + b"\n")

    def careful(sock):
        with sock.makefile("rwb") as lines:
            for line in lines:
                lines.write(line.upper())
                lines.flush()

    answers = {}
    for handle in (trusting, careful):
        server.handle = handle
        with (
            Chaos(server, direction="to_server", slice_bytes=4) as chaos,
            connect(chaos) as alice,
        ):
            alice.sendall(b"hello\nworld\n")
            alice.shutdown(socket.SHUT_WR)
            answers[handle] = receive_all(alice)
    assert answers[trusting] == b"HELL\nO\nWO\nRLD\n"
    assert answers[careful] == b"HELLO\nWORLD\n"


def test_several_sends_come_as_one_recv(server):
    received = []
    server.handle = recvs(received)
    faults = {"direction": "to_server", "coalesce_bytes": 10, "coalesce_idle_ms": 0}
    with Chaos(server, **faults) as chaos, connect(chaos) as alice:
        for piece in (b"ab", b"cdef", b"gh", b"ijk"):
            alice.sendall(piece)
            chaos.settled()
        assert chaos.recording.bytes("c1", UP) == b"abcdefghij"
        alice.shutdown(socket.SHUT_WR)
        assert receive_all(alice) == b""
        wait_for(lambda: received[-1:] == [b""])
    assert b"".join(received) == b"abcdefghijk"
    assert received[0] == b"abcdefghij"


def test_rst_comes_after_exactly_so_many_bytes(server):
    received, log = conversation(server, bytes(5_000), direction="to_server", reset_after_bytes=7)
    assert b"".join(received[:-1]) == bytes(7)
    assert received[-1] == "RST"
    assert log == ["c1 to server: byte 7: RST"]


def test_rst_reaches_the_sender_too_and_late_bytes_before_it(server):
    server.handle = lambda sock: (sock.sendall(bytes(500_000)), sock.recv(1))
    with Chaos(server, direction="to_client", reset_after_bytes=300_000) as chaos:
        alice = connect(chaos)
        assert len(until_rst(alice)) == 300_000
        alice.close()
    assert [(c.direction, c.kind) for c in chaos.recording.events()[1:]] == [
        (DOWN, "rst"),
        (UP, "rst"),
    ]


def test_half_close_leaves_the_other_direction_open(server):
    server.handle = lambda sock: (sock.sendall(receive_all(sock)), sock.sendall(b" and more"))
    with (
        Chaos(server, direction="to_server", half_close_after_bytes=4) as chaos,
        connect(chaos) as alice,
    ):
        alice.sendall(b"abcdefgh")
        assert receive_all(alice) == b"abcd and more"
        alice.sendall(bytes(1_000_000))  # thrown away, so that the sender need not wait
        alice.shutdown(socket.SHUT_WR)
    assert [str(entry) for entry in chaos.log] == ["c1 to server: byte 4: FIN, half-close"]


def test_the_limit_closes_in_order_both_ways(server):
    received = []
    server.handle = recvs(received)
    with Chaos(server, direction="to_server", limit_bytes=4) as chaos, connect(chaos) as alice:
        alice.sendall(b"abcdefgh")
        assert alice.recv(100) == b"", "no RST: what came too much was read"
        alice.sendall(b"more")
        alice.close()
        wait_for(lambda: received[-1:] == [b""])
    assert b"".join(received) == b"abcd"


def test_a_stall_makes_the_sender_wait_until_it_is_released(server):
    with Chaos(server, direction="to_server", stall_at=3) as chaos, connect(chaos) as alice:
        alice.sendall(b"abcdef")
        chaos.settled()
        assert chaos.recording.bytes("c1", UP) == b"abc"
        sent = 6 + fill(alice, chaos)
        read = len(chaos.received.bytes("c1", UP))
        assert read <= 64 * 1024, "a stalled proxy reads no more"
        alice.settimeout(DEADLINE_S)
        chaos.release()
        reader = threading.Thread(target=receive_all, args=[alice], name="netlab-test-reader")
        reader.start()
        alice.shutdown(socket.SHUT_WR)
        reader.join(DEADLINE_S)
        chaos.settled()
        assert len(chaos.recording.bytes("c1", UP)) == sent
        assert [str(entry) for entry in chaos.log] == [
            "c1 to server: byte 3: stalled",
            "c1 to server: byte 3: released",
        ]


def test_latency_on_a_clock_that_stands_still(server):
    clock = Clock()
    with Chaos(server, latency_ms=50, clock=clock) as chaos, connect(chaos) as alice:
        alice.sendall(b"ping")
        with pytest.raises(TimeoutError, match="4 bytes on the way to the server"):
            chaos.settled(0.02)
        clock.turn(chaos, 0.049)
        assert chaos.recording.bytes("c1", UP) == b""
        clock.turn(chaos, 0.001)
        assert chaos.recording.bytes("c1", UP) == b"ping"
        wait_for(lambda: chaos.received.bytes("c1", DOWN) == b"ping")
        assert chaos.recording.bytes("c1", DOWN) == b""
        clock.turn(chaos, 0.05)
        assert alice.recv(100) == b"ping"


def wait_for(fact):
    """For what a server's thread does: ask every millisecond."""
    deadline = time.monotonic() + DEADLINE_S
    while not fact():
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)


def test_real_latency(server):
    with Chaos(server, latency_ms=30) as chaos, connect(chaos) as alice:
        before = time.monotonic()
        alice.sendall(b"ping")
        assert alice.recv(100) == b"ping"
        assert time.monotonic() - before >= 0.06


def test_bandwidth_on_the_way(server):
    clock = Clock()
    server.handle = recvs([])
    with Chaos(server, bytes_per_s=1_000, clock=clock) as chaos, connect(chaos) as alice:
        alice.sendall(bytes(100))
        wait_for(lambda: chaos.received.bytes("c1", UP) == bytes(100))
        clock.turn(chaos, 0.05)
        assert len(chaos.recording.bytes("c1", UP)) == 40
        clock.turn(chaos, 0.05)
        clock.turn(chaos, 0.001)
        assert len(chaos.recording.bytes("c1", UP)) == 100


def test_corruption_and_fin_on_the_way(server):
    received, log = conversation(server, b"hello", direction="to_server", corrupt_at=4)
    assert b"".join(received) == b"hell\x90"
    assert log == ["c1 to server: byte 4: 0x6f became 0x90"]


def test_only_one_connection_and_one_direction(server):
    with Chaos(server, direction="to_client", connection=2, slice_bytes=1) as chaos:
        for name in ("ann", "bob", "cid"):
            with connect(chaos) as sock:
                chaos.name(name, sock)
                sock.sendall(b"abc")
                sock.shutdown(socket.SHUT_WR)
                assert receive_all(sock) == b"abc"
        chaos.settled()
    assert [str(entry) for entry in chaos.log] == [
        "bob to client: byte 1: cut",
        "bob to client: byte 2: cut",
    ]
    assert chaos.describe() == "to the client, connection 2: cut after every byte"


def test_faults_may_be_changed_while_bytes_pass(server):
    with Chaos(server) as chaos, connect(chaos) as alice:
        alice.sendall(b"abc")
        assert alice.recv(100) == b"abc"
        chaos.set(direction="to_client", reset_after_bytes=5)
        alice.sendall(b"def")
        assert until_rst(alice) == b"de"
        assert chaos.recording.bytes("c1", DOWN) == b"abcde"
        chaos.clear()
        assert chaos.describe() == "no faults"
        with connect(chaos) as bob:
            bob.sendall(b"abcdef")
            assert bob.recv(100) == b"abcdef"


def test_a_wrong_setting_changes_nothing(server):
    with Chaos(server, slice_bytes=3) as chaos:
        with pytest.raises(TypeError, match="did you mean latency_ms"):
            chaos.set(latency=5)
        with pytest.raises(TypeError, match="'loss'; it is one of UDP"):
            chaos.set(loss=0.5)
        with pytest.raises(ValueError, match="slice_bytes=-1: a whole number, 0 or more, is"):
            chaos.set(latency_ms=5, slice_bytes=-1)
        with pytest.raises(ValueError, match="direction='up': one of 'both', 'to_server'"):
            chaos.set(direction="up", latency_ms=5)
        with pytest.raises(ValueError, match=r"connection=0: a whole number, 1 or more"):
            chaos.set(connection=0, latency_ms=5)
        assert chaos.describe() == "both ways: cut every 3 bytes"
        assert chaos.faults.slice_bytes == 3
    with pytest.raises(ValueError, match="transport='sctp'"):
        Chaos(("127.0.0.1", 1), transport="sctp")


def test_a_reset_by_the_client_passes(server):
    received = []
    server.handle = recvs(received)
    with Chaos(server, slice_bytes=2) as chaos:
        alice = connect(chaos)
        alice.sendall(b"abc")
        chaos.settled(DEADLINE_S)
        reset(alice)
        wait_for(lambda: received[-1:] == ["RST"])
    assert received == [b"ab", b"c", "RST"]


def test_a_reset_by_the_server_passes(server):
    server.handle = lambda sock: (sock.recv(1), reset(sock))
    with Chaos(server) as chaos, connect(chaos) as alice:
        alice.sendall(b"!")
        with pytest.raises(ConnectionResetError):
            alice.recv(1)


def test_a_dead_target_gives_the_client_a_reset():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with Chaos(address, slice_bytes=1) as chaos:
        # Already connect() raises it, where the RST is quicker than the way back from the kernel.
        with pytest.raises(ConnectionResetError), connect(chaos) as alice:
            alice.recv(1)
        chaos.settled()
        assert chaos.recording.events()[-1].kind == "error"


def test_many_connections_in_one_thread(server):
    before = threading.active_count()
    with Chaos(server, seed=3, slice_random=(1, 5)) as chaos, contextlib.ExitStack() as stack:
        assert threading.active_count() == before + 1
        clients = [stack.enter_context(connect(chaos)) for _ in range(50)]
        for number, client in enumerate(clients):
            client.sendall(b"%02d: hello, world" % number)
            client.shutdown(socket.SHUT_WR)
        for number, client in enumerate(clients):
            assert receive_all(client) == b"%02d: hello, world" % number


def test_a_peer_that_never_reads_does_not_stop_the_others_or_the_end(server):
    def flood_or_echo(sock):
        first = sock.recv(100)
        while first == b"flood":
            sock.sendall(bytes(65536))
        sock.sendall(first)

    server.handle = flood_or_echo
    with Chaos(server, latency_ms=1) as chaos:
        deaf = connect(chaos)
        deaf.sendall(b"flood")
        with connect(chaos) as alice:
            alice.sendall(b"hello")
            assert alice.recv(5) == b"hello"
        start = time.monotonic()
        chaos.stop()
        assert time.monotonic() - start < 2.0
        deaf.close()


def test_it_sleeps_when_there_is_nothing_to_do(server):
    """A busy loop would use all the time there is: a stall, a slow close, a deaf receiver."""
    go = threading.Event()
    server.handle = lambda sock: go.wait(DEADLINE_S)
    with Chaos(server, direction="to_server", stall_at=3) as chaos, connect(chaos) as alice:
        alice.sendall(b"abcdef")
        with connect(chaos) as bob, connect(chaos) as deaf:
            chaos.settled()
            bob.shutdown(socket.SHUT_WR)
            chaos.settled()
            chaos.set(stall_at=None)
            fill(deaf, chaos)
            before = time.process_time()
            threading.Event().wait(0.2)
            assert time.process_time() - before < 0.1
        go.set()


def test_who_has_gone_while_stalled_costs_no_time_and_is_gone_when_released(server):
    received = []
    server.handle = recvs(received)
    with Chaos(server, direction="to_server", stall_at=0) as chaos:
        resetting, leaving = connect(chaos), connect(chaos)
        for client in (resetting, leaving):
            client.sendall(b"abc")
        chaos.settled()
        reset(resetting)
        leaving.close()
        chaos.settled()
        for sock in server.clients:
            sock.shutdown(socket.SHUT_WR)  # now both FINs have passed: epoll would report it
        before = time.process_time()
        threading.Event().wait(0.1)
        assert time.process_time() - before < 0.05
        assert received == []
        chaos.release()
        wait_for(lambda: "RST" in received and b"" in received)
    # Whether the bytes before the RST were read when the stall began is chance.
    assert set(received) == {b"abc", b"", "RST"}


def test_a_stall_may_be_released_by_who_watches_the_log(server):
    def watch(entry):
        if entry.text == "stalled":
            chaos.release()

    with (
        Chaos(server, direction="to_client", stall_at=2, on_entry=watch) as chaos,
        connect(chaos) as alice,
    ):
        alice.sendall(b"abcd")
        alice.shutdown(socket.SHUT_WR)
        assert receive_all(alice) == b"abcd"


def test_an_asyncio_server_and_client():
    async def talk(address):
        reader, writer = await asyncio.open_connection(*address)
        lines = []
        for line in (b"hello\n", b"w\xc3\xb6rld\n"):
            writer.write(line)
            lines.append(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return lines

    server: Background[AsyncServer] = background(AsyncServer())
    with server as running, Chaos(running.address, slice_bytes=1) as chaos:
        assert asyncio.run(talk(chaos.address)) == [b"hello\n", b"w\xc3\xb6rld\n"]
        chaos.settled()
    assert [entry.place for entry in chaos.log] == [f"byte {at}" for at in range(1, 13)] * 2


def test_unix_sockets(tmp_path):
    received = []
    path = str(tmp_path / "server")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        faults = {"direction": "to_server", "slice_bytes": 2, "listen": str(tmp_path / "chaos")}
        with Chaos(path, **faults) as chaos, socket.socket(socket.AF_UNIX) as alice:
            alice.settimeout(DEADLINE_S)
            alice.connect(chaos.address)
            alice.sendall(b"abcde")
            alice.shutdown(socket.SHUT_WR)
            sock, _ = listener.accept()
            with sock:
                recvs(received)(sock)
            assert alice.recv(1) == b""
    assert received == [b"ab", b"cd", b"e", b""]
    assert not (tmp_path / "chaos").exists()


def test_ipv6():
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    sizes = []
    with (
        ThreadedServer(lambda sock: sizes.extend(map(len, pieces(sock))), host="::1") as server,
        Chaos(server, listen=("::1", 0), direction="to_server", slice_bytes=4) as chaos,
        connect(chaos) as alice,
    ):
        alice.sendall(b"0123456789")
        alice.shutdown(socket.SHUT_WR)
        assert receive_all(alice) == b""
    assert sizes == [4, 4, 2]


def pieces(sock):
    while data := sock.recv(65536):
        yield data


def test_the_ladder_shows_the_pieces_and_what_had_come(server):
    with Chaos(server, direction="to_server", slice_bytes=4) as chaos, connect(chaos) as alice:
        chaos.name("alice", alice)
        alice.sendall(b"hello\n")
        assert alice.recv(1) == b"h"
        alice.shutdown(socket.SHUT_WR)
        receive_all(alice)
        chaos.settled()
        picture = str(chaos.ladder())
        assert "alice → server" in picture
        assert "[hell…" in picture
        assert "[hello\\n]" in str(chaos.ladder(received=True))


def test_what_it_is_and_does_is_told():
    chaos = Chaos(("127.0.0.1", 1), seed=5, direction="to_server", slice_bytes=3)
    chaos.set(direction="to_client", latency_ms=20, jitter_ms=10)
    assert repr(chaos) == (
        "<Chaos not started, seed 5: to the server: cut every 3 bytes"
        " | to the client: 20 to 30 ms later>"
    )
    chaos.stop()
    chaos.settled()
    with (
        ThreadedServer(echo) as server,
        Chaos(server) as running,
        pytest.raises(RuntimeError, match="make a new one"),
    ):
        running.start()
    assert repr(running) == "<Chaos stopped, seed 0: no faults>"
    running.stop()
    running.set(latency_ms=1)
    running.release()
