"""One TCP connection through a fault proxy: two sockets, a `Stream` of faults for each direction.

Nothing here waits. What the kernel does not announce (that a piece was read, that bytes were
delivered) is asked for again after a millisecond, only while something depends on it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from netlab.lab.addresses import UNIX
from netlab.lab.chaos_parts import Parts
from netlab.lab.chaos_stream import Act, Stream
from netlab.lab.chaos_taken import Kernel
from netlab.lab.chaos_way import Way
from netlab.lab.faults import StreamFaults
from netlab.lab.labels import count
from netlab.lab.polling import Ready
from netlab.lab.recording import Direction

READ_BYTES = 64 * 1024
ASK_AGAIN_S = 0.001
LINGER_ZERO = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN: socket(7), SO_LINGER


class ChaosPipe:
    """A client's connection and the one to the server made for it."""

    def __init__(
        self,
        key: str,
        client: socket.socket,
        server: socket.socket,
        streams: tuple[Stream, Stream],
        parts: Parts,
        kernel: Kernel,
    ) -> None:
        self.key = key
        self.closed = False
        self.connected = False
        self._kernel = kernel
        self._poller = parts.poller
        self._clock = parts.clock
        self._received = parts.received
        self._passed_on = parts.passed_on
        self._tell = parts.tell
        self._patience_s = parts.patience_s
        self._up = Way(self, Direction.TO_SERVER, streams[0])
        self._down = Way(self, Direction.TO_CLIENT, streams[1])
        self._up.source = self._down.sink = client
        self._up.sink = self._down.source = server
        self._up.opposite, self._down.opposite = self._down, self._up
        self._ways = (self._up, self._down)
        for sock in (client, server):
            sock.setblocking(False)
            if sock.family != UNIX:
                # Each piece is a segment at once, not when the last is acknowledged (Nagle).
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for recording in (parts.received, parts.passed_on):
            recording.append(key, Direction.TO_SERVER, "open")

    @property
    def due_s(self) -> float | None:
        """When there is something to do although no socket is ready."""
        dues = [way.due_s for way in self._ways]
        return min((due for due in dues if due is not None), default=None)

    def outstanding(self) -> Iterator[str]:
        """Say what is under way and will go on of itself, or when somebody reads."""
        if self.closed:
            return
        if not self.connected:
            yield f"{self.key}: the server has not accepted the connection"
            return
        for way in self._ways:
            end = "server" if way is self._up else "client"
            if way.finished:
                continue
            if way.pending or way.act is not None:
                waiting = len(way.pending) or len(way.act.data if way.act else b"")
                yield f"{self.key}: {count(waiting)} that the {end} does not read"
            elif way.stream.due_s is not None:
                yield f"{self.key}: {count(way.stream.held_bytes)} on the way to the {end}"

    def connect(self, address: Any) -> None:
        """Begin to connect to the server; what the client sends meanwhile waits."""
        code = self._up.sink.connect_ex(address)
        if code in (0, errno.EINPROGRESS):
            self.connected = code == 0
            self.work(self._clock())
        else:
            self._refuse(code)

    def handle(self, way: Way, ready: Ready) -> None:
        """React to an event of `way.source`."""
        if self.closed:  # by another event, earlier in this round
            return
        now = self._clock()
        if way is self._down and not self.connected:
            code = way.source.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._refuse(code)
                return
            self.connected = True
        elif way.may_read and (ready.read or ready.broken):
            self._read(way, now)
        elif ready.broken:
            self._broken(way, now)
        elif ready.hung_up:
            way.hung_up = True
        self.work(now)

    def work(self, now_s: float) -> None:
        """Do what is due, then tell the poller what to wait for."""
        for way in (*self._ways, self._up):  # what happens on the way down may end the way up
            if not self.closed and self.connected:
                self._forward(way, now_s)
        if not self.closed:
            self._watch()

    def set(self, faults: Mapping[Direction, StreamFaults], now_s: float) -> None:
        """Go on with other faults."""
        for way in self._ways:
            way.stream.set(faults[way.direction])
        self.work(now_s)

    def release(self, direction: Direction | None, now_s: float) -> None:
        """End the stalls of one direction, or of both."""
        for way in self._ways:
            if direction in (None, way.direction):
                way.stream.release()
        self.work(now_s)

    def close(self) -> None:
        """Close both sockets. A second call does nothing."""
        if self.closed:
            return
        self.closed = True
        for way in self._ways:
            self._poller.forget(way.source)
            way.source.close()

    # ── in one direction ─────────────────────────────────────────────────────────────────────

    def _read(self, way: Way, now_s: float) -> None:
        try:
            data = way.source.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._broken(way, now_s)
            return
        if data:
            self._received.append(self.key, way.direction, "data", data)
            if not way.discards:
                way.stream.feed(data, now_s)
        else:
            way.eof = True
            self._received.append(self.key, way.direction, "fin")
            way.stream.finish(now_s)

    def _broken(self, way: Way, now_s: float) -> None:
        """The source was reset by its peer: that goes on behind the bytes before it."""
        self._received.append(self.key, way.direction, "rst")
        self._poller.forget(way.source)
        already_over = way.stream.ended
        way.eof = way.hung_up = True
        way.stream.finish(now_s, "rst")
        way.opposite.stream.end()
        way.opposite.discards = way.opposite.finished = True
        way.opposite.pending, way.opposite.act = memoryview(b""), None
        if already_over or not self.connected:
            self._reset(way)

    def _forward(self, way: Way, now_s: float) -> None:
        """Write what waits, then act after act, until one has to wait."""
        while not (way.finished or self.closed):
            if way.pending and not self._write(way, now_s):
                return
            act = way.act or way.stream.next(now_s)
            for note in way.stream.notes():
                self._tell(self.key, way.direction, f"byte {note.offset:,}", note.text)
            if act is None:
                return
            if self._must_wait(way, act, now_s):
                way.act = act
                return
            way.act = None
            self._do(way, act, now_s)

    def _write(self, way: Way, now_s: float) -> bool:
        """Write as much as the sink takes; tell whether that was all."""
        try:
            sent = way.sink.send(way.pending)
        except BlockingIOError:
            return False
        except OSError:
            self._broken(way.opposite, now_s)
            return False
        way.written += sent
        way.pending = way.pending[sent:]
        return not way.pending

    def _must_wait(self, way: Way, act: Act, now_s: float) -> bool:
        """Tell whether the receiver has to take, or to be delivered, earlier bytes first."""
        if act.kind == "data" and act.alone:
            ready = self._kernel.taken(way.sink, way.written)
        elif act.kind == "rst":  # it would overtake them: RST empties our send queue
            ready = self._kernel.delivered(way.sink, way.written)
        else:
            return False
        if way.asked_since_s is None:
            way.asked_since_s = now_s
        if not ready and act.kind == "data" and now_s - way.asked_since_s >= self._patience_s:
            place = f"byte {way.stream.sent - len(act.data):,}"
            text = f"passed on although the bytes before are unread after {self._patience_s:g} s"
            self._tell(self.key, way.direction, place, text)
            ready = True
        way.ask_again_s = None if ready else now_s + ASK_AGAIN_S
        if ready:
            way.asked_since_s = None
        return not ready

    def _do(self, way: Way, act: Act, now_s: float) -> None:
        if act.kind == "data":
            self._passed_on.append(self.key, way.direction, "data", act.data)
            way.pending = memoryview(act.data)
        elif act.kind == "rst":
            self._reset(way)
        else:
            self._finish(way)
            if act.kind == "close":
                way.discards = way.opposite.discards = True
                way.opposite.stream.finish(now_s)

    def _finish(self, way: Way) -> None:
        way.finished = True
        self._passed_on.append(self.key, way.direction, "fin")
        try:
            way.sink.shutdown(socket.SHUT_WR)
        except OSError:  # reset meanwhile; the poller will tell
            pass

    def _reset(self, way: Way) -> None:
        """Close both sockets with RST."""
        self._passed_on.append(self.key, way.direction, "rst")
        if not way.opposite.finished:
            self._passed_on.append(self.key, way.opposite.direction, "rst")
        self._abort()

    def _refuse(self, code: int) -> None:
        """The server cannot be reached: the client, which believes it is connected, gets RST."""
        error = OSError(code, os.strerror(code))  # makes itself a ConnectionRefusedError, if so
        message = f"{type(error).__name__}: {error}".encode()
        for recording in (self._received, self._passed_on):
            recording.append(self.key, Direction.TO_CLIENT, "error", message)
        self._abort()

    def _abort(self) -> None:
        for way in self._ways:
            if way.source.family != UNIX:
                way.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.close()

    def _watch(self) -> None:
        """Tell the poller what each socket can be used for now; close the pipe when it is done."""
        if all(way.eof and way.finished for way in self._ways):
            self.close()
            return
        for way in self._ways:
            read = way.may_read
            write = bool(way.opposite.pending)
            if way is self._down and not self.connected:
                read, write = False, True  # becomes writable when it is connected, connect(2)
            over = way.hung_up or (way.eof and way.opposite.finished)
            if over and not read and not write:  # epoll would report it, for ever
                self._poller.forget(way.source)
            else:
                self._poller.watch(way.source, way, read=read, write=write)
