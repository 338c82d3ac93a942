"""Faulty variants of `Nim`, each with the probe that catches it."""

from __future__ import annotations

from typing import Any, ClassVar

from netlab.core.errors import Refused
from netlab.core.games import Game


class _Nim(Game):
    name = "nim"
    heaps: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.heaps = [3, 4, 5]

    @property
    def board(self) -> Any:
        return self.heaps

    def play(self, seat: int, action: Any) -> None:
        heap, take = self._checked(action)
        self._make(seat, heap, take)

    def _checked(self, action: Any) -> tuple[int, int]:
        heap = action.get("heap") if isinstance(action, dict) else None
        take = action.get("take") if isinstance(action, dict) else None
        if type(heap) is not int or type(take) is not int or not 0 <= heap <= 2:
            raise Refused("illegal_action", "that is no move")
        if not 1 <= take <= self.heaps[heap]:
            raise Refused("illegal_action", "so many there are not")
        return heap, take

    def _make(self, seat: int, heap: int, take: int) -> None:
        self.heaps[heap] -= take
        self.turn = 1 - seat
        if not any(self.heaps):
            self.winner, self.turn = seat, None


class NimWithHeapsForAll(_Nim):
    heaps: ClassVar[list[int]] = [3, 4, 5]  # type: ignore[misc]

    def __init__(self) -> None:
        Game.__init__(self)


class NimWhoseHeapsAreShown(_Nim):
    @property
    def board(self) -> Any:
        return {"heaps": self.heaps}


class NimWithoutTurns(_Nim):
    def _make(self, seat: int, heap: int, take: int) -> None:
        super()._make(seat, heap, take)
        self.turn = None


class NimThatForgetsTheTurn(_Nim):
    def _make(self, seat: int, heap: int, take: int) -> None:
        super()._make(seat, heap, take)
        if not self.over:
            self.turn = seat


class NimWhoseLastStickLoses(_Nim):
    def _make(self, seat: int, heap: int, take: int) -> None:
        super()._make(seat, heap, take)
        if self.winner is not None:
            self.winner = 1 - seat


class NimThatNeverEnds(_Nim):
    def _make(self, seat: int, heap: int, take: int) -> None:
        super()._make(seat, heap, take)
        self.turn, self.winner = 1 - seat, None


class NimThatEndsWithTheFirstHeap(_Nim):
    def _make(self, seat: int, heap: int, take: int) -> None:
        super()._make(seat, heap, take)
        if self.heaps.count(0) == 2 and self.heaps[2] == 0:
            self.winner, self.turn = seat, None


class NimOfHonestPlayers(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        return action["heap"], action["take"]


class NimWithANegativeHeap(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        if isinstance(action, dict) and action.get("heap") == -1:
            return 2, 1
        return super()._checked(action)


class NimThatTakesLess(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        if isinstance(action, dict) and action.get("take") == 4 and action.get("heap") == 0:
            return 0, self.heaps[0]
        return super()._checked(action)


class NimInWhichTrueIsOne(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        if isinstance(action, dict) and action.get("take") is True:
            action = {**action, "take": 1}
        return super()._checked(action)


class NimThatLetsThemPass(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        if action == {"heap": 0, "take": 0}:
            return 0, 0
        return super()._checked(action)


class NimThatTakesBeforeItLooks(_Nim):
    def play(self, seat: int, action: Any) -> None:
        heap, take = action.get("heap", 0), action.get("take", 0)
        self.heaps[heap % 3] -= take
        if heap not in (0, 1, 2):
            raise Refused("illegal_action", "no such heap")
        self._make(seat, heap, 0)


class NimThatPassesTheTurnFirst(_Nim):
    def play(self, seat: int, action: Any) -> None:
        self.turn = 1 - seat
        super().play(seat, action)


class NimThatRaisesValueError(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        try:
            return super()._checked(action)
        except Refused as refusal:
            raise ValueError(str(refusal)) from None


class NimWithACodeOfItsOwn(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        try:
            return super()._checked(action)
        except Refused as refusal:
            raise Refused("cheater", str(refusal)) from None


class NimThatBelieves(_Nim):
    def play(self, seat: int, action: Any) -> None:
        super().play(seat, action)
        if action.get("won"):
            self.winner, self.turn = seat, None


class NimThatWantsNothingElse(_Nim):
    def _checked(self, action: Any) -> tuple[int, int]:
        if isinstance(action, dict) and action.keys() - {"heap", "take"}:
            raise Refused("illegal_action", "that is too much")
        return super()._checked(action)


MUTANTS = (
    (NimWhoseHeapsAreShown, "a new game"),
    (NimWithoutTurns, "a move"),
    (NimThatForgetsTheTurn, "a move"),
    (NimWhoseLastStickLoses, "the last stick"),
    (NimThatNeverEnds, "the last stick"),
    (NimOfHonestPlayers, "a liar"),
    (NimWithANegativeHeap, "a liar"),
    (NimThatTakesLess, "a liar"),
    (NimInWhichTrueIsOne, "a liar"),
    (NimThatLetsThemPass, "a liar"),
    (NimThatTakesBeforeItLooks, "a liar"),
    (NimThatPassesTheTurnFirst, "a liar"),
    (NimThatRaisesValueError, "a liar"),
    (NimWithACodeOfItsOwn, "a liar"),
    (NimThatBelieves, "a claim"),
    (NimThatWantsNothingElse, "a claim"),
    (NimWithHeapsForAll, "the last stick"),
)
