"""The same story gives the same bytes in another process, whose sets and hashes are in another
order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.story import tell

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_story_gives_the_same_bytes_whatever_the_hashes_are(seed: int) -> None:
    for hash_seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.core.story", str(seed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() == tell(seed)[0], done.stderr


def test_another_story_gives_other_bytes() -> None:
    assert tell(0)[0] != tell(1)[0]


@pytest.mark.parametrize("seed", range(3))
def test_much_of_a_story_is_heard_by_several(seed: int) -> None:
    _, to_several = tell(seed)
    wanted = {"room_message", "user_typing", "user_renamed", "user_left", "player_joined_game"}
    wanted |= {"game_action_broadcast", "heartbeat"}
    assert {wire_type for wire_type in wanted if not to_several[wire_type]} == set()
