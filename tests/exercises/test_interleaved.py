"""Two calls at the same time: what is right without a lock, what hangs, what cannot be sent.

The classes are local to their tests, so that they are sent as those of a notebook are, by value.
"""

from __future__ import annotations

import threading

import pytest

from netlab.exercises.ch04 import members


def test_what_is_right_without_a_lock_passes() -> None:
    class Members:
        """Each call is one step of Python's own."""

        def __init__(self) -> None:
            self.names: dict[str, object] = {}

        def add(self, name: str) -> bool:
            mine = object()
            return self.names.setdefault(name, mine) is mine

        def remove(self, name: str) -> bool:
            return self.names.pop(name, None) is not None

        def everyone(self) -> list[str]:
            return list(self.names)

    assert members.check(Members).passed


def test_a_deadlock_is_told() -> None:
    class Members:
        """Takes two locks, now in this order, now in that."""

        def __init__(self) -> None:
            self.one, self.other = threading.Lock(), threading.Lock()
            self.names: list[str] = []

        def add(self, name: str) -> bool:
            with self.one, self.other:
                if name in self.names:
                    return False
                self.names.append(name)
                return True

        def remove(self, name: str) -> bool:
            with self.other, self.one:
                if name not in self.names:
                    return False
                self.names.remove(name)
                return True

        def everyone(self) -> list[str]:
            with self.one:
                return self.names.copy()

    report = members.check(Members)
    assert report.failed_probe == "two who have nothing in common"
    assert report.failure is not None
    assert report.failure.broken.got.startswith("nothing: a call still waits after 1 s")
    assert "is stopped in remove, line 2: with self.other, self.one:" in str(report)
    assert "thread 2 calls add('ann'), which waits" in str(report)


def test_a_lock_from_outside_cannot_be_sent() -> None:
    lock = threading.Lock()

    class Members:
        def add(self, name: str) -> bool:
            with lock:
                return bool(name)

    with pytest.raises(TypeError, match="Make locks, sockets and threads inside the function"):
        members.check(Members)
