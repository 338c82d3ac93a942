"""`leftovers` sees what is left behind, and only that."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import textwrap
import threading
import time

import nbformat
from nbclient import NotebookClient

from netlab.lab.leftovers import NOTHING, Leftovers, baseline, leftovers


def test_nothing_is_one_line():
    left = leftovers(since=baseline())
    assert not left
    assert (
        str(left) == repr(left) == NOTHING == "nothing left behind: no thread, no task, no socket"
    )


def test_an_open_socket_is_described_without_its_port():
    before = baseline()
    listener = socket.create_server(("127.0.0.1", 0))
    with (
        listener,
        socket.create_connection(listener.getsockname()),
        socket.socket(type=socket.SOCK_DGRAM),
    ):
        left = leftovers(since=before)
    assert left.sockets == (
        "AF_INET datagram, not connected",
        "AF_INET stream, connected",
        "AF_INET stream, listening",
    )
    assert "- socket AF_INET stream, listening (close it" in str(left)
    assert not leftovers(since=before)


def test_sockets_older_than_the_baseline_do_not_count():
    with socket.socket():
        assert not leftovers(since=baseline())


def test_a_socket_in_a_reference_cycle_is_not_left_to_chance():
    before = baseline()
    gc.disable()
    try:
        sock = socket.socket()
        cycle = [sock]
        cycle.append(cycle)
        sock.detach()  # closed as far as Python is concerned; a warning would fail this test
        del sock, cycle
        assert not leftovers(since=before)
    finally:
        gc.enable()


def test_a_thread_that_is_about_to_end_is_waited_for():
    before = baseline()
    go = threading.Event()
    thread = threading.Thread(target=go.wait, args=[5.0], name="netlab-about-to-end")
    thread.start()
    threading.Timer(0.05, go.set).start()
    assert not leftovers(since=before)
    assert not thread.is_alive()


def test_a_thread_that_stays_is_named_in_time():
    before = baseline()
    go = threading.Event()
    named = threading.Thread(target=go.wait, args=[5.0], name="netlab-stays")
    unnamed = threading.Thread(target=go.wait, args=[5.0])
    foreign = threading.Thread(target=go.wait, args=[5.0], name="somebody else's")
    threads = [named, unnamed, foreign]
    for thread in threads:
        thread.start()
    try:
        start = time.monotonic()
        left = leftovers(since=before, timeout_s=0.05)
        assert time.monotonic() - start < 1.0
        assert left.threads == tuple(sorted([unnamed.name, "netlab-stays"]))
        assert "- thread netlab-stays (stop its owner" in str(left)
    finally:
        go.set()
        for thread in threads:
            thread.join()


def test_tasks_of_the_running_loop_but_not_the_asking_one():
    async def forgotten():
        await asyncio.Event().wait()

    async def main():
        before = baseline()
        assert not leftovers(since=before)
        task = asyncio.create_task(forgotten())
        await asyncio.sleep(0)
        left = leftovers(since=before)
        task.cancel()
        return left

    assert [name.rpartition(".")[2] for name in asyncio.run(main()).tasks] == ["forgotten"]


def test_the_helpers_of_multiprocessing_stay():
    code = """
import multiprocessing, os
from netlab.lab import leftovers
if __name__ == "__main__":
    before = leftovers()
    context = multiprocessing.get_context("forkserver")
    with context.Pool(1) as pool:
        pool.apply(os.getpid)
        assert len(leftovers().processes) == 0, "the forkserver's child is not ours"
    lock = context.Lock()
    child = multiprocessing.get_context("spawn").Process(target=os.getpid)
    child.start()
    assert leftovers().processes == (str(child.pid),)
    child.join()
    print(repr(before), repr(leftovers()), sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [repr(Leftovers())] * 2


def test_child_processes():
    before = baseline()
    code = "input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        left = leftovers(since=before)
    finally:
        child.communicate(b"\n")
    assert left == Leftovers(processes=(str(child.pid),))
    assert not leftovers(since=before)


def test_inside_a_notebook_the_kernels_own_are_not_reported():
    cells = [
        """
        import asyncio, socket, threading
        from netlab.lab import background, leftovers
        """,
        "import time; await asyncio.sleep(0.01); 1 + 1",
        'print("long output " * 100_000)',
        "leftovers()",
        """
        listener = socket.create_server(("127.0.0.1", 0))
        async def forgotten():
            await asyncio.Event().wait()
        task = asyncio.create_task(forgotten())
        go = threading.Event()
        thread = threading.Thread(target=go.wait, name="netlab-forgotten")
        thread.start()
        """,
        "leftovers(timeout_s=0.05)",
        "listener.close(); task.cancel(); go.set(); await asyncio.sleep(0)",
        "leftovers()",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    )
    client = NotebookClient(notebook, timeout=60, kernel_name="python3")
    asyncio.run(client.async_execute())  # execute() would leave an event loop of its own open
    texts = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    assert texts[1] == NOTHING
    assert [line.partition(" (")[0] for line in texts[2].splitlines()] == [
        "left behind:",
        "- thread netlab-forgotten",
        "- task forgotten",
        "- socket AF_INET stream, listening",
    ]
    assert texts[3] == NOTHING
