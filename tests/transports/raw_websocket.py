"""HTTP and WebSocket by hand (RFC 6455, 4 and 5.2), so that a test can do it wrongly."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 10.0
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455, 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def sentence(self) -> str:
        return self.body.decode()


def request(
    address: Any,
    headers: dict[str, str | list[str]] | None = None,
    *,
    start: str = "GET / HTTP/1.1",
) -> Answer:
    """Make one request on a connection of its own, and read to the end."""
    with Peer(address) as peer:
        peer.ask(start, headers or {})
        answer = peer.read_head()
        while data := peer.sock.recv(65_536):
            peer.buffer += data
        answer.body = bytes(peer.buffer)
        return answer


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """Return the bytes of a frame."""
    size, mask_bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", fin << 7 | opcode, mask_bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", fin << 7 | opcode, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", fin << 7 | opcode, mask_bit | 127, size)
    if not masked:
        return head + payload
    mask = b"\x37\xfa\x21\x3d"  # of RFC 6455, 5.7; the same each time, so that tests have names
    key = (mask * (size // 4 + 1))[:size]
    hidden = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + hidden.to_bytes(size, "big")


def text(**message: Any) -> bytes:
    """Return the frame of a message."""
    return frame(TEXT, json.dumps(message).encode())


class Peer:
    """A TCP connection to a server, on which WebSocket is spoken by hand."""

    def __init__(self, address: Any, *, receive_buffer_bytes: int = 0) -> None:
        self.sock = socket.socket(socket.AF_INET)
        self.sock.settimeout(PATIENCE_S)
        if receive_buffer_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = "{}:{}".format(*address)
        self.buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.sock.close()

    def ask(self, start: str, headers: dict[str, str | list[str]]) -> None:
        """Send a request; `Host` is right unless it is given."""
        lines = [start]
        for name, values in {"Host": self.host, **headers}.items():
            lines += [f"{name}: {one}" for one in ([values] if isinstance(values, str) else values)]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def read_head(self) -> Answer:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer[:] = rest
        status, *lines = head.decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return Answer(int(status.split()[1]), {name.lower(): value for name, value in pairs})

    def upgrade(self, **headers: str | list[str]) -> Answer:
        """Do the opening handshake."""
        self.ask("GET / HTTP/1.1", {**UPGRADE, **headers})
        return self.read_head()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read_frame(self) -> tuple[int, bytes]:
        """Return the opcode and the payload of the next frame."""
        while (found := self._parse()) is None:
            self._more()
        return found

    def read(self, wanted: str = "") -> Any:
        """Return the next message, or the next of that type; pings are not answered."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == TEXT:
                message = json.loads(payload)
                if not wanted or message["type"] == wanted:
                    return message
            assert opcode != CLOSE, payload

    def read_close(self) -> tuple[int, str]:
        """Read on to the close frame; return its code and reason."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def _parse(self) -> tuple[int, bytes] | None:
        data, start = self.buffer, 2
        if len(data) < 2:
            return None
        assert not data[1] & 0x80, "a server must not mask"
        size = data[1] & 0x7F
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(data) < start:
                return None
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return None
        opcode, payload = data[0] & 0x0F, bytes(data[start : start + size])
        del data[: start + size]
        return opcode, payload

    def _more(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise EOFError(f"the connection ended after {bytes(self.buffer)!r}")
        self.buffer += data


def connected(address: Any, **options: Any) -> Peer:
    """Return a peer after the handshake."""
    peer = Peer(address, **options)
    answer = peer.upgrade()
    assert answer.status == 101, answer
    return peer


def hold_up(sock: socket.socket, data: bytes) -> int:
    """Send until the other side takes no more for 0.3 s; return how many bytes it took."""
    sock.setblocking(False)
    sent, deadline, stuck_since = 0, time.monotonic() + PATIENCE_S, time.monotonic()
    while time.monotonic() - stuck_since < 0.3:
        assert time.monotonic() < deadline, "the server swallowed everything"
        try:
            sent += sock.send(data[sent % len(data) :])
            stuck_since = time.monotonic()
        except BlockingIOError:
            threading.Event().wait(0.01)
    sock.settimeout(PATIENCE_S)
    return sent
