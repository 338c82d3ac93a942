"""What a service keeps, counted: a memory that only grows shows here, whatever its name is."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any

from netlab.core.service import Service


def kept(service: Service) -> dict[str, int]:
    """Return how many elements each collection within a service has, by its path; none is 0.

    What the service counts by error code, and the numbers that it has given out, are left out:
    they have a handful of keys, and no client can make it more.
    """
    found: Counter[str] = Counter()
    for path, size in _walk(service, type(service).__name__, set()):
        found[path] += size
    return {
        path: size
        for path, size in found.items()
        if size and not path.endswith(("._refused", "._ids_given"))
    }


def _walk(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, Mapping):
        yield path, len(thing)
        for value in thing.values():
            yield from _walk(value, f"{path}[]", seen)
    elif isinstance(thing, (list, tuple, set, frozenset, deque)):
        yield path, len(thing)
        for value in thing:
            yield from _walk(value, f"{path}[]", seen)
    elif type(thing).__module__.startswith("netlab."):
        slots = (slot for cls in type(thing).__mro__ for slot in getattr(cls, "__slots__", ()))
        for name in {**dict.fromkeys(slots), **getattr(thing, "__dict__", {})}:
            yield from _walk(getattr(thing, name, None), f"{path}.{name}", seen)
