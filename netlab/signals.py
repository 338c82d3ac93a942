"""SIGINT and SIGTERM for a command that runs until one of them comes."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def held_signals() -> Iterator[Callable[[], str]]:
    """Hold SIGINT and SIGTERM; yield a function that waits for one and returns its name.

    A Python signal handler runs between any two instructions, even inside a lock. So the signal
    is not acted on there: the interpreter writes its number to a socket, and we wait for that.
    """
    arrived, wakeup = socket.socketpair()
    with arrived, wakeup:
        wakeup.setblocking(False)
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            signal.signal(number, lambda *_: None)
        fd_before = signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)

        def wait_for_signal() -> str:
            while True:
                number = arrived.recv(1)[0]  # recv goes on after a signal (PEP 475)
                if number in numbers:
                    return signal.Signals(number).name

        try:
            yield wait_for_signal
        finally:
            signal.set_wakeup_fd(fd_before)
            # Not as they were before: a second Ctrl-C must not disturb the end of the process.
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)
