"""Wait for many sockets at once; where the kernel can say so, for their resets too.

`selectors` cannot watch a socket for nothing but its death. A proxy needs that: a connection that
it must not read just now (the other side is full) may be reset meanwhile. On Linux epoll reports
EPOLLERR and EPOLLHUP unasked, see epoll_ctl(2); elsewhere a reset shows at the next read or write.
"""

from __future__ import annotations

import select
import selectors
import socket
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Ready:
    """A socket that can be read or written without waiting.

    `broken`: it has an error, for instance it was reset. `hung_up`: FIN was sent and has come.
    """

    owner: Any
    read: bool
    write: bool
    broken: bool = False
    hung_up: bool = False


class Poller(Protocol):
    """Watches sockets; each has an `owner`, which `poll` hands back."""

    def watch(self, sock: socket.socket, owner: Any, *, read: bool, write: bool) -> None: ...
    def forget(self, sock: socket.socket) -> None: ...
    def poll(self, timeout_s: float | None) -> list[Ready]: ...
    def close(self) -> None: ...


def make_poller() -> Poller:
    """Return the best poller of this system."""
    return _Epoll() if hasattr(select, "epoll") else _Selector()


class _Epoll:
    """Reports sockets in the order in which they became ready: the order of the sends.

    Edge-triggered, for a level-triggered epoll keeps what it has reported in its list: a socket
    that was ready in the last round would stand before one that became ready earlier in this one.
    What was reported is armed again before the next wait, so that nothing that is still ready is
    missed (EPOLL_CTL_MOD looks, see epoll(7)).
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[Any, int]] = {}
        self._reported: list[int] = []

    def watch(self, sock: socket.socket, owner: Any, *, read: bool, write: bool) -> None:
        events = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        events |= select.EPOLLET
        fd = sock.fileno()
        if fd not in self._watched:
            self._epoll.register(fd, events)
        elif self._watched[fd][1] != events:
            self._epoll.modify(fd, events)
        self._watched[fd] = (owner, events)

    def forget(self, sock: socket.socket) -> None:
        if self._watched.pop(sock.fileno(), None) is not None:
            self._epoll.unregister(sock.fileno())

    def poll(self, timeout_s: float | None) -> list[Ready]:
        for fd in self._reported:
            if fd in self._watched:
                self._epoll.modify(fd, self._watched[fd][1])
        found = self._epoll.poll(timeout_s)
        self._reported = [fd for fd, _ in found]
        return [
            Ready(
                owner=self._watched[fd][0],
                read=bool(events & select.EPOLLIN),
                write=bool(events & select.EPOLLOUT),
                broken=bool(events & select.EPOLLERR),
                hung_up=bool(events & select.EPOLLHUP),
            )
            for fd, events in found
        ]

    def close(self) -> None:
        self._epoll.close()


class _Selector:
    """The same with `selectors`, which every system has; `broken` and `hung_up` never come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, sock: socket.socket, owner: Any, *, read: bool, write: bool) -> None:
        events = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)
        known = sock in self._selector.get_map()
        if not events:
            self.forget(sock)
        elif known:
            self._selector.modify(sock, events, owner)
        else:
            self._selector.register(sock, events, owner)

    def forget(self, sock: socket.socket) -> None:
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def poll(self, timeout_s: float | None) -> list[Ready]:
        return [
            Ready(
                owner=key.data,
                read=bool(events & selectors.EVENT_READ),
                write=bool(events & selectors.EVENT_WRITE),
            )
            for key, events in self._selector.select(timeout_s)
        ]

    def close(self) -> None:
        self._selector.close()
