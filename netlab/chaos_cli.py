"""`netlab chaos`: a proxy with faults before any program, telling what it does as it does it."""

from __future__ import annotations

import argparse
import errno
import socket
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from netlab.endpoints import Endpoint, check_bind, parse_endpoint
from netlab.lab.chaos import Chaos
from netlab.lab.chaos_log import Entry
from netlab.lab.faults import DatagramFaults, StreamFaults
from netlab.line_printer import LinePrinter
from netlab.serve_cli import field_docs
from netlab.signals import held_signals
from netlab.terminal import CommandFailed, complain, harmless
from netlab.transports.addresses import format_address

OTHERS = "--let-others-connect"


class Flag(NamedTuple):
    """How a fault is written on the command line, where that is not its name and a number."""

    name: str
    metavar: str
    parse: Callable[[str], Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `netlab chaos` takes; there is a flag for each fault."""
    parser.description = (
        "Pass on what comes to LISTEN to TARGET, with faults that are the same for the same seed. "
        "Faults of TCP stand at byte offsets, those of UDP at numbers of datagrams. The first line "
        "on stdout is `listening on ADDRESS`, when clients can connect; then comes a line for each "
        "thing done. Ctrl-C (SIGINT) or SIGTERM ends it."
    )
    parser.add_argument(
        "listen", metavar="LISTEN", help=":9000, 127.0.0.1:0 (any free port), udp://:9000, unix:a"
    )
    parser.add_argument("target", metavar="TARGET", help="where the server is, as in :9001")
    parser.add_argument(
        "--seed", default="0", help="a number or a word that decides what is left to chance"
    )
    parser.add_argument(
        "--direction",
        choices=("both", "to_server", "to_client"),
        default="both",
        help="where the faults are (default: %(default)s)",
    )
    parser.add_argument(
        "--connection",
        type=_whole,
        metavar="N",
        help="fault only the Nth connection (of UDP: the Nth client); default: all",
    )
    parser.add_argument(
        OTHERS, action="store_true", help="allow LISTEN to be an address that others can reach"
    )
    common = {field.name for field in fields(StreamFaults)} & {
        field.name for field in fields(DatagramFaults)
    }
    both = parser.add_argument_group("faults of TCP and UDP")
    for title, kind in (("faults of TCP", StreamFaults), ("faults of UDP", DatagramFaults)):
        group = parser.add_argument_group(title)
        docs = field_docs(kind)
        for field in fields(kind):
            if field.name in common and kind is DatagramFaults:
                continue
            flag = FLAGS.get(field.name) or Flag(_plain_name(field.name), "N", _number)
            (both if field.name in common else group).add_argument(
                f"--{flag.name}",
                dest=field.name,
                metavar=flag.metavar,
                type=flag.parse,
                default=argparse.SUPPRESS,
                help=_help(docs[field.name]),
            )


def run(args: argparse.Namespace) -> int:
    """Pass on until SIGINT or SIGTERM."""
    listen = parse_endpoint(args.listen, listen=True)
    target = parse_endpoint(args.target)
    if (listen.scheme == "udp") != (target.scheme == "udp"):
        raise CommandFailed(
            f"{harmless(args.listen)} and {harmless(args.target)}: either both are udp://, "
            "or none is",
            exit_code=2,
        )
    check_bind(listen, flag=OTHERS, told=args.let_others_connect)
    printer = Printer()
    chaos = _make(args, listen, target, printer)
    with held_signals() as wait_for_signal:
        start_proxy(chaos, listen, target)
        try:
            printer.start([listening_line(chaos, listen), *chaos.describe().split("\n")])
            name = wait_for_signal()
        finally:
            chaos.stop()
            printer.end()
    if printer.broken:
        raise BrokenPipeError
    done = len(chaos.log) + chaos.log.left_out
    complain(f"netlab chaos: {name} ended the proxy; {done:,} thing{'s' * (done != 1)} done")
    return 0


def _make(args: argparse.Namespace, listen: Endpoint, target: Endpoint, printer: Printer) -> Chaos:
    """Return the proxy that was asked for. Raises: CommandFailed: a fault is set wrongly."""
    udp = target.scheme == "udp"
    names = [field.name for kind in (StreamFaults, DatagramFaults) for field in fields(kind)]
    given = {name: getattr(args, name) for name in names if hasattr(args, name)}
    mine = {field.name for field in fields(DatagramFaults if udp else StreamFaults)}
    for name in given:
        if name not in mine:
            raise CommandFailed(
                f"{_flag(name)} is a fault of {'TCP' if udp else 'UDP'}, and "
                f"{harmless(str(target))} is {'not' if udp else 'no udp:// address'}",
                exit_code=2,
            )
    try:
        return Chaos(
            target.address,
            seed=args.seed,
            transport="udp" if udp else "tcp",
            direction=args.direction,
            connection=args.connection,
            listen=listen.address,
            on_entry=printer.entry,
            on_connection=printer.connection,
            max_bytes=0,
            **given,
        )
    except (TypeError, ValueError) as error:
        text = str(error)
        for name in given:
            if text.startswith(name):
                text = _flag(name) + text.removeprefix(name)
        raise CommandFailed(text, exit_code=2) from None


def listening_line(chaos: Chaos, listen: Endpoint) -> str:
    """Return the first line on stdout: where clients can connect."""
    address = chaos.address
    place = (
        listen._replace(path=address)
        if isinstance(address, str)
        else listen._replace(host=address[0], port=address[1])
    )
    return f"listening on {harmless(str(place))}"


def start_proxy(chaos: Chaos, listen: Endpoint, target: Endpoint) -> None:
    """Start it. Raises: CommandFailed: it cannot listen there, or the target is unknown."""
    place = harmless(str(listen))
    try:
        chaos.start()
    except (socket.gaierror, UnicodeError):
        raise CommandFailed(f"no host is called {harmless(target.host)!r}") from None
    except PermissionError:
        raise CommandFailed(f"this user may not listen on {place}") from None
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "it is already in use: choose another, or port 0 for any free one",
            errno.EADDRNOTAVAIL: "it is no address of this machine",
        }
        reason = reasons.get(error.errno or 0, harmless(error.strerror or str(error)))
        raise CommandFailed(f"cannot listen on {place}: {reason}") from None


class Printer(LinePrinter):
    """Says what the proxy does."""

    def __init__(self) -> None:
        super().__init__("netlab-chaos-print")

    def entry(self, entry: Entry) -> None:
        """Say what was done."""
        self.put(harmless(str(entry)))

    def connection(self, key: str, client: Any) -> None:
        """Say that somebody has come."""
        self.put(harmless(f"{key} comes from {comes_from(client)}"))


def comes_from(client: Any) -> str:
    """Return where a client is, as far as it has an address."""
    return format_address(*client[:2]) if client and isinstance(client, tuple) else "here"


# ── how faults are written ───────────────────────────────────────────────────────────────────


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def _several(text: str) -> list[int]:
    return [_whole(part) for part in text.split(",")]


def _pair(text: str) -> tuple[int, int]:
    first, dash, second = text.partition("-")
    if not dash:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair; write it like 4-5")
    return _whole(first), _whole(second)


def _pairs(text: str) -> list[tuple[int, int]]:
    return [_pair(part) for part in text.split(",")]


def _delays(text: str) -> list[tuple[int, float]]:
    found = []
    for part in text.split(","):
        number, colon, delay_ms = part.partition(":")
        if not colon:
            raise argparse.ArgumentTypeError(f"{part!r}: write number:milliseconds, as in 3:200")
        found.append((_whole(number), _number(delay_ms)))
    return found


FLAGS = {
    "slice_at": Flag("slice-at", "N,N", _several),
    "slice_random": Flag("slice-random", "N-N", _pair),
    "corrupt_at": Flag("corrupt-at", "N,N", _several),
    "drop": Flag("drop", "N,N", _several),
    "duplicate": Flag("duplicate", "N,N", _several),
    "corrupt": Flag("corrupt", "N,N", _several),
    "swap": Flag("swap", "N-N,N-N", _pairs),
    "delay": Flag("delay", "N:MS,N:MS", _delays),
}


def _plain_name(field: str) -> str:
    """Return the flag's name: --slice for slice_bytes, but --bytes-per-s."""
    return field.removesuffix("_bytes").replace("_", "-")


def _flag(field: str) -> str:
    return "--" + (FLAGS[field].name if field in FLAGS else _plain_name(field))


def _help(doc: str) -> str:
    return doc.replace("; a mapping, or pairs", "").replace("`release` alone ends it", "for ever")
