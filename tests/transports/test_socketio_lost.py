"""A Socket.IO client whose connection is lost in the very moment in which it was made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from netlab.core.chat import ChatService
from netlab.core.errors import ConnectionEnded
from netlab.lab import background
from netlab.transports.addresses import Address
from netlab.transports.socketio_conversation import Conversation
from netlab.transports.socketio_rooms import SocketIOClient, SocketIOServer
from tests.transports.engineio_wire import PATIENCE_S


def test_a_lost_connection_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp's get_extra_info is None then; which of the two comes first is chance."""
    real = Conversation._sockname

    def lost(self: Conversation) -> Address:
        gone = SimpleNamespace(eio=SimpleNamespace(ws=SimpleNamespace(get_extra_info={}.get)))
        monkeypatch.setattr(self, "_library", gone)
        try:
            return real(self)
        finally:
            monkeypatch.undo()

    with background(SocketIOServer(ChatService), name="lost") as server:
        monkeypatch.setattr(Conversation, "_sockname", lost)
        with SocketIOClient(server.address, transports=["websocket"]).connect() as client:
            assert client.local_address == ("", 0)
            assert client.wait_for("welcome", PATIENCE_S)
        with pytest.raises(ConnectionEnded):
            client.send("ping")


def test_whatever_goes_wrong_connect_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Conversation) -> Address:
        raise TypeError("a fault of ours")

    with background(SocketIOServer(ChatService), name="broken") as server:
        monkeypatch.setattr(Conversation, "_sockname", broken)
        with pytest.raises(TypeError, match="a fault of ours"):
            SocketIOClient(server.address, transports=["websocket"]).connect()
