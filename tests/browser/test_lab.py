"""Every chapter as a learner meets it: opened in JupyterLab, run from the menu, looked at."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.accessible import broken_rules, nameless_pictures, too_faint
from tests.browser.lab import Chapter
from tools.cell_rules import announced_errors, ends_clean, was_run
from tools.notebooks import NOTEBOOKS

OURS = [f".netlab-{kind}" for kind in ("figure", "grid", "source", "bytes", "doctor")]
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
    assert chapter.cut_off() == []
    assert nameless_pictures(chapter.page, ".jp-OutputArea-output") == []
    for theme in ("Light", "Dark"):
        chapter.use_theme(f"JupyterLab {theme}")
        assert too_faint(chapter.page) == [], theme
        assert broken_rules(chapter.page, *OURS) == [], theme
        assert chapter.take_shots(artifacts, theme.lower())


@pytest.mark.parametrize("name", ["00_start_here", "appendix_instruments"])
def test_a_stored_panel_says_what_to_do(name: str, lab_page: Callable[[str], Chapter]) -> None:
    """Its widgets are gone with the kernel that made them, and nobody has run a cell yet."""
    chapter = lab_page(f"stored/{name}.ipynb")
    told = chapter.page.get_by_text("live in JupyterLab: run this cell")
    told.first.wait_for(state="attached")
    lost = chapter.page.get_by_text(re.compile("Loading widget|Error displaying widget"))
    assert lost.count() == 0
