"""The rules of the games. A game knows seats 0, 1, …; who sits there, the session knows.

Adding a game is one class with a `name` and a `play`, and a line in `GAMES`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from netlab.core.errors import Refused

MARKS = ("X", "O")
MAX_ACTION_BYTES = 4_096
MAX_ACTION_DEPTH = 32


class Game(ABC):
    """One game being played."""

    name: ClassVar[str]
    min_players: ClassVar[int] = 2
    """players without whom nobody may move"""
    max_players: ClassVar[int] = 2
    default_players: ClassVar[int] = 2
    """players a session has places for, if its creator does not say"""

    def __init__(self) -> None:
        self.turn: int | None = 0
        """the seat whose turn it is; None: anybody's, or the game is over"""
        self.winner: int | None = None
        self.draw = False

    @property
    def board(self) -> Any:
        """What everybody may see, to be sent as JSON."""
        return None

    @property
    def over(self) -> bool:
        """Is the game at its end?"""
        return self.draw or self.winner is not None

    @abstractmethod
    def play(self, seat: int, action: object) -> None:
        """Make a move; it is this seat's turn, and the game is not over.

        Raises:
            Refused: `illegal_action`; nothing has changed.
        """


class Generic(Game):
    """No rules at all: every action is shown to everybody."""

    name = "generic"
    min_players = 1
    max_players = 32
    default_players = 4

    def __init__(self) -> None:
        super().__init__()
        self.turn = None

    def play(self, seat: int, action: object) -> None:
        """Accept anything."""


class MarksInARow(Game):
    """Two players set marks in turn; a row of so many of the same mark wins."""

    width: ClassVar[int]
    height: ClassVar[int]
    wanted: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self._marks = [""] * (self.width * self.height)

    def _set(self, seat: int, cell: int) -> None:
        """Set a mark in a free cell, numbered row by row from the top left, and pass the turn."""
        self._marks[cell] = MARKS[seat]
        if self._completes_a_row(cell):
            self.winner = seat
        elif all(self._marks):
            self.draw = True
        self.turn = None if self.over else 1 - seat

    def _completes_a_row(self, cell: int) -> bool:
        y, x = divmod(cell, self.width)
        return any(
            1 + self._same(cell, x, y, dx, dy) + self._same(cell, x, y, -dx, -dy) >= self.wanted
            for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1))
        )

    def _same(self, cell: int, x: int, y: int, dx: int, dy: int) -> int:
        """Count the same marks from a cell on in one direction, without its own."""
        count = 0
        while True:
            x, y = x + dx, y + dy
            if not (0 <= x < self.width and 0 <= y < self.height):
                return count
            if self._marks[y * self.width + x] != self._marks[cell]:
                return count
            count += 1


class TicTacToe(MarksInARow):
    """Three in a row on nine cells. Its board: nine marks, row by row from the top left."""

    name = "tic-tac-toe"
    width = height = wanted = 3

    class Action(msgspec.Struct):
        """Set your mark in a free cell."""

        cell: Annotated[int, msgspec.Meta(ge=0, le=8)]

    @property
    def board(self) -> Sequence[str]:
        """Nine marks."""
        return tuple(self._marks)

    def play(self, seat: int, action: object) -> None:
        """Set a mark in `{"cell": 0…8}`."""
        cell = parse_action(action, self.Action, '{"cell": 0 to 8}').cell
        if self._marks[cell]:
            free = (number for number, mark in enumerate(self._marks) if not mark)
            raise illegal(f"cell {cell} is taken", "free cells", free)
        self._set(seat, cell)


class ConnectFour(MarksInARow):
    """Four in a row; marks fall down their column. Its board: six rows of seven, top row first."""

    name = "connect-four"
    width, height, wanted = 7, 6, 4

    class Action(msgspec.Struct):
        """Let your mark fall into a column."""

        column: Annotated[int, msgspec.Meta(ge=0, le=6)]

    @property
    def board(self) -> Sequence[Sequence[str]]:
        """Six rows of seven marks."""
        return tuple(tuple(self._marks[y * 7 : y * 7 + 7]) for y in range(6))

    def play(self, seat: int, action: object) -> None:
        """Let a mark fall into `{"column": 0…6}`."""
        column = parse_action(action, self.Action, '{"column": 0 to 6}').column
        if self._marks[column]:
            free = (number for number in range(7) if not self._marks[number])
            raise illegal(f"column {column} is full", "columns with room", free)
        self._set(seat, max(c for c in range(column, 42, 7) if not self._marks[c]))


GAMES: dict[str, type[Game]] = {game.name: game for game in (TicTacToe, ConnectFour, Generic)}

A = TypeVar("A")


def parse_action(action: object, wanted: type[A], looks_like: str) -> A:
    """Return the action as the class that describes it.

    Raises:
        Refused: `illegal_action`.
    """
    try:
        return msgspec.convert(action, wanted)
    except msgspec.ValidationError as error:
        raise Refused("illegal_action", f"{error}; an action is {looks_like}") from None


def illegal(what: str, allowed: str, choices: Iterable[object]) -> Refused:
    """Return the error that says what was wrong with a move and which ones there are."""
    return Refused("illegal_action", f"{what}; {allowed}: {', '.join(map(str, choices))}")


def check_action(action: object) -> None:
    """Check that an action can be passed on.

    Raises:
        Refused: `illegal_action`, it is too long or too deep.
    """
    level: list[object] = [action]
    for _ in range(MAX_ACTION_DEPTH):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level]
        level = [part for parts in inner if isinstance(parts, list) for part in parts]
    if level:
        raise Refused("illegal_action", f"nested more than {MAX_ACTION_DEPTH} deep; make it flat")
    size = len(msgspec.json.encode(action))
    if size > MAX_ACTION_BYTES:
        raise Refused(
            "illegal_action",
            f"an action of {size:,} bytes, the limit is {MAX_ACTION_BYTES:,} bytes of JSON; "
            "say less at once",
        )
