"""Checks of what a fault is set to: each error says what came and what is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MAX_DELAY_MS = 3_600_000.0


def check_number(name: str, value: Any, most: float, unit: str) -> None:
    """Raise unless `value` is a number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}={value!r}: {unit} are wanted, a number from 0 to {most:,.12g}")
    if not 0 <= value <= most:  # false for nan, too
        raise ValueError(f"{name}={value!r}: {unit}, from 0 to {most:,.12g}, are allowed")


def check_whole(name: str, value: Any, least: int, most: int | None) -> int:
    """Return `value` if it is a whole number in these bounds, both allowed; else raise."""
    allowed = f"{least} or more" if most is None else f"from {least} to {most:,}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r}: a whole number, {allowed}, is wanted")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value!r}: a whole number, {allowed}, is allowed")
    return value


def whole_numbers(name: str, value: Any, least: int) -> tuple[int, ...]:
    """Return the numbers sorted, each once. One number alone will do."""
    if isinstance(value, str | bytes) or not isinstance(value, int | Iterable):
        raise TypeError(f"{name}={value!r}: a whole number or several, as in {{2, 5}}, are wanted")
    numbers = [value] if isinstance(value, int) else value
    return tuple(sorted({check_whole(name, number, least, None) for number in numbers}))


def _two(name: str, value: Any, of: Callable[[str, Any], Any]) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name}: {value!r} came; a pair is wanted, as in (4, 5)")
    return of(name, value[0]), of(name, value[1])


def _number(name: str, value: Any) -> int:
    return check_whole(name, value, 1, None)


def sizes(name: str, value: Any) -> tuple[int, int]:
    """Return the pair (least, most) of sizes in bytes."""
    least, most = _two(name, value, _number)
    if least > most:
        raise ValueError(f"{name}={value!r}: the first size may not be above the second")
    return least, most


def pairs(value: Any) -> tuple[tuple[int, int], ...]:
    """Return the pairs sorted, the smaller number first; each number at most once."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"swap={value!r}: pairs of numbers are wanted, as in {{(4, 5)}}")
    given = list(value)
    if len(given) == 2 and all(isinstance(one, int) for one in given):
        given = [tuple(given)]
    found = sorted({tuple(sorted(_two("swap", pair, _number))) for pair in given})
    numbers = [one for pair in found for one in pair]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"swap={value!r}: a number may stand in one pair only, and once in it")
    return tuple((early, late) for early, late in found)


def delays(value: Any) -> Iterable[tuple[int, float]]:
    """Yield the pairs of a datagram's number and its milliseconds."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"delay={value!r}: number -> milliseconds is wanted, as in {{3: 200}}")
    for pair in value:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"delay: {pair!r} came; number -> milliseconds is wanted: {{3: 200}}")
        check_whole("delay", pair[0], 1, None)
        check_number("delay", pair[1], MAX_DELAY_MS, "milliseconds")
        yield pair[0], pair[1]
