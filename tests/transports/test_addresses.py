"""What listens: how its connections are set up."""

from __future__ import annotations

import socket

import pytest

from netlab.transports.addresses import open_listener


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepted_connections_send_small_frames_at_once(host: str) -> None:
    """Else the second of two frames would wait 40 ms, with asyncio too: see `open_listener`."""
    with (
        open_listener(host, 0) as listener,
        socket.create_connection(listener.getsockname()[:2]),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
