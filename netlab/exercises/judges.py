"""What runs a learner's code in the child process and looks at what it does, or whom it accuses."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from netlab.exercises.calls import Function, Report, result
from netlab.lab.leftovers import baseline, leftovers


def run_thrice(function: Function, report: Report) -> None:
    """Call the function three times, and report after each what it returned and left behind."""
    for number in (1, 2, 3):
        before = baseline()
        report("step", f"run {number} of 3")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            answer = result(function)
            left = str(leftovers(since=before, timeout_s=0.5))
            gc.collect()
        report("answer", answer)
        report("left", _forgotten(caught) or left)


def _forgotten(caught: list[warnings.WarningMessage]) -> str | None:
    """Say how many sockets the garbage collector had to close; None: none."""
    count = sum(issubclass(one.category, ResourceWarning) for one in caught)
    if not count:
        return None
    return f"sockets that nobody closed: {count}; the garbage collector found them"


def judge_cells(function: Function, report: Report, cell: Function, beside: bool) -> None:
    """Call the function with a cell, and report whether it raised AssertionError.

    `beside`: does a thread that the cell has nothing to do with run already?
    """
    stop = threading.Event()
    if beside:
        threading.Thread(target=stop.wait, daemon=True, name="somebody else's").start()
    calls = []

    def counted() -> None:
        calls.append(1)
        cell()

    report("answer", verdict(function, counted))
    report("calls", len(calls))


def judge_server(function: Function, report: Report, server: Function) -> None:
    """Call the function with the address of a running server; report whether it asserted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=server, args=[listener], daemon=True, name="peer").start()
        report("answer", verdict(function, listener.getsockname()))


def judge_one(function: Function, report: Report, argument: Any) -> None:
    """Call the function with what it is to judge; report whether it raised AssertionError."""
    report("answer", verdict(function, argument))


def verdict(function: Function, argument: Any) -> str | None:
    """Call the function; return what it asserted, or None."""
    try:
        result(function, argument)
    except AssertionError as error:
        return f"AssertionError: {error}".rstrip(": ")
    return None


def dial(function: Function, report: Report, plan: Sequence[str]) -> None:
    """Call the function with candidates made by `plan`, each `dead` or `alive`, and `v4` or `v6`.

    Reported: which candidate it is connected to (None: it raised OSError, as it should when all
    are dead), and what sockets it left open besides.
    """
    families = {"v4": (socket.AF_INET, "127.0.0.1"), "v6": (socket.AF_INET6, "::1")}
    candidates, listeners = [], []
    for one in plan:
        life, version = one.split()
        family, host = families[version]
        listener = socket.create_server((host, 0), family=family)
        candidates.append((family, listener.getsockname()))
        if life == "alive":
            listeners.append(listener)
        else:
            listener.close()  # nobody listens there now: connecting is refused
        report("step", f"candidate {len(candidates)}: {host}, where {_LIFE[life]}")
    before = baseline()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        report("answer", _whom(function, candidates))
        left = str(leftovers(since=before, timeout_s=0.5))
        gc.collect()
    report("left", _forgotten(caught) or left)
    for listener in listeners:
        listener.close()


_LIFE = {"dead": "nobody listens", "alive": "somebody listens"}


def _whom(function: Function, candidates: list[tuple[Any, Any]]) -> str:
    """Call the function; say in words to whom it is connected, and close that."""
    try:
        sock = result(function, candidates)
    except OSError as error:
        return f"it raised {type(error).__name__}"
    if not isinstance(sock, socket.socket):
        return f"it returned {sock!r}"
    with sock:
        if sock.fileno() == -1:
            return "it returned a socket that is closed"
        try:
            peer = sock.getpeername()
        except OSError:
            return "it returned a socket that is not connected"
    return f"it is connected to candidate {1 + [address for _, address in candidates].index(peer)}"
