"""The poller of the proxies: what became ready first is reported first, and nothing is missed."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from netlab.lab.polling import Poller, make_poller

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def poller() -> Iterator[Poller]:
    with contextlib.closing(make_poller()) as made:
        yield made


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    with contextlib.ExitStack() as stack:
        made = [socket.socketpair() for _ in range(3)]
        for ours, theirs in made:
            stack.enter_context(ours)
            stack.enter_context(theirs)
        yield made


def owners(poller: Poller, timeout_s: float = 5.0) -> list[str]:
    return [ready.owner for ready in poller.poll(timeout_s)]


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="only epoll knows an order")
def test_who_was_reported_last_time_does_not_come_first_this_time(
    poller: Poller, pairs: list[Pair]
) -> None:
    (a, to_a), (b, to_b), (c, to_c) = pairs
    for name, sock in (("a", a), ("b", b), ("c", c)):
        poller.watch(sock, name, read=True, write=False)
    poller.watch(c, "c", read=True, write=True)  # as a connection that has just been made
    assert owners(poller) == ["c"]
    poller.watch(c, "c", read=True, write=False)
    for to in (to_a, to_b, to_c):
        to.sendall(b"x")
    assert owners(poller) == ["a", "b", "c"]


def test_what_was_not_read_is_reported_again(poller: Poller, pairs: list[Pair]) -> None:
    (a, to_a), *_ = pairs
    poller.watch(a, "a", read=True, write=False)
    to_a.sendall(b"xx")
    for _ in range(3):
        assert owners(poller) == ["a"]
    a.recv(1)
    assert owners(poller) == ["a"]
    a.recv(1)
    assert owners(poller, 0) == []


def test_who_is_forgotten_is_not_reported(poller: Poller, pairs: list[Pair]) -> None:
    (a, to_a), (b, to_b), _ = pairs
    for name, sock, to in (("a", a, to_a), ("b", b, to_b)):
        poller.watch(sock, name, read=True, write=False)
        to.sendall(b"x")
    assert sorted(owners(poller)) == ["a", "b"]
    poller.forget(a)
    poller.forget(a)  # twice is once
    assert owners(poller) == ["b"]
