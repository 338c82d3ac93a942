"""Queues, backlog, losses and TIME_WAIT, with sockets whose queues are known."""

from __future__ import annotations

import contextlib
import socket

import pytest

from netlab.lab import kernel
from tests.lab.held import connected, drain, fill, full_listener, knocking, small_pair


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_nobody_has_read_is_unread(host):
    with connected(host) as (client, server):
        client.sendall(bytes(1234))
        kernel.wait_unread(server, 1234)
        assert kernel.queues(server).unread_bytes == 1234
        kernel.wait_acknowledged(client)
        at_client = kernel.queues(client)
        assert at_client == kernel.Queues("TCP", 0, 0, 0, 0, None)
        server.recv(1000)
        assert kernel.queues(server).unread_bytes == 234


def test_what_the_other_side_has_no_room_for_is_unsent():
    with small_pair() as (client, server):
        sent = fill(client)
        queues = kernel.queues(client)
        assert queues.unsent_bytes > 0
        assert queues.unacknowledged_bytes == queues.in_flight_bytes + queues.unsent_bytes
        assert queues.unacknowledged_bytes < sent  # some has arrived
        assert kernel.queues(server).unread_bytes > 0
        with pytest.raises(TimeoutError, match=r"[\d,]+ bytes were not acknowledged after 0.01 s"):
            kernel.wait_acknowledged(client, timeout_s=0.01)
        client.shutdown(socket.SHUT_WR)
        assert drain(server) == sent
        kernel.wait_acknowledged(client)
        assert kernel.queues(client).unacknowledged_bytes == 0


def test_udp_tells_the_next_datagram_and_unix_all():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as box,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        box.bind(("127.0.0.1", 0))
        sender.sendto(b"abc", box.getsockname())
        sender.sendto(b"defgh", box.getsockname())
        kernel.wait_unread(box, 3)
        assert kernel.queues(box).unread_bytes == 3
        assert kernel.queues(box).unsent_bytes is None
        assert "the next datagram" in repr(kernel.queues(box))
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"abc")
        left.sendall(b"defgh")
        assert kernel.queues(right).unread_bytes == 8
        assert kernel.queues(left).send_memory_bytes > 8


def test_a_listener_and_a_closed_socket_have_no_queues(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(ValueError, match=r"ask kernel.backlog\(listener\)"),
    ):
        kernel.queues(listener)
    left, right = socket.socketpair()
    left.close()
    right.close()
    for closed in (listener, left):
        with pytest.raises(OSError, match=r"Bad file descriptor|socket is closed"):
            kernel.queues(closed)
        with pytest.raises(OSError, match="the socket is closed"):
            kernel.unread_bytes(closed)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s"))
        unix.listen()
        assert kernel.state(unix) == "LISTEN"
        with pytest.raises(ValueError, match="a listener has no bytes"):
            kernel.queues(unix)


def test_queues_are_shown_with_their_meaning():
    shown = repr(kernel.Queues("TCP", 1234, 5, 6, 11, None)).splitlines()
    assert shown[0] == "Queues of a TCP socket"
    assert shown[2].split()[:3] == ["unread", "(Recv-Q)", "1,234"]
    page = kernel.Queues("TCP", 1234, 5, 6, 11, None)._repr_mimebundle_()["text/html"]
    assert "<caption>Queues of a TCP socket</caption>" in page
    assert '<th scope="row">unsent</th><td class="number">6</td>' in page


def test_the_backlog_counts_who_waits():
    with socket.create_server(("127.0.0.1", 0), backlog=5) as listener:
        backlog = kernel.backlog(listener)
        assert (backlog.waiting, backlog.limit, backlog.is_full) == (0, 5, False)
        with contextlib.ExitStack() as stack:
            for n in range(1, 4):
                stack.enter_context(socket.create_connection(listener.getsockname()))
                kernel.wait_backlog(listener, n)
                assert kernel.backlog(listener).waiting == n
            listener.accept()[0].close()
            assert kernel.backlog(listener).waiting == 2
            with pytest.raises(TimeoutError, match=r"2 of 3 connections waited after 0.01 s"):
                kernel.wait_backlog(listener, 3, timeout_s=0.01)
        assert "net.core.somaxconn" in repr(kernel.backlog(listener))


def test_the_system_limits_what_listen_asks_for():
    with socket.create_server(("127.0.0.1", 0), backlog=2**30) as listener:
        backlog = kernel.backlog(listener)
        assert backlog.limit == backlog.system_limit


def test_a_full_listener_does_not_answer_and_the_system_counts_it():
    with full_listener(2) as (listener, clients):
        backlog = kernel.backlog(listener)
        assert (backlog.waiting, backlog.limit, backlog.is_full) == (3, 2, True)
        assert "Full: further clients" in repr(backlog)
        before = kernel.counters()
        with knocking(listener.getsockname()) as late:
            assert kernel.state(late) == "SYN_SENT"
            lost = kernel.counters().since(before)
        assert lost["TcpExt.ListenOverflows"] >= 1
        assert lost["TcpExt.ListenDrops"] >= 1
        assert "TcpExt.ListenOverflows" in repr(lost)
        assert len(clients) == 3


def test_counters_that_did_not_change_are_not_shown():
    now = kernel.counters()
    assert repr(now.since(now)).endswith("Nothing lost.")
    assert "Tcp.RetransSegs" in repr(now)
    assert now["Tcp.ActiveOpens"] > 0
    with pytest.raises(kernel.NotAvailable, match=r"keeps no count of Tcp\.Nonsense"):
        now["Tcp.Nonsense"]


def test_only_a_listener_has_a_backlog():
    with socket.socket() as sock, socket.socket(type=socket.SOCK_DGRAM) as udp:
        with pytest.raises(ValueError, match="this socket is CLOSE, not LISTEN"):
            kernel.backlog(sock)
        with pytest.raises(ValueError, match="only a TCP listener"):
            kernel.backlog(udp)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_datagrams_that_find_no_room_are_counted(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as box,
        socket.socket(family, socket.SOCK_DGRAM) as sender,
    ):
        with pytest.raises(ValueError, match="has no port yet"):
            kernel.udp_queue(box)
        box.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        box.bind((host, 0))
        assert kernel.udp_queue(box).drops == 0
        before = kernel.counters()
        for _ in range(100):
            sender.sendto(bytes(700), box.getsockname())
        kernel.wait_drops(box, 1)
        queue = kernel.udp_queue(box)
        box.setblocking(False)
        came = 0
        with contextlib.suppress(BlockingIOError):
            while box.recv(1000):
                came += 1
        assert came + queue.drops == 100
        assert queue.next_bytes == 700
        assert queue.memory_bytes > came * 700
        assert queue.limit_bytes == 8192  # doubled
        name = "Udp6.RcvbufErrors" if ":" in host else "Udp.RcvbufErrors"
        counted = kernel.counters().since(before).values.get(name)
        assert counted is None or counted >= queue.drops
        with pytest.raises(TimeoutError, match=r"of 101 datagrams were dropped after 0.01 s"):
            kernel.wait_drops(box, 101, timeout_s=0.01)
        assert "datagrams that came and were thrown away" in repr(queue)
    with socket.socket() as tcp, pytest.raises(ValueError, match="this is no UDP socket"):
        kernel.udp_queue(tcp)


@pytest.mark.parametrize("who", ["client", "server"])
def test_who_closes_first_waits(who):
    with connected() as (client, server):
        port = server.getsockname()[1]
        assert not [one for one in kernel.time_waits(port) if one.ends[0] == kernel.pair(client)[0]]
        first, second = (client, server) if who == "client" else (server, client)
        ends = kernel.pair(first)
        first.close()
        kernel.wait_state(second, "CLOSE_WAIT")
        kernel.wait_state(ends, "FIN_WAIT2")
        second.close()
        kernel.wait_state(ends, "TIME_WAIT")
        kernel.wait_time_waits(port, 1)
        found = kernel.time_waits(port)
        ours = next(one for one in found if one.ends == ends)
        assert ours.has_port is (who == "server")
        assert 50 < ours.seconds_left <= 61
        assert found.seconds_left >= ours.seconds_left
        side = "the side with this port" if who == "server" else "the other side"
        assert side in repr(found)
        with pytest.raises(TimeoutError, match=r"of 1000 were in TIME_WAIT after 0.01 s"):
            kernel.wait_time_waits(port, 1000, timeout_s=0.01)


def test_nobody_waits_at_a_port_that_nobody_used():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        waits = kernel.TimeWaits()
        assert waits.seconds_left == 0.0
        assert repr(waits).endswith("Nobody waits.")
        assert kernel.state(listener) == "LISTEN"
