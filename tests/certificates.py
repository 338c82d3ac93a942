"""Certificates for the tests: an authority, who it vouches for, and who it does not."""

from __future__ import annotations

import datetime
import ssl
from functools import cache
from pathlib import Path

import trustme

HOST = "127.0.0.1"


@cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=f"netlab tests, {name}")


def authority(name: str = "ours") -> trustme.CA:
    """Return an authority, made once a run; another name, another authority."""
    return _authority(name)  # `cache` would take f() and f("ours") for two calls


@cache
def server_side(host: str = HOST, name: str = "ours", *, expired: bool = False) -> ssl.SSLContext:
    """Return the context of a server whose certificate is for `host`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    end = datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC) if expired else None
    authority(name).issue_cert(host, not_after=end).configure_cert(context)
    return context


@cache
def client_side(name: str = "ours") -> ssl.SSLContext:
    """Return the context of a client that trusts this authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority(name).configure_trust(context)
    return context


def write_files(folder: Path, host: str = HOST, name: str = "ours") -> tuple[str, str, str]:
    """Write certificate, key and authority as PEM files; return their names."""
    leaf = authority(name).issue_cert(host)
    cert, key, ca = (folder / f"{what}.pem" for what in ("cert", "key", "ca"))
    cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    ca.write_bytes(authority(name).cert_pem.bytes())
    return str(cert), str(key), str(ca)
