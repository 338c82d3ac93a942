"""The files of /proc/net, made up and real."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.lab import kernel, procnet

TCP = (
    "   0: 0100007F:1F90 0200007F:0050 {:02X} {:08X}:{:08X} {:02X}:{:08X} 00000000"
    "  1000        0 4711 1 0000000000000000 100 0 0 10 0"
)
UDP = (
    "  802: 0100007F:E99B 00000000:0000 07 00000000:00000680 00:00000000 00000000"
    "     0        0 2482338 2 00000000bf86f880 17       "
)


@given(
    st.sampled_from(sorted(procnet.STATES)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 4),
    st.integers(0, 2**31),
)
def test_a_line_of_tcp_is_read(number, unacknowledged, unread, timer, ticks):
    line = TCP.format(number, unacknowledged, unread, timer, ticks)
    row = procnet._parse(line, socket.AF_INET)
    if procnet.sys.byteorder == "little":
        assert (row.local, row.remote) == (("127.0.0.1", 8080), ("127.0.0.2", 80))
    assert row.state == procnet.STATES[number]
    assert row.unread_bytes == unread
    assert row.unacknowledged_bytes == (0 if row.state == "LISTEN" else unacknowledged)
    assert row.timer_s == (ticks / os.sysconf("SC_CLK_TCK") if timer else 0)
    assert row.inode == 4711


def test_a_line_of_udp_is_read():
    row = procnet._parse(UDP, socket.AF_INET, "udp")
    assert (row.state, row.unread_bytes, row.drops) == ("UNCONNECTED", 0x680, 17)


@given(st.ip_addresses(v=6), st.integers(0, 65_535))
def test_an_address_of_ipv6_is_read(address, port):
    words = struct.unpack("=4I", address.packed)
    text = "".join(f"{word:08X}" for word in words)
    found = procnet._address(f"{text}:{port:04X}", socket.AF_INET6)
    assert socket.inet_pton(socket.AF_INET6, found[0] if ":" in found[0] else "::ffff:" + found[0])
    assert found == (
        socket.inet_ntop(socket.AF_INET6, address.packed).removeprefix("::ffff:"),
        port,
    )


def test_sockets_of_unix_are_found_by_their_number(tmp_path):
    path = str(tmp_path / "a socket")
    left, right = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as listener, left, right:
        listener.bind(path)
        assert kernel.state(listener) == "UNCONNECTED"
        listener.listen()
        found = {row.inode: row for row in kernel.unix_rows()}
        mine = found[procnet.inode(listener)]
        assert (mine.kind, mine.state, mine.path) == ("stream", "LISTEN", path)
        assert found[procnet.inode(left)].state == "ESTABLISHED"
        assert kernel.state(left) == kernel.state(right) == "ESTABLISHED"
    with pytest.raises(OSError, match="Bad file descriptor"):
        kernel.state(left)


def test_udp_sockets_have_a_peer_or_not():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        socket.socket(type=socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", 0))
        two.connect(one.getsockname())
        assert kernel.state(one) == "UNCONNECTED"
        assert kernel.state(two) == "ESTABLISHED"
        kernel.wait_state(one, "UNCONNECTED")
        rows = {row.inode: row for row in kernel.udp_rows({one.getsockname()[1]})}
        assert rows[procnet.inode(one)].state == "UNCONNECTED"
        assert rows[procnet.inode(two)].state == "ESTABLISHED"
    with pytest.raises(OSError, match="Bad file descriptor"):
        kernel.state(one)


def test_rows_of_a_port_are_the_rows_that_have_it():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        port = listener.getsockname()[1]
        ends = {kernel.pair(client), kernel.pair(client)[::-1]}
        for found in (kernel.rows({port}), kernel.rows()):
            assert len([row for row in found if (row.local, row.remote) in ends]) == 2
        assert len(kernel.rows({port})) < len(kernel.rows()) or len(kernel.rows()) <= 3


def test_counters_that_do_not_fit_their_names_are_left_out(monkeypatch, tmp_path):
    (tmp_path / "netstat").write_text("TcpExt: A B C\nTcpExt: 1 2\n")
    (tmp_path / "snmp").write_text("Udp: RcvbufErrors\nUdp: 5\n")
    monkeypatch.setattr(procnet, "PROC_NET", tmp_path)
    assert kernel.counters().values == {"TcpExt.A": 1, "TcpExt.B": 2, "Udp.RcvbufErrors": 5}
