"""Snapshots and histories of sockets that are held in each state until it was seen."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

import pytest

from netlab.lab import kernel, kernel_watch
from tests.lab.held import connected, drain, fill, full_listener, knocking, small_pair


def test_a_snapshot_names_both_ends_and_all_queues():
    with connected() as (client, server):
        client.sendall(b"hello")
        kernel.wait_unread(server, 5)
        kernel.wait_acknowledged(client)
        at_server, at_client = kernel.snapshot({"server": server, "client": client})
        assert (at_server.name, at_server.talks_to, at_server.state) == (
            "server", "client", "ESTABLISHED",
        )  # fmt: skip
        assert at_server.unread_bytes == 5
        assert at_client.talks_to == "server"
        assert at_client.unacknowledged_bytes == 0
        assert at_client.rtt_us > 0
        assert at_client.total_retransmits == 0
        assert repr(kernel.snapshot({"server": server})) == (
            "As the kernel sees it; queues in bytes\n"
            "socket  talks to  state        unread  in flight  unsent\n"
            "server  ?         ESTABLISHED       5          0       0"
        )


def test_a_snapshot_takes_addresses_pairs_and_closed_sockets(tmp_path):
    left, right = socket.socketpair()
    with (
        full_listener(2) as (listener, clients),
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        socket.socket(type=socket.SOCK_DGRAM) as no_port,
        left,
        right,
    ):
        udp.bind(("127.0.0.1", 0))
        left.sendall(b"abc")
        clients[2].close()
        ends = kernel.pair(clients[0])
        names = {
            "server": listener.getsockname(), "listener": listener, "a": clients[0],
            "b": clients[1], "closed": clients[2], "udp": udp, "no port": no_port, "unix": right,
            "a again": ends, "nobody": (("127.0.0.1", 1), ("127.0.0.1", 2)),
        }  # fmt: skip
        rows = kernel.snapshot(names)
        found = {row.name: row for row in rows}
        mine = [row for row in rows if row.name == "server"]
        assert mine[0].state == "LISTEN"
        assert mine[0].waiting == 3
        assert {row.talks_to for row in mine[1:]} >= {"b"}
        assert (found["listener"].waiting, found["listener"].limit) == (3, 2)
        assert found["closed"].state == "CLOSE"
        assert (found["udp"].state, found["udp"].drops) == ("UNCONNECTED", 0)
        assert (found["no port"].state, found["no port"].drops) == ("UNCONNECTED", None)
        assert (found["unix"].state, found["unix"].unread_bytes) == ("ESTABLISHED", 3)
        assert found["a again"].state == "ESTABLISHED"
        assert found["nobody"].state == "CLOSE"
        assert "3 of 2" in repr(rows)
        with pytest.raises(TypeError, match="cannot tell the address of 5"):
            kernel.snapshot({"five": 5})


def test_a_snapshot_is_cheap_enough_to_be_taken_often():
    with connected() as (client, server):
        names = {f"s{n}": one for n in range(10) for one in (client, server)}
        began = time.process_time()
        for _ in range(20):
            kernel.snapshot(names)
        assert (time.process_time() - began) / 20 < 0.05  # 2 Hz would take a tenth of a core


def test_a_whole_life_is_seen_when_each_state_is_held():
    with small_pair() as (client, server):
        sent = fill(server)
        client.shutdown(socket.SHUT_WR)
        with kernel.watch({"server": server, "client": client}) as watch:
            watch.wait_for("server", "CLOSE_WAIT")
            server.close()  # its FIN stands behind what the client has not read
            watch.wait_for("server", "LAST_ACK")
            assert drain(client) == sent
            watch.wait_for("client", "TIME_WAIT")
            watch.wait_for("server", "CLOSE")
            assert kernel.state(client) == "CLOSE"  # what the kernel keeps is not the socket's
        assert watch.states("server") in (
            ["CLOSE_WAIT", "LAST_ACK", "CLOSE"],
            ["ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSE"],
        )
        assert watch.states("client")[-1] == "TIME_WAIT"
        assert "CLOSE_WAIT → LAST_ACK → CLOSE" in repr(watch)
        page = watch._repr_mimebundle_()["text/html"]
        assert '<th scope="row">server</th>' in page


def test_who_closes_first_goes_through_fin_wait():
    with connected() as (client, server), kernel.watch({"s": server, "c": client}) as watch:
        server.close()
        watch.wait_for("s", "FIN_WAIT2")
        watch.wait_for("c", "CLOSE_WAIT")
        client.close()
        watch.wait_for("s", "TIME_WAIT")
        watch.wait_for("c", "CLOSE")
    assert watch.states("s") == ["ESTABLISHED", "FIN_WAIT2", "TIME_WAIT"]
    assert watch.states("c") == ["ESTABLISHED", "CLOSE_WAIT", "CLOSE"]
    assert set(watch.states("s", fleeting=True)) <= {
        "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
    }  # fmt: skip
    assert repr(watch) == (
        "States, one after the other\n"
        "socket  states\n"
        "s       ESTABLISHED → FIN_WAIT2 → TIME_WAIT\n"
        "c       ESTABLISHED → CLOSE_WAIT → CLOSE"
    )


def test_fin_wait_1_and_closing_are_held_by_unread_bytes():
    with small_pair() as (client, server):
        sent = fill(server)
        with kernel.watch({"server": server}) as watch:
            server.shutdown(socket.SHUT_WR)
            watch.wait_for("server", "FIN_WAIT1")
            client.shutdown(socket.SHUT_WR)
            watch.wait_for("server", "CLOSING")
            assert drain(client) == sent
            watch.wait_for("server", "TIME_WAIT")
        assert watch.states("server")[:3] == ["ESTABLISHED", "FIN_WAIT1", "CLOSING"]


def test_syn_sent_is_held_by_a_full_listener():
    with full_listener(2) as (listener, _), knocking(listener.getsockname()) as late:
        with kernel.watch({"late": late}) as watch:
            watch.wait_for("late", "SYN_SENT")
        assert watch.states("late") == ["SYN_SENT"]


def test_a_reset_ends_at_once():
    with connected() as (client, server), kernel.watch({"client": client}) as watch:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        watch.wait_for("client", "CLOSE")
    assert watch.states("client") == ["ESTABLISHED", "CLOSE"]


def test_changes_only_are_kept_and_a_bounded_number():
    with connected() as (client, server), kernel.watch({"server": server}, limit=3) as watch:
        for n in range(1, 6):
            client.sendall(b"x")
            deadline = time.monotonic() + 5
            with watch._changed:
                while watch._last["server"].now.unread_bytes != n:
                    assert watch._changed.wait(deadline - time.monotonic())
        assert [one.now.unread_bytes for one in watch.changes] == [3, 4, 5]
        assert watch.forgotten == 3
        assert "3 older changes are forgotten." in repr(watch.history())
        assert [row[3] for row in watch.history().rows] == [3, 4, 5]
        assert watch.states("server") == ["ESTABLISHED"]


def test_more_can_be_watched_later_also_by_their_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with kernel.watch({"listener": listener}) as watch:
            client = socket.create_connection(listener.getsockname())
            with client:
                watch.add("client", client)
                server, _ = listener.accept()
                ends = kernel.pair(server)
                with server:
                    watch.add("server", ends)
                    server.shutdown(socket.SHUT_WR)
                    watch.wait_for("client", "CLOSE_WAIT")
                    watch.wait_for("server", "FIN_WAIT2")
                    with pytest.raises(ValueError, match="the name 'server' is taken"):
                        watch.add("server", server)
        assert watch.states("listener") == ["LISTEN"]
        assert watch.states("server")[:2] == ["ESTABLISHED", "FIN_WAIT2"]


def test_waiting_in_vain_says_what_was_seen():
    with connected() as (client, _), kernel.watch({"client": client}) as watch:
        with pytest.raises(TimeoutError, match=r"client was not CLOSE within 0.01 s; it was ESTAB"):
            watch.wait_for("client", "CLOSE", timeout_s=0.01)
        with pytest.raises(ValueError, match="no state is called 'OPEN'"):
            watch.wait_for("client", "OPEN")
        with pytest.raises(ValueError, match="no 'bob' is watched; there are: client"):
            watch.states("bob")
    with pytest.raises(TimeoutError, match="client was not CLOSE when the watch ended"):
        watch.wait_for("client", "CLOSE")
    with pytest.raises(RuntimeError, match="make a new one"), watch:
        pass


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"every_s": 0}, ValueError, "every_s=0 s and limit=10000 changes must be more"),
        ({"limit": 0}, ValueError, "limit=0 changes must be more than nothing"),
        ({"names": {"x": 5}}, TypeError, "cannot watch 5: pass a socket or kernel.pair"),
    ],
)
def test_nonsense_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        kernel.watch(**{"names": {}, **arguments})


def test_its_thread_has_a_name_and_ends_with_the_block():
    with connected() as (client, _):
        with kernel.watch({"client": client}, every_s=60):
            assert "netlab-kernel-watch" in {one.name for one in threading.enumerate()}
        assert "netlab-kernel-watch" not in {one.name for one in threading.enumerate()}


def test_what_fails_in_the_thread_is_raised_where_the_block_ends(monkeypatch):
    with connected() as (client, _):
        watch = kernel.watch({"client": client})

        def fail(*_):
            raise ZeroDivisionError("made to fail")

        with contextlib.ExitStack() as stack:
            stack.enter_context(pytest.raises(ZeroDivisionError, match="made to fail"))
            stack.enter_context(watch)
            monkeypatch.setattr(kernel_watch, "of_socket", fail)
            with pytest.raises(TimeoutError, match="was not CLOSE when the watch ended"):
                watch.wait_for("client", "CLOSE", timeout_s=5)
