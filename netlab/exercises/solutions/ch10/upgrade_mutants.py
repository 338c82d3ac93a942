"""Faulty variants of `upgrade`, each with the probe that catches it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping

Answer = tuple[int, str | None]
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _accept(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def _wants_upgrade(headers: Mapping[str, str]) -> bool:
    words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    return headers.get("upgrade", "").lower() == "websocket" and "upgrade" in words


def _is_own(headers: Mapping[str, str]) -> bool:
    return headers.get("origin", f"http://{headers['host']}") == f"http://{headers['host']}"


def _decide(
    headers: Mapping[str, str],
    *,
    wants: Callable[[Mapping[str, str]], bool] = _wants_upgrade,
    is_key: Callable[[str], bool] = _is_key,
    is_own: Callable[[Mapping[str, str]], bool] = _is_own,
    accept: Callable[[str], str] = _accept,
) -> Answer:
    key = headers.get("sec-websocket-key", "")
    if not wants(headers):
        return 400, None
    if headers.get("sec-websocket-version") != "13":
        return 426, None
    if not is_key(key):
        return 400, None
    if not is_own(headers):
        return 403, None
    return 101, accept(key)


def upgrade_in_hex(headers: Mapping[str, str]) -> Answer:
    return _decide(headers, accept=lambda key: hashlib.sha1((key + _MAGIC).encode()).hexdigest())


def upgrade_decodes_the_key(headers: Mapping[str, str]) -> Answer:
    def accept(key: str) -> str:
        return _accept(base64.b64decode(key).decode("latin-1"))

    return _decide(headers, accept=accept)


def upgrade_is_pedantic(headers: Mapping[str, str]) -> Answer:
    return _decide(headers, wants=lambda all_of: all_of.get("upgrade") == "websocket")


def upgrade_wants_one_word(headers: Mapping[str, str]) -> Answer:
    def wants(headers: Mapping[str, str]) -> bool:
        return _wants_upgrade(headers) and headers["connection"].lower() == "upgrade"

    return _decide(headers, wants=wants)


def upgrade_finds_it_anywhere(headers: Mapping[str, str]) -> Answer:
    def wants(headers: Mapping[str, str]) -> bool:
        right = headers.get("upgrade", "").lower() == "websocket"
        return right and "upgrade" in headers.get("connection", "").lower()

    return _decide(headers, wants=wants)


def upgrade_takes_every_version(headers: Mapping[str, str]) -> Answer:
    return _decide({**headers, "sec-websocket-version": "13"})


def upgrade_takes_every_key(headers: Mapping[str, str]) -> Answer:
    return _decide(headers, is_key=bool)


def upgrade_skips_what_is_no_base64(headers: Mapping[str, str]) -> Answer:
    def is_key(key: str) -> bool:
        try:
            return len(base64.b64decode(key)) == 16
        except binascii.Error:
            return False

    return _decide(headers, is_key=is_key)


def upgrade_lets_everybody_in(headers: Mapping[str, str]) -> Answer:
    return _decide(headers, is_own=lambda _: True)


def upgrade_looks_for_the_host_in_the_origin(headers: Mapping[str, str]) -> Answer:
    return _decide(
        headers, is_own=lambda all_of: all_of["host"] in all_of.get("origin", all_of["host"])
    )


def upgrade_takes_an_empty_origin_for_none(headers: Mapping[str, str]) -> Answer:
    return _decide(headers, is_own=lambda all_of: not all_of.get("origin") or _is_own(all_of))


def upgrade_looks_at_the_origin_first(headers: Mapping[str, str]) -> Answer:
    return _decide(headers) if _is_own(headers) else (403, None)


MUTANTS = (
    (upgrade_in_hex, "a good request"),
    (upgrade_decodes_the_key, "a good request"),
    (upgrade_is_pedantic, "capital letters"),
    (upgrade_wants_one_word, "several words"),
    (upgrade_finds_it_anywhere, "no upgrade"),
    (upgrade_takes_every_version, "another version"),
    (upgrade_takes_every_key, "a key that is none"),
    (upgrade_skips_what_is_no_base64, "a key that is none"),
    (upgrade_lets_everybody_in, "pages of others"),
    (upgrade_looks_for_the_host_in_the_origin, "pages of others"),
    (upgrade_takes_an_empty_origin_for_none, "pages of others"),
    (upgrade_looks_at_the_origin_first, "several things wrong"),
)
