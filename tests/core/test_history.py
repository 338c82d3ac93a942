"""What the rooms remember: bounded for each room, and for all of them together."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.core.chat import ChatService
from netlab.core.history import MESSAGE_COST, Archive, History, cost_of
from netlab.core.limits import Limits
from netlab.core.messages import RoomMessage
from tests.core.stage import Stage, chat


def said(content: str, room: str = "hall") -> RoomMessage:
    return RoomMessage("0" * 24, room, "Ann", "1" * 24, content, "2026-01-01T00:00:00.000Z")


def contents(history: History) -> list[str]:
    return [message.content for message in history]


def test_the_oldest_of_all_rooms_goes_first() -> None:
    archive = Archive(per_room=100, max_bytes=3 * (MESSAGE_COST + 1))
    hall, attic = History(archive), History(archive)
    for number, history in enumerate([hall, attic, hall, attic, attic]):
        history.append(said(str(number)))
    assert (contents(hall), contents(attic)) == (["2"], ["3", "4"])
    assert archive.used_bytes == archive.max_bytes


def test_what_a_room_forgets_leaves_room_for_the_others() -> None:
    archive = Archive(per_room=1, max_bytes=2 * (MESSAGE_COST + 1))
    hall, attic = History(archive), History(archive)
    attic.append(said("a"))
    for number in range(9):  # each of these takes the place of the one before
        hall.append(said(str(number)))
    assert (contents(hall), contents(attic)) == (["8"], ["a"])
    hall.clear()
    assert archive.used_bytes == MESSAGE_COST + 1
    attic.clear()
    assert (archive.used_bytes, len(archive._order)) == (0, 0)


def test_a_message_for_which_there_is_no_room_at_all() -> None:
    archive = Archive(per_room=0, max_bytes=MESSAGE_COST)
    history = History(archive)
    history.append(said(""))
    history.append(said("x"))
    assert (contents(history), archive.used_bytes) == ([], 0)


def test_zero_is_unlimited() -> None:
    history = History(Archive(per_room=0, max_bytes=0))
    for number in range(1_000):
        history.append(said(str(number)))
    assert len(history) == 1_000


@pytest.mark.parametrize("content", ["", "x" * 4096, "ü" * 2048, "中" * 1365, "x" * 4092 + "😀"])
def test_the_rule_is_on_the_safe_side(content: str) -> None:
    """What this Python takes for one message: the objects that it does not share with others."""
    message = said(content)
    # From the wire: no two messages share a text, a name or a time.
    own = [message.id, message.content, message.timestamp, message.sender, message.from_id]
    real = sys.getsizeof(message) + sum(map(sys.getsizeof, own)) + 2 * sys.getsizeof((1, 2, 3))
    assert real <= cost_of(message)


Move = tuple[int, int]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 5)), max_size=80),
    st.integers(0, 4),
    st.integers(0, 8),
)
def test_it_is_a_list_from_which_the_oldest_go(
    moves: list[Move], per_room: int, messages: int
) -> None:
    """Against a plain list. A move: a room, and the length of what is said there; -1: it ends."""
    max_bytes = messages * MESSAGE_COST
    archive = Archive(per_room, max_bytes)
    rooms = [History(archive) for _ in range(4)]
    kept: deque[tuple[int, RoomMessage]] = deque()
    for room, length in moves:
        if length < 0:
            rooms[room].clear()
            kept = deque(each for each in kept if each[0] != room)
            continue
        message = said("x" * length)
        rooms[room].append(message)
        kept.append((room, message))
        mine = [each for each in kept if each[0] == room]
        if per_room and len(mine) > per_room:
            kept.remove(mine[0])
        while max_bytes and sum(cost_of(each) for _, each in kept) > max_bytes:
            kept.popleft()
        for number, history in enumerate(rooms):
            assert list(history) == [each for where, each in kept if where == number]
            assert list(reversed(history)) == list(history)[::-1]
        assert archive.used_bytes == sum(cost_of(each) for _, each in kept)
        assert len(archive._order) == len(kept)


def test_a_full_house_is_bounded() -> None:
    """Many rooms, much said in each of them: together they keep no more than the limit."""
    stage = Stage(chat(history_bytes=20 * (MESSAGE_COST + 4_096), messages_per_second=0))
    (ann,) = stage.cast("Ann")
    for room in range(10):
        ann.does("join_room", room=f"room {room}")
        for _ in range(5):
            ann.does("room_message", room=f"room {room}", content="x" * 4_096)
    sizes = [
        len(stage.enter().does("join_room", room=f"room {room}").message_history)
        for room in range(10)
    ]
    assert sizes == [0, 0, 0, 0, 0, 0, 5, 5, 5, 5]


def test_the_default_bounds_a_hostile_full_house() -> None:
    limits = Limits()
    hostile = limits.max_clients * limits.max_rooms * limits.history * (MESSAGE_COST + 4_096)
    assert 0 < limits.history_bytes < hostile / 100
    archive: Any = ChatService(secret=b"x" * 16)._rooms._archive
    assert archive.max_bytes == limits.history_bytes
