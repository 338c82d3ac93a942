"""Netlab: a socket programming course whose every claim is a running experiment.

Names load when they are first used, so that `import netlab` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlab.core.chat import ChatService as ChatService
    from netlab.core.echo import EchoService as EchoService
    from netlab.core.service import Limits as Limits
    from netlab.diagnosis import doctor as doctor
    from netlab.lab import show_source as show_source
    from netlab.transports.socketio_client import SocketIOClient as SocketIOClient
    from netlab.transports.socketio_rooms import SocketIOServer as SocketIOServer
    from netlab.transports.tcp_asyncio import AsyncTCPClient as AsyncTCPClient
    from netlab.transports.tcp_asyncio import AsyncTCPServer as AsyncTCPServer
    from netlab.transports.tcp_pool import PoolTCPServer as PoolTCPServer
    from netlab.transports.tcp_selectors import SelectorTCPServer as SelectorTCPServer
    from netlab.transports.tcp_threads import TCPClient as TCPClient
    from netlab.transports.tcp_threads import TCPServer as TCPServer
    from netlab.transports.udp import UDPServer as UDPServer
    from netlab.transports.udp_client import UDPClient as UDPClient
    from netlab.transports.websocket import WebSocketServer as WebSocketServer
    from netlab.transports.websocket_client import WebSocketClient as WebSocketClient

__version__ = "0.1.0"

_HOME = {
    "AsyncTCPClient": "netlab.transports.tcp_asyncio",
    "AsyncTCPServer": "netlab.transports.tcp_asyncio",
    "ChatService": "netlab.core.chat",
    "EchoService": "netlab.core.echo",
    "Limits": "netlab.core.service",
    "PoolTCPServer": "netlab.transports.tcp_pool",
    "SelectorTCPServer": "netlab.transports.tcp_selectors",
    "SocketIOClient": "netlab.transports.socketio_client",
    "SocketIOServer": "netlab.transports.socketio_rooms",
    "TCPClient": "netlab.transports.tcp_threads",
    "TCPServer": "netlab.transports.tcp_threads",
    "UDPClient": "netlab.transports.udp_client",
    "UDPServer": "netlab.transports.udp",
    "WebSocketClient": "netlab.transports.websocket_client",
    "WebSocketServer": "netlab.transports.websocket",
    "doctor": "netlab.diagnosis",
    "show_source": "netlab.lab",
}
__all__ = [
    "AsyncTCPClient",
    "AsyncTCPServer",
    "ChatService",
    "EchoService",
    "Limits",
    "PoolTCPServer",
    "SelectorTCPServer",
    "SocketIOClient",
    "SocketIOServer",
    "TCPClient",
    "TCPServer",
    "UDPClient",
    "UDPServer",
    "WebSocketClient",
    "WebSocketServer",
    "doctor",
    "show_source",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'netlab' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
