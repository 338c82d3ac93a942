"""Dashboard, kernel view, dial: what is watched, without a browser."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest

from netlab import AsyncTCPServer, PoolTCPServer, TCPClient, TCPServer, UDPServer
from netlab.lab import LESSON, background, panels
from netlab.lab.chaos import Chaos
from netlab.lab.panels.liveness import is_running
from netlab.lab.panels.server_figures import Rates, duration


def rest() -> None:
    """Wait until the threads of panels have ended by themselves."""
    mine = [t for t in threading.enumerate() if t.name.startswith("netlab-panel-")]
    for thread in mine:
        thread.join(5)
    assert not any(thread.is_alive() for thread in mine)


# ---------------------------------------------------------------- the dashboard


def test_the_dashboard_shows_clients_rooms_and_refusals() -> None:
    with (
        TCPServer(**LESSON) as server,
        TCPClient(server.address) as alice,
        panels.dashboard(server) as board,
    ):
        alice.send("join_room", room="<lobby>")
        alice.wait_for("room_joined")
        alice.send("leave_room", room="nowhere")
        board.wait_until(lambda: "Refused" in board._figures.value, "the refusal", timeout_s=5)
        lines = board.text().splitlines()
        assert lines[0].startswith("Dashboard: TCPServer: running, up ")
        assert [line.split() for line in lines[1:3]] == [
            ["Clients"],
            ["client", "connected", "idle", "frames", "in", "outbox", "bytes"],
        ]
        assert "<lobby>        1" in lines
        page = board._figures.value
        assert "<lobby>" not in page
        assert "&lt;lobby&gt;" in page
        assert 'role="img" aria-label="Messages a second' in page
        assert "● running" in board._status.value


def test_it_repeats_with_lesson_time() -> None:
    texts = set()
    for _ in range(2):
        with TCPServer(**LESSON) as server, TCPClient(server.address) as alice:
            alice.wait_for("welcome")
            with panels.dashboard(server) as board:
                board.wait_until(lambda b=board: "1 client" in b.text(), "the client")
                texts.add(board.text())
    assert len(texts) == 1


@pytest.mark.parametrize("kind", [TCPServer, PoolTCPServer, UDPServer, AsyncTCPServer])
def test_it_stops_when_the_server_does_and_starts_again(kind) -> None:
    running = [background(kind(), name="panel test")]
    with running[0], panels.dashboard(lambda: running[-1]) as board:
        board.wait_until(lambda: "running" in board.text() and board._stats, "it runs")
        assert repr(board) == f"Dashboard: {kind.__name__} (live in JupyterLab: run this cell)"
        running[0].stop()
        board.wait_until(lambda: not board.connected, "it is gone", timeout_s=5)
        rest()
        assert "○ disconnected" in board._status.value
        assert board.again.layout.display is None
        running.append(background(kind(), name="panel test"))
        with running[1]:
            board.again.click()
            board.wait_until(lambda: board.again.layout.display == "none", "it is there again")
            assert board.connected


@pytest.mark.parametrize("kind", [TCPServer, UDPServer])
def test_a_server_without_background_is_seen_to_stop(kind) -> None:
    server = kind()
    assert not is_running(server)
    with server, panels.dashboard(server) as board:
        board.wait_until(lambda: board._stats, "figures")
        assert is_running(server)
        server.stop()
        board.wait_until(lambda: not board.connected, "it is gone", timeout_s=5)
        rest()


def test_pausing_keeps_the_figures() -> None:
    with TCPServer() as server, panels.dashboard(server) as board:
        board.wait_until(lambda: board._stats, "figures")
        board.pauses.value = True
        board.wait_until(lambda: "paused" in board._status.value, "it pauses")
        before = board.text()
        with TCPClient(server.address) as alice:
            alice.wait_for("welcome")
            assert board.text() == before
            board.pauses.value = False
            board.wait_until(lambda: "1 client" in board.text(), "it goes on", timeout_s=5)


def test_rates_are_differences() -> None:
    rates = Rates()
    rates.note(10.0, 100, 200)
    assert rates.now == (0, 0)
    rates.note(10.05, 150, 250)  # too soon to divide by
    rates.note(12.0, 110, 240)
    assert rates.now == (5, 20)
    rates.note(13.0, 0, 0)  # another server
    assert list(rates.history) == []
    assert "<polyline" in rates.svg()


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0, 59.9, 125, 10860)] == ["0 s", "59 s", "2 min 5 s", "3 h 1 min"]


def test_wrong_servers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"SimpleNamespace has no stats\(\)"):
        panels.dashboard(SimpleNamespace())
    with pytest.raises(ValueError, match=r"every_s=0\.1: a dashboard looks every 0\.5 s"):
        panels.dashboard(TCPServer(), every_s=0.1)


# ---------------------------------------------------------------- the kernel's view


def test_sockets_are_watched_until_all_are_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        with client, panels.kernel_view({"<l>": listener, "client": client}, every_s=0.2) as view:
            view.wait_until(lambda: "ESTABLISHED" in view._table.value, "it is connected")
            assert "<l>" not in view._table.value
            server, _ = listener.accept()
            with server:
                server.sendall(b"hello")
                view.wait_until(lambda: "5" in view.text(), "five bytes unread")
            view.wait_until(lambda: "CLOSE_WAIT" in view.text(), "the other side closed")
            client.close()
            listener.close()
            view.wait_until(lambda: "disconnected" in view._status.value, "all are closed")
            rest()


def test_a_function_says_anew_what_to_watch() -> None:
    names: dict[str, socket.socket] = {}
    with socket.create_server(("127.0.0.1", 0)) as first:
        names["one"] = first
        with panels.kernel_view(lambda: dict(names), every_s=0.2) as view:
            names["two"] = first
            view.wait_until(lambda: "two" in view.text(), "the second name")


def test_wrong_names_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing is named"):
        panels.kernel_view({})
    with pytest.raises(ValueError, match=r"0\.2 s at most"):
        panels.kernel_view({"x": ("127.0.0.1", 9)}, every_s=0.1)


# ---------------------------------------------------------------- the dial


def test_the_dial_turns_the_faults_and_follows_them() -> None:
    with TCPServer() as server, Chaos(server.address, seed=1) as chaos, chaos.dial() as dial:
        assert dial.text() == "Dial: faults of the proxy: no faults"
        dial.sliders["latency_ms"].value = 120
        dial.wait_until(lambda: "120 ms later" in dial._words.value, "it is said")
        assert chaos.faults.latency_ms == 120
        dial.numbers["slice_bytes"].value = 3
        dial.wait_until(lambda: dial.sliders["slice_bytes"].value == 3, "the slider follows")
        assert chaos.faults.slice_bytes == 3
        assert (
            dial.text() == "Dial: faults of the proxy: both ways: 120 ms later; cut every 3 bytes"
        )
        chaos.set(latency_ms=5_000, jitter_ms=10)  # by a cell; more than the slider had
        dial.wait_until(lambda: dial.sliders["latency_ms"].value == 5_000, "it follows a cell")
        assert dial.sliders["latency_ms"].max == 5_000
        dial.resets.click()
        dial.wait_until(lambda: dial.numbers["slice_bytes"].value == 0, "all are at nothing")
        assert chaos.describe() == "no faults"


def test_a_stopped_proxy_is_said_and_the_next_one_found() -> None:
    with TCPServer() as server, Chaos(server.address) as first, Chaos(server.address) as second:
        proxies = [first]
        with panels.dial(lambda: proxies[-1]) as dial:
            dial.wait_until(lambda: "● running" in dial._status.value, "it runs")
            first.stop()
            dial.wait_until(lambda: "○ disconnected" in dial._status.value, "it stopped")
            rest()
            assert dial.again.layout.display is None
            second.set(slice_bytes=5)
            proxies.append(second)
            dial.again.click()
            dial.wait_until(lambda: dial.again.layout.display == "none", "it is the next one's")
            dial.wait_until(lambda: dial.numbers["slice_bytes"].value == 5, "its faults")


def test_what_has_no_dial_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no dial"):
        panels.dial(object())


def test_the_dial_of_datagrams() -> None:
    with (
        UDPServer() as server,
        Chaos(server.address, transport="udp") as chaos,
        panels.dial(chaos) as dial,
    ):
        dial.sliders["loss"].value = 0.25
        dial.wait_until(lambda: chaos.faults.loss == 0.25, "the loss is set")
        dial.wait_until(lambda: "lose 0.25 of all" in dial._words.value, "it is said")
        assert "● running" in dial._status.value
