"""Who may come to `netlab serve`: the flags that say so, and the links that let a class in."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from netlab.endpoints import Endpoint
from netlab.join_link import join_link, new_token, qr_code, qr_image, reachable_host
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
        "--teacher-token",
        metavar="TOKEN",
        help="what opens the teacher's page (socketio): who is here, mute, send away; without it "
        "a new one if there is a --token",
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
        arguments["token"] = _token(args.token, "--token")
    if args.teacher_token is not None and args.transport not in WITH_TEACHER:
        raise _wrong(f"{args.transport} has no page for a teacher; serve {WITH_TEACHER[0]}")
    if args.transport in WITH_TEACHER and (args.token or args.teacher_token):
        arguments["teacher_token"] = _token(args.teacher_token or AUTO, "--teacher-token")
    if arguments and len(set(arguments.values())) < len(arguments):
        raise _wrong("--teacher-token is a secret among those who have --token: choose another")
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


def tell_links(server: Any, address: tuple[str, int], tokens: dict[str, Any]) -> None:
    """Print the links to join by and to the teacher's page and, at a terminal, a QR code.

    Args:
        server: the server; its teacher's page is told the link to join by, too.
        address: where it listens.
        tokens: of its arguments, those that say who may come in.
    """
    token, teacher_token = tokens.get("token"), tokens.get("teacher_token")
    is_secure = "ssl" in tokens
    host, port = address
    # Not by the network where that can be: what is unencrypted there, others can read.
    here = _WILDCARDS.get(host, host)
    if teacher_token is not None:
        link = join_link(here, port, teacher_token, page="teacher", secure=is_secure)
        say(f"teacher: {link}")
    if token is None and teacher_token is None:
        return  # it is open to all, and nobody has asked for links
    reachable = reachable_host(host)
    if reachable is None:
        complain("netlab serve: this machine is in no network, so only its own programs can join")
    link = join_link(reachable or here, port, token, secure=is_secure)
    say(f"join: {link}")
    if teacher_token is not None:
        server.teacher.invite(link, qr_image(link))
    if sys.stdout.isatty():
        say(qr_code(link) or "(for a QR code here: pip install segno)")


def _token(given: str, flag: str) -> str:
    from netlab.transports.access import check_token

    try:
        return new_token() if given == AUTO else check_token(given)
    except ValueError as error:
        raise _wrong(f"{flag}: {error}; or `auto`, for a new one") from None


def _where(args: argparse.Namespace, host: str) -> str:
    return harmless(format_address(host, args.port) if args.port else host)


def _wrong(sentence: str) -> CommandFailed:
    return CommandFailed(sentence, exit_code=2)
