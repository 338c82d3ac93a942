"""The same story gives the same bytes in another process, whose sets and hashes are in another
order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.core.story import fingerprint

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
        assert done.stdout.strip() == fingerprint(seed), done.stderr


def test_another_story_gives_other_bytes() -> None:
    assert fingerprint(0) == fingerprint(0)
    assert fingerprint(0) != fingerprint(1)
