"""`leftovers`: what a notebook left behind, so that its last cell can show: nothing.

Counted is what came into being since `netlab.lab` was imported: the sockets, tasks and threads
with which the notebook's kernel talks to the browser are older, or recognisably its own.
"""

from __future__ import annotations

import gc
import re
import socket
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOTHING = "nothing left behind: no thread, no task, no socket"

# Threads of ours, and threads that somebody started without giving a name.
_THREAD_NAMES = re.compile(r"netlab-|Thread-\d+")
# The kernel's own; its first large output (64 kB) starts one of zmq's without a name.
_KERNEL_CLASSES = re.compile(r"(ipykernel|zmq)\.")
# pycares, aiohttp's resolver where JupyterHub has brought it, has one for as long as Python runs.
_RESOLVER = re.compile(r"Thread-\d+ \(_run_safe_shutdown_loop\)")
# The kernel makes a task for each message that it handles.
_KERNEL_CODE = re.compile(r"[/\\](ipykernel|IPython|tornado|zmq|jupyter_client|anyio|debugpy)[/\\]")
# The helpers of multiprocessing: module, its one object, and the attribute with the process id.
_HELPERS = (
    ("resource_tracker", "_resource_tracker", "_pid"),
    ("forkserver", "_forkserver", "_forkserver_pid"),
)
_HINTS = {
    "thread": "stop its owner: leave the `with` block, or call .stop()",
    "task": "await it, or cancel it and await it",
    "socket": "close it: `with` does so even when the block fails",
    "process": "terminate() it, then wait() for it",
}


@dataclass(frozen=True)
class Baseline:
    """What exists at one moment; made by `baseline`, compared with by `leftovers`."""

    sockets: weakref.WeakSet[socket.socket] = field(repr=False)
    threads: weakref.WeakSet[threading.Thread] = field(repr=False)
    tasks: weakref.WeakSet[Any] = field(repr=False)
    processes: frozenset[int] = field(repr=False)


@dataclass(frozen=True)
class Leftovers:
    """What is left, in words. False when nothing is; its text says so in one line."""

    threads: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.threads or self.tasks or self.sockets or self.processes)

    def __str__(self) -> str:
        if not self:
            return NOTHING
        lines = ["left behind:"]
        kinds = (
            ("thread", self.threads),
            ("task", self.tasks),
            ("socket", self.sockets),
            ("process", self.processes),
        )
        for kind, names in kinds:
            lines += [f"- {kind} {name} ({_HINTS[kind]})" for name in names]
        return "\n".join(lines)

    __repr__ = __str__


def baseline() -> Baseline:
    """Return what exists now, to be passed to `leftovers` later."""
    return Baseline(
        sockets=weakref.WeakSet(_open_sockets()),
        threads=weakref.WeakSet(threading.enumerate()),
        tasks=weakref.WeakSet(_tasks()),
        processes=frozenset(children()),
    )


def leftovers(*, since: Baseline | None = None, timeout_s: float = 2.0) -> Leftovers:
    """Return the threads, tasks, sockets and child processes that should be gone by now.

    Threads about to end get up to `timeout_s` seconds in all. `since` is the moment to compare
    with: the import of `netlab.lab` unless told otherwise.
    """
    since = since or _at_import
    deadline = time.monotonic() + timeout_s
    for thread in _new_threads(since):
        thread.join(max(0.0, deadline - time.monotonic()))
    sockets = _new_sockets(since)
    if sockets:
        del sockets
        # A socket that nobody refers to may wait in a reference cycle (an exception and its
        # traceback, often) for the collector; whether it has come by is chance. Now it has.
        gc.collect()
        sockets = _new_sockets(since)
    return Leftovers(
        threads=tuple(sorted(thread.name for thread in _new_threads(since))),
        tasks=tuple(
            sorted(task.get_coro().__qualname__ for task in _tasks() if task not in since.tasks)
        ),
        sockets=tuple(sorted(_describe(one) for one in sockets)),
        processes=tuple(str(pid) for pid in sorted(set(children()) - since.processes)),
    )


def _new_threads(since: Baseline) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if _THREAD_NAMES.match(thread.name)
        and not _KERNEL_CLASSES.match(type(thread).__module__)
        and not _RESOLVER.match(thread.name)
        and thread not in since.threads
        and thread is not threading.current_thread()
    ]


def _open_sockets() -> list[socket.socket]:
    # type(), not isinstance(): some objects run code of their own when asked for __class__. And
    # a set of types, not issubclass(): there are some 200,000 objects to look at.
    kinds = {socket.socket}
    while more := {sub for kind in kinds for sub in kind.__subclasses__()} - kinds:
        kinds |= more
    return [one for one in gc.get_objects() if type(one) in kinds and one.fileno() != -1]


def _new_sockets(since: Baseline) -> list[socket.socket]:
    own = {id(one) for one in _of_the_kernel()}
    return [one for one in _open_sockets() if one not in since.sockets and id(one) not in own]


def _of_the_kernel() -> Iterator[Any]:
    """Yield the sockets with which the loops of the kernel's own threads wake themselves.

    When the first widget is shown, JupyterLab has the kernel start a thread for what widgets say.
    """
    for thread in threading.enumerate():
        if _KERNEL_CLASSES.match(type(thread).__module__):
            loop = getattr(getattr(thread, "io_loop", None), "asyncio_loop", None)
            yield from (getattr(loop, name, None) for name in ("_ssock", "_csock"))


def _describe(sock: socket.socket) -> str:
    """Say what kind of socket it is, without its port: a cell's output should repeat."""
    kind = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "datagram"}.get(sock.type, "raw")
    family = socket.AddressFamily(sock.family).name
    try:
        sock.getpeername()
        return f"{family} {kind}, connected"
    except OSError:
        pass
    try:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except (OSError, AttributeError):  # macOS cannot say
        listens = 0
    return f"{family} {kind}, {'listening' if listens else 'not connected'}"


def _tasks() -> Iterator[Any]:
    """Yield the unfinished tasks of the running loop, but for the kernel's and this one."""
    asyncio = sys.modules.get("asyncio")  # if nobody has imported it, there are no tasks
    if asyncio is None:
        return
    try:
        tasks = asyncio.all_tasks()
        current = asyncio.current_task()
    except RuntimeError:  # no running loop
        return
    for task in tasks:
        code = getattr(task.get_coro(), "cr_code", None)
        if task is not current and not (code and _KERNEL_CODE.search(code.co_filename)):
            yield task


def children() -> Iterator[int]:
    """Yield the process ids of this process's children; none where there is no /proc.

    `multiprocessing` has two helpers that live as long as this process: they are not listed.
    proc(5): /proc/pid/task/tid/children lists the children that the thread `tid` made.
    """
    helpers = {
        getattr(getattr(sys.modules.get(f"multiprocessing.{module}"), name, None), pid, None)
        for module, name, pid in _HELPERS
    }
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            yield from (pid for pid in map(int, path.read_text().split()) if pid not in helpers)
        except OSError:  # the thread has ended
            continue


_at_import = baseline()
