"""Probes of `presence`, chapter 11: who is here, over Socket.IO packets by hand."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from netlab.exercises.packet_reading import Packet, read_packet
from netlab.exercises.socketio_people import PATH
from netlab.exercises.trial import Trial
from netlab.exercises.ws_link import WsLink

CROWD = 12
NOWHERE = "/nowhere"
"""a namespace that nobody has handlers for"""
NONSENSE: tuple[object, ...] = (
    None,
    "hello",
    ["hello"],
    {},
    {"text": "hello"},
    {"ref": "r1"},
    {"text": 5, "ref": "r1"},
    {"text": "", "ref": "r1"},
    {"text": " \t", "ref": "r1"},
    {"text": "x" * 501, "ref": "r1"},
    {"text": "hello", "ref": 1},
    {"text": "hello", "ref": ""},
)
NO_NAMES: tuple[object, ...] = (None, {}, "Eve", {"name": 5}, {"name": ""}, {"name": "  "},
                                {"name": "x" * 21}, ["Eve"])  # fmt: skip


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


# ---------------------------------------------------------------- probes


def comes(trial: Trial) -> None:
    """One after the other; who is here already hears of it."""
    where = trial.wait("listening")
    cleo = Guest(trial, where, "Cleo").comes_in("Cleo")
    ann = Guest(trial, where, "Ann").comes_in("Ann", "Cleo")
    cleo.hears("came", name="Ann")
    Guest(trial, where, "Ben").comes_in("Ann", "Ben", "Cleo")
    for one in (ann, cleo):
        one.hears("came", name="Ben")
        one.hears_nothing()


def nameless(trial: Trial) -> None:
    """Without a name nobody comes in, and nobody hears of it."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    for auth in NO_NAMES:
        stranger = Guest(trial, where, "stranger", auth)
        stranger.is_refused()
        stranger.leaves()
        trial.tally()
    ann.hears_nothing()
    longest = "x" * 20
    Guest(trial, where, longest).comes_in("Ann", longest)
    ann.hears("came", name=longest)


def leaves(trial: Trial) -> None:
    """One goes, one vanishes."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    for name, rudely in (("Ben", False), ("Cleo", True)):
        other = Guest(trial, where, name).comes_in("Ann", name)
        ann.hears("came", name=name)
        other.leaves(rudely=rudely)
        ann.hears("left", name=name)
    ann.hears_nothing()


def second_tab(trial: Trial) -> None:
    """The same person once more."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    first = Guest(trial, where, "Ann's laptop").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    Guest(trial, where, "Ann's phone").comes_in("Ann", "Ben")
    for one in (ben, first):
        one.hears_nothing()


def closed_tab(trial: Trial) -> None:
    """One of two connections goes, then the other."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    laptop = Guest(trial, where, "Ann's laptop").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    phone = Guest(trial, where, "Ann's phone").comes_in("Ann", "Ben")
    laptop.leaves()
    phone.says({"text": "I am still here", "ref": "1"})
    ben.hears("said", name="Ann", text="I am still here")
    late = Guest(trial, where, "Cleo").comes_in("Ann", "Ben", "Cleo")
    ben.hears("came", name="Cleo")
    phone.leaves()
    ben.hears("left", name="Ann")
    late.hears("left", name="Ann")


def says(trial: Trial) -> None:
    """Something is said; all others hear it."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    cleo = Guest(trial, where, "Cleo").comes_in("Ann", "Ben", "Cleo")
    for one in (ann, ben):
        one.hears("came", name="Cleo")
    for number, text in enumerate(("hello", "café 🙂", "x" * 500)):
        ann.says({"text": text, "ref": f"r{number}"})
        for one in (ben, cleo):
            one.hears("said", name="Ann", text=text)
    for one in (ann, ben, cleo):
        one.hears_nothing()


def own_phone(trial: Trial) -> None:
    """What she says with one of her connections, the other one hears, too."""
    where = trial.wait("listening")
    laptop = Guest(trial, where, "Ann's laptop").comes_in("Ann")
    phone = Guest(trial, where, "Ann's phone").comes_in("Ann")
    laptop.says({"text": "note to self", "ref": "r1"})
    phone.hears("said", name="Ann", text="note to self")
    laptop.hears_nothing()


def pretends(trial: Trial) -> None:
    """Somebody says who he is, and is somebody else."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    mallory = Guest(trial, where, "Mallory").comes_in("Ann", "Mallory")
    ann.hears("came", name="Mallory")
    mallory.says({"text": "pay Mallory", "ref": "1", "name": "Ann", "from": "Ann", "sid": "x"})
    ann.hears("said", name="Mallory", text="pay Mallory")


def says_again(trial: Trial) -> None:
    """The acknowledgement was lost: the same is said again, and heard once."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    for text, ref in (("one", "r1"), ("one", "r1"), ("two", "r2"), ("one", "r1")):
        ann.says({"text": text, "ref": ref})
    ann.says({"text": "one", "ref": "r3"})
    for text in ("one", "two", "one"):
        ben.hears("said", name="Ann", text=text)
    ben.hears_nothing()


def says_again_elsewhere(trial: Trial) -> None:
    """The connection was lost with the acknowledgement."""
    where = trial.wait("listening")
    ben = Guest(trial, where, "Ben").comes_in("Ben")
    before = Guest(trial, where, "Ann").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    before.says({"text": "transfer 100", "ref": "r1"})
    ben.hears("said", name="Ann", text="transfer 100")
    before.leaves(rudely=True)
    ben.hears("left", name="Ann")
    again = Guest(trial, where, "Ann's new connection").comes_in("Ann", "Ben")
    ben.hears("came", name="Ann")
    again.says({"text": "transfer 100", "ref": "r1"})
    ben.hears_nothing()


def same_ref(trial: Trial) -> None:
    """Two people choose the same ref."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    ann.says({"text": "soup?", "ref": "1"})
    ben.hears("said", name="Ann", text="soup?")
    ben.says({"text": "yes", "ref": "1"})
    ann.hears("said", name="Ben", text="yes")


def nonsense(trial: Trial) -> None:
    """Requests that are none."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    ben = Guest(trial, where, "Ben").comes_in("Ann", "Ben")
    ann.hears("came", name="Ben")
    for data in NONSENSE:
        ann.says(data, ok=False)
        trial.tally()
    ann.says({"text": "now seriously", "ref": "r1"})
    ben.hears("said", name="Ann", text="now seriously")


def storm(trial: Trial) -> None:
    """Many come and vanish; in the end it is right who is here."""
    where = trial.wait("listening")
    ann = Guest(trial, where, "Ann").comes_in("Ann")
    names = [f"guest {number}" for number in range(CROWD)]
    trial.note(f"{CROWD} guests come, and all vanish at once")
    with trial.in_silence():
        guests = []
        for number, name in enumerate(names):
            guests.append(Guest(trial, where, name).comes_in("Ann", *names[: number + 1]))
            ann.hears("came", name=name)
            for one in guests[:-1]:
                one.hears("came", name=name)
        for one in guests:
            one.link.tcp.reset(wait=False)
        left = set()
        for _ in names:
            kind, _, _, data = ann.next("an event for each who left")
            left.add(data[1].get("name") if kind == "EVENT" and data[0] == "left" else None)
    if left != set(names):
        raise ann.link.failed("one event left for each of them", f"{len(left)} different ones")
    Guest(trial, where, "late").comes_in("Ann", "late")
