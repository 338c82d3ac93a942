"""Recordings keep what came first, whole; sockets can be recorded from inside."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from netlab.lab import Chunk, Recording, record

UP, DOWN = "client→server", "server→client"


def test_chunks_come_in_order_with_rising_times():
    recording = Recording()
    recording.append("c1", UP, "open")
    recording.append("c1", UP, "data", b"hello\n")
    recording.append("c2", UP, "open")
    recording.append("c1", DOWN, "data", b"Echo: hello\n")
    recording.append("c1", UP, "data", b"bye\n")
    recording.append("c1", UP, "fin")
    times = [chunk.time_s for chunk in recording]
    assert times == sorted(times)
    assert times[0] >= 0
    assert recording.connections == ["c1", "c2"]
    assert recording.bytes("c1", UP) == b"hello\nbye\n"
    assert recording.bytes("c1", DOWN) == b"Echo: hello\n"
    assert [chunk.kind for chunk in recording.events()] == ["open", "open", "fin"]
    assert repr(recording) == "<Recording of c1, c2: 22 bytes>"
    assert str(list(recording)[1]) == "c1 client→server: 6 bytes"


def test_a_chunk_is_frozen():
    chunk = Chunk(0.0, "c1", UP, "data", b"")
    with pytest.raises(AttributeError):
        chunk.data = b"other"


def test_a_name_given_later_holds_for_what_was_recorded_before():
    recording = Recording()
    recording.append("c1", UP, "data", b"x")
    recording.note_port(50000, "c1")
    recording.rename("c1", "alice")
    assert recording.connections == ["alice"]
    assert recording.ports == {50000: "alice"}
    assert recording.bytes("alice", UP) == b"x"


def test_a_full_recording_keeps_what_came_first_and_says_what_is_missing():
    recording = Recording(max_bytes=4096)
    for number in range(8):
        recording.append("c1", UP, "data", bytes([number]) * 1000)
    recording.append("c1", UP, "data", b"small enough, but not without a hole")
    assert recording.bytes("c1", UP) == b"".join(bytes([n]) * 1000 for n in range(3))
    assert recording.dropped_bytes == 5036
    assert recording.dropped_chunks == 6
    assert repr(recording) == (
        "<Recording of c1: 3000 bytes; full at 4,096 bytes: 5,036 later bytes are not recorded>"
    )
    recording.clear()
    recording.append("c1", UP, "data", b"again")
    assert recording.bytes("c1", UP) == b"again"
    assert recording.dropped_bytes == 0


def test_events_without_data_are_bounded_too():
    recording = Recording(max_bytes=10_000)
    for _ in range(1000):
        recording.append("c1", UP, "open")
    assert len(recording) < 40


def test_threads_may_append_at_once():
    recording = Recording()

    def append(name):
        for number in range(500):
            recording.append(name, UP, "data", bytes([number % 256]))

    threads = [threading.Thread(target=append, args=[f"c{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = bytes(number % 256 for number in range(500))
    assert all(recording.bytes(f"c{n}", UP) == expected for n in range(4))


def test_a_recorded_socket_notes_both_directions_and_the_ends():
    ours, theirs = socket.socketpair()
    with theirs, record(ours) as recorded:
        recorded.sendall(b"one")
        assert recorded.send(b"two") == 3
        assert theirs.recv(100, socket.MSG_WAITALL | socket.MSG_DONTWAIT) == b"onetwo"
        theirs.sendall(b"answer")
        assert recorded.recv(3) == b"ans"
        buffer = bytearray(10)
        assert recorded.recv(3, socket.MSG_PEEK) == b"wer"
        assert recorded.recv_into(buffer) == 3
        theirs.shutdown(socket.SHUT_WR)
        assert recorded.recv(3) == b""
        recorded.shutdown(socket.SHUT_WR)
        assert recorded.fileno() == ours.fileno()
    assert [(chunk.direction, chunk.kind, chunk.data) for chunk in recorded.recording] == [
        (UP, "open", b""),
        (UP, "data", b"one"),
        (UP, "data", b"two"),
        (DOWN, "data", b"ans"),
        (DOWN, "data", b"wer"),
        (DOWN, "fin", b""),
        (UP, "fin", b""),
    ]


def test_a_recorded_server_side_socket_that_is_reset():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        recording = Recording()
        with record(accepted, recording, connection="alice", side="server") as recorded:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            with pytest.raises(ConnectionResetError):
                recorded.recv(100)
    assert [(chunk.connection, chunk.direction, chunk.kind) for chunk in recording] == [
        ("alice", UP, "open"),
        ("alice", UP, "rst"),
    ]
