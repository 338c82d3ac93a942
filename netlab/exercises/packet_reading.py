"""The packets of a polling answer, read rightly: Engine.IO protocol 4, Socket.IO protocol 5."""

from __future__ import annotations

import json
import re
from typing import Any

SEPARATOR = "\x1e"
ENGINE = {"0": "open", "1": "close", "2": "ping", "3": "pong", "5": "upgrade", "6": "noop"}
SOCKET = {"0": "CONNECT", "1": "DISCONNECT", "2": "EVENT", "3": "ACK", "4": "CONNECT_ERROR"}
_MESSAGE = re.compile(r"4([0-4])(?:(/[^,]*)(?:,|$))?(\d+)?(.*)", re.DOTALL)

Packet = tuple[str, str | None, int | None, Any]
"""name, namespace, number, data"""


def read_packets_rightly(body: str) -> list[Packet]:
    """Return the packets of a body. Raises: ValueError: there is one that is none."""
    return [read_packet(packet) for packet in body.split(SEPARATOR)]


def read_packet(text: str) -> Packet:
    """Return a packet. Raises: ValueError: it is none."""
    if text[:1] in ENGINE:
        return ENGINE[text[0]], None, None, text[1:]
    found = _MESSAGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:20]!r} is no packet")
    name, number = SOCKET[found[1]], None if found[3] is None else int(found[3])
    data = json.loads(found[4]) if found[4] else None
    if name == "EVENT" and not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise ValueError("an event is a list that begins with its name")
    if name == "ACK" and (number is None or not isinstance(data, list)):
        raise ValueError("an acknowledgement has a number and a list")
    return name, found[2] or "/", number, data
