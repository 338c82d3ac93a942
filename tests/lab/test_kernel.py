"""The kernel's own words, for conversations whose state is known."""

from __future__ import annotations

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
        address = server.getsockname(), server.getpeername()
        server.close()
        kernel.wait_state(client, "CLOSE_WAIT")
        client.close()
        states = [row.state for row in kernel.rows() if (row.local, row.remote) == address]
    assert states in (["TIME_WAIT"], ["FIN_WAIT2"])


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
