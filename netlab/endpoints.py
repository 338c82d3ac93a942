"""Endpoints as they are written on the command line: where to listen, and whom to reach.

    127.0.0.1:9000    :9000    localhost:9000    [::1]:9000    tcp://127.0.0.1:9000
    udp://127.0.0.1:9000       udp://:9000       unix:/tmp/chat.sock

Without a scheme it is TCP, without a host 127.0.0.1. To listen, port 0 means any free one.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection
from typing import NamedTuple

from netlab.terminal import CommandFailed, harmless
from netlab.transports.addresses import format_address, is_loopback

DEFAULT_HOST = "127.0.0.1"
MAX_PATH_BYTES = 107
"""longest path of a UNIX socket: sun_path holds 108 bytes with the final zero, unix(7)"""
SCHEMES = ("tcp", "udp", "unix")

_EXAMPLES = {
    "tcp": "127.0.0.1:9000",
    "udp": "udp://127.0.0.1:9000",
    "unix": "unix:/tmp/chat.sock",
}


class Endpoint(NamedTuple):
    """Where somebody listens: host and port, or the path of a UNIX socket."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def address(self) -> tuple[str, int] | str:
        """What `bind` and `connect` take: (host, port), or the path."""
        return self.path if self.scheme == "unix" else (self.host, self.port)

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        place = format_address(self.host, self.port)
        return place if self.scheme == "tcp" else f"{self.scheme}://{place}"

    def only_this_machine(self) -> bool:
        """Tell whether only programs of this machine reach it.

        Raises:
            CommandFailed: the host is a name that no address is known for.
        """
        if self.scheme == "unix":
            return True
        try:
            found = socket.getaddrinfo(self.host, self.port)
        except (OSError, UnicodeError):
            raise _wrong(f"no host is called {harmless(self.host)!r}") from None
        return all(is_loopback(str(address[0])) for *_, address in found)


def parse_endpoint(
    text: str, *, listen: bool = False, schemes: Collection[str] = SCHEMES
) -> Endpoint:
    """Return what `text` names. Port 0 is allowed only with `listen`.

    Raises:
        CommandFailed: it names none, or one with a scheme that is not in `schemes`; exit code 2.
    """
    shown = harmless(text)
    scheme, rest = _scheme(text)
    examples = ", ".join(_EXAMPLES.get(name, f"{name}://127.0.0.1:9000") for name in schemes)
    if scheme not in schemes:
        raise _wrong(f"{shown}: {harmless(scheme)} cannot be had here; write one like: {examples}")
    if scheme == "unix":
        return Endpoint(scheme, path=_path(rest, shown))
    match = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^\[\]:]*)):([0-9]*)", rest, re.ASCII)
    if match is None or re.search(r"[\s/?#@]", rest):
        raise _wrong(_why_no_address(rest, shown, examples))
    host = match[1] or match[2]
    if match[1] is not None and ":" not in match[1]:
        raise _wrong(f"{shown}: in brackets stands an IPv6 address, as in [::1]:9000")
    if not match[3]:
        raise _wrong(f"{shown} names no port; write one like: {examples}")
    port = int(match[3]) if len(match[3]) <= 5 else 65_536
    if port > 65_535:
        raise _wrong(f"{shown}: {match[3][:20]} is no port; a port is a number from 0 to 65535")
    if not port and not listen:
        raise _wrong(f"{shown}: nobody can be reached on port 0; ports are 1 to 65535")
    return Endpoint(scheme, host or DEFAULT_HOST, port)


def check_bind(endpoint: Endpoint, *, flag: str, told: bool) -> None:
    """Refuse to listen where other machines reach it, unless told so (by the user's `flag`).

    Raises:
        CommandFailed: others would reach it and `told` is false, or the host is unknown.
    """
    if not endpoint.only_this_machine() and not told:
        raise _wrong(
            f"everybody who can reach this machine could connect to {harmless(str(endpoint))}; "
            f"listen on {DEFAULT_HOST}, or say that you mean it with {flag}"
        )


def _scheme(text: str) -> tuple[str, str]:
    """Split off the scheme, in small letters; without one it is tcp."""
    scheme, colons, rest = text.partition("://")
    if colons:
        return scheme.lower(), "//" + rest if scheme.lower() == "unix" else rest
    if text[:5].lower() == "unix:":
        return "unix", text[5:]
    return "tcp", text


def _path(path: str, shown: str) -> str:
    if path.startswith("//"):  # unix:///tmp/x, as in a URL without a host
        path = path[2:]
    if not path or "\0" in path:
        raise _wrong(f"{shown} names no file; write one like: {_EXAMPLES['unix']}")
    size = len(path.encode(errors="surrogateescape"))
    if size > MAX_PATH_BYTES:
        raise _wrong(
            f"{shown}: a path of {size} bytes; a UNIX socket's has at most {MAX_PATH_BYTES} "
            "(unix(7)), so choose a shorter one"
        )
    return path


def _why_no_address(rest: str, shown: str, examples: str) -> str:
    if rest.count(":") > 1 and "[" not in rest:
        return f"{shown}: an IPv6 address stands in brackets, as in [::1]:9000"
    if ":" not in rest:
        hint = f" (did you mean :{rest}?)" if rest.isascii() and rest.isdigit() else ""
        return f"{shown} names no host and port{hint}; write one like: {examples}"
    return f"{shown} is no host and port; write one like: {examples}"


def _wrong(sentence: str) -> CommandFailed:
    return CommandFailed(sentence, exit_code=2)
