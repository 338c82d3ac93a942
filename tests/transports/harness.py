"""How the stories reach each transport: a server that runs, and clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from netlab.core.service import Limits, Service
from netlab.lab import LESSON, background
from netlab.transports.client import Client
from netlab.transports.services import ServiceName
from netlab.transports.tcp_threads import TCPClient, TCPServer


@dataclass(frozen=True)
class Transport:
    """One way to carry a service."""

    name: str
    server: Callable[..., Any]
    client: Callable[..., Client]

    @contextmanager
    def serving(self, service: type[Service], limits: Limits | None = None) -> Iterator[Any]:
        """Run a server with lesson time, so that nothing happens because of the machine's pace."""
        with background(self.server(service, limits=limits, **LESSON), name=self.name) as running:
            yield running

    def connect(self, server: Any, service: ServiceName) -> Client:
        """Connect a client."""
        return self.client(server.address, service=service).connect()


TCP_THREADS = Transport("tcp_threads", TCPServer, TCPClient)
TRANSPORTS = [TCP_THREADS]
STREAMS = [TCP_THREADS]
