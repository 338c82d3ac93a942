"""Build the course as pages to read: `make site`, then open build/site/index.html.

The pages are the README, the very notebooks with their stored outputs (which the tests compare),
the texts in docs/, the glossary and the error clinic that the chapters contain, and the reference
from the docstrings. They are gathered in a folder that is gone afterwards.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.api_pages import api_pages
from tools.chapter_lists import clinic_page, collect, glossary_page
from tools.notebooks import NOTEBOOKS, ROOT, Notebook, as_file, read

SITE = ROOT / "build" / "site"
SETTINGS = ROOT / "docs" / "site"
PICTURES = ROOT / "docs" / "pictures"
REPOSITORY = "https://github.com/netlab-course/netlab/blob/HEAD/"
WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "live in JupyterLab"

# [![alt](https://host/badge.svg)](target): reading a page asks no other host for a picture.
_FOREIGN_PICTURE = re.compile(r"!\[(?P<alt>[^]]*)]\(https?://[^)]*\)")
# For a dark page GitHub looks at the system; Furo has a button for it, and two classes.
_PICTURE = re.compile(
    r'<picture>\s*<source [^>]*srcset="(?P<dark>[^"]*)">\s*'
    r'<img (?P<rest>[^>]*)src="(?P<light>[^"]*)">\s*</picture>'
)
_TWO_PICTURES = (
    r'<img class="only-light" \g<rest>src="\g<light>">'
    r'<img class="only-dark" \g<rest>src="\g<dark>">'
)
_LINK = re.compile(r"(?P<before>]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_SOURCE_FILE = 'href="../netlab/'
# JupyterLab says which theme it has, so do readers that know dark or light; Furo also says "auto".
_OTHER_PAGES = "body:not([data-jp-theme-light],[data-theme],"
_WITH_AUTO = "body:not([data-jp-theme-light],[data-theme=light],[data-theme=dark],"


def jupyter_slug(title: str) -> str:
    """Return what JupyterLab has in a link behind the # for the heading `title`."""
    return title.replace(" ", "-")


def readable(notebook: Notebook) -> Notebook:
    """Return the notebook for a page.

    A widget shows its text, a picture follows the page's theme, and a source file's link leads
    to the repository.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data: dict[str, Any] = output.get("data", {})
            if data.pop(WIDGET, None) is not None and LIVE not in data.get("text/plain", LIVE):
                data["text/plain"] += f"\n({LIVE})"
            if "text/html" in data:
                html = data["text/html"].replace(_OTHER_PAGES, _WITH_AUTO)
                data["text/html"] = html.replace(_SOURCE_FILE, f'href="{REPOSITORY}netlab/')
    return notebook


def page_text(text: str, path: Path, pages: set[Path]) -> str:
    """Return a text of the project as a page at `path`, both relative to the project.

    A link to a file that is no page leads to the repository; a picture of another host becomes
    its alternative text.
    """

    def lead(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(path.parent / found["target"]))
        if target in pages or not (ROOT / target).exists():
            return found[0]
        return f"{found['before']}{REPOSITORY}{target.as_posix()}{found['anchor'] or ''}"

    text = _PICTURE.sub(_TWO_PICTURES, text)
    return _LINK.sub(lead, _FOREIGN_PICTURE.sub(r"\g<alt>", text))


def _toctree(caption: str, pages: list[str]) -> str:
    return "\n".join(["", f"```{{toctree}}\n:hidden:\n:caption: {caption}\n", *pages, "```", ""])


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path below the source folder and the text of each page, and of texts' figures."""
    chapters = sorted(NOTEBOOKS.glob("*.ipynb"))
    texts = sorted((ROOT / "docs").glob("*.md"))
    figures = sorted((ROOT / "docs").glob("*.svg"))
    texts += [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    known = {path.relative_to(ROOT) for path in [*chapters, *texts, *figures]}
    known |= {path.relative_to(ROOT) for path in PICTURES.glob("*")}
    for path in chapters:
        yield path.relative_to(ROOT).as_posix(), as_file(readable(read(path)))
    for path in texts:
        here = path.relative_to(ROOT)
        yield here.as_posix(), page_text(path.read_text(encoding="utf-8"), here, known)
    for path in figures:
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    collected = [collect(path) for path in chapters]
    yield "glossary.md", glossary_page(collected)
    yield "clinic.md", clinic_page(collected)
    reference = dict(api_pages())
    yield from reference.items()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    numbered = [f"notebooks/{path.stem}" for path in chapters]
    contents = _toctree("Chapters", numbered)
    contents += _toctree("Look it up", ["glossary", "clinic", "Index <genindex>"])
    contents += _toctree("Reference", [name.removesuffix(".rst") for name in reference])
    contents += _toctree(
        "The project", [path.relative_to(ROOT).with_suffix("").as_posix() for path in texts]
    )
    yield "index.md", page_text(readme, Path("README.md"), known) + contents


def gather(source: Path) -> None:
    """Write all pages below `source`."""
    for name, text in pages():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(site: Path = SITE) -> int:
    """Gather and build the pages in `site`, a warning being an error. Return Sphinx's status.

    All is read anew each time: from its cache Sphinx would not repeat a warning.
    """
    from sphinx.cmd.build import main as sphinx

    shutil.rmtree(site, ignore_errors=True)  # or pages of renamed chapters would stay
    with tempfile.TemporaryDirectory(prefix="netlab-site-") as folder:
        source, cache = Path(folder, "source"), Path(folder, "cache")
        gather(source)
        options = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(SETTINGS), "-d", str(cache)]
        status = int(sphinx([*options, str(source), str(site)]))
    # The README shows them in HTML, which Sphinx does not follow.
    shutil.copytree(PICTURES, site / PICTURES.relative_to(ROOT))
    return status


def main(arguments: list[str] | None = None) -> int:
    """Build the site from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=SITE, help="the folder of the pages")
    site = parser.parse_args(arguments).to
    status = build(site)
    if not status:
        print(f"{site / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
