"""Each rule about code cells is shown to fail on a small bad notebook, and to pass a good one."""

from collections.abc import Callable, Iterator

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import cell_rules
from tools.notebooks import Notebook, normalised

Rule = Callable[[Notebook], Iterator[str]]
LABELLED = '<svg role="img" aria-label="two arrows"><path/></svg>'


def cell(
    source: str = "1",
    *outputs: Notebook,
    count: int | None = 1,
    tags: tuple[str, ...] = (),
    raises: str | None = None,
) -> Notebook:
    metadata: dict[str, object] = {"tags": list(tags)} if tags else {}
    if raises:
        metadata["netlab"] = {"raises": raises}
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


def cells(count: int) -> list[Notebook]:
    return [cell() for _ in range(count)]


def book(*cells: Notebook) -> Notebook:
    return new_notebook(cells=list(cells))


def printed(text: str) -> Notebook:
    return new_output("stream", name="stdout", text=text)


def drawn(kind: str, data: str, metadata: dict[str, object] | None = None) -> Notebook:
    return new_output("display_data", data={kind: data}, metadata=metadata or {})


def error(ename: str = "OSError", evalue: str = "no", traceback: str = "") -> Notebook:
    return new_output("error", ename=ename, evalue=evalue, traceback=[traceback])


RAISES = ("raises-exception",)
BAD: list[tuple[Rule, Notebook, str]] = [
    (cell_rules.was_run, book(cell(count=None)), "has the count None, expected 1"),
    (cell_rules.was_run, book(cell(), cell("2", count=3)), "'2' has the count 3, expected 2"),
    (cell_rules.announced_errors, book(cell("f()", error())), "announces None and raised"),
    (
        cell_rules.announced_errors,
        book(cell("f()", tags=RAISES, raises="OSError")),
        "announces OSError and raised nothing",
    ),
    (
        cell_rules.announced_errors,
        book(cell("f()", error("ValueError"), tags=RAISES, raises="OSError")),
        "announces OSError and raised ['ValueError']",
    ),
    (cell_rules.announced_errors, book(cell("f()", error(), tags=RAISES)), "needs both"),
    (cell_rules.announced_errors, book(cell("f()", raises="OSError")), "needs both"),
    (cell_rules.announced_errors, book(cell("# NBVAL_RAISES_EXCEPTION\nf()")), "in a comment"),
    (cell_rules.compared_outputs, book(cell("# NBVAL_SKIP\nf()")), "is skipped"),
    (cell_rules.compared_outputs, book(cell("f()", tags=("nbval-skip",))), "is skipped"),
    (
        cell_rules.compared_outputs,
        book(cell("# NBVAL_IGNORE_OUTPUT\nf()"), *cells(18)),
        "1 of 19 outputs ignored",
    ),
    (cell_rules.short_cells, book(cell("x\n" * 8), *cells(8)), "1 of 9 cells"),
    (
        cell_rules.folded_answers,
        book(cell('predict("?", [1, 2], answer=1)')),
        "is there to be read",
    ),
    (cell_rules.no_sleep, book(cell("import time\ntime.sleep(1)")), "sleeps"),
    (cell_rules.no_sleep, book(cell("await asyncio.sleep (1)")), "sleeps"),
    (cell_rules.portable_outputs, book(cell("f()", printed("in /home/ann/x.py"))), "/home/ann"),
    (cell_rules.portable_outputs, book(cell("f()", printed("'/tmp/s.sock'"))), "/tmp/s.sock"),
    (cell_rules.portable_outputs, book(cell("f()", printed("in ~/x.py"))), "~/x.py"),
    (cell_rules.portable_outputs, book(cell("f()", printed(r"C:\Users\ann"))), "Users"),
    (
        cell_rules.portable_outputs,
        book(cell("f()", error(traceback="\x1b[31mFile \x1b[32m/home/ada/x.py\x1b[0m"))),
        "/home/ada/x.py",
    ),
    (
        cell_rules.portable_outputs,
        book(cell("f()", error(evalue="127.0.0.1:45123 is in use"))),
        "127.0.0.1:45123",
    ),
    (
        cell_rules.portable_outputs,
        book(cell("f()", error(traceback="connect(('127.0.0.1', 45123))"))),
        "127.0.0.1', 45123",
    ),
    (cell_rules.alt_texts, book(cell("f()", drawn("text/html", "<svg><path/></svg>"))), "role="),
    (
        cell_rules.alt_texts,
        book(cell("f()", drawn("image/svg+xml", LABELLED + '<svg role="img"><title/></svg>'))),
        "without aria-label or <title>",
    ),
    (cell_rules.alt_texts, book(cell("f()", drawn("text/html", '<img src="x">'))), "without alt"),
    (cell_rules.alt_texts, book(cell("f()", drawn("image/png", "iVBOR"))), "without alt text"),
    (cell_rules.ends_clean, book(), "does not show"),
    (
        cell_rules.ends_clean,
        book(cell("leftovers()", printed("nothing left behind")), cell("f()", printed("more"))),
        "does not show",
    ),
]


@pytest.mark.parametrize(("rule", "notebook", "complaint"), BAD)
def test_a_bad_notebook_is_found(rule: Rule, notebook: Notebook, complaint: str) -> None:
    assert complaint in "\n".join(rule(notebook))


def test_every_rule_has_a_bad_notebook() -> None:
    assert {rule for rule, _, _ in BAD} | {cell_rules.normal_form} == set(cell_rules.CELL_RULES)


def good() -> Notebook:
    code = [
        cell("print('/etc/hosts', 'http://example.test/home/page')", printed("/etc/hosts")),
        cell("f()", error(traceback="…/python3.11/socket.py"), tags=RAISES, raises="OSError"),
        cell("draw()", drawn("image/svg+xml", LABELLED)),
        cell("draw()", drawn("text/html", '<svg role="img"><title>two arrows</title></svg>')),
        cell("draw()", drawn("text/plain", "'<svg>'")),
        cell("draw()", drawn("image/png", "iVBOR", {"image/png": {"alt": "a curve"}})),
        cell("server.address", printed("127.0.0.1:PORT")),
        cell("\n\n".join(["x = 1"] * 7)),
        cell("x\n" * 8),
        *cells(11),
        cell("leftovers()", printed("threads: nothing left behind")),
    ]
    for number, each in enumerate(code, start=1):
        each.execution_count = number
    return normalised(book(new_markdown_cell("# Good"), *code))


@pytest.mark.parametrize("rule", cell_rules.CELL_RULES)
def test_a_good_notebook_passes(rule: Rule) -> None:
    assert list(rule(good())) == []


def test_one_ignored_output_in_twenty_passes() -> None:
    notebook = book(cell("# NBVAL_IGNORE_OUTPUT\nf()"), *cells(19))
    assert list(cell_rules.compared_outputs(notebook)) == []


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda book: book.metadata.update(widgets={}), "metadata is"),
        (lambda book: book.metadata.language_info.update(version="3.11.7"), "metadata is"),
        (lambda book: book.update(nbformat_minor=4), "nbformat_minor is 4"),
        (lambda book: book.cells[1].metadata.update(execution={}), "metadata is not as"),
        (lambda book: book.cells[2].outputs[0].update(traceback=["/x/python3.11/a"]), "outputs"),
    ],
)
def test_what_changes_from_run_to_run_is_found(
    spoil: Callable[[Notebook], None], complaint: str
) -> None:
    notebook = good()
    spoil(notebook)
    assert complaint in "\n".join(cell_rules.normal_form(notebook))
