"""Faulty variants of `family`, each with the probe that catches it."""

from __future__ import annotations

import contextlib
import socket


def family_by_letters(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    return int(socket.AF_INET6 if ":" in text else socket.AF_INET)


def family_by_punctuation(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    if ":" in text:
        return int(socket.AF_INET6)
    if text.count(".") == 3:
        return int(socket.AF_INET)
    raise ValueError(text)


def family_that_counts(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET6, text)
        return int(socket.AF_INET6)
    if text.count(".") == 3:
        return int(socket.AF_INET)
    raise ValueError(text)


def family_that_looks_up(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    return int(socket.getaddrinfo(text, 80)[0][0])


def family_that_accepts_halves(text: str) -> int:
    if text.startswith("/"):
        return int(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        socket.inet_aton(text)  # takes 127.1 for an address
        return int(socket.AF_INET)
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET6, text)
        return int(socket.AF_INET6)
    raise ValueError(text)


MUTANTS = (
    (family_by_letters, "family('localhost')"),
    (family_by_punctuation, "family('half:past:ten')"),
    (family_that_counts, "family('1.2.3.999')"),
    (family_that_looks_up, "family('localhost')"),
    (family_that_accepts_halves, "family('127.1')"),
)
