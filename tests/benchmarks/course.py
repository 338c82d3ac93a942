"""How long a learner waits: from `jupyter lab` to the first finished cell of chapter 00.

python -m tests.benchmarks.course [--rounds N]        (needs Chromium and `make browser`)

The browser is open already, and what has been read from disk is in memory: a second start, as it
is every day. The page is loaded anew each time, with an empty cache.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.conftest import CHROMIUMS, FLAGS
from tools.notebooks import NOTEBOOKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIRST = "00_start_here.ipynb"
WANTED_S = 10.0
RUN_FIRST = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const first = panel.content.widgets.findIndex(cell => cell.model.type === 'code');
    panel.content.activeCellIndex = first;
    return window.jupyterapp.commands.execute('notebook:run-cell');
}"""


def waits(browser: Browser, rounds: int) -> Iterator[tuple[float, float]]:
    """Yield for each start: seconds to a kernel that is ready, and to the first cell's end."""
    from tests.browser.lab import SIZE, Chapter, jupyterlab

    with tempfile.TemporaryDirectory(prefix="netlab-bench-") as folder:
        root = Path(folder, "course")
        for number in range(rounds + 1):  # the first one warms up
            shutil.copytree(NOTEBOOKS, root, dirs_exist_ok=True)
            started = time.monotonic()
            with (
                jupyterlab(root, Path(folder, f"home-{number}")) as address,
                browser.new_context(viewport=SIZE) as context,
            ):
                chapter = Chapter(context.new_page(), address, FIRST)
                ready = time.monotonic() - started
                chapter.page.evaluate(RUN_FIRST)
                done = time.monotonic() - started
                chapter.shut_down()
            if number:
                yield ready, done


def main(argv: list[str] | None = None) -> int:
    """Measure, and print the medians."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="tests.benchmarks.course", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="starts to measure (5)")
    rounds = max(1, parser.parse_args(argv).rounds)
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        found = list(waits(browser, rounds))
    ready, done = (statistics.median(column) for column in zip(*found, strict=True))
    print(
        f"median of {rounds} starts: kernel ready after {ready:.1f} s, first cell done {done:.1f} s"
    )
    print(f"  under {WANTED_S:.0f} s: {'yes' if done < WANTED_S else 'NO'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
