"""Wait until the kernel says so: bytes have come, a thread is blocked.

    kernel.wait_unread(sock, 10)      # ten bytes are there to be received
    kernel.wait_blocked(thread)       # the thread is inside accept, recv, … and waits

The kernel announces neither, so both ask every two milliseconds. They make an experiment repeat
that would otherwise depend on who is quicker.
"""

from __future__ import annotations

import array
import errno
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from netlab.lab.procnet import NotAvailable

POLL_S = 0.002


def unread_bytes(sock: socket.socket) -> int:
    """Return how many bytes have arrived for `sock` that nobody has received yet.

    Of a datagram socket: the size of the next datagram. FIONREAD: tcp(7) calls it SIOCINQ.

    Raises:
        NotAvailable: this system has no FIONREAD (Windows).
        OSError: the socket is closed.
    """
    try:
        import fcntl
        import termios
    except ImportError:
        raise NotAvailable(f"{sys.platform} does not tell how many bytes are unread") from None
    if (descriptor := sock.fileno()) == -1:
        raise OSError(errno.EBADF, "the socket is closed")
    answer = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, answer)
    return answer[0]


def wait_unread(sock: socket.socket, n_bytes: int, timeout_s: float = 2.0) -> None:
    """Return once at least `n_bytes` are there to be received from `sock`.

    Raises:
        TimeoutError: fewer were there when `timeout_s` seconds were over.
        NotAvailable: this system has no FIONREAD.
    """
    wait_until(
        lambda: unread_bytes(sock) >= n_bytes,
        timeout_s,
        lambda: f"{unread_bytes(sock):,} of {n_bytes:,} bytes were there after {timeout_s:g} s",
    )


def blocked_in(thread: threading.Thread) -> str | None:
    """Return the name of the kernel's function in which `thread` waits, or None: it runs.

    A thread that only waits for Python's own lock runs, in this sense. From /proc/…/wchan, proc(5).

    Raises:
        NotAvailable: there is no /proc here (Linux has one).
    """
    place = Path(f"/proc/self/task/{thread.native_id}/wchan")
    try:
        name = place.read_text()
    except (FileNotFoundError, ProcessLookupError):
        if not Path("/proc/self/task").exists():
            raise NotAvailable(f"{sys.platform} does not tell where a thread waits") from None
        return None  # it has ended
    return None if name in ("", "0") or name.startswith("futex") else name


def wait_blocked(thread: threading.Thread, timeout_s: float = 2.0) -> None:
    """Return once `thread` is inside a system call that waits, such as accept, recv or select.

    Raises:
        TimeoutError: it was still running, or had ended, when `timeout_s` seconds were over.
        NotAvailable: there is no /proc here.
    """
    wait_until(
        lambda: blocked_in(thread) is not None,
        timeout_s,
        lambda: (
            f"the thread {thread.name} "
            f"{'did not wait in the kernel' if thread.is_alive() else 'had ended'} "
            f"after {timeout_s:g} s"
        ),
    )


def wait_until(done: Callable[[], bool], timeout_s: float, complaint: Callable[[], str]) -> None:
    """Return once `done`; TimeoutError with the `complaint` when `timeout_s` seconds are over."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint())
        pause.wait(POLL_S)
