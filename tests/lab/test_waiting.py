"""What is waited for is there afterwards; what does not come is named."""

from __future__ import annotations

import socket
import threading

import pytest

from netlab.lab import waiting


def test_wait_unread_returns_when_all_is_there() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x" * 10)
        waiting.wait_unread(right, 10)
        assert waiting.unread_bytes(right) == 10
        assert right.recv(100) == b"x" * 10


def test_wait_unread_says_what_is_missing() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x" * 3)
        with pytest.raises(TimeoutError, match="3 of 10 bytes"):
            waiting.wait_unread(right, 10, timeout_s=0.01)


def test_a_thread_in_accept_is_blocked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[socket.socket] = []
        thread = threading.Thread(
            target=lambda: accepted.append(listener.accept()[0]), name="netlab-accept"
        )
        thread.start()
        waiting.wait_blocked(thread)
        assert waiting.blocked_in(thread) is not None
        with socket.create_connection(listener.getsockname()):
            thread.join()
        accepted.pop().close()
    assert waiting.blocked_in(thread) is None


def test_a_thread_that_waits_for_a_lock_is_not_blocked() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, name="netlab-waits")
    thread.start()
    with pytest.raises(TimeoutError, match="netlab-waits did not wait in the kernel"):
        waiting.wait_blocked(thread, timeout_s=0.05)
    event.set()
    thread.join()
    with pytest.raises(TimeoutError, match="had ended"):
        waiting.wait_blocked(thread, timeout_s=0.01)


def test_elsewhere_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "termios", None)
    left, right = socket.socketpair()
    with left, right, pytest.raises(waiting.NotAvailable, match="unread"):
        waiting.unread_bytes(right)
