"""A notebook is read, and the place of an answer found, however it was left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlab.collecting import notebook
from netlab.collecting.notebook import Answer, NotTried, Unusable, find_answer, read_cells
from netlab.exercises import find

from .class_folder import CHECK, IMPORTS, RIGHT, cells_of

FAMILY = find("01.family")
STUB = "def family(text):\n    pass  # your code\n\n\nch01.family.check(family)"


@pytest.fixture
def stub(tmp_path: Path) -> notebook.Definitions:
    return notebook.stubs(cells_of(tmp_path, [IMPORTS, STUB]))["01.family"]


def found(folder: Path, stub: notebook.Definitions, *sources: str) -> object:
    return find_answer(cells_of(folder, sources), FAMILY, stub)


def test_what_was_handed_out_is_not_tried(tmp_path: Path, stub: notebook.Definitions) -> None:
    as_it_was = NotTried("as it was handed out")
    assert found(tmp_path, stub, IMPORTS, STUB) == as_it_was
    assert found(tmp_path, stub, IMPORTS, STUB.replace("# your code", "#  mine!")) == as_it_was
    apart = STUB.replace("\n\n\nch01", "\n\nprint(family('::1'))\nch01")
    assert found(tmp_path, stub, IMPORTS, apart) == as_it_was
    assert isinstance(found(tmp_path, stub, IMPORTS, "1 + 1"), NotTried)
    assert isinstance(found(tmp_path, stub), NotTried)


@pytest.mark.parametrize(
    "sources",
    [
        (IMPORTS, RIGHT + CHECK),
        (IMPORTS, RIGHT, CHECK),
        (IMPORTS, STUB, RIGHT, CHECK),
        (IMPORTS, "my_own = lambda text: 2\nch01.family.check(my_own)"),
        (IMPORTS, "%%time\n" + RIGHT + CHECK),
        (IMPORTS, "%matplotlib inline\n" + RIGHT + CHECK),
        (IMPORTS, RIGHT + "report = " + CHECK + "\nassert report"),
        (
            IMPORTS,
            RIGHT + "from netlab import exercises\nexercises.find('01.family').check(family)",
        ),
        (IMPORTS, RIGHT),  # the line is gone
        (IMPORTS, RIGHT + "# " + CHECK),
        ("this is no Python", IMPORTS, RIGHT + CHECK, "nor is this"),
    ],
)
def test_an_answer_is_found(
    tmp_path: Path, stub: notebook.Definitions, sources: tuple[str, ...]
) -> None:
    answer = found(tmp_path, stub, *sources)
    assert isinstance(answer, Answer)
    assert "import socket" in answer.whole[0]


def test_the_last_one_counts(tmp_path: Path, stub: notebook.Definitions) -> None:
    answer = found(tmp_path, stub, IMPORTS, RIGHT + CHECK, "x = 1\n" + RIGHT + CHECK, "y = 2")
    assert isinstance(answer, Answer)
    assert answer.cell == 4
    assert "x = 1" in answer.short[-1]
    assert len(answer.short) == 3  # two imports, and the cell


@pytest.mark.parametrize("source", ["def family(text:\n    pass\n" + CHECK, RIGHT + "x = = 1"])
def test_a_cell_that_is_no_python(tmp_path: Path, stub: notebook.Definitions, source: str) -> None:
    unusable = found(tmp_path, stub, IMPORTS, source)
    assert isinstance(unusable, Unusable)
    assert unusable.note.startswith("cell 3 is no Python: SyntaxError: ")
    assert "01.family" in notebook.named(cells_of(tmp_path, [IMPORTS, STUB, source]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "an empty file"),
        (b"  \n", "an empty file"),
        (b"%PDF-1.7", "no notebook (JSONDecodeError"),
        (b"\xff\xfe\x00", "no notebook (UnicodeDecodeError"),
        (b"[]", "no notebook (TypeError"),
        (b"{}", "no notebook (KeyError"),
        (b'{"cells": [1]}', "no notebook (TypeError"),
        (b'{"cells": [{"source": "x"}]}', "no notebook (KeyError"),
        (b"[" * 100_000, "no notebook (RecursionError"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(notebook.NoNotebook) as raised:
        read_cells(path)
    assert str(raised.value).startswith(why)


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(notebook.NoNotebook, match="cannot be read: No such file"):
        read_cells(tmp_path / "gone.ipynb")
    monkeypatch.setattr(notebook, "MAX_NOTEBOOK_BYTES", 10)
    (tmp_path / "long.ipynb").write_bytes(b"{" * 11)
    with pytest.raises(notebook.NoNotebook, match="longer than 10 bytes; clear its outputs"):
        read_cells(tmp_path / "long.ipynb")


def test_a_cell_that_breaks_the_parser_is_no_python(tmp_path: Path) -> None:
    (_, deep, null) = cells_of(tmp_path, ["x", "-" * 100_000 + "1", "a\0b"])
    assert (deep.tree, null.tree) == (None, None)
    assert deep.trouble
    assert null.trouble


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["cells", "cell_type", "source", "worksheets", "code"]), x
            )
        ),
    )
)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, what: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ipynb"
    path.write_text(json.dumps(what))
    try:
        read_cells(path)
    except notebook.NoNotebook:
        pass
