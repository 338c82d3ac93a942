"""What is promised of other systems. Runs only under the plugin `elsewhere` (test_platforms.py)."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netlab import AsyncTCPServer, EchoService, TCPServer, diagnosis_checks
from netlab.cli import main
from netlab.core.errors import AddressInUse, LocalProtocolError
from netlab.exercises import child, find, upstream
from netlab.lab import Chaos, Tap, background, kernel
from netlab.lab.loop_thread import usual_loop
from netlab.transports import addresses, threaded, waiting_room
from tests.collecting.class_folder import CHECK, IMPORTS, RIGHT, write
from tests.lab.held import connected
from tests.platforms.elsewhere import NoProactorLoop

WINDOWS = os.environ["NETLAB_TEST_PLATFORM"] == "windows"
on_windows = pytest.mark.skipif(not WINDOWS, reason="Windows only")


def test_it_is_another_system() -> None:
    assert not hasattr(socket, "TCP_INFO")
    assert not hasattr(select, "epoll")
    assert hasattr(socket, "AF_UNIX") is not WINDOWS
    assert (threaded._DONT_WAIT is None) is WINDOWS
    assert bool(waiting_room._DONT_WAIT) is not WINDOWS
    assert child.CAN_FORK is not WINDOWS
    assert upstream.SHARES_PORTS is not WINDOWS


def test_a_loop_that_cannot_watch_sockets_is_named() -> None:
    server = AsyncTCPServer()

    async def start() -> None:
        await server.start()

    with (
        pytest.raises(LocalProtocolError, match=r"run the server in an asyncio\.SelectorEventLoop"),
        asyncio.Runner(loop_factory=NoProactorLoop) as runner,
    ):
        runner.run(start())


def test_background_takes_a_loop_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual_loop() is None
    monkeypatch.setattr(asyncio, "ProactorEventLoop", NoProactorLoop, raising=False)
    monkeypatch.setattr(asyncio, "new_event_loop", NoProactorLoop)
    with background(AsyncTCPServer(EchoService)) as server:
        assert b"hello" in _said_to(server.address)


@on_windows
@pytest.mark.parametrize("make", [Tap, Chaos])
def test_a_unix_path_is_refused_in_words(make: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"has no UNIX sockets, .* pass \(host, port\)"):
        make(str(tmp_path / "socket")).start()


def test_each_figure_of_the_kernel_says_where_it_is_to_be_had() -> None:
    with connected() as (client, _), socket.create_server(("127.0.0.1", 0)) as listener:
        asked: list[Callable[[], object]] = [
            kernel.rows,
            kernel.udp_rows,
            kernel.unix_rows,
            kernel.counters,
            lambda: kernel.backlog(listener),
            lambda: kernel.tcp_info(client),
            lambda: kernel.time_waits(80),
        ]
        for ask in asked:
            with pytest.raises(kernel.NotAvailable, match=r"Linux"):
                ask()
        assert kernel.snapshot({"client": client})
        assert kernel.options(client)


@pytest.mark.parametrize("open_it", [addresses.open_listener, addresses.open_datagram_socket])
def test_nobody_takes_a_port_that_is_ours(
    open_it: Callable[[str, int], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the place of SO_EXCLUSIVEADDRUSE, which only Windows has, an option that can be read back.
    monkeypatch.setattr(addresses, "EXCLUSIVE", socket.SO_BROADCAST)
    with open_it("127.0.0.1", 0) as ours:
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        with pytest.raises(AddressInUse):
            open_it("127.0.0.1", ours.getsockname()[1])


def test_a_tap_and_a_fault_proxy_work() -> None:
    with (
        TCPServer(EchoService) as server,
        Chaos(server.address, slice_bytes=2) as chaos,
        Tap(chaos.address) as tap,
    ):
        assert b"hello" in _said_to(tap.address)


def _said_to(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=5) as ann, ann.makefile("rb") as lines:
        ann.sendall(b"hello\n")
        return next(iter(lines))


def test_an_exercise_is_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETLAB_HOME", str(tmp_path))
    if WINDOWS:
        monkeypatch.setenv("NETLAB_NO_FORK", "1")  # for the processes that it starts
    report = find("02.split_lines").check(lambda tail, data: 7)
    assert report.failed_probe == find("02.split_lines").probes[0].name


def test_a_class_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if WINDOWS:
        monkeypatch.setenv("NETLAB_NO_FORK", "1")
    write(tmp_path / "ada_01.ipynb", IMPORTS, RIGHT + CHECK)
    assert main(["collect", str(tmp_path), "--csv", "-"]) == 0
    assert "ada,01,family,passed" in capsys.readouterr().out


@pytest.mark.parametrize(("platform", "said"), [("darwin", "tables"), ("win32", "UNIX sockets")])
def test_the_doctor_says_what_is_missing(platform: str, said: str) -> None:
    finding = diagnosis_checks.check_system(platform)
    assert finding.outcome == "warning"
    assert said in finding.text
    assert "docs/platforms.md" in finding.remedy
    assert diagnosis_checks.check_system("linux").outcome == "ok"


def test_the_doctor_looks_at_everything() -> None:
    from netlab.diagnosis import examine

    outcomes = {one.name: one.outcome for one in examine(diagnosis_checks.CHECKS).findings}
    assert "failed" not in outcomes.values()
