"""Each rule about text cells is shown to fail on a small bad notebook, and to pass a good one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import prose_rules
from tools.notebooks import Notebook, as_file

Rule = Callable[[Notebook], Iterator[str]]


def book(*texts: str, code: str = "") -> Notebook:
    cells = [new_markdown_cell(text) for text in texts]
    return new_notebook(cells=[*cells, *([new_code_cell(code)] if code else [])])


BAD: list[tuple[Rule, Notebook, str]] = [
    (prose_rules.prose_leads, book("word " * 15, code="a\nb"), "15 words for 2 lines"),
    (prose_rules.prose_leads, book("word " * 26, code="a"), "26 words for 1 lines"),
    (prose_rules.prose_leads, book("```\n" + "word " * 20 + "\n```", code="a"), "0 words"),
    (prose_rules.heading_levels, book("text"), "the first heading is not of level 1"),
    (prose_rules.heading_levels, book("## Two", "# One"), "the first heading is not of level 1"),
    (prose_rules.heading_levels, book("# One", "# Again"), "['One', 'Again']"),
    (prose_rules.heading_levels, book("# One\n\n### Three"), "'Three' jumps from level 1"),
    (prose_rules.pictures_in_prose, book("![](a.svg)"), "picture without alt text: a.svg"),
    (prose_rules.pictures_in_prose, book('<img src="a.svg">'), "<img> without alt"),
    (prose_rules.pictures_in_prose, book("<svg><path/></svg>"), "<svg> without role"),
]
GOOD: list[tuple[Rule, Notebook]] = [
    (prose_rules.prose_leads, book("word " * 16, code="a\n\nb")),
    (
        prose_rules.prose_leads,
        book("word " * 40, "<details>word <b>word</b></details>", code="a\nb"),
    ),
    (prose_rules.heading_levels, book("# One\n\n## Two\n\n### Three", "## Two")),
    (prose_rules.heading_levels, book("# One\n\n```sh\n# no heading\n```")),
    (
        prose_rules.pictures_in_prose,
        book("`<svg>`, ![two arrows](a.svg)", '<img alt="a" src="a.svg">'),
    ),
]


@pytest.mark.parametrize(("rule", "notebook", "complaint"), BAD)
def test_a_bad_notebook_is_found(rule: Rule, notebook: Notebook, complaint: str) -> None:
    assert complaint in "\n".join(rule(notebook))


@pytest.mark.parametrize(("rule", "notebook"), GOOD)
def test_a_good_notebook_passes(rule: Rule, notebook: Notebook) -> None:
    assert list(rule(notebook)) == []


def test_every_rule_has_a_bad_and_a_good_notebook() -> None:
    assert {rule for rule, _, _ in BAD} == set(prose_rules.PROSE_RULES)
    assert {rule for rule, _ in GOOD} == set(prose_rules.PROSE_RULES)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "other chapter.ipynb").write_text(as_file(book("# Other\n\n## Its `recv` part")))
    (tmp_path / "LICENSE").touch()
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks" / "this.ipynb"


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("../gone.md", "leads to no file"),
        ("LICENSE", "leads to no file"),
        ("#My-Part", "leads to no heading"),
        ("../other%20chapter.ipynb#its-recv-part", "leads to no heading"),
        ("/LICENSE", "neither relative nor to the web"),
        ("attachment:a.png", "neither relative nor to the web"),
    ],
)
def test_a_dead_link_is_found(course: Path, link: str, complaint: str) -> None:
    for text in (f"[there]({link})", f'<a href="{link}">there</a>', f"![there]({link})"):
        found = list(prose_rules.links_resolve(book(f"# My part\n\n{text}"), course))
        assert len(found) == 1
        assert complaint in found[0]


@pytest.mark.parametrize(
    "link",
    [
        "../LICENSE",
        "#My-part",
        "../other%20chapter.ipynb#Its-recv-part",
        "../other%20chapter.ipynb",
        "https://www.rfc-editor.org/rfc/rfc9293#section-3",
    ],
)
def test_a_live_link_passes(course: Path, link: str) -> None:
    notebook = book(f"# My part\n\n[there]({link}), in code `[x](gone)` is none")
    assert list(prose_rules.links_resolve(notebook, course)) == []
