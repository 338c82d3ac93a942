"""Every chapter as a learner meets it: opened in JupyterLab, run from the menu, looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.lab import Chapter
from tools.cell_rules import announced_errors, ends_clean, was_run
from tools.notebooks import NOTEBOOKS

CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_and_draws(
    name: str, lab_page: Callable[[str], Chapter], artifacts: Path
) -> None:
    chapter = lab_page(f"notebooks/{name}.ipynb")
    chapter.run_all()
    notebook = chapter.notebook()
    for rule in (was_run, announced_errors, ends_clean):
        assert list(rule(notebook)) == []
    assert chapter.diagrams().count() > 0
    for theme in ("Light", "Dark"):
        chapter.use_theme(f"JupyterLab {theme}")
        assert chapter.take_shots(artifacts, theme.lower())
