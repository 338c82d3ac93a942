"""Faulty variants of `unusual_database`, each with the probe that catches it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

ALL = 65_536
IP_RECVERR = 11
"""ip(7), Linux: errors told by ICMP are raised on a socket without a connection, too"""
Store = dict[Any, bytes]


def _serve(
    sock: socket.socket,
    answer: Callable[[Store, bytes, Any], bytes | None],
    size: int = ALL,
) -> None:
    store: Store = {b"version": b"1.0"}
    while True:
        request, client = sock.recvfrom(size)
        said = answer(store, request, client)
        if said is not None:
            sock.sendto(said, client)


def _right(store: Store, request: bytes, _: Any = None) -> bytes | None:
    key, equals, value = request.partition(b"=")
    if not equals:
        return key + b"=" + store.get(key, b"")
    if key != b"version":
        store[key] = value
    return None


def unusual_database_confirms(sock: socket.socket) -> None:
    _serve(sock, lambda *case: _right(*case) or b"OK")


def unusual_database_answers_the_value(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        said = _right(store, request)
        return said and said.partition(b"=")[2]

    _serve(sock, answer)


def unusual_database_does_not_know(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        return _right(store, request) if b"=" in request or request in store else None

    _serve(sock, answer)


def unusual_database_keeps_the_first(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        key, equals, _value = request.partition(b"=")
        return None if equals and key in store else _right(store, request)

    _serve(sock, answer)


def unusual_database_last_equals_sign(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        if b"=" not in request:
            return _right(store, request)
        key, _equals, value = request.rpartition(b"=")
        store[key] = value
        return None

    _serve(sock, answer)


def unusual_database_splits_everywhere(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        if b"=" not in request:
            return _right(store, request)
        key, value, *_rest = request.split(b"=")
        return _right(store, key + b"=" + value)

    _serve(sock, answer)


def unusual_database_nothing_is_no_value(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        value = request.partition(b"=")[2]
        return _right(store, request) if value or b"=" not in request else None

    _serve(sock, answer)


def unusual_database_ends_with_nothing(sock: socket.socket) -> None:
    store: Store = {b"version": b"1.0"}
    while True:
        request, client = sock.recvfrom(ALL)
        if not request:
            break
        said = _right(store, request)
        if said is not None:
            sock.sendto(said, client)


def unusual_database_thinks_in_text(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        return _right(store, request.decode("utf-8", "replace").encode())

    _serve(sock, answer)


def unusual_database_strips(sock: socket.socket) -> None:
    _serve(sock, lambda store, request, _: _right(store, request.strip()))


def unusual_database_lower_case(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        key, equals, value = request.partition(b"=")
        said = _right(store, key.lower() + equals + value)
        return said and key + said[len(key) :]

    _serve(sock, answer)


def unusual_database_version_is_a_key(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        key, equals, value = request.partition(b"=")
        if equals:
            store[key] = value
            return None
        return _right(store, request)

    _serve(sock, answer)


def unusual_database_protects_too_much(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        return None if request.lower().startswith(b"version ") else _right(store, request)

    _serve(sock, answer)


def unusual_database_small_buffer(sock: socket.socket) -> None:
    _serve(sock, _right, 1_024)


def unusual_database_keeps_few(sock: socket.socket) -> None:
    def answer(store: Store, request: bytes, _: Any) -> bytes | None:
        if len(store) > 50 and request.partition(b"=")[0] not in store:
            del store[next(key for key in store if key != b"version")]  # the oldest
        return _right(store, request)

    _serve(sock, answer)


def unusual_database_a_store_for_each(sock: socket.socket) -> None:
    stores: dict[Any, Store] = {}

    def answer(_: Store, request: bytes, client: Any) -> bytes | None:
        return _right(stores.setdefault(client, {b"version": b"1.0"}), request)

    _serve(sock, answer)


def unusual_database_answers_the_writer(sock: socket.socket) -> None:
    store: Store = {b"version": b"1.0"}
    client: Any = None
    while True:
        request, sender = sock.recvfrom(ALL)
        said = _right(store, request)
        if said is None or client is None:
            client = sender  # as if there were a connection
        if said is not None:
            sock.sendto(said, client)


def unusual_database_takes_an_error_for_the_end(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    _serve(sock, _right)  # ConnectionRefusedError: an earlier answer met a closed port


MUTANTS = (
    (unusual_database_confirms, "inserts, and retrieves"),
    (unusual_database_answers_the_value, "inserts, and retrieves"),
    (unusual_database_does_not_know, "a key that was never inserted"),
    (unusual_database_keeps_the_first, "inserted three times"),
    (unusual_database_last_equals_sign, "more than one equals sign"),
    (unusual_database_splits_everywhere, "more than one equals sign"),
    (unusual_database_nothing_is_no_value, "empty values, the empty key"),
    (unusual_database_ends_with_nothing, "empty values, the empty key"),
    (unusual_database_thinks_in_text, "bytes that are no text"),
    (unusual_database_strips, "spaces, newlines and capitals"),
    (unusual_database_lower_case, "spaces, newlines and capitals"),
    (unusual_database_version_is_a_key, "the version"),
    (unusual_database_protects_too_much, "the version"),
    (unusual_database_small_buffer, "the longest requests"),
    (unusual_database_keeps_few, "sixty keys at once"),
    (unusual_database_a_store_for_each, "two clients, one store"),
    (unusual_database_answers_the_writer, "two clients, one store"),
    (unusual_database_takes_an_error_for_the_end, "clients that do not wait for their answer"),
)
