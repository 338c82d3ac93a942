"""Stories, a tap and the examiner on a machine without what macOS or Windows lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOLD = (
    "tests/platforms/there.py",
    "tests/transports/test_echo_stories.py",
    "tests/lab/test_tap.py",
    "tests/lab/test_background.py",
    "tests/lab/test_chaos_udp.py",
)
DEADLINE_S = 240.0


@pytest.mark.parametrize("platform", ["macos", "windows"])
def test_it_works_elsewhere(platform: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.platforms.elsewhere", *TOLD],
        cwd=ROOT,
        env={**os.environ, "NETLAB_TEST_PLATFORM": platform},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
