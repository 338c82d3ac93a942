"""Who may come to `netlab serve`: the flags that say so, and the links that let a class in."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from netlab.endpoints import Endpoint
from netlab.join_link import join_link, new_token, qr_code, reachable_host
from netlab.terminal import CommandFailed, complain, harmless, say
from netlab.transports.addresses import format_address, is_loopback

AUTO = "auto"
WITH_TOKEN = ("websocket", "socketio")
"""transports that can ask for a token: those that browsers speak"""
WITH_TEACHER = ("socketio",)
"""transports that have a page for the teacher"""
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not listened on)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    access = parser.add_argument_group("who may come")
    access.add_argument(
        "--token",
        help="let in only who shows this token (websocket, socketio): 8 to 128 letters, digits or "
        "._~- ; `auto`: a new one. Other users of this machine see what you type here (ps)",
    )
    access.add_argument(
        "--insecure",
        action="store_true",
        help="listen beyond this machine though everybody who reaches it may connect",
    )


def make_access(args: argparse.Namespace) -> dict[str, Any]:
    """Return the server's arguments that say who may come in.

    Raises:
        CommandFailed: the flags cannot be, or would let in everybody without having said so.
    """
    arguments: dict[str, Any] = {}
    if args.token is not None:
        if args.transport not in WITH_TOKEN:
            raise _wrong(
                f"{args.transport} does not take --token: it has no request that could carry one "
                f"before the first message. Serve {' or '.join(WITH_TOKEN)}"
            )
        arguments["token"] = _token(args.token)
    try:
        is_private = Endpoint("tcp", args.host, args.port).only_this_machine()
    except CommandFailed:
        return arguments  # no host is called so: listening fails, and says it
    if not is_private:
        check_others(args, args.host)
    return arguments


def check_others(args: argparse.Namespace, host: str) -> None:
    """Refuse to listen where other machines can connect, unless something stands against them.

    Raises:
        CommandFailed: nothing does.
    """
    if args.insecure or args.token is not None or args.tls_client_ca is not None:
        return
    if args.transport in WITH_TOKEN:
        remedy = "let in only who shows a token with --token auto"
    elif args.transport == "udp":
        remedy = "serve socketio with --token auto (udp can ask for nothing)"
    else:
        remedy = (
            "serve socketio with --token auto, or let in only who shows a certificate with "
            f"--tls-cert and --tls-client-ca ({args.transport} can ask for no token)"
        )
    raise _wrong(
        f"everybody who can reach this machine could connect to {_where(args, host)}; leave out "
        f"--host to serve this machine alone, or {remedy}, or say that you mean it with --insecure"
    )


def tell_others(args: argparse.Namespace, host: str) -> None:
    """Complain where other machines can connect and something stands open, or can be read."""
    if is_loopback(host):
        return
    if args.token is None and args.tls_client_ca is None:
        complain(
            f"netlab serve: on {_where(args, host)} everybody who can reach this machine can "
            "connect; leave out --host to serve this machine alone"
        )
    elif args.tls_cert is None:
        complain(
            "netlab serve: without --tls-cert everybody on the same network can read all that is "
            "said, and the token"
        )


def tell_links(args: argparse.Namespace, address: tuple[str, int], token: str | None) -> None:
    """Print the link to join by and, at a terminal, its QR code."""
    if token is None:
        return
    host, port = address
    is_secure = args.tls_cert is not None
    reachable = reachable_host(host)
    if reachable is None:
        complain("netlab serve: this machine is in no network, so only its own programs can join")
    link = join_link(reachable or _WILDCARDS.get(host, host), port, token, secure=is_secure)
    say(f"join: {link}")
    if sys.stdout.isatty():
        code = qr_code(link)
        say(code or "(for a QR code here: pip install segno)")


def _token(given: str) -> str:
    from netlab.transports.access import check_token

    try:
        return new_token() if given == AUTO else check_token(given)
    except ValueError as error:
        raise _wrong(f"--token: {error}; or `auto`, for a new one") from None


def _where(args: argparse.Namespace, host: str) -> str:
    return harmless(format_address(host, args.port) if args.port else host)


def _wrong(sentence: str) -> CommandFailed:
    return CommandFailed(sentence, exit_code=2)
