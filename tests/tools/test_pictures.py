"""The README's pictures are those of today's chapters, and small."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.notebooks import ROOT
from tools.pictures import PICTURES, THEMES, draw, ladder

LIMIT_BYTES = 200_000


@pytest.mark.parametrize("theme", THEMES)
def test_the_ladder_is_the_one_in_the_chapter(theme: str, tmp_path: Path) -> None:
    drawn = {path.name: path.read_text(encoding="utf-8") for path in draw(tmp_path)}
    stored = (PICTURES / f"ladder-{theme}.svg").read_text(encoding="utf-8")
    assert drawn[f"ladder-{theme}.svg"] == stored, "run `make pictures`"


def test_a_ladder_is_svg_in_its_own_colours() -> None:
    light, dark = (ladder(theme) for theme in THEMES)
    for text in (light, dark):
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.attrib["aria-label"].startswith("Ladder diagram.")
        assert "@media" not in text
    assert light != dark


def test_a_diagram_that_is_not_there() -> None:
    with pytest.raises(LookupError, match="has stored no diagram 'A moonrise'"):
        ladder("light", title="A moonrise")


def test_the_readme_shows_pictures_that_exist_and_says_what_they_show() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r'(?:src|srcset)="([^"]+)"', text))
    assert shown == {path.relative_to(ROOT).as_posix() for path in PICTURES.iterdir()}
    for path in PICTURES.iterdir():
        assert path.stat().st_size < LIMIT_BYTES, path.name
    for picture in re.findall(r"<img [^>]*>", text):
        assert re.search(r'alt="[^"]{40,}"', picture), picture
