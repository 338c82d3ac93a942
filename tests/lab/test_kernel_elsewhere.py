"""Where a system does not tell a figure, it is said which does, and nothing breaks."""

from __future__ import annotations

import builtins
import socket
import sys

import pytest

from netlab.lab import kernel, procnet
from tests.lab.held import connected


@pytest.fixture
def no_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(procnet, "PROC_NET", tmp_path)


@pytest.fixture
def mac(monkeypatch, no_proc):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(socket, "TCP_INFO")


@pytest.fixture
def windows(monkeypatch, no_proc):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(socket, "TCP_INFO")
    ordinary = builtins.__import__

    def importing(name, *arguments, **named):
        if name in ("fcntl", "termios"):
            raise ImportError(name)
        return ordinary(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", importing)


@pytest.mark.usefixtures("no_proc")
@pytest.mark.parametrize(
    ("ask", "file"),
    [
        (kernel.rows, "tcp"),
        (kernel.udp_rows, "udp"),
        (kernel.unix_rows, "unix"),
        (kernel.counters, "netstat"),
        (lambda: kernel.time_waits(80), "tcp"),
        (lambda: kernel.connections(80), "tcp"),
        (lambda: kernel.table({"a": ("127.0.0.1", 80)}), "tcp"),
        (lambda: kernel.state((("127.0.0.1", 80), ("127.0.0.1", 81))), "tcp"),
    ],
)
def test_without_proc(ask, file):
    with pytest.raises(kernel.NotAvailable, match=f"no /proc/net/{file} .Linux has.; try `netst"):
        ask()


@pytest.mark.usefixtures("no_proc")
def test_without_proc_a_udp_socket_tells_less():
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with pytest.raises(kernel.NotAvailable, match="no /proc/net/udp"):
            kernel.udp_queue(udp)
        (row,) = kernel.snapshot({"udp": udp})
        assert (row.state, row.unread_bytes, row.drops) == ("UNCONNECTED", 0, None)


@pytest.mark.usefixtures("mac")
def test_on_macos():
    with connected() as (client, server), socket.create_server(("127.0.0.1", 0)) as listener:
        client.sendall(b"abc")
        kernel.wait_unread(server, 3)
        queues = kernel.queues(server)
        assert (queues.unread_bytes, queues.unacknowledged_bytes) == (3, None)
        assert "has a column Send-Q" in repr(queues)
        with pytest.raises(kernel.NotAvailable, match="does not tell what waits to be sent"):
            kernel.wait_acknowledged(client)
        with pytest.raises(kernel.NotAvailable, match=r"darwin .*`netstat -Lan`"):
            kernel.backlog(listener)
        with pytest.raises(kernel.NotAvailable, match=r"darwin has no TCP_INFO .*`nettop -m tcp`"):
            kernel.tcp_info(client)
        with pytest.raises(kernel.NotAvailable, match="darwin does not tell a socket's TCP state"):
            kernel.state(client)
        rows = kernel.snapshot({"c": client, "there": listener.getsockname()})
        assert [row.state for row in rows] == ["not told", "not told"]
        with kernel.watch({"client": client}) as watch:
            pass
        assert watch.states("client") == ["not told"]
        assert kernel.options(client).changed_from().values == {}


@pytest.mark.usefixtures("windows")
def test_on_windows():
    with connected() as (client, _), socket.socket(type=socket.SOCK_DGRAM) as udp:
        for ask in (kernel.queues, kernel.unread_bytes):
            with pytest.raises(kernel.NotAvailable, match="win32 does not tell"):
                ask(client)
        with pytest.raises(kernel.NotAvailable, match="Get-NetTCPConnection"):
            kernel.tcp_info(client)
        assert kernel.snapshot({"client": client, "udp": udp})[0].state == "not told"


def test_an_option_that_a_system_does_not_have_is_a_dash(monkeypatch):
    from netlab.lab import option_table, socket_options

    without = option_table.Option("TCP_CORK", socket.IPPROTO_TCP, None, "tcp", "…")
    monkeypatch.setitem(socket_options.OPTIONS, "TCP_CORK", without)
    with socket.socket() as sock:
        options = kernel.options(sock)
        assert options.values["TCP_CORK"] is None
        assert options.show("TCP_CORK").rows[0][1] is None
        with pytest.raises(kernel.NotAvailable, match="does not tell TCP_CORK"):
            options["TCP_CORK"]
