"""Is a server still there? Asked without a connection, which would show in what is watched."""

from __future__ import annotations

from typing import Any

from netlab.lab.procnet import NotAvailable, rows, udp_rows


def is_running(server: Any) -> bool:
    """Tell whether a server runs: by its `running`, else by what the kernel lists at its port.

    Where the kernel does not tell (Linux does) a server without `running` is taken to run.
    """
    told = getattr(server, "running", None)
    if isinstance(told, bool):
        return told
    try:
        address = server.address
    except Exception:  # it says so in its own way: not started
        return False
    if not isinstance(address, tuple):
        return True  # a UNIX socket's path
    port = address[1]
    try:
        listens = any(row.local[1] == port and row.state == "LISTEN" for row in rows({port}))
        return listens or any(row.local[1] == port for row in udp_rows({port}))
    except NotAvailable:
        return True
