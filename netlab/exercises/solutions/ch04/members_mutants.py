"""Faulty variants of `Members`, each with the probe that catches it."""

from __future__ import annotations

import threading
from typing import ClassVar


class Unlocked:
    """Looks, then acts."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.names: list[str] = []

    def add(self, name: str) -> bool:
        if name in self.names:
            return False
        self.names.append(name)
        return True

    def remove(self, name: str) -> bool:
        if name not in self.names:
            return False
        self.names.remove(name)
        return True

    def everyone(self) -> list[str]:
        return self.names.copy()


class LockedAdd(Unlocked):
    """Locks where one thinks of it."""

    def add(self, name: str) -> bool:
        with self.lock:
            return super().add(name)


class LooksBeforeTheLock(LockedAdd):
    """Looks without the lock, and acts with it."""

    def remove(self, name: str) -> bool:
        if name not in self.names:
            return False
        with self.lock:
            self.names.remove(name)
            return True


class CatchesTheError(LockedAdd):
    """Removes without a lock, and catches what is raised then; builds a new list to add."""

    def add(self, name: str) -> bool:
        with self.lock:
            if name in self.names:
                return False
            self.names = [*self.names, name]
            return True

    def remove(self, name: str) -> bool:
        try:
            self.names.remove(name)
        except ValueError:
            return False
        return True


class ALockPerCall(Unlocked):
    """Every call has a lock of its own."""

    def add(self, name: str) -> bool:
        with threading.Lock():
            return super().add(name)


class ALockPerMethod(Unlocked):
    """Each method has its own lock; removing builds a new list."""

    def __init__(self) -> None:
        super().__init__()
        self.other = threading.Lock()

    def add(self, name: str) -> bool:
        with self.lock:
            return super().add(name)

    def remove(self, name: str) -> bool:
        with self.other:
            left = [one for one in self.names if one != name]
            found = len(left) < len(self.names)
            self.names = left
            return found


class Locked(Unlocked):
    """All right, but for what its heirs change."""

    def add(self, name: str) -> bool:
        with self.lock:
            return super().add(name)

    def remove(self, name: str) -> bool:
        with self.lock:
            return super().remove(name)


class Generous(Locked):
    """Gives away its own list."""

    def everyone(self) -> list[str]:
        return self.names


class UnlockedLook(Locked):
    """Walks through the list without a lock."""

    def everyone(self) -> list[str]:
        found = []
        for name in self.names:
            found.append(name)  # noqa: PERF402
        return found


class Raising(Locked):
    """Raises when there is nobody to remove, and keeps the lock."""

    def remove(self, name: str) -> bool:
        self.lock.acquire()
        self.names.remove(name)
        self.lock.release()
        return True


class Sorted(Locked):
    """Knows no order."""

    def everyone(self) -> list[str]:
        with self.lock:
            return sorted(self.names)


class InTheClass(Locked):
    """One list for all rooms."""

    everybody: ClassVar[list[str]] = []

    def __init__(self) -> None:
        super().__init__()
        self.names = self.everybody


class TwiceLocked(Locked):
    """Calls a method that takes the lock, with the lock held."""

    def remove(self, name: str) -> bool:
        with self.lock:
            if name not in self.everyone():
                return False
            self.names.remove(name)
            return True

    def everyone(self) -> list[str]:
        with self.lock:
            return self.names.copy()


MUTANTS = (
    (Unlocked, "two add the same name"),
    (LockedAdd, "two remove the same name"),
    (LooksBeforeTheLock, "two remove the same name"),
    (CatchesTheError, "two who have nothing in common"),
    (ALockPerCall, "two add the same name"),
    (ALockPerMethod, "two who have nothing in common"),
    (Generous, "a list of one's own"),
    (UnlockedLook, "one looks while others come and go"),
    (Raising, "they go"),
    (Sorted, "in the order in which they came"),
    (InTheClass, "two rooms"),
    (TwiceLocked, "they go"),
)
