"""The examiner's guests of `presence`, chapter 11: Socket.IO packets by hand."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from netlab.exercises.packet_reading import Packet, read_packet
from netlab.exercises.socketio_people import PATH
from netlab.exercises.trial import Trial
from netlab.exercises.ws_link import WsLink

NOWHERE = "/nowhere"
"""a namespace that nobody has handlers for"""


class Guest:
    """A connection of somebody, over a WebSocket from the start."""

    def __init__(self, trial: Trial, address: Any, name: str, auth: object = ...) -> None:
        self.name = name
        self.link = WsLink(trial, address, name, path=PATH + "websocket")
        self._numbers = count()
        self._link_text("an Engine.IO session")
        auth = {"name": name.partition("'")[0]} if auth is ... else auth
        packet = "40" if auth is None else f"40{json.dumps(auth)}"
        self._said(f"CONNECT with auth {_json(auth)}", packet)

    def _said(self, words: str, packet: str) -> None:
        self.link.said(f"sends {words}", packet.encode())
        self.link.send_text(packet)

    def _link_text(self, what: str) -> str:
        while (text := self.link.next_text(what, self.link.deadline()))[:1] == "2":
            self.link.send_text("3" + text[1:])
        return text

    def next(self, what: str) -> Packet:
        """Return the next packet that is no ping. Raises: Broken: there is none, or it is none."""
        text = self._link_text(what)
        try:
            packet = read_packet(text)
        except ValueError:
            raise self.link.failed(what, repr(text[:40])) from None
        if packet[1] != NOWHERE:
            if packet[0] == "CONNECT":  # its sid is another one each time
                self.link.heard("receives CONNECT with a sid", b'40{"sid":"..."}')
            else:
                self.link.heard(f"receives {_words(packet)}", text.encode())
        return packet

    def comes_in(self, *names: str) -> Guest:
        """Be let in and hear who is here: CONNECT and `here`, whichever comes first."""
        wanted = ["here", {"names": sorted(names)}]
        what = f"CONNECT, and the event {_json(wanted)}"
        heard, connected = False, False
        while not (heard and connected):
            kind, _, _, data = packet = self.next(what)
            if kind == "CONNECT" and not connected:
                connected = True
            elif kind == "EVENT" and data == wanted and not heard:
                heard = True
            else:
                raise self.link.failed(what, _words(packet))
        return self

    def is_refused(self) -> None:
        """Be told CONNECT_ERROR."""
        packet = self.next("CONNECT_ERROR")
        if packet[0] != "CONNECT_ERROR":
            raise self.link.failed("CONNECT_ERROR", _words(packet))

    def hears(self, event: str, **fields: str) -> None:
        """Hear this event next."""
        what = f"the event {_json([event, fields])}"
        packet = self.next(what)
        if packet[0] != "EVENT" or packet[3] != [event, fields]:
            raise self.link.failed(what, _words(packet))

    def says(self, data: object, *, ok: bool = True) -> None:
        """Send `say`, and be acknowledged next."""
        number = next(self._numbers)
        self._said(f"the event say with {_json(data)}", f"42{number}{json.dumps(['say', data])}")
        what = f"acknowledgement {number}: {_json({'ok': ok})}"
        kind, _, got, values = packet = self.next(what)
        if (kind, got, values) != ("ACK", number, [{"ok": ok}]):
            raise self.link.failed(what, _words(packet))

    def hears_nothing(self) -> None:
        """Ask for a namespace that is not there: the library's refusal is the next that comes."""
        self.link.send_text(f"40{NOWHERE},")
        packet = self.next("nothing more")
        if packet[:2] != ("CONNECT_ERROR", NOWHERE):
            raise self.link.failed("nothing more", _words(packet))

    def leaves(self, *, rudely: bool = False) -> None:
        """End the connection."""
        (self.link.tcp.reset if rudely else self.link.tcp.leave)()


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:40]}… ({len(text)} characters)"


def _words(packet: Packet) -> str:
    kind, _, number, data = packet
    if kind == "EVENT":
        return f"the event {_json(data)}"
    return kind if number is None else f"acknowledgement {number}: {_json(data)}"
