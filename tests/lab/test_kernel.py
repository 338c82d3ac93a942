"""The kernel's own words, for conversations whose state is known."""

from __future__ import annotations

import contextlib
import socket

import pytest

from netlab.lab import kernel


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_states_of_a_whole_life(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as fresh:
        assert kernel.state(fresh) == "CLOSE"
    with socket.create_server((host, 0), family=family) as listener:
        assert kernel.state(listener) == "LISTEN"
        with socket.create_connection(listener.getsockname()[:2]) as client:
            server, _ = listener.accept()
            with server:
                client.sendall(b"hello")
                names = {"listener": listener, "server": server, "client": client}
                kernel.wait_state(server, "ESTABLISHED")
                assert kernel.table(names).lines == [
                    ("listener", "", "LISTEN", 0, 0),
                    ("server", "client", "ESTABLISHED", 0, 5),
                    ("client", "server", "ESTABLISHED", 0, 0),
                ]
                client.close()
                kernel.wait_state(server, "CLOSE_WAIT")
                assert server.recv(100) == b"hello"


def test_time_wait_is_seen_after_the_socket_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        ends = kernel.pair(server)
        server.close()  # who closes first, waits
        kernel.wait_state(client, "CLOSE_WAIT")
        kernel.wait_state(ends, "FIN_WAIT2")  # the acknowledgement of its FIN may be delayed
        client.close()
        kernel.wait_state(ends, "TIME_WAIT")
        assert kernel.table({"server": ends, "gone": kernel_pair_of_nobody(ends)}).lines == [
            ("server", "?", "TIME_WAIT", 0, 0)
        ]
        assert kernel.state(kernel_pair_of_nobody(ends)) == "CLOSE"


def kernel_pair_of_nobody(ends: kernel.Pair) -> kernel.Pair:
    return ends[1], ends[0]  # the client's end: it closed second, the kernel has forgotten it


def test_an_address_stands_for_the_listener_and_its_connections_in_order() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = listener.getsockname()
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(11)]
        names = {"server": address, **{f"c{n}": one for n, one in enumerate(clients, 1)}}
        lines = kernel.table(names).lines
        assert [line[1] for line in lines if line[0] == "server"] == [
            "",
            *(f"c{number}" for number in range(1, 12)),
        ]
        found = kernel.connections(address[1])
        assert found[0].state == "LISTEN"
        assert found[0].unread_bytes == 11  # connections that nobody has accepted
        # The same number may have been somebody else's port a moment ago: count our own.
        ours = {client.getsockname() for client in clients}
        assert len([row for row in found if {row.local, row.remote} & ours]) == 22


def test_an_ipv4_client_of_a_dual_stack_server() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener,
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as client,
    ):
        server, _ = listener.accept()
        with server:
            assert [
                line[:3] for line in kernel.table({"server": server, "client": client}).lines
            ] == [
                ("server", "client", "ESTABLISHED"),
                ("client", "server", "ESTABLISHED"),
            ]


def test_waiting_in_vain_says_what_is() -> None:
    with socket.socket() as sock:
        with pytest.raises(TimeoutError, match=r"not LISTEN within 0.01 s; the socket is CLOSE"):
            kernel.wait_state(sock, "LISTEN", timeout_s=0.01)
        with pytest.raises(ValueError, match="no state is called 'OPEN'; there are: ESTABLISHED"):
            kernel.wait_state(sock, "OPEN")


def test_a_system_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_INFO")
    with socket.socket() as sock, pytest.raises(kernel.NotAvailable, match="Linux does"):
        kernel.state(sock)


def test_table_has_a_text_twin() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        table = kernel.table({"the <listener>": listener})
    assert "LISTEN" in repr(table)
    assert "the &lt;listener&gt;" in table._repr_mimebundle_()["text/html"]
