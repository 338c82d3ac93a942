"""Socket options: what was set is shown, what the kernel changed by itself is not."""

from __future__ import annotations

import socket
import struct

import pytest

from netlab.lab import kernel
from netlab.lab.option_table import OPTIONS
from tests.lab.held import connected


def test_what_was_set_is_what_differs():
    with connected() as (client, _):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 7)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000)
        changed = kernel.options(client).changed_from()
        assert changed.values == {
            "SO_LINGER": "0 s",
            "SO_KEEPALIVE": 1,
            "TCP_KEEPIDLE": 7,
            "TCP_USER_TIMEOUT": 5000,
            "TCP_NODELAY": 1,
        }
        assert changed.defaults["SO_LINGER"] == "off"
        shown = repr(changed)
        assert "gives up when data is not acknowledged for 5,000 ms" in shown
        assert "sends small segments at once" in shown
        assert "SO_RCVBUF" not in shown


def test_a_fresh_socket_differs_in_nothing():
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family, kind) as sock:
                changed = kernel.options(sock).changed_from()
                assert changed.values == {}
                assert repr(changed).endswith("None differs.")


def test_buffers_are_doubled_and_told_apart_from_tuned_ones():
    with connected() as (client, server):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
        assert kernel.options(client).changed_from().values == {"SO_RCVBUF": 20_000}
        assert "Linux doubles what is set" in repr(kernel.options(client).show("SO_RCVBUF"))
        assert kernel.options(server).changed_from(kernel.options(client)).values == {
            "SO_REUSEADDR": 1,  # from the listener, as create_server set it
        }
        by_kernel = kernel.options(server).changed_from(also_by_kernel=True).values
        assert {"TCP_MAXSEG", "IP_MTU"} <= set(by_kernel)


def test_each_kind_of_socket_has_its_own():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET6) as tcp6,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        assert kernel.options(listener)["SO_ACCEPTCONN"] == 1
        assert kernel.options(listener).changed_from().values == {"SO_REUSEADDR": 1}
        assert kernel.options(listener)["TCP_CONGESTION"]
        assert {"SO_BROADCAST", "IP_MULTICAST_TTL"} <= set(kernel.options(udp).values)
        assert "TCP_NODELAY" not in kernel.options(udp).values
        assert "IPV6_V6ONLY" in kernel.options(tcp6).values
        assert "IP_TTL" not in kernel.options(tcp6).values
        assert "AF_INET6" in repr(kernel.options(tcp6).show("SO_DOMAIN"))
        assert repr(kernel.options(unix)).startswith("Options of a UNIX stream socket")
        with pytest.raises(ValueError, match=r"a UDP \(IPv4\) socket has no option TCP_NODELAY"):
            kernel.options(udp)["TCP_NODELAY"]
        with pytest.raises(kernel.NotAvailable, match="does not tell IP_MTU"):
            kernel.options(udp)["IP_MTU"]
        with pytest.raises(ValueError, match=r"did you mean TCP_NODELAY"):
            kernel.options(listener).show("TCP_NODELAI")


def test_reading_the_options_does_not_clear_the_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex(address)  # refused: nobody listens there any more
        shown = kernel.options(sock)
        assert "SO_ERROR is not asked for" in repr(shown)
        with pytest.raises(ValueError, match="to read it clears it"):
            shown["SO_ERROR"]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def test_a_closed_socket_has_no_options():
    with socket.socket() as sock:
        pass
    with pytest.raises(OSError, match="the socket is closed"):
        kernel.options(sock)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_value_has_a_meaning(name):
    option = OPTIONS[name]
    for value in (0, 1, 2, 17, 300):
        assert option.explain(value)
    assert option.number is not None


def test_a_time_is_read_in_seconds():
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 1, 500_000))
        assert kernel.options(sock)["SO_RCVTIMEO"] == "1.5 s"
