"""What a notebook defines goes to the examiner's process whole, msgspec's classes too."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, subprocess, sys
from typing import *
import msgspec
from netlab.exercises.pickled import dumps

{code}

there = "import json, pickle, sys; print(json.dumps(pickle.loads(sys.stdin.buffer.read())()))"
sys.stdout.buffer.write(subprocess.run([sys.executable, "-c", there], input=dumps(answer),
    check=True, stdout=subprocess.PIPE).stdout)
"""

DEFAULTS = """
class Move(msgspec.Struct):
    heap: int
    take: int = 1

def answer():
    return [msgspec.json.decode(b'{"heap": 3}', type=Move).take, Move(4).heap]
"""

ALL_KINDS = """
class Move(msgspec.Struct, frozen=True, kw_only=True, tag="m"):
    "A move."
    heap: int = msgspec.field(name="h")
    seen: list[int] = msgspec.field(default_factory=list)
    top: ClassVar[int] = 7

    @property
    def twice(self):
        return self.heap * 2

    def again(self):
        return Move(heap=self.twice)

def answer():
    move = Move(heap=3).again()
    move.seen.append(1)
    refused = []
    for attempt in (lambda: setattr(move, "heap", 1), lambda: Move(3)):
        try:
            attempt()
        except (AttributeError, TypeError) as error:
            refused.append(type(error).__name__)
    return [msgspec.to_builtins(move), Move.top, Move.__doc__, Move(heap=1).seen, refused]
"""

FAMILY = """
class Base(msgspec.Struct):
    a: int

class More(Base):
    b: "More | None" = None

    def told(self):
        return super().__repr__()

def answer():
    return More(1, More(2)).told()
"""

NAMED_TUPLE = """
class Pair(NamedTuple):
    x: int

def answer():
    return Pair(3)
"""

OURS = """
from netlab.core.game_messages import Player

def answer():
    import netlab.core.game_messages
    return Player is netlab.core.game_messages.Player
"""


def there(code: str) -> object:
    """Return what `answer()` returns in a process that has never seen its source."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (DEFAULTS, [1, 4]),
        (
            ALL_KINDS,
            [{"type": "m", "h": 6, "seen": [1]}, 7, "A move.", [], ["AttributeError", "TypeError"]],
        ),
        (FAMILY, "More(a=1, b=More(a=2, b=None))"),
        (NAMED_TUPLE, [3]),
        (OURS, True),
    ],
)
def test_it_is_the_same_there(code: str, found: object) -> None:
    assert there(code) == found
