"""The glossary and the error clinic of the whole course, collected from its chapters.

A chapter's section *Words* is a paragraph in which each term stands in bold at the start of a
sentence; its section *Error clinic* is a table that begins with what the learner reads on the
screen. Nothing is written twice: what the site shows is what the chapters say.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.notebooks import read

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
# A term begins where a sentence does; the sentence before may end in emphasis or in code.
_SENTENCE_WITH_TERM = re.compile(r"(?<=[.!?*`)\"])\s+(?=\*\*)")
_HEAD = re.compile(r"(?P<terms>\*\*.+?\*\*(?:(?:,| and| or)\s+\*\*.+?\*\*)*)(?P<more>[^:]*?):\s+")
_LINK_BESIDE = re.compile(r"]\((?=[\w.-]+\.ipynb)")
_EXCEPTION = re.compile(r"(?:\w+\.)*(?P<name>\w*(?:Error|Exception|Timeout|Interrupt|Closed))\b")


@dataclass(frozen=True, order=True)
class Source:
    """The chapter that says it: its file's stem (`07_udp`) and its title (`07 · UDP`)."""

    stem: str
    title: str


@dataclass(frozen=True)
class Word:
    """One sentence of a section *Words*: what it explains, and what else it names in bold."""

    terms: tuple[str, ...]
    text: str
    source: Source
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ailment:
    """One row of an error clinic: the message, then each further column by its heading."""

    message: str
    columns: tuple[tuple[str, str], ...]
    source: Source

    @property
    def plain(self) -> str:
        """The message without Markdown's marks."""
        return self.message.replace("`", "").replace("*", "").replace("\\|", "|")

    @property
    def group(self) -> str:
        """The name of the exception in it, or an empty string."""
        found = _EXCEPTION.match(self.plain)
        return found["name"] if found else ""


@dataclass
class Chapter:
    """What a chapter gives to the two lists, in its order."""

    source: Source
    words: list[Word] = field(default_factory=list)
    ailments: list[Ailment] = field(default_factory=list)


def sentences(paragraph: str, source: Source) -> Iterator[Word]:
    """Yield the terms that a paragraph of a section *Words* explains.

    Raises:
        ValueError: a sentence does not begin with **term**, followed by a colon.
    """
    for sentence in _SENTENCE_WITH_TERM.split(" ".join(paragraph.split())):
        head = _HEAD.match(sentence)
        if head is None:
            raise ValueError(
                f"{source.stem}: cannot read {sentence!r} in its section Words; "
                "write **Term**: what it means."
            )
        more = head["more"].strip()
        text = f"{more}: {sentence[head.end() :]}" if more else sentence[head.end() :]
        terms = tuple(_BOLD.findall(head["terms"]))
        also = tuple(term for term in _BOLD.findall(text) if term not in terms)
        yield Word(terms, text.strip(), source, also)


def _rows(tokens: Iterable[Token]) -> Iterator[list[str]]:
    row: list[str] = []
    inside = False
    for token in tokens:
        if token.type in ("th_open", "td_open"):
            inside = True
        elif token.type in ("th_close", "td_close"):
            inside = False
        elif token.type == "inline" and inside:
            row.append(token.content)
        elif token.type == "tr_close":
            yield row
            row = []


def ailments(tokens: list[Token], source: Source) -> Iterator[Ailment]:
    """Yield the rows of the tables among a section's tokens.

    The column named *message* is what one looks for; without one it is the first.
    """
    header: list[str] = []
    for token, row in zip(_table_of_each_row(tokens), _rows(tokens), strict=True):
        if token == "header":
            header = row
            continue
        at = header.index("message") if "message" in header else 0
        rest = [(name, cell) for name, cell in zip(header, row, strict=True) if cell != row[at]]
        yield Ailment(row[at], tuple(rest), source)


def _table_of_each_row(tokens: list[Token]) -> Iterator[str]:
    kind = ""
    for token in tokens:
        if token.type in ("thead_open", "tbody_open"):
            kind = "header" if token.type == "thead_open" else "body"
        elif token.type == "tr_close":
            yield kind


def collect(path: Path) -> Chapter:
    """Return what the notebook at `path` gives to the glossary and to the error clinic.

    Raises:
        ValueError: its section *Words* is not written as this module reads it.
    """
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    # From one chapter to another, seen from the page of the list.
    text = _LINK_BESIDE.sub("](notebooks/", "\n\n".join(cells))
    tokens = _MARKDOWN.parse(text)
    sections: dict[str, list[Token]] = {}
    title = path.stem
    section: list[Token] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before and before.type == "heading_open" and before.tag in ("h1", "h2"):
            section = sections.setdefault(token.content, [])
            if before.tag == "h1":
                title = token.content
        else:
            section.append(token)
    chapter = Chapter(Source(path.stem, title))
    for token in sections.get("Words", ()):
        if token.type == "inline":
            chapter.words += sentences(token.content, chapter.source)
    chapter.ailments += ailments(sections.get("Error clinic", []), chapter.source)
    return chapter


def _link(source: Source, section: str) -> str:
    return f"[{source.title}](notebooks/{source.stem}.ipynb#{section.replace(' ', '-')})"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", ".*", "?*")) else text + "."


def glossary_page(chapters: Iterable[Chapter]) -> str:
    """Return the glossary as MyST: each term once, with what every chapter says about it."""
    said: dict[tuple[str, ...], list[Word]] = {}
    for chapter in chapters:
        for word in chapter.words:
            same = next((key for key in said if _folded(key) & _folded(word.terms)), word.terms)
            said.setdefault(same, []).append(word)
    known = set().union(*map(_folded, said)) if said else set()
    entries = []
    for terms, words in said.items():
        paragraphs = [f"{_sentence(word.text)} {_link(word.source, 'Words')}" for word in words]
        entries.append((terms, paragraphs))
        for term in dict.fromkeys(also for word in words for also in word.also):
            if term.casefold() not in known:
                known.add(term.casefold())
                entries.append(((term,), [f"See {{term}}`{terms[0].replace('`', '')}`."]))
    lines = ["# Glossary", "", "What each chapter calls by which name, from its section *Words*."]
    lines += ["", "```{glossary}"]
    for terms, paragraphs in sorted(entries, key=lambda entry: entry[0][0].strip("`").casefold()):
        lines += [term.replace("`", "") for term in terms]
        for paragraph in paragraphs:
            lines += [f"  {paragraph}", ""]
    return "\n".join([*lines, "```", ""])


def _folded(terms: Iterable[str]) -> set[str]:
    return {term.casefold() for term in terms}


def _index_entry(ailment: Ailment) -> str:
    # In an index entry a semicolon begins a second level.
    return f"```{{index}} single: {ailment.plain.replace(';', ',')}\n```"


def clinic_page(chapters: Iterable[Chapter]) -> str:
    """Return the error clinic as MyST: by exception, then by message, with cause and remedy."""
    groups: dict[str, dict[str, list[Ailment]]] = {}
    for chapter in chapters:
        for ailment in chapter.ailments:
            groups.setdefault(ailment.group, {}).setdefault(ailment.message, []).append(ailment)
    lines = ["# Error clinic", ""]
    lines += ["What you read on the screen, why, and what to do; from each chapter's own table."]
    lines += ["The numbers are Linux's; macOS and Windows have others, with the same names.", ""]
    for group in sorted(groups, key=lambda name: (not name, name.casefold())):
        lines += [f"## {group or 'Other signs'}", ""]
        for message, rows in sorted(groups[group].items(), key=lambda item: item[0].casefold()):
            lines += [_index_entry(rows[0]), "", message]
            for row in rows:
                told = (f"*{name.capitalize()}*: {_sentence(cell)}" for name, cell in row.columns)
                lines += [f": {' '.join(told)} {_link(row.source, 'Error clinic')}", ""]
    return "\n".join(lines)
