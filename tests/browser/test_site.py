"""The site on a phone and on a screen, light and dark: nothing sticks out, nobody is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.notebooks import NOTEBOOKS, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHAPTERS = [f"notebooks/{path.stem}" for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
PAGES = ["index", "glossary", "clinic", "genindex", "docs/cheat-sheet", *CHAPTERS]
PAGES += ["api/netlab", "api/netlab.lab", "api/netlab.core"]
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 900}
# What is wider than the page and stands in no box of its own that scrolls.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = node => {
        for (let box = node.parentElement; box && box !== document.body; box = box.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)
                && box.getBoundingClientRect().right <= width + 1) return true;
        return false;
    };
    const found = [...document.querySelectorAll('article, article *')]
        .filter(node => node.getBoundingClientRect().width
            && node.getBoundingClientRect().right > width + 1 && !scrolls(node))
        .map(node => node.outerHTML.slice(0, 120));
    return document.documentElement.scrollWidth > width ? ['the page', ...found] : found;
}"""
COLOUR_OF_LINES = """() => getComputedStyle(document.querySelector('svg.netlab-ladder'))
    .getPropertyValue('--up').trim()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    command = [sys.executable, "-m", "tools.site", "--to", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone_and_nobody_is_asked(
    theme: str, browser: Browser, site: Path, artifacts: Path
) -> None:
    asked: list[str] = []
    wide: dict[str, list[str]] = {}
    with browser.new_context(viewport=PHONE, color_scheme=theme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for name in PAGES:
            page.goto((site / f"{name}.html").as_uri())
            if found := page.evaluate(TOO_WIDE):
                wide[name] = found
            if name in ("index", "clinic", CHAPTERS[0]):
                artifacts.mkdir(exist_ok=True)
                shot = artifacts / f"site-{Path(name).name}-phone-{theme}.png"
                page.screenshot(path=shot, animations="disabled")
    assert wide == {}
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_the_measure_sees_what_sticks_out(browser: Browser) -> None:
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.set_content("<article><div style='width:500px'>wide</div></article>")
        assert page.evaluate(TOO_WIDE)
        page.set_content(
            "<article style='overflow-x:auto'><div style='width:500px'>a</div></article>"
        )
        assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("chosen", ["auto", "light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_diagram_follows_the_pages_theme(
    chosen: str, system: str, browser: Browser, site: Path
) -> None:
    with browser.new_context(viewport=SCREEN, color_scheme=system) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto((site / f"{CHAPTERS[0]}.html").as_uri())
        page.evaluate("theme => { document.body.dataset.theme = theme; }", chosen)
        dark = system == "dark" if chosen == "auto" else chosen == "dark"
        assert page.evaluate(COLOUR_OF_LINES) == ("#6cbcf5" if dark else "#00558f")
