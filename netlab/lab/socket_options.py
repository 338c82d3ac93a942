"""Which options a socket has, and what they mean.

    kernel.options(sock)                                  # all
    kernel.options(sock).changed_from()                   # what differs from a fresh socket
    kernel.options(sock).show("TCP_NODELAY", "SO_LINGER")
    kernel.options(sock)["TCP_NODELAY"]                   # 0

`changed_from` leaves out what the kernel changes by itself (a receive buffer that grows, the
segment size that both sides found), so that it shows what a program has set, and repeats.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from difflib import get_close_matches

from netlab.lab.grid import Grid, Shown
from netlab.lab.option_table import OPTIONS, Value, is_tuned, kinds
from netlab.lab.procnet import NotAvailable

_NOTE = "SO_ERROR is not asked for: to read it clears it."


class Options(Shown):
    """The options of one socket at one moment: `values` by name, None where it does not tell."""

    def __init__(self, sock: socket.socket) -> None:
        self.kind = _kind(sock)
        self.values: Mapping[str, Value] = _values(sock)
        self.tuned = frozenset(name for name in self.values if is_tuned(sock, name))
        """options that the kernel changes by itself"""
        self._fresh_arguments = sock.family, sock.type, sock.proto

    def __getitem__(self, name: str) -> Value:
        """Return one option's value.

        Raises:
            ValueError: this kind of socket has no such option, or the name is unknown.
            NotAvailable: this system, or this socket just now, does not tell it.
        """
        value = self.values[self._known(name)]
        if value is None:
            raise NotAvailable(f"this socket does not tell {name} (now, or on this system)")
        return value

    def show(self, *names: str) -> Grid:
        """Return a table of the named options only."""
        head = ("option", "value", "meaning")
        rows = [
            (name, self.values[self._known(name)], OPTIONS[name].explain(self.values[name]))
            for name in names
        ]
        return Grid(f"Options of a {self.kind} socket", head, rows)

    def grid(self) -> Grid:
        grid = self.show(*self.values)
        grid.note = _NOTE
        return grid

    def changed_from(
        self, default: Options | None = None, *, also_by_kernel: bool = False
    ) -> Changed:
        """Return what differs from `default`: a fresh socket of the same kind unless given.

        `also_by_kernel` includes what the kernel changes by itself; such values may not repeat.
        """
        if default is None:
            with socket.socket(*self._fresh_arguments) as fresh:
                default = Options(fresh)
        skip = frozenset() if also_by_kernel else self.tuned
        names = [
            name
            for name, value in self.values.items()
            if name not in skip and value != default.values.get(name)
        ]
        return Changed(self, default, names)

    def _known(self, name: str) -> str:
        if name in self.values:
            return name
        if name == "SO_ERROR":
            raise ValueError("SO_ERROR is not asked for: to read it clears it")
        if name in OPTIONS:
            raise ValueError(f"a {self.kind} socket has no option {name}")
        near = get_close_matches(name, OPTIONS, n=3, cutoff=0.5)
        raise ValueError(f"unknown option {name!r}; did you mean {' or '.join(near or OPTIONS)}?")


class Changed(Shown):
    """The options that differ between two sockets: `values` and `defaults`, by name."""

    def __init__(self, now: Options, default: Options, names: list[str]) -> None:
        self.kind = now.kind
        self.values = {name: now.values[name] for name in names}
        self.defaults = {name: default.values.get(name) for name in names}

    def grid(self) -> Grid:
        rows = [
            (name, value, self.defaults[name], OPTIONS[name].explain(value))
            for name, value in self.values.items()
        ]
        head = ("option", "value", "default", "meaning")
        caption = f"Options of this {self.kind} socket that differ from a fresh one's"
        return Grid(caption, head, rows, "" if rows else "None differs.")


def options(sock: socket.socket) -> Options:
    """Return the options of an open socket that the course speaks of, with their meaning.

    Raises:
        OSError: the socket is closed.
    """
    if sock.fileno() == -1:
        raise OSError("the socket is closed: a closed socket has no options")
    return Options(sock)


def _values(sock: socket.socket) -> dict[str, Value]:
    found: dict[str, Value] = {}
    fits = kinds(sock)
    for name, option in OPTIONS.items():
        if option.sockets not in fits:
            continue
        try:
            found[name] = None if option.number is None else option.read(sock)
        except (OSError, struct.error):  # only a connected socket has an IP_MTU, for instance
            found[name] = None
    return found


def _kind(sock: socket.socket) -> str:
    fits = kinds(sock)
    kind = next((one for one in ("tcp4", "tcp6", "udp4", "udp6") if one in fits), None)
    if kind:
        return f"{kind[:3].upper()} (IPv{kind[3]})"
    family = socket.AddressFamily(sock.family).name.removeprefix("AF_")
    return f"{family} {socket.SocketKind(sock.type).name.removeprefix('SOCK_').lower()}"
