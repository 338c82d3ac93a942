"""Servers with tables for the red team of chapter 11: two keep strangers out, three do not.

Each function registers the handlers of one on a `socketio.AsyncServer`. The events are those of
the exercise's task: `open_table`, `sit`, `join_room`, `say`.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from typing import Any

Answer = dict[str, Any]
_NO: Answer = {"ok": False}
_YES: Answer = {"ok": True}


class _Tables:
    """A correct one, whose steps the faulty ones change."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.keys: dict[str, str] = {}
        for handler in (self.open_table, self.sit, self.join_room, self.say):
            library.on(handler.__name__, handler)

    def room_of_table(self, table: object) -> str:
        return f"table:{table}"

    def room_of_chat(self, name: object) -> str:
        return f"chat:{name}"

    def may_say(self, sid: str, table: str) -> bool:
        return self.room_of_table(table) in self.library.rooms(sid)

    async def open_table(self, sid: str, _: object = None) -> Answer:
        table, key = f"table_{len(self.keys) + 1}", token_hex(8)
        self.keys[table] = key
        await self.library.enter_room(sid, self.room_of_table(table))
        return {"ok": True, "table": table, "key": key}

    async def sit(self, sid: str, data: Answer) -> Answer:
        if self.keys.get(data["table"]) != data["key"]:
            return _NO
        await self.library.enter_room(sid, self.room_of_table(data["table"]))
        return _YES

    async def join_room(self, sid: str, data: Answer) -> Answer:
        await self.library.enter_room(sid, self.room_of_chat(data["room"]))
        return _YES

    async def say(self, sid: str, data: Answer) -> Answer:
        if data["table"] not in self.keys or not self.may_say(sid, data["table"]):
            return _NO
        room = self.room_of_table(data["table"])
        await self.library.emit("said", {"text": data["text"]}, room=room, skip_sid=sid)
        return _YES


class _Refusing(_Tables):
    """Correct, too: no room of the chat may be called like a table."""

    async def join_room(self, sid: str, data: Answer) -> Answer:
        if data["room"] in self.keys:
            return _NO
        return await super().join_room(sid, data)


class _OneDictionary(_Tables):
    """Fault: rooms of the chat and tables are one thing."""

    def room_of_table(self, table: object) -> str:
        return str(table)

    def room_of_chat(self, name: object) -> str:
        return str(name)


class _LooksTooLate(_Tables):
    """Fault: who comes with a wrong key sits down before it is told that it may not."""

    async def sit(self, sid: str, data: Answer) -> Answer:
        await self.library.enter_room(sid, self.room_of_table(data["table"]))
        return await super().sit(sid, data)


class _LetsAnybodySpeak(_Tables):
    """Fault: strangers do not hear the table, and the table hears them."""

    def may_say(self, sid: str, table: str) -> bool:
        return True


def _registers(kind: Callable[[Any], _Tables]) -> Callable[[Any], None]:
    def register(library: Any) -> None:
        kind(library)

    return register


tables = _registers(_Tables)
refusing_tables = _registers(_Refusing)
one_dictionary = _registers(_OneDictionary)
looks_too_late = _registers(_LooksTooLate)
lets_anybody_speak = _registers(_LetsAnybodySpeak)
