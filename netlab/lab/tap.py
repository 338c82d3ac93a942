"""`Tap`: a proxy that stands before a server, TCP, UNIX or UDP, and records what passes.

    with Tap(server.address) as tap:
        with socket.create_connection(tap.address) as alice:
            tap.name("alice", alice)
            alice.sendall(b"hello\\n")
            alice.recv(100)
        tap.settled()
        tap.ladder()

It forwards faithfully: bytes in order, FIN as FIN, RST as RST; when the receiver does not read, the
sender has to wait. Everything is done by one thread, so that things are recorded in the order in
which they happened, and always before they are passed on: an answer never precedes its question.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
import time
from collections.abc import Iterable
from typing import Any, Literal, Self

from netlab.lab.addresses import UNIX, local_address, open_listener, resolve
from netlab.lab.chaos import Chaos
from netlab.lab.pipe import Pipe
from netlab.lab.polling import make_poller
from netlab.lab.recording import MAX_BYTES, Ends, Recording
from netlab.lab.tls_stream import TLSKeys

log = logging.getLogger("netlab.lab.tap")

# On loopback a send is in the receiver's queue when send() returns, unless the kernel is so busy
# that it leaves the delivery to its own thread; so silence must last this long to count.
QUIET_S = 0.003
TRY_AGAIN_S = 0.1  # without new connections, after there were no descriptors for one


class Tap:
    """A recording proxy before the server at `target`.

    Args:
        target: (host, port), the path of a UNIX socket, or anything with such an ``address``.
        names: given to connections in the order in which they are accepted; see also `name`.
            Connections without a name are c1, c2, … With UDP each client's address is one.
        transport: "tcp" (with UNIX sockets) or "udp".
        listen_host: where to listen, on a port that the kernel chooses. Before a UNIX socket it
            listens at a path of its own, which `stop` removes.
        max_bytes: of the recording, as much is kept.
        tls: keys of your own, to record what is inside TLS; without them it is the ciphertext.

    Raises:
        ValueError: no such transport, or TLS over UDP.
    """

    def __init__(
        self,
        target: Any,
        *,
        names: Iterable[str] | None = None,
        transport: Literal["tcp", "udp"] = "tcp",
        listen_host: str = "127.0.0.1",
        max_bytes: int = MAX_BYTES,
        tls: TLSKeys | None = None,
    ) -> None:
        if transport not in ("tcp", "udp"):
            raise ValueError(f"transport={transport!r}: 'tcp' or 'udp' is allowed")
        if tls is not None and transport == "udp":
            raise ValueError("TLS is carried by TCP; with transport='udp' leave tls out")
        self.target = getattr(target, "address", target)
        self.transport = transport
        self.listen_host = listen_host
        self._tls = tls
        # Datagrams pass through the fault proxy, without a fault: it has a socket for each client.
        self._datagrams: Chaos | None = None
        if transport == "udp":
            self._datagrams = Chaos(
                self.target,
                transport="udp",
                listen=(listen_host, 0),
                names=names,
                max_bytes=max_bytes,
            )
            self.recording = self._datagrams.recording
        else:
            self.recording = Recording(max_bytes)
        self._lock = threading.Lock()  # guards _wanted, _keys and _waiters
        self._wanted: dict[tuple[str, int], str] = {}  # local address of a client -> its name
        self._keys: dict[tuple[str, int], str] = {}  # the same -> c1, c2, …
        self._waiters: list[threading.Event] = []
        self._next_names = iter(names or ())
        self._pipes: list[Pipe] = []
        self._accepted = 0
        self._accept_again_s: float | None = None
        self._thread: threading.Thread | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of a UNIX socket
        self._stopping = False

    def start(self) -> None:
        """Listen and begin to forward; clients can connect when this returns.

        Raises: OSError: `target` is no address that can be resolved, or there are no sockets left.
        """
        if self._thread is not None:
            raise RuntimeError("this Tap was started before; make a new one")
        if self._datagrams is not None:
            self._datagrams.start()
            self.address: Any = self._datagrams.address
            self.recording.note_port(self.address[1], "tap")
            return
        self._family, self._resolved = resolve(self.target)
        if isinstance(self._resolved, str):
            self._folder = tempfile.TemporaryDirectory(prefix="netlab-tap-")
            self._listener = open_listener(f"{self._folder.name}/tap.sock")
            self.address = self._listener.getsockname()
        else:
            self._listener = open_listener((self.listen_host, 0))
            self.address = self._listener.getsockname()[:2]
            self.recording.note_port(self.address[1], "tap")
            self.recording.note_port(self._resolved[1], "server")
        self._listener.setblocking(False)
        self._bell, self._bell_rope = socket.socketpair()  # a byte on the rope wakes the thread
        self._poller = make_poller()
        self._poller.watch(self._listener, self._listener, read=True, write=False)
        self._poller.watch(self._bell, self._bell, read=True, write=False)
        self._thread = threading.Thread(target=self._run, name="netlab-tap-pump", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and wait for the thread. A second call does nothing."""
        if self._datagrams is not None:
            self._datagrams.stop()
        if self._thread is None or self._stopping:
            return
        self._stopping = True
        self._ring()
        self._thread.join(2.0)
        self._bell_rope.close()
        if self._folder is not None:
            self._folder.cleanup()

    def name(self, name: str, whom: Any) -> None:
        """Call a connection `name`, by the client's end of it.

        `whom` is the client's socket (anything with ``getsockname()``), a client with
        ``local_address``, or the address itself, ``(host, port)``. It may be accepted later.
        A client of a UNIX socket has no address: give `names` instead.
        """
        if self._datagrams is not None:
            self._datagrams.name(name, whom)
            return
        host, port = local_address(whom)
        with self._lock:
            key = self._keys.get((host, port))
            if key is None:
                self._wanted[host, port] = name
            else:
                self.recording.rename(key, name)

    def settled(self, timeout_s: float = 2.0) -> None:
        """Return once all that was sent to the tap so far is recorded and forwarded.

        What a server still thinks about is not sent yet: wait for its answer first.
        Raises: TimeoutError: after `timeout_s` seconds, with what is outstanding.
        """
        if self._datagrams is not None:
            self._datagrams.settled(timeout_s)
            return
        quiet = threading.Event()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                return
            self._waiters.append(quiet)
        self._ring()
        if not quiet.wait(timeout_s):
            with self._lock:
                self._waiters.remove(quiet)
            # Read from another thread than the one that changes it: good enough for a message.
            stuck = [line for pipe in list(self._pipes) for line in pipe.outstanding()]
            why = "; ".join(stuck) or "bytes keep coming"
            raise TimeoutError(f"the tap did not settle within {timeout_s:g} s: {why}")

    def ladder(self, **options: Any) -> Any:
        """Return ``ladder(tap.recording, **options)``, the diagram of what passed."""
        from netlab.lab.diagram import ladder

        if self._datagrams is not None:
            options.setdefault("framing", "datagrams")
        return ladder(self.recording, **options)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        if self._datagrams is not None:
            state = "open" if self._datagrams.running else "not running"
        else:
            state = "not started" if self._thread is None else "open"
        return f"<Tap {'stopped' if self._stopping else state}: {self.recording!r}>"

    # ── in the thread ────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._round()
        except Exception:
            log.exception("the tap ends because of an error of its own")
        finally:
            for pipe in self._pipes:
                pipe.close()
            self._listener.close()
            self._bell.close()
            self._poller.close()
            with self._lock:
                for waiter in self._waiters:
                    waiter.set()

    def _round(self) -> None:
        """Wait for something to do and do it; tell `settled` when there is nothing."""
        with self._lock:
            waiting = bool(self._waiters)
        idle = not any(pipe.busy for pipe in self._pipes)
        timeout_s = QUIET_S if waiting and idle else None
        if self._accept_again_s is not None:
            timeout_s = TRY_AGAIN_S if timeout_s is None else timeout_s
            if time.monotonic() >= self._accept_again_s:
                self._accept_again_s = None
                self._poller.watch(self._listener, self._listener, read=True, write=False)
        ready = self._poller.poll(timeout_s)
        if waiting and idle and not ready:
            with self._lock:
                for waiter in self._waiters:
                    waiter.set()
                self._waiters.clear()
        for one in ready:
            if one.owner is self._bell:
                self._bell.recv(4096)
            elif one.owner is self._listener:
                self._accept()
            else:
                one.owner.handle(one)
        self._pipes = [pipe for pipe in self._pipes if not pipe.closed]

    def _accept(self) -> None:
        """Accept all who wait. Called before data is recorded, too: first come, first drawn."""
        while self._accept_again_s is None:
            client = None
            try:
                client, peer = self._listener.accept()
                server = socket.socket(self._family, socket.SOCK_STREAM)
            except BlockingIOError:
                return
            except OSError as error:  # for instance: too many open files
                if client is not None:
                    client.close()
                self._pause(error)
                return
            self._accepted += 1
            key = f"c{self._accepted}"
            unix = self._family == UNIX
            with self._lock:
                wanted = None
                if not unix:
                    self._keys[peer[:2]] = key
                    wanted = self._wanted.pop(peer[:2], None)
                name = wanted or next(self._next_names, None)
            if name is not None:
                self.recording.rename(key, name)
            self.recording.note_ends(
                key,
                Ends(
                    client=None if unix else peer[:2],
                    server=None if unix else self._resolved[:2],
                    decrypted=self._tls is not None,
                ),
            )
            pipe = Pipe(key, client, server, self.recording, self._poller, self._accept, self._tls)
            if not unix:
                self.recording.note_port(peer[1], key)
            self._pipes.append(pipe)
            pipe.connect(self._resolved)

    def _pause(self, error: OSError) -> None:
        """Accept nobody for a moment: the listener would be ready again at once."""
        log.warning("the tap could not accept a connection: %s; trying again", error)
        self._poller.forget(self._listener)
        self._accept_again_s = time.monotonic() + TRY_AGAIN_S

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # the thread has ended
            self._bell_rope.send(b"!")
