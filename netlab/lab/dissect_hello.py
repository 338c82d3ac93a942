"""An outline of TLS's ClientHello and ServerHello (RFC 8446, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from netlab.lab.dissect_fields import Cursor, as_hex, as_text
from netlab.lab.dissect_tls_names import (
    CIPHER_SUITES,
    EXTENSIONS,
    GROUPS,
    SIGNATURES,
    VERSIONS,
    named,
)
from netlab.lab.labels import ELLIPSIS, count

SHOWN = 40  # names in a list
# "The special value of the SHA-256 of 'HelloRetryRequest'" (RFC 8446, 4.1.3)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_HAS_KEYS = {"key_share", "pre_shared_key", "session_ticket", "cookie"}


def client_hello(cursor: Cursor) -> str:
    """Name the fields of a ClientHello; return the most telling of them in words."""
    _begin(cursor)
    cursor.take(32, "random", varies="<random>")
    _session_id(cursor)
    size = cursor.number(2, "cipher suites length", lambda number: f"{number:,}")
    if size:
        cursor.take(size, "cipher suites", _cipher_suites)
    size = cursor.number(1, "compression length")
    if size:
        cursor.take(size, "compression methods", lambda data: "none" if data == b"\0" else "")
    seen = _extensions(cursor, from_client=True)
    words = ""
    if name := seen.get("server_name"):
        words += f", {name}"
    if protocols := seen.get("ALPN"):
        words += f", ALPN {protocols}"
    return words + (f", {seen['supported_versions']}" if "supported_versions" in seen else "")


def server_hello(cursor: Cursor) -> str:
    """Name the fields of a ServerHello; return the most telling of them in words."""
    version = _begin(cursor)
    is_retry = cursor.data[cursor.at : cursor.at + 32] == RETRY
    note = "a HelloRetryRequest: the client shall begin again" if is_retry else ""
    cursor.take(32, "random", note=note, varies="<random>")
    _session_id(cursor)
    suite = cursor.number(2, "cipher suite", lambda number: named(CIPHER_SUITES, number))
    cursor.number(1, "compression method", lambda number: "none" if not number else str(number))
    seen = _extensions(cursor, from_client=False)
    chosen = seen.get("supported_versions", named(VERSIONS, version))
    retry = " (HelloRetryRequest)" if is_retry else ""
    return f"{retry}, {chosen}, {named(CIPHER_SUITES, suite)}"


def _begin(cursor: Cursor) -> int:
    return cursor.number(
        2,
        "legacy version",
        lambda number: named(VERSIONS, number),
        "the true one is in supported_versions, if that is there",
    )


def _session_id(cursor: Cursor) -> None:
    size = cursor.number(1, "session id length")
    if size:
        cursor.take(size, "session id", varies="<session id>")


def _extensions(cursor: Cursor, *, from_client: bool) -> dict[str, str]:
    """Name each extension; return their values by their names."""
    seen: dict[str, str] = {}
    if not cursor.left:
        return seen
    cursor.number(2, "extensions length", lambda number: f"{number:,}")
    while cursor.left >= 4 and not cursor.missing:
        kind = int.from_bytes(cursor.data[cursor.at : cursor.at + 2])
        size = int.from_bytes(cursor.data[cursor.at + 2 : cursor.at + 4])
        body = cursor.data[cursor.at + 4 : cursor.at + 4 + size]
        name = named(EXTENSIONS, kind)
        value = ", ".join(_short(list(_values(name, body, from_client))))
        note = f"extension {kind}, {count(size)}"
        varies = f"{value or name} <{size} bytes>" if name in _HAS_KEYS and size else ""
        cursor.take(4 + size, name, value or (as_hex(body) if body else "empty"), note, varies)
        seen.setdefault(name, value)
    return seen


def _values(name: str, body: bytes, from_client: bool) -> Iterator[str]:
    """Yield what is listed in the body of an extension."""
    match name:
        case "server_name":
            if len(body) > 5:
                yield as_text(body[5 : 5 + int.from_bytes(body[3:5])])[1:-1]
        case "ALPN":
            at = 2
            while at < len(body):
                yield as_text(body[at + 1 : at + 1 + body[at]])[1:-1]
                at += 1 + body[at]
        case "supported_versions":
            yield from (named(VERSIONS, number) for number in _numbers(body[int(from_client) :]))
        case "supported_groups":
            yield from (named(GROUPS, number) for number in _numbers(body[2:]))
        case "signature_algorithms" | "signature_algorithms_cert":
            yield from (named(SIGNATURES, number) for number in _numbers(body[2:]))
        case "key_share":
            at = 2 if from_client else 0
            while at + 1 < len(body):
                yield named(GROUPS, int.from_bytes(body[at : at + 2]))
                at += 4 + int.from_bytes(body[at + 2 : at + 4])
        case "psk_key_exchange_modes":
            yield from ({0: "psk_ke", 1: "psk_dhe_ke"}.get(one, str(one)) for one in body[1:])
        case _:
            pass


def _cipher_suites(data: bytes) -> str:
    return ", ".join(_short([named(CIPHER_SUITES, number) for number in _numbers(data)]))


def _numbers(data: bytes) -> Iterator[int]:
    """Yield the 16-bit numbers that `data` consists of."""
    for at in range(0, len(data) - 1, 2):
        yield int.from_bytes(data[at : at + 2])


def _short(names: list[str]) -> list[str]:
    if len(names) <= SHOWN:
        return names
    return [*names[:SHOWN], f"{ELLIPSIS} and {len(names) - SHOWN} more"]
