"""What the operating system's kernel itself says of your sockets. No call needs root.

    kernel.state(sock)                                  # 'ESTABLISHED'
    kernel.wait_state(sock, "CLOSE_WAIT")
    kernel.table({"listener": listener, "client": sock})
    ends = kernel.pair(sock)                            # still good when the socket is closed:
    kernel.wait_state(ends, "TIME_WAIT")

    kernel.queues(sock).unread_bytes                    # Recv-Q, Send-Q:          queues.py
    kernel.backlog(listener).waiting                    # who waits for accept:    backlog.py
    kernel.counters().since(before)                     # what the system lost:    backlog.py
    kernel.tcp_info(sock).claims("rtt_us > 0")          # some fifty figures:      tcp_info.py
    kernel.options(sock).changed_from()                 # socket options:          socket_options.py
    kernel.time_waits(port)                             # who closed first:        time_waits.py
    kernel.udp_queue(sock).drops                        # datagrams thrown away:   udp_drops.py
    kernel.snapshot({"client": sock})                   # all of it, quickly:     kernel_snapshot.py
    with kernel.watch({"client": sock}) as watch: ...   # a history of states:     kernel_watch.py

This module is the face; each of those named has the whole story, and an example. Where a system
does not tell a figure, `NotAvailable` says which system does, and what to use here.
"""

from __future__ import annotations

from netlab.lab.backlog import Backlog, Counters, backlog, counters, wait_backlog
from netlab.lab.kernel_snapshot import Snapshot, SocketNow, snapshot
from netlab.lab.kernel_table import Table, table
from netlab.lab.kernel_watch import FLEETING, Change, Watch, watch
from netlab.lab.procnet import (
    STATES,
    UNCONNECTED,
    Address,
    NotAvailable,
    Pair,
    Row,
    UnixRow,
    rows,
    udp_rows,
    unix_rows,
)
from netlab.lab.queues import Queues, queues, wait_acknowledged
from netlab.lab.socket_options import Options, options
from netlab.lab.socket_states import connections, pair, state, wait_state
from netlab.lab.tcp_info import TcpInfo, TcpInfoChange, tcp_info
from netlab.lab.time_waits import TimeWait, TimeWaits, time_waits, wait_time_waits
from netlab.lab.udp_drops import UdpQueue, udp_queue, wait_drops
from netlab.lab.waiting import blocked_in, unread_bytes, wait_blocked, wait_unread

__all__ = [
    "FLEETING",
    "STATES",
    "UNCONNECTED",
    "Address",
    "Backlog",
    "Change",
    "Counters",
    "NotAvailable",
    "Options",
    "Pair",
    "Queues",
    "Row",
    "Snapshot",
    "SocketNow",
    "Table",
    "TcpInfo",
    "TcpInfoChange",
    "TimeWait",
    "TimeWaits",
    "UdpQueue",
    "UnixRow",
    "Watch",
    "backlog",
    "blocked_in",
    "connections",
    "counters",
    "options",
    "pair",
    "queues",
    "rows",
    "snapshot",
    "state",
    "table",
    "tcp_info",
    "time_waits",
    "udp_queue",
    "udp_rows",
    "unix_rows",
    "unread_bytes",
    "wait_acknowledged",
    "wait_backlog",
    "wait_blocked",
    "wait_drops",
    "wait_state",
    "wait_time_waits",
    "wait_unread",
    "watch",
]
