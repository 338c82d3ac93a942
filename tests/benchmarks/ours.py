"""Run one of netlab's servers as `netlab serve` does, until SIGTERM; for the benchmarks.

    python -m tests.benchmarks.ours TRANSPORT [--members N]

All limits are on but the message rate. Those that count clients are raised, so that all the
benchmark's clients may come in.
"""

from __future__ import annotations

import argparse
import logging
import signal
from typing import Any

from netlab.core.chat import ChatService
from netlab.core.service import Limits
from netlab.event_loop import loop_factory
from netlab.lab import background
from netlab.transports.socketio_rooms import SocketIOServer
from netlab.transports.tcp_asyncio import AsyncTCPServer
from netlab.transports.tcp_pool import PoolTCPServer
from netlab.transports.tcp_selectors import SelectorTCPServer
from netlab.transports.tcp_threads import TCPServer
from netlab.transports.udp import UDPServer
from netlab.transports.websocket import WebSocketServer
from tests.benchmarks.profiler import Profiler

SERVERS: dict[str, Any] = {
    "tcp_threads": TCPServer,
    "tcp_pool": PoolTCPServer,
    "tcp_selectors": SelectorTCPServer,
    "tcp_asyncio": AsyncTCPServer,
    "udp": UDPServer,
    "websocket": WebSocketServer,
    "socketio": SocketIOServer,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("transport", choices=SERVERS)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--loop", default="auto")
    parser.add_argument("--profile", action="store_true", help="print one at the end")
    args = parser.parse_args()
    logging.basicConfig(level="WARNING")
    limits = Limits(messages_per_second=0, max_clients=args.members + 50)
    options = {"workers": args.members + 50} if args.transport == "tcp_pool" else {}
    server = SERVERS[args.transport](ChatService, limits=limits, **options)
    profiler = Profiler() if args.profile else None
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    with background(server, loop_factory=loop_factory(args.loop)) as running:
        host, port = running.address
        print(f"listening on {host}:{port}", flush=True)
        signal.sigwait([signal.SIGTERM])
    if profiler is not None:
        print(profiler.table(), flush=True)


if __name__ == "__main__":
    main()
