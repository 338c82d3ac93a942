"""`netlab serve`: a server that runs until a signal ends it."""

from __future__ import annotations

import argparse
import ast
import errno
import inspect
import logging
import socket
import textwrap
from dataclasses import fields
from importlib import import_module
from typing import Any, NamedTuple

from netlab import Limits, serve_access
from netlab.core.classroom import ClassroomService
from netlab.core.errors import AddressInUse
from netlab.event_loop import LoopName, loop_factory
from netlab.lab.background import Background, background
from netlab.serve_log import StderrLog
from netlab.signals import held_signals
from netlab.terminal import CommandFailed, harmless, say
from netlab.transports.addresses import format_address, is_loopback
from netlab.transports.services import SERVICES


class Transport(NamedTuple):
    """Where a server's class is, and which services it carries."""

    module: str
    server: str
    services: tuple[str, ...] = ("echo", "chat")


TRANSPORTS = {
    "tcp_threads": Transport("netlab.transports.tcp_threads", "TCPServer"),
    "tcp_pool": Transport("netlab.transports.tcp_pool", "PoolTCPServer"),
    "udp": Transport("netlab.transports.udp", "UDPServer"),
    "tcp_selectors": Transport("netlab.transports.tcp_selectors", "SelectorTCPServer"),
    "tcp_asyncio": Transport("netlab.transports.tcp_asyncio", "AsyncTCPServer"),
    "websocket": Transport("netlab.transports.websocket", "WebSocketServer"),
    "socketio": Transport("netlab.transports.socketio_rooms", "SocketIOServer", ("chat",)),
}
LAST_LINE_S = 0.5
"""seconds that the last line on stderr may take"""
DEFAULT_SERVICE = "chat" if "chat" in SERVICES else "echo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `netlab serve` takes; there is a flag for each field of `Limits`."""
    parser.description = (
        "Serve a service over a transport. The first line on stdout is `listening on HOST:PORT`, "
        "when clients can connect; Ctrl-C (SIGINT) or SIGTERM ends the server."
    )
    parser.add_argument("transport", choices=TRANSPORTS, help="how messages travel")
    parser.add_argument(
        "--service", choices=SERVICES, default=DEFAULT_SERVICE, help="default: %(default)s"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this machine reaches); any "
        "other takes --token or --insecure",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="0 to 65535; default: 0, any free one"
    )
    serve_access.add_arguments(parser)
    parser.add_argument(
        "--loop",
        choices=("auto", "asyncio", "uvloop"),
        default="auto",
        help="event loop of tcp_asyncio, websocket and socketio (default: auto, that is uvloop "
        "where it is installed, but asyncio's own for TLS)",
    )
    tls = parser.add_argument_group("TLS (1.2 or newer)")
    tls.add_argument("--tls-cert", metavar="FILE", help="certificate, and those above it, in PEM")
    tls.add_argument(
        "--tls-key", metavar="FILE", help="its private key, unless it is in --tls-cert"
    )
    tls.add_argument(
        "--tls-client-ca",
        metavar="FILE",
        help="let in only clients with a certificate of this authority (mutual TLS)",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="warning",
        help="what to log on stderr (default: %(default)s)",
    )
    limits = parser.add_argument_group("limits (0 = unlimited)")
    docs = field_docs(Limits)
    for field in fields(Limits):
        limits.add_argument(
            "--" + field.name.replace("_", "-"),
            type=_limit,
            default=field.default,
            metavar="N",
            help=f"{docs.get(field.name, '')}{_default(field.default)}",
        )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    transport = TRANSPORTS[args.transport]
    if args.service not in transport.services:
        raise CommandFailed(
            f"{args.transport} does not carry the {args.service} service; "
            f"it carries: {', '.join(transport.services)}",
            exit_code=2,
        )
    try:
        limits = Limits(**{field.name: getattr(args, field.name) for field in fields(Limits)})
    except ValueError as error:
        raise CommandFailed(str(error), exit_code=2) from None
    options = {**_tls(args), **serve_access.make_access(args)}
    service = ClassroomService if "teacher_token" in options else SERVICES[args.service]
    server = getattr(import_module(transport.module), transport.server)(
        service, host=args.host, port=args.port, limits=limits, **options
    )
    log = StderrLog()
    logging.basicConfig(level=args.log_level.upper(), handlers=[log])
    with held_signals() as wait_for_signal, _start(server, args) as running:
        host, port = running.address
        if not is_loopback(host):  # a name may have got another address since it was looked at
            serve_access.check_others(args, host)
        serve_access.tell_others(args, host)
        say(f"listening on {format_address(host, port)}")
        serve_access.tell_links(server, running.address, options)
        name = wait_for_signal()
        clients = len(running.stats().clients)
    told = f"{clients} client{'' if clients == 1 else 's'} told" if clients else "nobody was there"
    log.end(f"netlab serve: {name} ended the server; {told}", LAST_LINE_S)
    return 0


def _tls(args: argparse.Namespace) -> dict[str, Any]:
    """Return the server's argument `ssl`, if TLS is asked for.

    Raises:
        CommandFailed: it cannot be had; the text says why.
    """
    if args.tls_cert is None:
        for flag in ("tls_key", "tls_client_ca"):
            if getattr(args, flag) is not None:
                name = "--" + flag.replace("_", "-")
                raise CommandFailed(f"{name} goes with --tls-cert, which is missing", exit_code=2)
        return {}
    if args.transport == "udp":
        raise CommandFailed(
            "udp does not take --tls-cert: TLS needs a stream, in which nothing is lost and all "
            "stays in order. For datagrams there are DTLS (RFC 9147) and QUIC (RFC 9000), which "
            "netlab does not speak; serve another transport",
            exit_code=2,
        )
    from netlab.transports.tls import server_context

    try:
        return {"ssl": server_context(args.tls_cert, args.tls_key, args.tls_client_ca)}
    except ValueError as error:
        raise CommandFailed(harmless(str(error)), exit_code=2) from None


def _start(server: Any, args: argparse.Namespace) -> Background[Any]:
    """Start the server, in an event loop of its own if it needs one.

    Raises:
        CommandFailed: it cannot listen there; the text says why.
    """
    host, port = args.host, args.port
    address = harmless(format_address(host, port))
    # uvloop keeps connections whose handshake is cut short (0.23).
    name: LoopName = "asyncio" if args.loop == "auto" and args.tls_cert is not None else args.loop
    try:
        return background(server, loop_factory=loop_factory(name))
    except ImportError:
        raise CommandFailed(
            "--loop uvloop: it is not installed here; pip install uvloop, or leave out --loop",
            exit_code=2,
        ) from None
    except AddressInUse:
        raise CommandFailed(
            f"{address} is already in use: stop the server that listens there, "
            "or choose another --port (0 for any free one)"
        ) from None
    except (socket.gaierror, UnicodeError):
        raise CommandFailed(
            f"no host is called {host!r}; --host takes an address of this machine "
            "(127.0.0.1, ::1, 0.0.0.0 for all of them) or a name that has one"
        ) from None
    except PermissionError:
        raise CommandFailed(
            f"this user may not listen on {address}; ports from 1024 up need no privilege"
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            reason = "it is no address of this machine"
        else:
            reason = harmless(error.strerror or str(error))
        raise CommandFailed(
            f"cannot listen on {address}: {reason}; --host takes an address of this machine, "
            "such as 127.0.0.1"
        ) from None


def field_docs(cls: type) -> dict[str, str]:
    """Return the strings that stand below the fields of a class; they exist in its source only."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    except (OSError, SyntaxError):  # no source, no documentation
        return {}
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(doc))),
            ):
                docs[name] = " ".join(doc.split()).replace("None =", "left out =")
    return docs


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; a port is a number from 0 to 65535")


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no limit; a limit is a whole number, 1 or more, or 0 for unlimited"
    )


def _default(value: object) -> str:
    return f" (default: {value:,})" if isinstance(value, int) else ""
