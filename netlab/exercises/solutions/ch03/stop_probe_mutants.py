"""Faulty variants of `stop_probe`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any


def _not_told(client: socket.socket) -> bool:
    client.settimeout(0.5)
    try:
        while client.recv(100):
            pass
    except TimeoutError:
        return True
    return False


def _listens(address: Any) -> bool:
    try:
        socket.create_connection(address, timeout=0.5).close()
    except ConnectionRefusedError:
        return False
    return True


def probe_that_believes(make_server: Any) -> None:
    """What returns has worked."""
    make_server().stop()


def probe_that_hopes_for_the_port(make_server: Any) -> None:
    """Lets ConnectionRefusedError out, and objects to nothing."""
    server = make_server()
    server.stop()
    socket.create_connection(server.address, timeout=0.5).close()


def probe_that_wants_an_answer(make_server: Any) -> None:
    """Objects if it is served, and takes a connection that nobody serves for none."""
    server = make_server()
    server.stop()
    with contextlib.suppress(OSError), socket.create_connection(server.address, 0.5) as late:
        late.sendall(b"hello\n")
        assert not late.recv(100), "it is served"


def probe_for_threads(make_server: Any) -> None:
    """Asks for threads only."""
    before = set(threading.enumerate())
    make_server().stop()
    assert set(threading.enumerate()) <= before, "a thread"


def probe_for_ports(make_server: Any) -> None:
    """Asks for the port only."""
    server = make_server()
    server.stop()
    assert not _listens(server.address), "it listens"


def probe_without_a_verdict(make_server: Any) -> None:
    """Lets TimeoutError be what it is."""
    server = make_server()
    with socket.create_connection(server.address, timeout=0.5) as client:
        server.stop()
        assert not _listens(server.address), "it listens"
        assert client.recv(100) == b""


def probe_without_a_deadline(make_server: Any) -> None:
    """Waits for ever, as the client does."""
    server = make_server()
    with socket.create_connection(server.address) as client:
        server.stop()
        assert not _listens(server.address), "it listens"
        assert client.recv(100) == b""


def probe_without_threads(make_server: Any) -> None:
    """Asks for everything but threads."""
    server = make_server()
    with socket.create_connection(server.address) as client:
        server.stop()
        assert not _not_told(client), "not told"
    assert not _listens(server.address), "it listens"


def probe_that_counts_threads(make_server: Any) -> None:
    """Takes somebody else's thread for the server's."""
    probe_without_threads(make_server)
    assert threading.active_count() == 1, "a thread"


def probe_that_wants_no_words(make_server: Any) -> None:
    """Takes last words for a fault."""
    before = set(threading.enumerate())
    server = make_server()
    with socket.create_connection(server.address, timeout=0.5) as client:
        server.stop()
        try:
            assert client.recv(100) == b"", "words"
        except TimeoutError:
            raise AssertionError("not told") from None
    assert set(threading.enumerate()) <= before, "a thread"
    assert not _listens(server.address), "it listens"


MUTANTS = (
    (probe_that_believes, "the server that serves one more"),
    (probe_that_hopes_for_the_port, "the server that serves one more"),
    (probe_that_wants_an_answer, "the server that keeps its port"),
    (probe_for_threads, "the server that keeps its port"),
    (probe_for_ports, "the server that tells nobody"),
    (probe_without_a_verdict, "the server that tells nobody"),
    (probe_without_a_deadline, "the server that tells nobody"),
    (probe_without_threads, "the server that leaves a thread"),
    (probe_that_counts_threads, "a correct server"),
    (probe_that_wants_no_words, "a correct server that says goodbye"),
)
