"""Engine.IO spoken by hand, over both transports: for tests that say what no library would."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Self

from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

PATIENCE_S = 10.0
SEPARATOR = "\x1e"


class Wire:
    """One Engine.IO session: packets out, packets in; pings are answered in passing."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}

    def send(self, *packets: str | bytes) -> None:
        raise NotImplementedError

    def receive(self) -> str:
        """Return the next packet that is no ping and no NOOP."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def join(self, auth: str = "") -> Any:
        """Send CONNECT; return the fields of `welcome`."""
        self.send("40" + auth)
        assert self.receive().startswith("40")
        return self.event("welcome")

    def event(self, name: str) -> Any:
        """Return the fields of the next event, which is the one of that name."""
        packet = self.receive()
        assert packet.startswith(f'42["{name}",'), packet
        return json.loads(packet[2:])[1]

    def skip_to(self, start: str) -> str:
        """Return the next packet that begins so, and pass over others."""
        while not (packet := self.receive()).startswith(start):
            pass
        return packet

    def is_served(self) -> None:
        """Check that the server still answers."""
        self.send('42["ping",{"ref":"still there?"}]')
        while True:
            if json.loads(self.skip_to('42["pong",')[2:])[1].get("ref") == "still there?":
                return


class Polling(Wire):
    """HTTP requests, one after the other, on one connection each for GET and POST."""

    def __init__(self, address: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self.headers = headers or {}
        self._gets = HTTPConnection(*address, timeout=PATIENCE_S)
        self._posts = HTTPConnection(*address, timeout=PATIENCE_S)
        self._packets: list[str] = []
        self.path = "/socket.io/?EIO=4&transport=polling"
        response = self.get()
        if response.status != 200:
            self._gets.close()
            raise ConnectionError(response.body.decode())  # type: ignore[attr-defined]
        self.opened = json.loads(self._packets.pop(0)[1:])
        self.path += "&sid=" + self.opened["sid"]

    def request(self, connection: HTTPConnection, method: str, body: Any = None) -> HTTPResponse:
        connection.request(method, self.path, body, self.headers)
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        return response

    def get(self) -> HTTPResponse:
        response = self.request(self._gets, "GET")
        if response.status == 200:
            text = response.body.decode()  # type: ignore[attr-defined]
            self._packets += text.split(SEPARATOR) if text else []
        return response

    def post(self, body: bytes) -> HTTPResponse:
        return self.request(self._posts, "POST", body)

    def send(self, *packets: str | bytes) -> None:
        self.post(SEPARATOR.join(map(str, packets)).encode())

    def receive(self) -> str:
        while True:
            while not self._packets:
                response = self.get()
                if response.status != 200:
                    raise EOFError(response.body)  # type: ignore[attr-defined]
            packet = self._packets.pop(0)
            if packet == "2":
                self.send("3")
            elif packet != "6":
                return packet

    def close(self) -> None:
        with suppress(OSError):  # the server was faster
            self.post(b"1")
        self._gets.close()
        self._posts.close()


class Upgraded(Wire):
    """A WebSocket from the start, or in the place of a session that polls."""

    def __init__(
        self, address: Any, polling: Polling | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        path = "/socket.io/?EIO=4&transport=websocket"
        if polling is not None:
            self.opened = polling.opened
            path += "&sid=" + self.opened["sid"]
        self._stack = ExitStack()
        self.socket: ClientConnection = self._stack.enter_context(
            connect_websocket(
                f"ws://{address[0]}:{address[1]}{path}",
                additional_headers=headers,
                proxy=None,
                compression=None,
                open_timeout=PATIENCE_S,
                close_timeout=1,
            )
        )
        if polling is None:
            self.opened = json.loads(str(self.socket.recv(PATIENCE_S))[1:])

    def upgrade(self) -> None:
        """Take the session over, as protocol 4 says."""
        self.socket.send("2probe")
        assert self.socket.recv(PATIENCE_S) == "3probe"
        self.socket.send("5")

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self.socket.send(packet)

    def receive(self) -> str:
        while True:
            packet = str(self.socket.recv(PATIENCE_S))
            if packet == "2":
                self.socket.send("3")
            elif packet != "6":
                return packet

    def close(self) -> None:
        self._stack.close()
