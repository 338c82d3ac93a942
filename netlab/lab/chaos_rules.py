"""Which faults hold for which connection and direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from netlab.lab.fault_checks import check_whole
from netlab.lab.faults import DatagramFaults, StreamFaults, changed
from netlab.lab.recording import Direction

BOTH = (Direction.TO_SERVER, Direction.TO_CLIENT)
_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "both": BOTH,
    "to_server": (Direction.TO_SERVER,),
    "to_client": (Direction.TO_CLIENT,),
}
_WORDS = {Direction.TO_SERVER: "to the server", Direction.TO_CLIENT: "to the client"}

F = TypeVar("F", bound=StreamFaults | DatagramFaults)


def directions(direction: Any) -> tuple[Direction, ...]:
    """Return the directions meant by "both", "to_server", "to_client" or a `Direction`.

    Raises: ValueError: there is no such direction.
    """
    if isinstance(direction, Direction):
        return (direction,)
    try:
        return _DIRECTIONS[direction]
    except (KeyError, TypeError):
        allowed = ", ".join(map(repr, _DIRECTIONS))
        raise ValueError(f"direction={direction!r}: one of {allowed} is allowed") from None


class Rules(Generic[F]):
    """What was set for all connections, and for single ones, which count from 1."""

    def __init__(self, nothing: F) -> None:
        self._nothing = nothing
        self._set: dict[tuple[Direction, int | None], dict[str, Any]] = {}

    def set(self, direction: Any, connection: int | None, changes: Mapping[str, Any]) -> None:
        """Change some faults of a direction (or both), of one connection or of all.

        Raises:
            TypeError: there is no such fault, or a value of a wrong type.
            ValueError: a value is not allowed.
        """
        if connection is not None:
            check_whole("connection", connection, 1, None)
        where = [(one, connection) for one in directions(direction)]
        for place in where:  # all are checked before anything is changed
            changed(self._nothing, {**self._set.get(place, {}), **changes})
        for place in where:
            self._set.setdefault(place, {}).update(changes)

    def clear(self) -> None:
        """Have no faults any more."""
        self._set.clear()

    def get(self, direction: Direction, connection: int | None) -> F:
        """Return what holds there: what is set for this connection, else what is for all."""
        everywhere = self._set.get((direction, None), {})
        here = self._set.get((direction, connection), {})
        return changed(self._nothing, {**everywhere, **here})

    def words(self) -> list[str]:
        """Say what is active, as in "to the server: cut every 3 bytes", a line each."""
        return list(self._words()) or ["no faults"]

    def _words(self) -> Iterator[str]:
        yield from self._told("", {one: self.get(one, None).words() for one in BOTH})
        for number in sorted({number for _, number in self._set if number is not None}):
            told = {
                one: self.get(one, number).words() for one in BOTH if (one, number) in self._set
            }
            yield from self._told(f", connection {number}", told)

    @staticmethod
    def _told(which: str, told: Mapping[Direction, str]) -> Iterator[str]:
        if len(told) == 2 and len(set(told.values())) == 1:
            told = {Direction.TO_SERVER: told[Direction.TO_SERVER]}
            ways = {Direction.TO_SERVER: "both ways"}
        else:
            ways = _WORDS
        for one, words in told.items():
            if words != "nothing":
                yield f"{ways[one]}{which}: {words}"
