"""The official Socket.IO client for browsers: which one, and where it is to be had.

It is no part of this package. A page loads it from the server that it came from, where npm has
installed it (`make foreign`), else from its makers' own network; in either case only if it is, byte
for byte, the one whose hash stands here and in `pages/socketio_link.js`.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha384
from pathlib import Path

from netlab.transports.web import Page, page_headers

VERSION = "4.8.1"
CDN_URL = f"https://cdn.socket.io/{VERSION}/socket.io.min.js"
INTEGRITY = "sha384-mkQ3/7FUtcGyoppY6bz/PORYoGqOl7/aSUMn2ymDOJcapfS6PHqxhRTMh1RR0Q6+"
"""hash of that file (W3C, Subresource Integrity)"""
VENDOR_PATH = "/vendor/socket.io.min.js"
_ROOT = Path(__file__).parents[2]
_PLACES = (_ROOT, _ROOT / "tests" / "foreign")


def vendored(path: str) -> Page | None:
    """Return the answer to `GET path` if that is the library, and it is installed here."""
    if path != VENDOR_PATH or (library := _installed()) is None:
        return None
    headers = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Content-Length": str(len(library)),
        **page_headers(),
    }
    return Page(200, headers, library)


@cache
def _installed() -> bytes | None:
    for place in _PLACES:
        file = place / "node_modules" / "socket.io-client" / "dist" / "socket.io.min.js"
        if file.is_file():
            library = file.read_bytes()
            if f"sha384-{b64encode(sha384(library).digest()).decode()}" == INTEGRITY:
                return library
    return None
