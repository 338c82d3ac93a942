"""The kernel's rows for named sockets as a table: names in place of ports, so that it repeats.

kernel.table({"listener": listener, "client": sock})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlab.lab.addresses import local_address
from netlab.lab.frames import name_order
from netlab.lab.grid import Grid, Shown
from netlab.lab.procnet import Address, Row, plain, rows
from netlab.lab.socket_states import is_pair


class Table(Shown):
    """The kernel's rows for some TCP sockets, with names in place of ports.

    `lines` has them: name, with whom it talks, state, bytes that the other side has not
    acknowledged yet, bytes that the program has not received yet (of a listener: connections
    that it has not accepted yet).
    """

    HEAD = ("socket", "talks to", "state", "unacknowledged", "unread")

    def __init__(self, names: Mapping[str, Any]) -> None:
        places = {name: _local(whom) for name, whom in names.items()}
        everything = rows({port for _, port in places.values()})
        found = [
            (name, row)
            for name, whom in names.items()
            for row in everything
            if row.local == places[name] and is_end_of(row, whom)
        ]
        ends = {(row.local, row.remote): name for name, row in found}
        self.lines: list[tuple[str, str, str, int, int]] = []
        for name, row in found:
            other = "" if row.state == "LISTEN" else ends.get((row.remote, row.local), "?")
            self.lines.append((name, other, row.state, row.unacknowledged_bytes, row.unread_bytes))
        # /proc lists them by a hash of their ports: chance.
        order = list(names)
        self.lines.sort(
            key=lambda line: (order.index(line[0]), line[2] != "LISTEN", name_order(line[1]), line)
        )

    def grid(self) -> Grid:
        return Grid("As the kernel sees it; queues in bytes", self.HEAD, self.lines)


def table(names: Mapping[str, Any]) -> Table:
    """Return the kernel's rows for the named sockets, addresses (all at this port) or pairs.

    Raises:
        NotAvailable: there is no /proc/net/tcp here.
    """
    return Table(names)


def _local(whom: Any) -> Address:
    return plain(whom[0] if is_pair(whom) else local_address(whom))


def is_end_of(row: Row, whom: Any) -> bool:
    """Is this the row of that very socket? A listener and its connections share one port."""
    if is_pair(whom):
        return bool(row.remote == whom[1])
    peer_of = getattr(whom, "getpeername", None)
    if peer_of is None:
        return True
    try:
        peer = plain(peer_of())
    except OSError:
        return row.state == "LISTEN"
    return bool(row.remote == peer)
