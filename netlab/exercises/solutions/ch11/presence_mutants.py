"""Faulty variants of `presence`, each with the probe that catches it.

They are one correct server, with a step changed in each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from socketio.exceptions import ConnectionRefusedError as Refused

Fields = dict[str, Any]


class _Presence:
    def __init__(self, sio: Any) -> None:
        self.sio = sio
        self.names: dict[str, str] = {}
        self.refs: dict[Hashable, list[str]] = {}
        for handler in (self.connect, self.disconnect, self.say):
            sio.on(handler.__name__, handler)

    def may_come(self, auth: Any) -> bool:
        return isinstance(auth, dict) and _is_text(auth.get("name"), 20)

    def is_here(self, name: str) -> bool:
        return name in self.names.values()

    def is_gone(self, name: str) -> bool:
        return name not in self.names.values()

    def here(self) -> list[str]:
        return sorted(set(self.names.values()))

    def whose(self, sid: str) -> Hashable:
        return self.names[sid]

    def name_of(self, sid: str, data: Fields) -> str:
        return self.names[sid]

    def is_request(self, data: Any) -> bool:
        return (
            isinstance(data, dict)
            and _is_text(data.get("text"), 500)
            and _is_text(data.get("ref"), 100)
        )

    def left_out(self, sid: str) -> str | None:
        return sid

    async def connect(self, sid: str, _: Any, auth: Any = None) -> None:
        if not self.may_come(auth):
            raise Refused("a name, please")
        name = auth["name"] if isinstance(auth, dict) and "name" in auth else "nobody"
        is_first = not self.is_here(name)
        self.names[sid] = name
        await self.sio.emit("here", {"names": self.here()}, to=sid)
        if is_first:
            await self.sio.emit("came", {"name": name}, skip_sid=sid)

    async def disconnect(self, sid: str, _: Any = None) -> None:
        name = self.names.pop(sid)
        if self.is_gone(name):
            await self.sio.emit("left", {"name": name}, skip_sid=sid)

    async def say(self, sid: str, data: Any = None) -> Fields:
        if not self.is_request(data):
            return {"ok": False}
        used = self.refs.setdefault(self.whose(sid), [])
        if data["ref"] not in used:
            used.append(data["ref"])
            said = {"name": self.name_of(sid, data), "text": data["text"]}
            await self.sio.emit("said", said, skip_sid=self.left_out(sid))
        return {"ok": True}


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most and not value.isspace()


def presence_tells_nobody_who_comes(sio: Any) -> None:
    class Presence(_Presence):
        def is_here(self, name: str) -> bool:
            return True

    Presence(sio)


def presence_in_order_of_coming(sio: Any) -> None:
    class Presence(_Presence):
        def here(self) -> list[str]:
            return list(dict.fromkeys(self.names.values()))

    Presence(sio)


def presence_forgets_nobody(sio: Any) -> None:
    class Presence(_Presence):
        async def disconnect(self, sid: str, _: Any = None) -> None:
            return

    Presence(sio)


def presence_lets_anybody_in(sio: Any) -> None:
    class Presence(_Presence):
        def may_come(self, auth: Any) -> bool:
            return True

    Presence(sio)


def presence_takes_blanks_for_a_name(sio: Any) -> None:
    class Presence(_Presence):
        def may_come(self, auth: Any) -> bool:
            name = auth.get("name") if isinstance(auth, dict) else None
            return isinstance(name, str) and 0 < len(name) <= 20

    Presence(sio)


def presence_counts_connections(sio: Any) -> None:
    class Presence(_Presence):
        def is_here(self, name: str) -> bool:
            return False

    Presence(sio)


def presence_lists_connections(sio: Any) -> None:
    class Presence(_Presence):
        def here(self) -> list[str]:
            return sorted(self.names.values())

    Presence(sio)


def presence_leaves_with_the_first(sio: Any) -> None:
    class Presence(_Presence):
        def is_gone(self, name: str) -> bool:
            return True

    Presence(sio)


def presence_echoes(sio: Any) -> None:
    class Presence(_Presence):
        def left_out(self, sid: str) -> str | None:
            return None

    Presence(sio)


def presence_is_deaf_to_its_own_name(sio: Any) -> None:
    class Presence(_Presence):
        async def say(self, sid: str, data: Any = None) -> Fields:
            if not self.is_request(data):
                return {"ok": False}
            used = self.refs.setdefault(self.whose(sid), [])
            if data["ref"] not in used:
                used.append(data["ref"])
                said = {"name": self.names[sid], "text": data["text"]}
                for other, name in list(self.names.items()):
                    if name != self.names[sid]:
                        await self.sio.emit("said", said, to=other)
            return {"ok": True}

    Presence(sio)


def presence_believes_the_message(sio: Any) -> None:
    class Presence(_Presence):
        def name_of(self, sid: str, data: Fields) -> str:
            return str(data.get("name", self.names[sid]))

    Presence(sio)


def presence_says_it_again(sio: Any) -> None:
    class Presence(_Presence):
        def whose(self, sid: str) -> Hashable:
            return object()

    Presence(sio)


def presence_remembers_the_last_ref_only(sio: Any) -> None:
    class Presence(_Presence):
        async def say(self, sid: str, data: Any = None) -> Fields:
            answer = await super().say(sid, data)
            if answer["ok"]:
                del self.refs[self.whose(sid)][:-1]
                self.refs[self.whose(sid)] = [data["ref"]]
            return answer

    Presence(sio)


def presence_compares_texts(sio: Any) -> None:
    class Presence(_Presence):
        async def say(self, sid: str, data: Any = None) -> Fields:
            if self.is_request(data):
                data = {**data, "ref": data["text"][:100]}
            return await super().say(sid, data)

    Presence(sio)


def presence_remembers_connections(sio: Any) -> None:
    class Presence(_Presence):
        def whose(self, sid: str) -> Hashable:
            return sid

    Presence(sio)


def presence_knows_refs_of_all(sio: Any) -> None:
    class Presence(_Presence):
        def whose(self, sid: str) -> Hashable:
            return "all"

    Presence(sio)


def presence_trusts_its_clients(sio: Any) -> None:
    class Presence(_Presence):
        def is_request(self, data: Any) -> bool:
            return bool(data["text"] and data["ref"])

    Presence(sio)


def presence_takes_any_text(sio: Any) -> None:
    class Presence(_Presence):
        def is_request(self, data: Any) -> bool:
            return isinstance(data, dict) and {"text", "ref"} <= data.keys()

    Presence(sio)


MUTANTS: tuple[tuple[Callable[[Any], None], str], ...] = (
    (presence_tells_nobody_who_comes, "somebody comes"),
    (presence_in_order_of_coming, "somebody comes"),
    (presence_forgets_nobody, "somebody leaves"),
    (presence_lets_anybody_in, "without a name"),
    (presence_takes_blanks_for_a_name, "without a name"),
    (presence_counts_connections, "a second connection"),
    (presence_lists_connections, "a second connection"),
    (presence_leaves_with_the_first, "one of two connections ends"),
    (presence_echoes, "something is said"),
    (presence_is_deaf_to_its_own_name, "her own phone"),
    (presence_believes_the_message, "somebody pretends"),
    (presence_says_it_again, "said again"),
    (presence_remembers_the_last_ref_only, "said again"),
    (presence_compares_texts, "said again"),
    (presence_remembers_connections, "said again, over a new connection"),
    (presence_knows_refs_of_all, "two people, one ref"),
    (presence_trusts_its_clients, "requests that make no sense"),
    (presence_takes_any_text, "requests that make no sense"),
)
