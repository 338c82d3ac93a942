"""What the text cells of a notebook must be. Each rule yields its complaints."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.cell_rules import code_cells, code_lines, unlabelled
from tools.notebooks import Notebook, read

WORDS_PER_LINE = (8, 25)
PARSER = MarkdownIt("commonmark").enable("table")


def parsed(notebook: Notebook) -> Iterator[Token]:
    """Yield the Markdown tokens of all text cells, each inline token's parts behind it."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for token in PARSER.parse(cell.source):
                yield token
                yield from token.children or []


def words(notebook: Notebook) -> int:
    """Return the number of words in the text cells, without code blocks and links' targets."""
    count = 0
    for token in parsed(notebook):
        if token.type in ("text", "code_inline", "html_block"):
            count += len(re.sub(r"<[^>]*>", " ", token.content).split())
    return count


def headings(notebook: Notebook) -> list[tuple[int, str]]:
    """Return level and text of each heading."""
    found = list(parsed(notebook))
    return [
        (int(opening.tag[1:]), "".join(part.content for part in inline.children or []))
        for opening, inline in pairwise(found)
        if opening.type == "heading_open"
    ]


def anchors(notebook: Notebook) -> set[str]:
    """Return what can stand behind the # of a link: JupyterLab's names of the headings."""
    return {text.replace(" ", "-") for _, text in headings(notebook)}


def links(notebook: Notebook) -> list[str]:
    """Return the targets of all links and pictures."""
    found = []
    for token in parsed(notebook):
        if token.type in ("link_open", "image"):
            found.append(str(token.attrs.get("href") or token.attrs.get("src") or ""))
        elif token.type in ("html_inline", "html_block"):
            found += re.findall(r"""\b(?:href|src)=["']([^"']*)""", token.content)
    return found


def prose_leads(notebook: Notebook) -> Iterator[str]:
    """There are 8 to 25 words of prose for a line of code."""
    total, lines = words(notebook), sum(code_lines(cell) for cell in code_cells(notebook))
    low, high = WORDS_PER_LINE
    if not low * lines <= total <= high * lines:
        yield f"{total} words for {lines} lines of code; {low} to {high} words a line are wanted"


def heading_levels(notebook: Notebook) -> Iterator[str]:
    """The first heading is the only one of level 1, and no level is left out below."""
    found = headings(notebook)
    if [level for level, _ in found[:1]] != [1]:
        yield "the first heading is not of level 1"
    if len(titles := [text for level, text in found if level == 1]) > 1:
        yield f"more than one heading of level 1: {titles}"
    for (above, _), (level, text) in pairwise(found):
        if level > above + 1:
            yield f"heading {text!r} jumps from level {above} to level {level}"


def pictures_in_prose(notebook: Notebook) -> Iterator[str]:
    """Every picture in the text says in words what it shows."""
    for token in parsed(notebook):
        if token.type == "image" and not token.content.strip():
            yield f"picture without alt text: {token.attrs.get('src')}"
        elif token.type == "html_block":
            yield from unlabelled(token.content)
        elif token.type == "inline":
            parts = (part.content for part in token.children or [] if part.type != "code_inline")
            yield from unlabelled("".join(parts))


def links_resolve(notebook: Notebook, path: Path) -> Iterator[str]:
    """A relative link leads to a file, and behind its # to a heading of that notebook."""
    for link in links(notebook):
        parts = urlsplit(link)
        if parts.scheme in ("http", "https", "mailto"):
            continue
        target = path.parent / unquote(parts.path) if parts.path else path
        if parts.scheme or parts.netloc or parts.path.startswith("/"):
            yield f"link {link!r} is neither relative nor to the web"
        elif parts.path and not target.exists():
            yield f"link {link!r} leads to no file"
        elif parts.fragment and target.suffix == ".ipynb":
            other = notebook if target == path else read(target)
            if unquote(parts.fragment) not in anchors(other):
                yield f"link {link!r} leads to no heading"


PROSE_RULES = (prose_leads, heading_levels, pictures_in_prose)
