"""Faulty variants of `connect_any`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

_kept: list[object] = []


def connect_first(candidates: Any) -> socket.socket:
    family, address = candidates[0]
    sock = socket.socket(family)
    sock.connect(address)
    return sock


def connect_ipv4_only(candidates: Any) -> socket.socket:
    for family, address in candidates:
        if family == socket.AF_INET:
            with contextlib.suppress(OSError):
                return socket.create_connection(address)
    raise OSError("nobody answers")


def connect_leaking(candidates: Any) -> socket.socket:
    for family, address in candidates:
        sock = socket.socket(family)
        try:
            sock.connect(address)
            return sock
        except OSError:
            _kept.append(sock)
    raise OSError("nobody answers")


def connect_forgetful(candidates: Any) -> socket.socket:
    for family, address in candidates:
        sock = socket.socket(family)  # the one before is left to the garbage collector
        with contextlib.suppress(OSError):
            sock.connect(address)
            return sock
    raise OSError("nobody answers")


def connect_and_close(candidates: Any) -> socket.socket:
    for _, address in candidates:
        with contextlib.suppress(OSError), socket.create_connection(address) as sock:
            return sock
    raise OSError("nobody answers")


def connect_none(candidates: Any) -> socket.socket | None:
    for family, address in candidates:
        sock = socket.socket(family)
        try:
            sock.connect(address)
            return sock
        except OSError:
            sock.close()
    return None


MUTANTS = (
    (connect_first, "the first address is dead"),
    (connect_ipv4_only, "both alive: the first counts"),
    (connect_leaking, "the first address is dead"),
    (connect_forgetful, "the first address is dead"),
    (connect_and_close, "one candidate, alive"),
    (connect_none, "all dead"),
)
