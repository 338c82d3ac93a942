"""Ports for kernels that nobody else is given.

Jupyter asks the system for a free port, closes it, and tells a new kernel to listen there. While
other tests open thousands of connections, one of them may be given that very port in between
(jupyter_client, issue 487: `Address already in use`, and the kernel dies). So kernels get ports
below those that the system gives to clients.
"""

from __future__ import annotations

import itertools
import os
import socket

from jupyter_client.connect import LocalPortCache

FIRST, LAST = 10_000, 32_767
"""Linux gives clients 32,768 and up (ip(7), ip_local_port_range), others 49,152 and up"""

# Processes begin at different places, so that they do not try the same ports at the same time.
_numbers = itertools.count(os.getpid() * 101)


def _find_available_port(self: LocalPortCache, ip: str) -> int:
    while True:
        port = FIRST + next(_numbers) % (LAST - FIRST)
        if port in self.currently_used_ports:
            continue
        with socket.socket() as sock:
            try:
                sock.bind((ip, port))
            except OSError:  # somebody listens there
                continue
        self.currently_used_ports.add(port)
        return port


def use() -> None:
    """From now on, kernels that this process starts listen there."""
    LocalPortCache.find_available_port = _find_available_port  # type: ignore[method-assign]
