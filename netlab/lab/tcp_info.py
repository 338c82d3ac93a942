"""TCP_INFO: what the kernel knows of one TCP connection, in some fifty figures.

    info = kernel.tcp_info(sock)
    info.rtt_us, info.cwnd, info.total_retransmits
    info                                          # all of them, each with its meaning
    info.show("state", "mss_bytes", "retransmits")
    before = kernel.tcp_info(sock); ...; kernel.tcp_info(sock).since(before).bytes_acked

Most figures differ from run to run: say what must hold, not how much it was.

    info.rtt_us > 0, info.total_retransmits == 0
    info.claims("rtt_us > 0", "total_retransmits == 0", "rto_us >= rtt_us")

What this kernel does not tell raises NotAvailable; `info.get(name)` returns None then. tcp(7) has
the option, RFC 4898 explains many of the figures.
"""

from __future__ import annotations

import operator
import re
import socket
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from netlab.lab.addresses import UNIX
from netlab.lab.grid import Cell, Grid, Shown
from netlab.lab.procnet import NotAvailable
from netlab.lab.tcp_fields import ENOUGH_BYTES, FIELDS, Value, parse_tcp_info

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CLAIM = re.compile(r"\s*([a-z_]+)\s*(==|!=|>=|<=|>|<)\s*([\w.]+)\s*")


class _Figures(Shown):
    """Figures of a connection as attributes, by the names in `FIELDS`."""

    caption: str
    _values: Mapping[str, Value]

    def __getattr__(self, name: str) -> Any:
        # Only called for what is no ordinary attribute.
        if name not in FIELDS:
            raise AttributeError(f"TCP_INFO has no figure {name!r}{_hint(name)}")
        if name not in self.__dict__.get("_values", {}):
            raise NotAvailable(f"{name}: not told by this kernel")
        return self._values[name]

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *FIELDS])

    def get(self, name: str) -> Value:
        """Return a figure by name; None where this kernel does not tell it, or has no limit."""
        if name not in FIELDS:
            raise ValueError(f"TCP_INFO has no figure {name!r}{_hint(name)}")
        return self._values.get(name)

    def show(self, *names: str) -> Grid:
        """Return a table of the named figures only: choose those that repeat in every run."""
        head = ("figure", "value", "meaning")
        return Grid(self.caption, head, [self._line(name) for name in names])

    def _line(self, name: str) -> tuple[Cell, Cell, Cell]:
        value: Cell = self.get(name)
        if name not in self._values:
            value = "not told by this kernel"
        elif value is None:
            value = "no limit"
        return name, f"{value:,}" if type(value) is int else value, FIELDS[name].meaning

    def grid(self) -> Grid:
        return self.show(*self._values)

    def claims(self, *claims: str) -> Grid:
        """Return a table that tells of each claim, as ``"rtt_us > 0"``, whether it holds.

        A claim compares a figure with a number, a word, or another figure. What the kernel does
        not tell makes a claim "not told by this kernel".

        Raises:
            ValueError: a claim cannot be understood.
        """
        rows = [(claim, self._holds(claim)) for claim in claims]
        return Grid(self.caption, ("claim", "holds"), rows)

    def _holds(self, claim: str) -> Cell:
        match = _CLAIM.fullmatch(claim)
        if match is None:
            raise ValueError(
                f"cannot read the claim {claim!r}; write a figure, one of {' '.join(_COMPARE)}, "
                "and a number, a word or a figure: 'rtt_us > 0'"
            )
        name, sign, other = match.groups()
        left = self.get(name)
        right: Value = self.get(other) if other in FIELDS else _number(other)
        if left is None and name in self._values:
            left = sys.maxsize  # no limit: more than any number
        if left is None or (right is None and other in FIELDS):
            return "not told by this kernel"
        if isinstance(left, str) is not isinstance(right, str):
            raise ValueError(f"the claim {claim!r} compares a number with a word; {name} is {left}")
        return _COMPARE[sign](left, right)


class TcpInfo(_Figures):
    """What the kernel told of one connection at one moment."""

    caption = "TCP_INFO of a connection"

    def __init__(self, data: bytes) -> None:
        self._values = parse_tcp_info(data)

    def since(self, before: TcpInfo) -> TcpInfoChange:
        """Return what has changed since `before`: the differences of all figures."""
        return TcpInfoChange(before, self)


class TcpInfoChange(_Figures):
    """The difference of two snapshots; `change.bytes_acked` is how many more there are now.

    Of words, as `state`, the attribute is the new one. Its table has what has changed.
    """

    caption = "TCP_INFO: what has changed"

    def __init__(self, before: TcpInfo, after: TcpInfo) -> None:
        self.before, self.after = before, after
        self._values = {
            name: new - old if type(new) is int and type(old := before.get(name)) is int else new
            for name, new in after._values.items()
        }

    def show(self, *names: str) -> Grid:
        rows = []
        for name in names:
            change = self.get(name)
            is_number = type(change) is int and type(self.before.get(name)) is int
            plus = f"{change:+,}" if is_number else ""
            old, new = (str(one._line(name)[1]) for one in (self.before, self.after))
            rows.append((name, old, new, plus, FIELDS[name].meaning))
        return Grid(self.caption, ("figure", "before", "after", "change", "meaning"), rows)

    def grid(self) -> Grid:
        changed = [name for name in self._values if self.before.get(name) != self.after.get(name)]
        return self.show(*changed)


def tcp_info(sock: socket.socket) -> TcpInfo:
    """Return what the kernel knows of a TCP connection now.

    Of a listener few figures mean anything: see `backlog`.

    Raises:
        NotAvailable: only Linux has this TCP_INFO.
        ValueError: it is no TCP socket.
        OSError: the socket is closed.
    """
    option = getattr(socket, "TCP_INFO", None)
    # FreeBSD's struct has the same name and other fields.
    if option is None or not sys.platform.startswith("linux"):
        raise NotAvailable(
            f"{sys.platform} has no TCP_INFO as Linux has; on macOS `nettop -m tcp` in a terminal "
            "shows round-trip times and retransmits, on Windows Get-NetTCPConnection shows states"
        )
    if sock.type != socket.SOCK_STREAM or sock.family == UNIX:
        raise ValueError(f"only TCP has TCP_INFO; this is {sock.type.name} of {sock.family.name}")
    return TcpInfo(sock.getsockopt(socket.IPPROTO_TCP, option, ENOUGH_BYTES))


def _number(word: str) -> Value:
    """Read ``10``, ``10_000``, or else a word such as a state's name."""
    try:
        return int(word)
    except ValueError:
        return word


def _hint(name: str) -> str:
    near = get_close_matches(name, FIELDS, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else f"; it has: {', '.join(FIELDS)}"
