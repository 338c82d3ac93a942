"""What a page asks for, where it leads, and what can be led to in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself; an <a> or a <form> waits for a person.
FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
FETCHED_RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect"}
IN_STYLE = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


class Page(HTMLParser):
    """A parsed page: `fetched`, `links`, `ids`, `headings` (levels) and `unnamed` pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self._in_style = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Sort what the tag says into the lists."""
        given = {name: value or "" for name, value in attributes}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        self.fetched += [given[name] for name in FETCHED.get(tag, ()) if name in given]
        if tag == "link" and FETCHED_RELATIONS & set(given.get("rel", "").split()):
            self.fetched.append(given["href"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not given.get("alt"):
            self.unnamed.append(given.get("src", ""))
        self.fetched += in_style(given.get("style", ""))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """A style has ended."""
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        """What a style fetches."""
        if self._in_style:
            self.fetched += in_style(data)


def in_style(text: str) -> list[str]:
    """Return what a style sheet fetches."""
    return [first or second for first, second in IN_STYLE.findall(text)]


def is_foreign(address: str) -> bool:
    """Whether it leads to another host; `//host/…` does, `data:` does not."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ws", "wss")


def broken(page: Page, pages: dict[Path, Page]) -> list[str]:
    """Return what a page links to or fetches within the site, and is not there."""
    nowhere = []
    for link in [*page.links, *page.fetched]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        anchor = unquote(parts.fragment)
        known = pages[target].ids if target in pages else {anchor}
        if not target.is_file() or (anchor and anchor not in known):
            nowhere.append(link)
    return nowhere
