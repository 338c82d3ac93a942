"""The glossary and the error clinic, collected from the chapters."""

from pathlib import Path

import nbformat
import pytest

from tools.chapter_lists import Chapter, Source, clinic_page, collect, glossary_page, sentences
from tools.notebooks import NOTEBOOKS

ONE = Source("01_one", "01 · One")
TWO = Source("02_two", "02 · Two")
CHAPTERS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def chapter(tmp_path: Path, name: str, *cells: str) -> Chapter:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(c) for c in cells])
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return collect(path)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_gives_words_and_ailments(path: Path) -> None:
    found = collect(path)
    assert found.source.stem == path.stem
    assert len(found.words) >= 5
    assert len(found.ailments) >= 3
    for ailment in found.ailments:
        assert ailment.message
        assert len(ailment.columns) >= 2
        # In the list of all chapters there is no row above.
        told = " ".join(cell for _, cell in ailment.columns)
        assert "the same" not in told.split(";")[0].removeprefix("two threads removed the same")
        assert "above" not in told


def test_a_paragraph_of_words() -> None:
    text = (
        "**FIN**: *I have nothing more to send.* **RTT**, **RTO**: round trip; how long to wait. "
        "**ACK** (acknowledgement): it came. **Level**: as long as it is so; **edge**: once.\n"
        "**`wss:`**: WebSocket inside TLS."
    )
    found = [(word.terms, word.text, word.also) for word in sentences(text, ONE)]
    assert found == [
        (("FIN",), "*I have nothing more to send.*", ()),
        (("RTT", "RTO"), "round trip; how long to wait.", ()),
        (("ACK",), "(acknowledgement): it came.", ()),
        (("Level",), "as long as it is so; **edge**: once.", ("edge",)),
        (("`wss:`",), "WebSocket inside TLS.", ()),
    ]


def test_a_sentence_without_its_colon_is_refused() -> None:
    with pytest.raises(ValueError, match=r"01_one: cannot read '\*\*Port\*\* which program"):
        list(sentences("**Host**: which machine. **Port** which program.", ONE))


def test_a_term_of_two_chapters_is_listed_once_with_both(tmp_path: Path) -> None:
    chapters = [
        chapter(tmp_path, "01_one", "# 01 · One", "## Words\n\n**Frame**: a message."),
        chapter(tmp_path, "02_two", "# 02 · Two\n\n## Words\n\n**frame**: on the wire."),
    ]
    page = glossary_page(chapters)
    assert [line for line in page.splitlines() if line.casefold() == "frame"] == ["Frame"]
    assert "  a message. [01 · One](notebooks/01_one.ipynb#Words)" in page
    assert "  on the wire. [02 · Two](notebooks/02_two.ipynb#Words)" in page


def test_a_term_explained_along_with_another_leads_there(tmp_path: Path) -> None:
    one = chapter(tmp_path, "01_one", "# 01 · One", "## Words\n\n**TLS**: safe; **SSL**: was.")
    assert "SSL\n  See {term}`TLS`." in glossary_page([one])


CLINIC = """## Error clinic

Some words before.

| message | cause | remedy |
|---|---|---|
| `OSError: [Errno 98] in use` | busy; [there](00_zero.ipynb) | port 0 |
| no message, and silence | a `\\|` is lost | wait |

## Words
"""


def test_the_rows_of_a_clinic(tmp_path: Path) -> None:
    found = chapter(tmp_path, "01_one", "# 01 · One", CLINIC)
    assert [(one.group, one.plain) for one in found.ailments] == [
        ("OSError", "OSError: [Errno 98] in use"),
        ("", "no message, and silence"),
    ]
    assert found.ailments[0].columns == (
        ("cause", "busy; [there](notebooks/00_zero.ipynb)"),
        ("remedy", "port 0"),
    )


def test_the_clinic_gathers_by_exception_and_by_message(tmp_path: Path) -> None:
    other = CLINIC.replace("busy", "taken")
    both = [
        chapter(tmp_path, "01_one", "# 01 · One", CLINIC),
        chapter(tmp_path, "02_two", "# 02 · Two", other),
    ]
    page = clinic_page(both)
    assert page.count("## OSError") == page.count("\n`OSError: [Errno 98] in use`") == 1
    assert "{index} single: OSError: [Errno 98] in use" in page
    assert "*Cause*: busy" in page
    assert "*Cause*: taken" in page
    assert page.index("## OSError") < page.index("## Other signs")


def test_a_code_stands_first_where_the_message_does_not(tmp_path: Path) -> None:
    table = "## Error clinic\n\n| code | message | cause |\n|---|---|---|\n| `a` | `b` | c |\n"
    found = chapter(tmp_path, "02_two", "# 02 · Two", table)
    assert found.source == TWO
    assert [(one.message, one.columns) for one in found.ailments] == [
        ("`b`", (("code", "`a`"), ("cause", "c")))
    ]
