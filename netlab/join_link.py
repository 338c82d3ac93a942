"""The link by which a class joins: this machine's address on its network, and a QR code."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import secrets
import socket
from typing import Any

from netlab.transports.addresses import format_address

# Lower case, and nothing that is read as something else: somebody will type it from a wall.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 14  # of 31 letters and digits: 69 bits
# Addresses for documentation, which nobody has (RFC 5737, RFC 3849).
_NOBODY = {4: "192.0.2.1", 6: "2001:db8::1"}
_WHITE_ON_BLACK, _PLAIN = "\x1b[97;40m", "\x1b[0m"


def new_token() -> str:
    """Return a token that nobody can guess, for people to type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def join_link(host: str, port: int, token: str | None, *, page: str = "", secure: bool) -> str:
    """Return the link to a page, as in `http://192.168.1.5:8000/?token=…`.

    Args:
        host, port: where the page is.
        token: see `netlab.transports.access`; what it consists of can stand in a link as it is.
        page: its name; `""` is the one at `/`.
        secure: by TLS.
    """
    query = f"?token={token}" if token else ""
    return f"http{'s' * secure}://{format_address(host, port)}/{page}{query}"


def reachable_host(host: str) -> str | None:
    """Return the address under which others on the network reach a server that listens on `host`.

    None: this machine is in no network. Nothing is sent: "connecting" a UDP socket only lets the
    kernel choose the address that datagrams to that place would be sent from (connect(2)).
    """
    address = ipaddress.ip_address(host.partition("%")[0])
    if not address.is_unspecified:
        return host
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((_NOBODY[address.version], 9))
            found = str(sock.getsockname()[0])
    except OSError:  # no way leads there, not even a default one
        found = _named_after_this_machine(family) or ""
    return found if found and not ipaddress.ip_address(found).is_loopback else None


def _named_after_this_machine(family: socket.AddressFamily) -> str | None:
    """Return an address that this machine's own name has, besides loopback ones."""
    with contextlib.suppress(OSError, UnicodeError):
        for *_, address in socket.getaddrinfo(socket.gethostname(), 9, family):
            host = str(address[0])
            if "%" not in host and not ipaddress.ip_address(host).is_loopback:
                return host
    return None


def qr_code(text: str, *, colours: bool = True) -> str | None:
    """Return a QR code (ISO/IEC 18004) to print; None: the library that draws it is missing.

    Two rows of its modules are one line of text: half blocks are the light ones.

    Args:
        text: what it says.
        colours: let the light ones be light in a terminal of any colours (ECMA-48, 8.3.117).
    """
    if (code := _qr_code(text)) is None:
        return None
    drawn = io.StringIO()
    code.terminal(drawn, compact=True)
    lines = drawn.getvalue().rstrip("\n").splitlines()
    if colours:
        lines = [f"{_WHITE_ON_BLACK}{line}{_PLAIN}" for line in lines]
    return "\n".join(lines)


def qr_image(text: str) -> str | None:
    """Return a QR code as an SVG; None: the library that draws it is missing."""
    if (code := _qr_code(text)) is None:
        return None
    drawn = io.BytesIO()
    code.save(drawn, kind="svg", scale=8, dark="#000", light="#fff")
    return drawn.getvalue().decode()


def _qr_code(text: str) -> Any:
    try:
        import segno  # a part of the extra `lab`
    except ImportError:
        return None
    return segno.make(text, micro=False)
