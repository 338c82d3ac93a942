"""Certificates for chapter 09: the right one, and those that a client has to refuse.

They are made when they are first asked for, once a process.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import trustme

HOST, NUMERIC, STRANGER = "localhost", "127.0.0.1", "other.example"
"""whom clients seek, by name and by number, and a host that the server is not (RFC 2606, 2)"""
_DAY = datetime.timedelta(days=1)
Configure = Callable[[ssl.SSLContext], None]


@cache
def authority(name: str = "ours") -> trustme.CA:
    """Return the authority of this name; each has a key of its own."""
    return trustme.CA(organization_name=f"the authority {name!r}")


def ca_pem(name: str = "ours") -> str:
    """Return an authority's certificate: what a client needs that is to believe it."""
    return authority(name).cert_pem.bytes().decode("ascii")


def _issued(*identities: str, by: str = "ours", from_day: int = -1, to_day: int = 1) -> Configure:
    """Valid from so many days to so many days after today."""
    today = datetime.datetime.now(datetime.UTC)
    return (
        authority(by)
        .issue_cert(
            *identities, not_before=today + from_day * _DAY, not_after=today + to_day * _DAY
        )
        .configure_cert
    )


def _self_signed(context: ssl.SSLContext) -> None:
    """Show what nobody else vouches for: the certificate of an authority is signed by itself."""
    itself = authority("itself")
    with itself.cert_pem.tempfile() as certificate, itself.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)


_MADE: dict[str, Callable[[], Configure]] = {
    "right": lambda: _issued(HOST, NUMERIC),
    "of another authority": lambda: _issued(HOST, NUMERIC, by="another"),
    "of an authority that the machine trusts": lambda: _issued(HOST, NUMERIC, by="the machine's"),
    "signed by itself": lambda: _self_signed,
    "for another host": lambda: _issued(STRANGER),
    "for the name only": lambda: _issued(HOST),
    "expired": lambda: _issued(HOST, NUMERIC, from_day=-9, to_day=-2),
    "not valid yet": lambda: _issued(HOST, NUMERIC, from_day=2, to_day=9),
}


@cache
def server_context(shown: str = "right") -> ssl.SSLContext:
    """Return what a server needs that shows the certificate called so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _MADE[shown]()(context)
    return context


@contextlib.contextmanager
def trusting_machine() -> Iterator[None]:
    """On this machine an authority is trusted that is not ours, and no other.

    OpenSSL reads where the trusted ones are from the environment, each time a list is loaded.
    """
    with _path_to(ca_pem("the machine's").encode()) as path:
        trusted = {"SSL_CERT_FILE": path, "SSL_CERT_DIR": os.devnull}
        before = {name: os.environ.get(name) for name in trusted}
        os.environ |= trusted
        try:
            yield
        finally:
            for name, value in before.items():
                del os.environ[name]
                if value is not None:
                    os.environ[name] = value


@contextlib.contextmanager
def _path_to(content: bytes) -> Iterator[str]:
    """Give a path to a file which, on Linux, is gone with this process, even if that is killed."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("netlab"), "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory(prefix="netlab-trusted-") as folder:
        path = Path(folder, "trusted.pem")
        path.write_bytes(content)
        yield str(path)
