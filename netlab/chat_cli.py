"""`netlab chat`: talk to a server, at a terminal or through pipes."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from netlab.chat_mailbox import Mailbox
from netlab.chat_state import Conversation
from netlab.chat_talk import QUIT, Ending
from netlab.core.errors import LocalProtocolError
from netlab.serve_access import WITH_TOKEN
from netlab.terminal import CommandFailed, complain, harmless
from netlab.transports.addresses import Address, format_address
from netlab.transports.client import Client
from netlab.transports.services import SERVICES
from netlab.transports.tls import client_context, explain


class Scheme(NamedTuple):
    """Who speaks a scheme: the class of clients, and a transport of `netlab serve`."""

    module: str
    client: str
    transport: str
    secure: bool = False


SCHEMES = {
    "tcp": Scheme("netlab.transports.tcp_client", "TCPClient", "tcp_threads"),
    "tls": Scheme("netlab.transports.tcp_client", "TCPClient", "tcp_threads", True),
    "udp": Scheme("netlab.transports.udp_client", "UDPClient", "udp"),
    "ws": Scheme("netlab.transports.websocket_client", "WebSocketClient", "websocket"),
    "wss": Scheme("netlab.transports.websocket_client", "WebSocketClient", "websocket", True),
    "http": Scheme("netlab.transports.socketio_client", "SocketIOClient", "socketio"),
    "https": Scheme("netlab.transports.socketio_client", "SocketIOClient", "socketio", True),
}
_TWINS = {"tcp": "tls", "ws": "wss", "http": "https", "tls": "tcp", "wss": "ws", "https": "http"}
TOKEN_VARIABLE = "NETLAB_TOKEN"  # noqa: S105 (its name)
_EXAMPLE = "tcp://127.0.0.1:9000"
DEFAULT_SERVICE = "chat" if "chat" in SERVICES else "echo"


class Target(NamedTuple):
    """What a URL names: how to talk, and to whom."""

    scheme: str
    address: Address
    token: str | None = None


def parse_url(url: str) -> Target:
    """Return what a URL such as `tcp://HOST:PORT` or `http://HOST:PORT/?token=…` names.

    Raises:
        CommandFailed: it names nothing that can be talked to; the text says why.
    """
    shown = harmless(url)
    scheme, colons, _ = url.partition("://")
    available = ", ".join(f"{name}://" for name in SCHEMES)
    if not colons:
        raise _wrong(f"{shown} is no URL; write it like {_EXAMPLE}")
    if scheme.lower() not in SCHEMES:
        raise _wrong(f"{harmless(scheme)}:// is unknown; available: {available}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        if "[" not in url and url.count(":") > 2:
            reason = "an IPv6 address stands in brackets, as in tcp://[::1]:9000"
            raise _wrong(f"{shown}: {reason}") from None
        raise _wrong(f"{shown}: {harmless(str(error))}; write it like {_EXAMPLE}") from None
    if not host or not re.fullmatch(r"[^\s\x00-\x1f\x7f]+", url):
        raise _wrong(f"{shown} names no host; write it like {_EXAMPLE}")
    if port is None:
        raise _wrong(
            f"{shown} names no port; add the one that `netlab serve` shows, as in {_EXAMPLE}"
        )
    if not port:
        raise _wrong(f"{shown}: nobody can be reached on port 0; ports are 1 to 65535")
    scheme, (key, _, token) = scheme.lower(), parts.query.partition("=")
    is_link = key == "token" and SCHEMES[scheme].transport in WITH_TOKEN
    others = parts.query and not is_link  # a link to join by has a token, and nothing else
    if parts.username is not None or parts.path not in ("", "/") or others or parts.fragment:
        raise _wrong(f"{shown}: only host and port belong there; write it like {_EXAMPLE}")
    return Target(scheme, (host, port), token if is_link else None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `netlab chat` takes."""
    parser.description = (
        "Talk to a server. At a terminal, Ctrl-C, Ctrl-D and /quit end it, and /help says what "
        "can be typed. Without one, lines come from stdin; when they end, it waits for the "
        "answers to them, at most 2 s after the last message that came."
    )
    parser.add_argument("url", metavar="URL", help=f"whom to talk to, as in {_EXAMPLE}")
    parser.add_argument(
        "--ca",
        metavar="FILE",
        help="trust this authority (PEM) and no other; without it, those that the system trusts",
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="your certificate, if one is wanted")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key, unless it is in there")
    parser.add_argument(
        "--token",
        default=os.environ.get(TOKEN_VARIABLE),
        help="for a server that asks for one; the link to join by is a URL that has it already. "
        f"What you type here other users of this machine can see (ps), but not {TOKEN_VARIABLE} "
        "in the environment",
    )
    parser.add_argument(
        "--service",
        choices=("chat", "echo"),
        default=DEFAULT_SERVICE,
        help="what is served there (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Talk until one side ends it; 0: this one did, 1: the connection failed or was lost."""
    target = parse_url(args.url)
    scheme = SCHEMES[target.scheme]
    client_class: Callable[..., Client] = getattr(import_module(scheme.module), scheme.client)
    conversation, mailbox = Conversation(args.service), Mailbox()
    options: dict[str, Any] = {"on_message": mailbox.put, "on_end": mailbox.put_end}
    options |= _tls(args, scheme.secure) | _token(args, target)
    if scheme.transport == "socketio":
        options["reconnect"] = False  # a server that goes away ends it, as everywhere
    try:
        client = client_class(target.address, service=args.service, **options)
    except (LocalProtocolError, ValueError) as error:  # Socket.IO carries no text service
        raise CommandFailed(harmless(str(error)), exit_code=2) from None
    try:
        _connect(client, target.scheme)
        if sys.stdin.isatty() and sys.stdout.isatty():
            from netlab.chat_prompt import talk_at_a_terminal as talk
        else:
            from netlab.chat_pipe import talk_through_pipes as talk
        ending = asyncio.run(talk(client, conversation, mailbox))
    except KeyboardInterrupt:
        ending = QUIT
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C changes nothing any more
        mailbox.close()
        client.close()
    complain(f"netlab chat: {harmless(ending.sentence)}{_hint(ending, args, target)}")
    return ending.exit_code


def _connect(client: Client, name: str) -> None:
    scheme = SCHEMES[name]
    twin = f"write {_TWINS[name]}://" if name in _TWINS else ""
    where = harmless(format_address(*client.address))
    try:
        client.connect()
    except ConnectionRefusedError:
        raise CommandFailed(
            f"nobody listens on {where} (connection refused): check the address, or start a "
            f"server there with `netlab serve {scheme.transport} --port {client.address[1]}`"
        ) from None
    except ssl.SSLError as error:
        sentence = harmless(explain(error, client.address[0]))
        hint = (
            f"; if you trust everybody on the way, {twin}" if "does not speak" in sentence else ""
        )
        raise CommandFailed(f"no TLS with {where}: {sentence}{hint}") from None
    except (socket.gaierror, UnicodeError):
        raise CommandFailed(
            f"no host is called {client.address[0]!r}: check the spelling"
        ) from None
    except TimeoutError:
        raise CommandFailed(
            f"{where} did not answer in time: check the address, and that no firewall is between"
            + (f", and that it speaks TLS (if not, {twin})" if scheme.secure else "")
        ) from None
    except OSError as error:
        reason = harmless(error.strerror or str(error)) or "it ended the connection"
        if "HTTP 403" in reason:  # it is the right server, and says what it wants
            raise CommandFailed(f"{reason}. Use the whole link to join by, or --token") from None
        speaks = "does not speak" if scheme.secure else "speaks"
        hint = f"; if it {speaks} TLS, {twin}" if twin else ""
        raise CommandFailed(
            f"cannot connect to {where}: {reason}: check the address{hint}"
        ) from None


def _tls(args: argparse.Namespace, secure: bool) -> dict[str, Any]:
    """Return the client's argument `ssl`, where the scheme has TLS."""
    if not secure:
        for flag in ("ca", "tls_cert", "tls_key"):
            if getattr(args, flag) is not None:
                secured = ", ".join(f"{name}://" for name, one in SCHEMES.items() if one.secure)
                name = "--" + flag.replace("_", "-")
                raise _wrong(f"{name} is for what has TLS: {secured}")
        return {}
    if args.tls_key is not None and args.tls_cert is None:
        raise _wrong("--tls-key goes with --tls-cert, which is missing")
    try:
        return {"ssl": client_context(args.ca, args.tls_cert, args.tls_key)}
    except ValueError as error:
        raise _wrong(harmless(str(error))) from None


def _token(args: argparse.Namespace, target: Target) -> dict[str, str]:
    """Return the client's argument `token`, if there is one and the scheme can carry it."""
    if SCHEMES[target.scheme].transport in WITH_TOKEN:
        token = target.token or args.token
        return {"token": token} if token else {}
    if args.token and args.token != os.environ.get(TOKEN_VARIABLE):
        carried = ", ".join(f"{k}://" for k, one in SCHEMES.items() if one.transport in WITH_TOKEN)
        raise _wrong(f"--token is for {carried}")
    return {}


def _hint(ending: Ending, args: argparse.Namespace, target: Target) -> str:
    if args.service == "chat" and "is no message" in ending.sentence:
        return " (if the echo service is served there, add --service echo)"
    if not ending.unheard or target.scheme not in _TWINS or "--tls-cert" in ending.sentence:
        return ""
    if not SCHEMES[target.scheme].secure:
        return f" (if it speaks TLS, write {_TWINS[target.scheme]}://)"
    if args.tls_cert is None:
        return " (if it wants a certificate of yours, name it with --tls-cert)"
    return " (perhaps it does not trust your --tls-cert)"


def _wrong(sentence: str) -> CommandFailed:
    return CommandFailed(sentence, exit_code=2)
