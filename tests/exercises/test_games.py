"""The opponents of a learner's bot: how they choose, and when they move."""

from __future__ import annotations

import random
import threading

import pytest

from netlab.exercises.noughts import (
    all_boards,
    careless,
    greedy,
    has_row,
    outcome_rightly,
    reckless,
    winning,
)
from netlab.exercises.rest import wait_others_at_rest


def _sayable() -> list[tuple[list[str], str | None]]:
    said = []
    for board in all_boards():
        try:
            said.append((board, outcome_rightly(board)))
        except ValueError:
            continue
    return said


def test_there_are_5478_boards() -> None:
    """As is known: 5,478 positions, among them 626 in which X has won, 316 for O, 16 draws."""
    said = [says for _, says in _sayable()]
    assert len(said) == 5_478
    assert [said.count(says) for says in ("X", "O", "draw", None)] == [626, 316, 16, 4_520]


@pytest.mark.parametrize("choose", [careless, greedy, reckless])
def test_opponents_choose_free_cells(choose: object) -> None:
    assert callable(choose)
    dice = random.Random(1)
    for board, says in _sayable():
        if says is None:
            assert not board[choose(board, "X", dice)]


def test_a_winning_cell_completes_a_row() -> None:
    board = ["X", "X", "", "O", "O", "", "", "", ""]
    assert (winning(board, "X"), winning(board, "O")) == ([2], [5])
    assert not has_row(board, "X")
    assert greedy(board, "O", random.Random(1)) == 5
    assert careless(board, "O", random.Random(1)) not in (2, 5)


def test_whoever_waits_for_rest_waits_for_work() -> None:
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        sum(range(3_000_000))
        done.set()

    worker = threading.Thread(target=work, name="netlab-test")
    worker.start()
    begun.wait(5)
    wait_others_at_rest()
    assert done.is_set()
    worker.join()
