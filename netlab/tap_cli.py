"""`netlab tap`: a proxy before any program that tells what passes, and writes it for Wireshark."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any, BinaryIO

from netlab.chaos_cli import OTHERS, comes_from, listening_line, start_proxy
from netlab.endpoints import Endpoint, check_bind, parse_endpoint
from netlab.lab.addresses import resolve
from netlab.lab.chaos import Chaos
from netlab.lab.recording import MAX_BYTES, Chunk, Ends, Recording
from netlab.line_printer import LinePrinter
from netlab.signals import held_signals
from netlab.tap_file import PacketThread, open_file
from netlab.tap_lines import FRAMINGS, TapLines
from netlab.terminal import CommandFailed, complain, harmless

PIPE_COLUMNS = 120
"""length of a line where stdout is no terminal"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `netlab tap` takes."""
    parser.description = (
        "Pass on what comes to LISTEN to TARGET, and tell what passes, a line for each event. The "
        "first line on stdout is `listening on ADDRESS`, when clients can connect. Ctrl-C (SIGINT) "
        "or SIGTERM ends it."
    )
    parser.add_argument(
        "listen", metavar="LISTEN", help=":9000, 127.0.0.1:0 (any free port), udp://:9000, unix:a"
    )
    parser.add_argument("target", metavar="TARGET", help="where the server is, as in :9001")
    parser.add_argument("--udp", action="store_true", help="LISTEN and TARGET are UDP's")
    parser.add_argument("--hex", action="store_true", help="show the bytes below each line")
    parser.add_argument(
        "--frames",
        choices=FRAMINGS,
        metavar="FRAMING",
        help=f"cut the bytes into frames: {', '.join(FRAMINGS)} (default: chunks, as they come)",
    )
    parser.add_argument(
        "--pcapng", type=Path, metavar="FILE", help="write what passes for Wireshark, too"
    )
    parser.add_argument(
        "--max-bytes",
        type=_size,
        metavar="N",
        help="stop writing to FILE after N bytes, a few hundred for each event among them "
        f"(default: {MAX_BYTES:,})",
    )
    parser.add_argument("--no-color", action="store_true", help="no colors on a terminal")
    parser.add_argument(
        OTHERS, action="store_true", help="allow LISTEN to be an address that others can reach"
    )


def run(args: argparse.Namespace) -> int:
    """Pass on and tell until SIGINT or SIGTERM."""
    listen, target = _endpoints(args)
    check_bind(listen, flag=OTHERS, told=args.let_others_connect)
    if args.max_bytes is not None and args.pcapng is None:
        raise CommandFailed("--max-bytes limits the file of --pcapng, which is missing", 2)
    udp = target.scheme == "udp"
    if udp and args.frames not in (None, "chunks"):
        raise CommandFailed("--frames is for TCP: with UDP each datagram is a frame", 2)
    numeric = _numeric(target)
    # The fault proxy, without a fault, passes on faithfully, and it listens where it is told to.
    chaos = Chaos(
        numeric or target.address,
        transport="udp" if udp else "tcp",
        listen=listen.address,
        on_connection=lambda key, client: tap.connection(key, client),
        max_bytes=0,
    )
    # What has come, with TCP; of UDP's ICMP errors only the other recording knows.
    recording = chaos.recording if udp else chaos.received
    tap = _Tap(args, recording, Ends("udp" if udp else "tcp", server=numeric))
    if args.pcapng is not None:
        recording.max_bytes = MAX_BYTES if args.max_bytes is None else args.max_bytes
        tap.write_to(open_file(args.pcapng))
    recording.on_chunk = tap.chunk
    try:
        with held_signals() as wait_for_signal:
            start_proxy(chaos, listen, target)
            tap.start([listening_line(chaos, listen)])
            name = wait_for_signal()
    finally:
        chaos.stop()
        tap.end()
    if tap.printer.broken:
        raise BrokenPipeError
    complain(f"netlab tap: {name} ended the proxy; {tap.summary()}")
    return 1 if tap.file_cut else 0


class _Tap:
    """Hears from the proxy's thread what happens; tells the printer and the file."""

    def __init__(self, args: argparse.Namespace, recording: Recording, ends: Ends) -> None:
        self._path = args.pcapng
        self._recording = recording
        self._server_ends = ends
        self._ends: dict[str, Ends] = {}
        tty = sys.stdout.isatty()
        plain = args.no_color or not tty or bool(os.environ.get("NO_COLOR"))
        self._lines = TapLines(
            args.frames or "chunks",
            columns=shutil.get_terminal_size().columns if tty else PIPE_COLUMNS,
            hex_dump=args.hex,
            color=not plain,
        )
        self._connections = self._bytes = 0
        self.printer = LinePrinter("netlab-tap-print")
        self._packets: PacketThread | None = None

    def write_to(self, file: BinaryIO) -> None:
        """Write packets to `file`, too, from a thread of their own."""
        self._packets = PacketThread(file, self._recording.started_at_s)

    def start(self, first_lines: list[str]) -> None:
        if self._packets is not None:
            self._packets.start()
        self.printer.start(first_lines)

    def connection(self, key: str, client: Any) -> None:
        """A client has come. In the proxy's thread, as what follows."""
        self._connections += 1
        ends = self._server_ends
        if isinstance(client, tuple):
            ends = Ends(ends.transport, (client[0], client[1]), ends.server)
        if self._packets is not None:
            self._ends[key] = ends
        verb = "comes" if ends.transport == "udp" else "connects"
        self.printer.put(self._lines.opened(key, f"({verb} from {comes_from(client)})"))

    def chunk(self, chunk: Chunk, kept: bool) -> None:
        """Something has happened. `kept`: it is to be written to the file, too."""
        if chunk.kind == "data":
            self._bytes += len(chunk.data)
        for line in self._lines.lines(chunk):
            self.printer.put(line)
        if kept and self._packets is not None:
            self._packets.put(chunk, self._ends[chunk.connection])

    def end(self) -> None:
        """Let the lines and packets out that wait."""
        self.printer.end()
        if self._packets is not None:
            self._packets.end(self._recording.dropped_note("The recording was "))

    @property
    def file_cut(self) -> bool:
        """Whether the file lacks something for another reason than --max-bytes."""
        return self._packets is not None and self._packets.cut

    def summary(self) -> str:
        several = "" if self._connections == 1 else "s"
        text = f"{self._connections:,} connection{several}, {self._bytes:,} bytes"
        if self._packets is not None:
            path = harmless(str(self._path))
            text += f"; {path}: {self._packets.result()}{self._recording.dropped_note('; ')}"
        return text


def _endpoints(args: argparse.Namespace) -> tuple[Endpoint, Endpoint]:
    """Return both ends. Raises: CommandFailed: one is UDP and the other is not."""
    listen = parse_endpoint(args.listen, listen=True)
    target = parse_endpoint(args.target)
    if args.udp:
        for text, one in ((args.listen, listen), (args.target, target)):
            if one.scheme == "unix":
                raise CommandFailed(f"{harmless(text)} is no address of UDP; leave --udp out", 2)
        listen, target = (one._replace(scheme="udp") for one in (listen, target))
    if (listen.scheme == "udp") != (target.scheme == "udp"):
        raise CommandFailed(
            f"{harmless(args.listen)} and {harmless(args.target)}: either both are udp://, "
            "or none is; --udp makes both so",
            exit_code=2,
        )
    return listen, target


def _numeric(target: Endpoint) -> tuple[str, int] | None:
    """Return the target's IP address and port; None for a UNIX socket."""
    if target.scheme == "unix":
        return None
    kind = socket.SOCK_DGRAM if target.scheme == "udp" else socket.SOCK_STREAM
    try:
        _, address = resolve(target.address, kind)
    except (OSError, UnicodeError):
        raise CommandFailed(f"no host is called {harmless(target.host)!r}") from None
    return str(address[0]), int(address[1])


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 0 or more")
    return int(text)
