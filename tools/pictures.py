"""Make the pictures of the README in docs/pictures/: `make pictures` (needs Chromium).

The ladder diagram is one that chapter 02 has stored, and the tests compare; the screenshot is
chapter 00 in JupyterLab, just run. Each comes for a light and for a dark page.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools.notebooks import NOTEBOOKS, ROOT, read

PICTURES = ROOT / "docs" / "pictures"
LADDER = (NOTEBOOKS / "02_framing.ipynb", "Two sends, two receives, three messages")
SHOT = ("00_start_here.ipynb", "Alice and Bob talk to the echo server")
THEMES = ("light", "dark")
WIDTH_PX, HEIGHT_PX = 1180, 920
BELOW_THE_CODE_PX = 120

_SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)
# In a page the theme stands at an element around the diagram; in a file of its own none is.
_IN_DARK = "[data-theme=dark] .netlab-ladder"
# And there the page's own font size and elements mean nothing.
_OF_A_PAGE = re.compile(r"^\.netlab-figure[^{]*\{[^}]*\}\n?|^@media[^{]*\{.*?\}\}\n?", re.M | re.S)


def ladder(theme: str, chapter: Path = LADDER[0], title: str = LADDER[1]) -> str:
    """Return the stored diagram with this title as an SVG file for a `light` or `dark` page.

    Raises:
        LookupError: the chapter has stored no such diagram.
    """
    for cell in read(chapter).cells:
        for output in cell.get("outputs", ()):
            for svg in _SVG.findall(output.get("data", {}).get("text/html", "")):
                if f"Ladder diagram. {title}" in svg:
                    alone = _OF_A_PAGE.sub("", svg)
                    if theme == "dark":
                        alone = alone.replace(_IN_DARK, ".netlab-ladder")
                    return f"{alone}\n"
    raise LookupError(f"{chapter.name} has stored no diagram {title!r}; run `make notebooks`")


def draw(folder: Path = PICTURES) -> list[Path]:
    """Write the ladder diagrams and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for theme in THEMES:
        paths.append(folder / f"ladder-{theme}.svg")
        paths[-1].write_text(ladder(theme), encoding="utf-8")
    return paths


def photograph(folder: Path = PICTURES) -> list[Path]:
    """Run the chapter in JupyterLab, take its pictures, and return their paths."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUMS, FLAGS
    from tests.browser.lab import Chapter, jupyterlab

    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if program is None:
        raise SystemExit("Chromium is missing: install it (on Debian: apt install chromium)")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with (
        tempfile.TemporaryDirectory() as place,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        shutil.copytree(NOTEBOOKS, Path(place, "course", "notebooks"))
        with jupyterlab(Path(place, "course"), Path(place, "home")) as address:
            page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
            chapter = Chapter(page, address, f"notebooks/{SHOT[0]}")
            page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
            chapter.run_all()
            for theme in THEMES:
                chapter.use_theme(f"JupyterLab {theme.capitalize()}")
                figure = page.locator(f"svg[aria-label*='{SHOT[1]}']")
                # Below the code that drew it.
                figure.evaluate(
                    "(node, above) => { const area = node.closest('.jp-WindowedPanel-outer');"
                    "area.scrollTop += node.getBoundingClientRect().top"
                    " - area.getBoundingClientRect().top - above; }",
                    BELOW_THE_CODE_PX,
                )
                paths.append(folder / f"jupyterlab-{theme}.png")
                page.screenshot(path=paths[-1], animations="disabled")
            chapter.shut_down()
            page.close()
    return paths


def main(arguments: list[str] | None = None) -> int:
    """Make all pictures, or only those that need no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-browser", action="store_true", help="the diagrams alone")
    wanted = parser.parse_args(arguments)
    for path in draw() + ([] if wanted.no_browser else photograph()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
