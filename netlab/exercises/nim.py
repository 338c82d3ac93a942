"""Nim as the examiner plays it: the state after each move, and moves of all kinds."""

from __future__ import annotations

import random
from typing import Any

Heaps = tuple[int, ...]
START: Heaps = (3, 4, 5)
Action = dict[str, int]

LIES: tuple[object, ...] = (
    {"heap": 3, "take": 1},
    {"heap": 0, "take": 4},
    {"heap": 0, "take": 0},
    {"heap": 0, "take": -1},
    {"heap": -1, "take": 1},
    {"heap": 0},
    {"take": 1},
    {},
    None,
    "the first heap, please",
    [0, 1],
    7,
    {"heap": "0", "take": 1},
    {"heap": 0, "take": "1"},
    {"heap": 0, "take": 1.5},
    {"heap": 0.5, "take": 1},
    {"heap": True, "take": 1},
    {"heap": 0, "take": True},
    {"heap": None, "take": None},
    {"heap": [0], "take": [1]},
)
"""moves that are none, at the beginning"""


def after(heaps: Heaps, action: Action) -> Heaps:
    """Return the heaps after a move."""
    left = list(heaps)
    left[action["heap"]] -= action["take"]
    return tuple(left)


def some_move(heaps: Heaps, dice: random.Random) -> Action:
    """Return a legal move."""
    heap = dice.choice([number for number, size in enumerate(heaps) if size])
    return {"heap": heap, "take": dice.randint(1, heaps[heap])}


def whole_game(dice: random.Random) -> list[Action]:
    """Return the moves of a game, to its end."""
    heaps, moves = START, []
    while any(heaps):
        moves.append(some_move(heaps, dice))
        heaps = after(heaps, moves[-1])
    return moves


def state(heaps: Heaps, mover: str, other: str) -> dict[str, Any]:
    """Return what is to be heard after a move: the board, whose turn it is, who has won."""
    over = not any(heaps)
    return {
        "board": list(heaps),
        "turn": None if over else other,
        "winner": mover if over else None,
        "status": "finished" if over else "playing",
    }
