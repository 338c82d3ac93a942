"""A pytest plugin: this machine, without what macOS or Windows lacks.

`python -m pytest -p tests.platforms.elsewhere …`, with NETLAB_TEST_PLATFORM=windows or macos. It
takes the names away before netlab is imported, as they would be missing there. What behaves
otherwise under the same name (the kernel itself) it cannot show.
"""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import socket
import sys
from pathlib import Path
from types import ModuleType

BSD_LACKS = {
    socket: (
        "TCP_INFO", "TCP_CORK", "TCP_QUICKACK", "TCP_USER_TIMEOUT", "TCP_CONGESTION",
        "TCP_DEFER_ACCEPT", "AF_NETLINK", "SOCK_NONBLOCK", "SOCK_CLOEXEC", "SO_PEERCRED",
        "MSG_ERRQUEUE", "IP_RECVERR", "AF_PACKET", "MSG_NOSIGNAL", "SO_DOMAIN", "SO_PROTOCOL",
    ),
    select: ("epoll",),
    selectors: ("EpollSelector",),
    os: ("memfd_create", "pidfd_open", "eventfd"),
}  # fmt: skip
WINDOWS_LACKS = {
    socket: (
        "AF_UNIX", "MSG_DONTWAIT", "MSG_EOR", "SO_REUSEPORT", "sendmsg", "recvmsg", "SCM_RIGHTS",
        "send_fds", "recv_fds", "SO_SNDLOWAT",
    ),
    select: ("poll",),
    selectors: ("PollSelector",),
    os: ("fork", "killpg", "setsid", "nice"),
}  # fmt: skip
METHODS = ("sendmsg", "recvmsg", "recvmsg_into", "sendmsg_afalg")
MODULES = ("fcntl", "termios", "resource", "pwd", "grp", "uvloop")


def strip(platform: str) -> None:
    """Take away what the platform lacks."""
    windows = platform == "windows"
    asyncio.new_event_loop().close()  # what asyncio itself needs of them, it has by now
    selector = selectors.SelectSelector
    for lacks in (BSD_LACKS, WINDOWS_LACKS) if windows else (BSD_LACKS,):
        for module, names in lacks.items():
            for name in names:
                if hasattr(module, name):
                    delattr(module, name)
    selectors.DefaultSelector = selector  # type: ignore[misc,assignment]
    if windows:
        for name in MODULES:
            sys.modules[name] = None  # type: ignore[assignment]
        msvcrt = ModuleType("msvcrt")
        vars(msvcrt).update(LK_NBLCK=2, locking=lambda *_: None)
        sys.modules["msvcrt"] = msvcrt
        socket.socketpair = _socketpair  # type: ignore[assignment]


def _socketpair(*_: object) -> tuple[socket.socket, socket.socket]:
    """Return two ends of a TCP connection, as Python does on Windows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


class NoProactorLoop(asyncio.SelectorEventLoop):
    """What Windows' usual loop cannot do."""

    def add_reader(self, *_: object) -> None:
        raise NotImplementedError

    def remove_reader(self, *_: object) -> bool:
        raise NotImplementedError


def pytest_configure() -> None:
    strip(os.environ["NETLAB_TEST_PLATFORM"])
    from netlab.lab import procnet

    procnet.PROC_NET = Path("/no-proc-on-this-system")
