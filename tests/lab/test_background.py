"""`background` runs both kinds of servers; errors at the start reach the caller."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from netlab.lab import background

from .servers import AsyncServer, ThreadedServer

both = pytest.mark.parametrize("make", [ThreadedServer, AsyncServer])


def talk(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, timeout=5.0) as client:
        client.sendall(b"hello\n")
        return client.recv(100)


@both
def test_clients_can_connect_when_it_returns(make):
    with background(make()) as server:
        address = server.address
        assert talk(address) == b"hello\n"
    with pytest.raises(ConnectionRefusedError):
        talk(address)


@both
def test_the_same_name_again_stops_the_earlier_one(make):
    first = background(make(), name="room")
    address = first.address
    second = background(make(), name="room")
    try:
        assert not first.running
        assert second.running
        with pytest.raises(ConnectionRefusedError):
            talk(address)
        assert talk(second.address) == b"hello\n"
    finally:
        second.stop()


@both
def test_other_names_run_side_by_side(make):
    with background(make(), name="one") as one, background(make(), name="two") as two:
        assert talk(one.address) == talk(two.address) == b"hello\n"


@both
def test_the_default_name_is_the_class(make):
    with background(make()) as server:
        assert server.name == make.__name__
        assert repr(server) == f"<Background {make.__name__}: running>"
    assert repr(server) == f"<Background {make.__name__}: stopped>"


@both
def test_a_busy_port_raises_in_the_caller(make):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(OSError, match="ddress already in use") as caught:
            background(make(port=port))
        assert type(caught.value) is OSError


@both
def test_stop_twice_and_after_a_context_is_harmless(make):
    with background(make()) as server:
        server.stop()
    server.stop()


def test_an_async_server_runs_in_a_named_daemon_thread():
    with background(AsyncServer(), name="room") as server:
        assert server.server.thread_name == "netlab-loop-room"
        thread = next(t for t in threading.enumerate() if t.name == "netlab-loop-room")
        assert thread.daemon
    assert not thread.is_alive()


def test_stats_are_read_where_the_server_runs():
    with background(AsyncServer(), name="room") as server:
        assert server.stats() == "netlab-loop-room"
    with background(ThreadedServer()) as server:
        assert server.stats() == {"connections": 0}


def test_call_runs_functions_and_coroutine_functions_in_the_loop():
    async def add(a, b):
        await asyncio.sleep(0)
        return a + b

    def fail():
        raise ZeroDivisionError("in the loop")

    with background(AsyncServer(), name="room") as server:
        assert server.call(add, 1, 2) == 3
        assert server.call(lambda: threading.current_thread().name) == "netlab-loop-room"
        with pytest.raises(ZeroDivisionError, match="in the loop"):
            server.call(fail)
        with pytest.raises(RuntimeError, match="would wait for itself"):
            server.call(lambda: server.call(fail))
        with pytest.raises(TimeoutError, match="did not finish"):
            server.call(asyncio.sleep, 60, timeout_s=0.01)
    with pytest.raises(RuntimeError, match="is stopped; run its cell again"):
        server.call(add, 1, 2)


def test_call_on_a_threaded_server_runs_here_and_refuses_coroutines():
    async def nothing():
        pass

    with background(ThreadedServer()) as server:
        assert server.call(len, "four") == 4
        with pytest.raises(TypeError, match="has no event loop"):
            server.call(nothing)


def test_the_loop_can_be_chosen():
    made = []

    def factory():
        made.append(asyncio.new_event_loop())
        return made[0]

    with background(AsyncServer(), loop_factory=factory) as server:
        assert server.call(asyncio.get_running_loop) is made[0]
    assert made[0].is_closed()


def test_an_error_of_the_loop_factory_reaches_the_caller():
    def factory():
        raise ImportError("no uvloop here")

    with pytest.raises(ImportError, match="no uvloop here"):
        background(AsyncServer(), loop_factory=factory)


def test_a_server_whose_stop_hangs_is_cancelled_in_time():
    class Stubborn(AsyncServer):
        async def stop(self):
            await super().stop()
            await asyncio.Event().wait()

    server = background(Stubborn())
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        server.stop(timeout_s=0.4)
    assert time.monotonic() - start < 1.0


def test_an_error_in_stop_reaches_the_caller():
    class Faulty(AsyncServer):
        async def stop(self):
            await super().stop()
            raise LookupError("in stop")

    with pytest.raises(LookupError, match="in stop"), background(Faulty()):
        pass


def test_a_blocked_loop_is_named():
    release = threading.Event()
    entered = threading.Event()

    def block():
        entered.set()
        release.wait(5.0)

    server = background(AsyncServer(), name="room")
    thread = threading.Thread(target=lambda: server.call(block), name="netlab-test-blocker")
    thread.start()
    try:
        assert entered.wait(5.0)
        with pytest.raises(TimeoutError, match=r"event loop of 'room' is still busy after 0.05 s"):
            server.stop(timeout_s=0.05)
    finally:
        release.set()
        thread.join(5.0)


@pytest.mark.parametrize("kind", ["ThreadedServer", "AsyncServer"])
def test_python_ends_soon_though_servers_still_run(kind, tmp_path):
    script = tmp_path / "forgets_to_stop.py"
    script.write_text(
        "import socket\n"
        f"from servers import {kind}\n"
        "from netlab.lab import background\n"
        f"servers = [background({kind}(), name=f'room {{n}}') for n in range(3)]\n"
        "client = socket.create_connection(servers[0].address)\n"
        "client.sendall(b'hello\\n')\n"
        "print(client.recv(100), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(Path(__file__).parent), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=20.0,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "b'hello\\n'\n", "")
