"""`Chaos`: a proxy that does to your bytes what a network does on a bad day, and repeats it.

    with Chaos(server.address, seed=1, direction="to_server", slice_bytes=3) as chaos:
        with socket.create_connection(chaos.address) as alice:
            alice.sendall(b"hello\\n")
        chaos.settled()
        chaos.log                        # c1 to server: byte 3: cut
        chaos.ladder()

Faults stand at byte offsets (TCP) or numbers of datagrams (UDP): the same seed gives the same
faults, whatever the kernel made of the chunks. `StreamFaults` and `DatagramFaults` in
`netlab.lab.faults` list them. What can be promised, and where:

- A cut is seen by the receiver's `recv`, because the next piece waits until the one before was
  read. This can be asked on Linux, if the receiver is on this machine; else a piece waits until the
  one before is acknowledged, which is less. A receiver that reads nothing for `patience_s` seconds
  gets the next piece all the same, and `log` says so.
- Before an RST all bytes up to its offset are delivered. Linux lets the receiver read them before
  `recv` raises; other systems throw them away. A UNIX socket has no RST and is just closed.
- Times are as exact as the machine is idle, about a millisecond.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

from netlab.lab.addresses import local_address, open_listener, resolve
from netlab.lab.chaos_connections import TCPEngine
from netlab.lab.chaos_log import Entry, Log
from netlab.lab.chaos_loop import Clock, Loop, RealClock
from netlab.lab.chaos_parts import Parts
from netlab.lab.chaos_rules import Rules, directions
from netlab.lab.chaos_udp import UDPEngine
from netlab.lab.faults import DatagramFaults, StreamFaults
from netlab.lab.recording import MAX_BYTES, Direction, Ends, Recording

TRANSPORTS = ("tcp", "udp")


class Chaos:
    """A proxy with faults before the server at `target`: (host, port), a UNIX path, or a server.

    Args:
        target: where the server is; anything with an ``address`` will do.
        seed: decides everything that is left to chance.
        transport: "tcp" (with UNIX sockets) or "udp".
        direction: "to_server", "to_client" or "both": where `faults` hold.
        connection: the number of the connection for which they hold, from 1; None: for all.
        listen: where to listen: (host, port), port 0 for any free one; or a path.
        names: given to connections in the order in which they come; see also `name`.
        max_bytes: how much each of the two recordings keeps.
        patience_s: seconds that a piece waits at a cut for the one before to be read.
        on_entry: called, in the proxy's thread, with each entry of the log as it is made.
        on_connection: the same with the name and address of each client that comes.
        faults: such as ``slice_bytes=3``; see `StreamFaults` and `DatagramFaults`.

    Raises:
        TypeError: there is no such fault, or its value has a wrong type.
        ValueError: a value is not allowed.
    """

    def __init__(
        self,
        target: Any,
        *,
        seed: object = 0,
        transport: Literal["tcp", "udp"] = "tcp",
        direction: Any = "both",
        connection: int | None = None,
        listen: Any = ("127.0.0.1", 0),
        names: Iterable[str] | None = None,
        max_bytes: int = MAX_BYTES,
        patience_s: float = 1.0,
        on_entry: Callable[[Entry], object] | None = None,
        on_connection: Callable[[str, Any], object] | None = None,
        clock: Clock | None = None,
        **faults: Any,
    ) -> None:
        if transport not in TRANSPORTS:
            raise ValueError(f"transport={transport!r}: 'tcp' or 'udp' is allowed")
        self.target = getattr(target, "address", target)
        self.transport = transport
        self.seed = seed
        self.recording = Recording(max_bytes)
        """what was passed on, piece by piece, or lost"""
        self.received = Recording(max_bytes)
        """what came in, before anything was done to it"""
        self.log = Log(on_entry=on_entry)
        self._on_connection = on_connection
        self._listen = listen
        self._patience_s = patience_s
        self._clock = clock or RealClock()
        self._where = direction, connection
        self._lock = threading.Lock()  # guards _rules, _wanted and _keys
        self._rules: Rules[Any] = Rules(StreamFaults() if transport == "tcp" else DatagramFaults())
        self._rules.set(direction, connection, faults)
        self._wanted: dict[Any, str] = {}  # local address of a client -> its name
        self._keys: dict[Any, str] = {}  # the same -> c1, c2, …
        self._next_names = iter(names or ())
        self._loop: Loop | None = None
        self._engine: TCPEngine | UDPEngine
        self._stopped = False

    # ── faults ───────────────────────────────────────────────────────────────────────────────

    @property
    def faults(self) -> Any:
        """The faults that `set` changes by default, as they are now."""
        direction, connection = self._where
        with self._lock:
            return self._rules.get(directions(direction)[0], connection)

    def set(self, *, direction: Any = None, connection: int | None = None, **faults: Any) -> None:
        """Change some faults, also while bytes pass; the others stay as they are.

        Without `direction` and `connection` those hold that were given at first. An offset that
        a connection has passed already counts at once: ``set(stall_at=0)`` stalls it now.

        Raises: TypeError or ValueError, as `Chaos` itself; then nothing is changed.
        """
        first_direction, first_connection = self._where
        number = first_connection if connection is None and direction is None else connection
        with self._lock:
            self._rules.set(first_direction if direction is None else direction, number, faults)
        self._apply()

    def clear(self) -> None:
        """Take all faults away; what is stalled goes on."""
        with self._lock:
            self._rules.clear()
        self._apply()

    def release(self, *, direction: Any = "both", connection: int | None = None) -> None:
        """End the stalls that there are now."""
        ways = directions(direction)
        way = ways[0] if len(ways) == 1 else None
        if self._loop is not None:
            self._loop.call(lambda: self._engine.release(way, connection, self._clock()))

    def describe(self) -> str:
        """Say which faults are active, as in "to the server: cut every 3 bytes", a line each."""
        with self._lock:
            return "\n".join(self._rules.words())

    def dial(self) -> Any:
        """Return sliders for the faults, a widget for the notebook."""
        return import_module("netlab.lab.panels").dial(self)

    # ── running ──────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Listen and begin to forward; clients can connect when this returns.

        Raises:
            RuntimeError: it was started before.
            OSError: it cannot listen there, or no such target is known.
        """
        if self._loop is not None:
            raise RuntimeError("this Chaos was started before; make a new one")
        kind = socket.SOCK_STREAM if self.transport == "tcp" else socket.SOCK_DGRAM
        target = resolve(self.target, kind)
        server = None if isinstance(target[1], str) else target[1][:2]
        self._ends = Ends("tcp" if self.transport == "tcp" else "udp", server=server)
        listener = open_listener(self._listen, kind)
        name = listener.getsockname()
        self.address: Any = name if isinstance(name, str) else name[:2]
        for recording in (self.recording, self.received):
            for address, owner in ((self.address, "chaos"), (target[1], "server")):
                if not isinstance(address, str):
                    recording.note_port(address[1], owner)
        self._loop = Loop("netlab-chaos-pump", self._clock)
        parts = Parts(
            poller=self._loop.poller,
            clock=self._clock,
            received=self.received,
            passed_on=self.recording,
            tell=self.log.add,
            admitted=self._admitted,
            faults_for=self._faults_for,
            seed=self.seed,
            patience_s=self._patience_s,
        )
        engine = TCPEngine if self.transport == "tcp" else UDPEngine
        self._engine = engine(listener, target, parts)
        self._loop.start(self._engine)

    def stop(self) -> None:
        """Close all connections and wait for the thread. A second call does nothing."""
        if self._loop is not None and not self._stopped:
            self._stopped = True
            self._loop.stop()
            if isinstance(self.address, str):
                Path(self.address).unlink(missing_ok=True)

    @property
    def running(self) -> bool:
        """Whether clients can connect."""
        return self._loop is not None and not self._stopped

    def settled(self, timeout_s: float = 2.0) -> None:
        """Return once all that came is passed on, but for what a stall or the coalescer holds.

        What a server still thinks about is not sent yet: wait for its answer first.
        Raises: TimeoutError: after `timeout_s` seconds, with what is under way.
        """
        if self._loop is not None:
            self._loop.settled(timeout_s)

    def name(self, name: str, whom: Any) -> None:
        """Call a connection `name`, by the client's end of it; it may come later.

        `whom` is the client's socket, a client with ``local_address``, or its (host, port).
        """
        address = local_address(whom)
        with self._lock:
            key = self._keys.get(address)
            if key is None:
                self._wanted[address] = name
        if key is not None:
            self._rename(key, name)

    def ladder(self, *, received: bool = False, **options: Any) -> Any:
        """Return the diagram of what was passed on; with `received`, of what had come.

        Each arrow is a piece as it was sent; `options` are those of `netlab.lab.ladder`.
        """
        from netlab.lab.diagram import ladder

        wanted: dict[str, Any] = (
            {"framing": "datagrams"} if self.transport == "udp" else {"chunks": True}
        )
        return ladder(self.received if received else self.recording, **{**wanted, **options})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "not started" if self._loop is None else "open"
        return f"<Chaos {state}, seed {self.seed}: {self.describe().replace(chr(10), ' | ')}>"

    # ── called in the thread ─────────────────────────────────────────────────────────────────

    def _apply(self) -> None:
        if self._loop is not None:
            self._loop.call(lambda: self._engine.apply(self._clock()))

    def _faults_for(self, direction: Direction, number: int) -> Any:
        with self._lock:
            return self._rules.get(direction, number)

    def _admitted(self, key: str, client: Any) -> None:
        address = tuple(client[:2]) if client and not isinstance(client, str | bytes) else None
        with self._lock:
            name = self._wanted.pop(address, None) or next(self._next_names, None)
            if address is not None:
                self._keys[address] = key
        if name is not None:
            self._rename(key, name)
        for recording in (self.recording, self.received):
            recording.note_ends(key, replace(self._ends, client=address))
            if address is not None:
                recording.note_port(address[1], key)
        if self._on_connection is not None:
            self._on_connection(name or key, client)

    def _rename(self, key: str, name: str) -> None:
        for one in (self.recording, self.received, self.log):
            one.rename(key, name)
