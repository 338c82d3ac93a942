"""The pages hold together, and ask nobody else for anything."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.site.pages import Page, broken, in_style, is_foreign
from tools.notebooks import NOTEBOOKS

CHAPTERS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def test_every_chapter_has_a_page_with_its_link_to_binder(
    site: Path, pages: dict[Path, Page]
) -> None:
    for name in CHAPTERS:
        page = pages[site / "notebooks" / f"{name}.html"]
        wanted = f"urlpath=lab/tree/notebooks/{name}.ipynb"
        if not name.startswith("appendix"):
            assert any("mybinder.org" in link and wanted in link for link in page.links), name


def test_no_page_loads_anything_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    asked = {str(path): list(filter(is_foreign, page.fetched)) for path, page in pages.items()}
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        asked[str(path)] = list(filter(is_foreign, in_style(text)))
    assert {path: found for path, found in asked.items() if found} == {}


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    nowhere = {str(path): broken(page, pages) for path, page in pages.items()}
    assert {path: found for path, found in nowhere.items() if found} == {}


def test_headings_leave_out_no_level_and_pictures_have_words(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        levels = page.headings
        if path.stem == "search":  # a script writes its headings
            continue
        assert levels.count(1) == 1, f"{path}: {levels}"
        assert all(after <= before + 1 for before, after in pairwise(levels)), f"{path}: {levels}"
        assert page.unnamed == [], path


def test_widgets_show_what_they_are(site: Path) -> None:
    text = (site / "notebooks" / "appendix_instruments.html").read_text(encoding="utf-8")
    assert "live in JupyterLab" in text
    assert "jupyter.widget" not in text


@pytest.mark.parametrize(
    ("html", "fetched"),
    [
        ('<script src="https://cdn.example/a.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', True),
        ('<style>@import "https://fonts.example/a.css";</style>', True),
        ('<p style="background:url(http://a.example/b.png)">', True),
        ('<img alt="a" src="a.png"><a href="https://a.example">a</a>', False),
    ],
)
def test_the_eye_for_other_hosts(html: str, fetched: bool, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    assert any(map(is_foreign, Page(path).fetched)) is fetched


def test_the_eye_for_broken_links(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text('<a href="#here" id="here">a</a><a href="#there">b</a><a href="no.html">c</a>')
    page = Page(path)
    assert broken(page, {path: page}) == ["#there", "no.html"]
