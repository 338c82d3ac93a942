"""What servers that browsers can reach have in common: whom they let in, and the chat page.

Pure functions, no socket. Why anybody is asked at all: a browser lets *every* web page connect to
127.0.0.1, and tells the server only in the `Origin` header which page that was (RFC 6455, 10.2;
RFC 6454). A page can also give its own host's name the address 127.0.0.1 ("DNS rebinding"); then
Origin and Host agree, and only the name in `Host` shows that it is not meant for this server.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")

# ---------------------------------------------------------------- who may connect


class HostPort(NamedTuple):
    """A host, in lower case and an IPv6 address without brackets, and a port if one was named."""

    host: str
    port: int | None


class Origin(NamedTuple):
    """Where a page came from (RFC 6454, 4); the port is never left out."""

    scheme: str
    host: str
    port: int


def parse_host(text: str) -> HostPort | None:
    """Read a `Host` header (RFC 9110, 7.2); None: it is none."""
    text = text.lower()
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        address = _ip_address(inside)
        if not bracket or address is None or address.version != 6:
            return None
        host, colon, port = str(address), rest[:1], rest[1:]
        if colon not in ("", ":"):
            return None
    else:
        host, colon, port = text.partition(":")
        if not _NAME.fullmatch(host):
            return None
    if not colon:
        return HostPort(host, None)
    if not _PORT.fullmatch(port) or not 0 < int(port) <= 65_535:
        return None
    return HostPort(host, int(port))


def parse_origin(text: str) -> Origin | None:
    """Read an `Origin` header (RFC 6454, 7); None: it is none, or it is `null`."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    where = parse_host(rest) if separator and scheme in DEFAULT_PORTS else None
    if where is None:
        return None
    return Origin(scheme, where.host, where.port or DEFAULT_PORTS[scheme])


def allowed_host(host_header: str | None, *, hosts: Sequence[str], behind_proxy: bool) -> bool:
    """Say whether a request with this `Host` was meant for this server.

    Args:
        host_header: None where the request had none, or several.
        hosts: names, without ports, that are this server's besides the loopback ones.
        behind_proxy: True where another server checks it already, and Host is that server's.
    """
    where = None if host_header is None else parse_host(host_header)
    if where is None:
        return False
    if behind_proxy or _ip_address(where.host) is not None or where.host in hosts:
        return True
    # RFC 6761, 6.3: resolvers answer these with the loopback address, whatever the DNS says.
    return where.host == "localhost" or where.host.endswith(".localhost")


def allowed_origin(origin: str | None, host_header: str | None, *, origins: Sequence[str]) -> bool:
    """Say whether the page that makes a request may do so.

    No page, no question: programs other than browsers send no Origin. Else it must be a page of
    the server that was asked (same host, same port), or of one that `origins` names. An empty
    `origins` means that there are no others; nothing turns the question off.

    Args:
        origin: None where the request had no Origin header.
        host_header: the request's Host header.
        origins: such as `"https://example.org"`; a port that is the scheme's own may be left out.
    """
    if origin is None:
        return True
    came = parse_origin(origin)
    if came is None:
        return False
    asked = None if host_header is None else parse_host(host_header)
    if asked is not None:
        # Host has no scheme: a port left out there is the one of the page's scheme.
        asked_port = asked.port or DEFAULT_PORTS[came.scheme]
        if (came.host, came.port) == (asked.host, asked_port):
            return True
    return any(came == parse_origin(one) for one in origins)


@dataclass(frozen=True)
class Door:
    """Who may connect to a server, checked once when the server is made.

    Args:
        origins: pages of other servers that may connect, such as `"https://example.org"`.
        hosts: names under which this server is known, besides loopback names and IP addresses.
        behind_proxy: does a proxy of JupyterHub stand before it? None: ask the environment.

    Raises:
        ValueError: an origin or a host that is none; `"*"`, which would let every page in.
    """

    origins: Sequence[str] = ()
    hosts: Sequence[str] = ()
    behind_proxy: bool | None = None

    def __post_init__(self) -> None:
        for name, given in (("origins", self.origins), ("hosts", self.hosts)):
            if isinstance(given, str):
                raise ValueError(f"{name}={given!r}: pass a list, [{given!r}]")  # noqa: TRY004
        for origin in self.origins:
            if parse_origin(origin) is None:
                raise ValueError(
                    f"{origin!r} is no origin; write scheme, host and, unless it is the scheme's "
                    "own, port, as in 'https://example.org'. There is no wildcard: every page "
                    "that somebody here looks at could connect"
                )
        for host in self.hosts:
            if (where := parse_host(host)) is None or where.port is not None:
                raise ValueError(f"{host!r} is no host; write a name without scheme and port")
        object.__setattr__(self, "hosts", tuple(host.lower() for host in self.hosts))
        object.__setattr__(self, "origins", tuple(self.origins))
        if self.behind_proxy is None:
            object.__setattr__(self, "behind_proxy", "JUPYTERHUB_SERVICE_PREFIX" in os.environ)

    def refusal(self, host_headers: Sequence[str], origin_headers: Sequence[str]) -> str | None:
        """Return why a request with these headers is refused, in a sentence; None: it is not."""
        host = host_headers[0] if len(host_headers) == 1 else None
        if not allowed_host(host, hosts=self.hosts, behind_proxy=bool(self.behind_proxy)):
            return (
                f"Host {_shown(host_headers)} is not known here. Use localhost or an IP address, "
                "or start the server with hosts=[...] naming it."
            )
        one = origin_headers[0] if len(origin_headers) == 1 else None
        if len(origin_headers) > 1 or not allowed_origin(one, host, origins=self.origins):
            return (
                f"Pages of {_shown(origin_headers)} may not connect here: this is {host}. "
                "Open the page that this server serves, or start the server with origins=[...] "
                "naming that origin."
            )
        return None


def page_refusal(origin_headers: Sequence[str], fetch_sites: Sequence[str]) -> str | None:
    """Return why a request that no page of another server may make is refused; None: it is not.

    A browser sends no Origin with `<img src=…>` or `<script src=…>`. Their page cannot read the
    answer, but it could open session after session until there is room for nobody. The browser says
    so in `Sec-Fetch-Site` (Fetch Metadata, 2.2); programs and older browsers send none.
    """
    if origin_headers or not set(fetch_sites) & {"cross-site", "same-site"}:
        return None
    return "Pages of other servers may not ask for this without saying which they are (Origin)."


def _shown(headers: Sequence[str]) -> str:
    """Return what came as it may stand in a sentence: quoted, escaped, short."""
    return ", ".join(repr(header[:100]) for header in headers[:3]) or "(none)"


def _ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


# ---------------------------------------------------------------- the page

Transport = Literal["websocket", "socketio"]
_CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class Page(NamedTuple):
    """A response: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def page(
    path: str, *, transport: Transport = "websocket", script_sources: Sequence[str] = ()
) -> Page | None:
    """Return what to answer to `GET path`; None: there is no such file.

    `/` is the page itself, and `/link.js` the module that connects it by that transport. Only
    names that are in the folder of pages are ever opened, whatever the path says.

    Args:
        path: of the request, `?query` and all.
        transport: how the page is to talk to the server.
        script_sources: servers, besides this one, that the page may load scripts from.
    """
    slash, name = path[:1], path[1:].partition("?")[0] or "index.html"
    file = f"{transport}_link.js" if name == "link.js" else name
    if slash != "/" or file not in _files():
        return None
    body = resources.files(__package__).joinpath("pages", file).read_bytes()
    headers = {
        "Content-Type": _CONTENT_TYPES[file.rpartition(".")[2]],
        "Content-Length": str(len(body)),
        **page_headers(script_sources),
    }
    return Page(200, headers, body)


def page_headers(script_sources: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of every answer: what the page may not do even where it has a fault."""
    scripts = " ".join(("'self'", *script_sources))
    policy = (
        # Scripts are files of ours: one that a stranger's text brings along does not run.
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self'; "
        # 'self' covers ws: on the same host and port (Content Security Policy Level 3).
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",  # the next server on this port may be another
    }


def answer(status: int, sentence: str) -> Page:
    """Return an answer of one sentence."""
    body = f"{sentence}\n".encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        **page_headers(),
    }
    return Page(status, headers, body)


@cache
def _files() -> frozenset[str]:
    folder = resources.files(__package__).joinpath("pages")
    return frozenset(
        file.name
        for file in folder.iterdir()
        if file.is_file() and file.name.rpartition(".")[2] in _CONTENT_TYPES
    )
