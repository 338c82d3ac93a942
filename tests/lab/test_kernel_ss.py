"""The same figures as iproute2's `ss` gives, for sockets in many states."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass

import pytest

from netlab.lab import kernel
from tests.lab.held import connected, fill, full_listener, knocking, small_pair

NAMES = {  # of ss, where they differ from RFC 9293's
    "ESTAB": "ESTABLISHED",
    "UNCONN": "UNCONNECTED",
    "FIN-WAIT-1": "FIN_WAIT1",
    "FIN-WAIT-2": "FIN_WAIT2",
}


@dataclass(frozen=True)
class Line:
    """What ss says of one socket."""

    state: str
    recv_q: int
    send_q: int
    local: str
    more: str

    def number(self, name: str) -> float:
        """Return a figure, as rtt from ``rtt:0.04/0.02``; 0 where ss leaves it out."""
        found = re.search(rf"(?<!\w){name}:([\d.]+)", self.more)
        return float(found[1]) if found else 0.0


def ss(kind: str, whom: socket.socket | kernel.Pair) -> Line:
    """Return the line of ss for a socket or pair. Without ss: skipped, and a failure in CI."""
    program = shutil.which("ss")
    if program is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("skipped: install ss (apt-get install iproute2)")
    if isinstance(whom, tuple):
        (_, port), (_, peer) = whom
    else:
        port, peer = whom.getsockname()[1], 0
        with contextlib.suppress(OSError):
            peer = whom.getpeername()[1]
    # The same port may have served for other connections, which are in TIME_WAIT now.
    ends = ["sport", "=", f":{port}", "and", "dport", "=", f":{peer}"]
    done = subprocess.run(
        [program, "-HOanmoi", kind, *ends],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    lines = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
    assert len(lines) == 1, done.stdout
    name, recv_q, send_q, local, *more = lines[0]
    state = NAMES.get(name, name.replace("-", "_"))
    return Line(state, int(recv_q), int(send_q), local, " ".join(more))


def at_rest(sock: socket.socket) -> tuple[Line, kernel.Queues, kernel.TcpInfo]:
    """Return what ss and we say of a connection, nothing having moved between the questions.

    An acknowledgement, or a segment sent again, may come at any time even if both programs rest.
    """
    for _ in range(50):
        before = kernel.tcp_info(sock)
        queues, line, again = kernel.queues(sock), ss("-t", sock), kernel.queues(sock)
        change = kernel.tcp_info(sock).since(before)
        if queues == again and not change.segments_sent and not change.segments_received:
            return line, queues, before
    raise AssertionError(f"the connection does not come to rest: {change}")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_with_unread_bytes(host):
    with connected(host) as (client, server):
        client.sendall(bytes(3000))
        kernel.wait_unread(server, 3000)
        kernel.wait_acknowledged(client)
        theirs, _, info = at_rest(client)
        assert theirs.state == info.state
        assert theirs.number("rtt") * 1000 == pytest.approx(info.rtt_us, abs=1)
        assert theirs.number("rto") * 1000 == pytest.approx(info.rto_us, abs=1)
        assert theirs.number("minrtt") * 1000 == pytest.approx(info.min_rtt_us, abs=1)
        for ss_name, name in {
            "cwnd": "cwnd",
            "mss": "mss_bytes",
            "pmtu": "pmtu_bytes",
            "advmss": "advmss_bytes",
            "rcvmss": "received_mss_bytes",
            "bytes_sent": "bytes_sent",
            "bytes_acked": "bytes_acked",
            "segs_out": "segments_sent",
            "segs_in": "segments_received",
            "data_segs_out": "data_segments_sent",
            "delivered": "delivered",
            "rcv_space": "receive_space_bytes",
            "rcv_ssthresh": "receive_ssthresh_bytes",
            "snd_wnd": "send_window_bytes",
        }.items():
            assert theirs.number(ss_name) == getattr(info, name), name
        sending, receiving = re.search(r"wscale:(\d+),(\d+)", theirs.more).groups()
        assert info.window_scales == f"{sending}, {receiving}"
        # Of the listener and the server's end, which share a port, ss shows two lines.
        assert kernel.queues(server).unread_bytes == 3000 == kernel.tcp_info(server).bytes_received


def test_a_connection_whose_queues_are_full():
    with small_pair() as (client, _server):
        fill(client)
        theirs, queues, info = at_rest(client)
        assert theirs.send_q == queues.unacknowledged_bytes
        assert theirs.number("notsent") == queues.unsent_bytes == info.unsent_bytes
        assert theirs.send_q > 0
        buffers = re.search(r"rb(\d+).*?tb(\d+)", theirs.more)
        options = kernel.options(client)
        assert int(buffers[1]) == options["SO_RCVBUF"]
        assert int(buffers[2]) == options["SO_SNDBUF"]


def test_unread_bytes_at_the_end_that_connected():
    with connected() as (client, server):
        server.sendall(bytes(1500))
        kernel.wait_unread(client, 1500)
        theirs, queues, info = at_rest(client)
        assert theirs.recv_q == queues.unread_bytes == 1500
        assert theirs.number("bytes_received") == info.bytes_received


def test_a_listener():
    with socket.create_server(("127.0.0.1", 0), backlog=7) as listener:
        theirs, backlog = ss("-t", listener), kernel.backlog(listener)
        assert theirs.state == kernel.state(listener) == "LISTEN"
        assert (theirs.recv_q, theirs.send_q) == (backlog.waiting, backlog.limit) == (0, 7)


def test_states_in_which_a_client_can_be():
    with connected() as (client, server):
        server.close()
        kernel.wait_state(client, "CLOSE_WAIT")
        assert ss("-t", client).state == kernel.state(client)
    with connected() as (client, server):
        client.shutdown(socket.SHUT_WR)
        kernel.wait_state(client, "FIN_WAIT2")
        assert ss("-t", client).state == kernel.state(client)
    with full_listener(1) as (listener, _), knocking(listener.getsockname()) as late:
        ends = late.getsockname(), listener.getsockname()
        assert ss("-t", ends).state == kernel.state(late) == "SYN_SENT"


def test_states_in_which_a_client_is_held_by_what_the_server_does_not_read():
    with small_pair() as (client, server):
        fill(client)
        client.shutdown(socket.SHUT_WR)
        assert ss("-t", client).state == kernel.state(client) == "FIN_WAIT1"
        server.shutdown(socket.SHUT_WR)
        kernel.wait_state(client, "CLOSING")
        assert ss("-t", client).state == "CLOSING"
    with small_pair() as (client, server):
        fill(client)
        ends = kernel.pair(client)
        server.shutdown(socket.SHUT_WR)
        kernel.wait_state(client, "CLOSE_WAIT")
        client.close()
        assert ss("-t", ends).state == kernel.state(ends) == "LAST_ACK"


def test_time_wait_and_its_seconds():
    with connected() as (client, server):
        ends = kernel.pair(client)
        client.close()
        kernel.wait_state(server, "CLOSE_WAIT")
        server.close()
        kernel.wait_state(ends, "TIME_WAIT")
        theirs = ss("-t", ends)
        assert theirs.state == "TIME_WAIT"
        mine = next(one for one in kernel.time_waits(ends[1][1]) if one.ends == ends)
        seconds = re.search(r"timer:\(timewait,(?:(\d+)min)?([\d.]*)(?:sec|ms)?", theirs.more)
        assert seconds, theirs.more
        told = 60 * int(seconds[1] or 0) + float(seconds[2] or 0)
        assert mine.seconds_left == pytest.approx(told, abs=2)


def test_udp():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as box,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        box.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        box.bind(("127.0.0.1", 0))
        for _ in range(50):
            sender.sendto(bytes(500), box.getsockname())
        kernel.wait_drops(box, 1)
        theirs, mine = ss("-u", box), kernel.udp_queue(box)
        assert theirs.state == kernel.state(box)
        assert theirs.recv_q == mine.memory_bytes
        memory = re.search(r"skmem:\(r(\d+),rb(\d+),.*d(\d+)\)", theirs.more)
        assert tuple(map(int, memory.groups())) == (
            mine.memory_bytes, mine.limit_bytes, mine.drops,
        )  # fmt: skip
        box.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while box.recv(1000):
                pass
