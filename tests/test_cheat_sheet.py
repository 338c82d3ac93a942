"""docs/cheat-sheet.md: every feature and every fault names a test, and the test exists."""

from __future__ import annotations

import re

import pytest

from tests.named_tests import ROOT, exists, missing_files, references, rows

PAGE = (ROOT / "docs" / "cheat-sheet.md").read_text("utf-8")
ROWS = rows(PAGE)


@pytest.mark.parametrize("reference", references(PAGE))
def test_a_test_that_is_named_exists(reference: str) -> None:
    assert exists(reference)


def test_all_sixty_four_faults_are_there_and_none_is_without_an_answer() -> None:
    numbered = [row for row in ROWS if re.fullmatch(r"\| \d+", row[0])]
    assert [int(row[0].strip("| ")) for row in numbered] == list(range(1, 65))
    for row in numbered:
        answer = row[2]
        assert "tests/" in answer or "cannot arise" in answer or "notebooks/" in answer, row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("| "))
def test_no_cell_is_empty(row: list[str]) -> None:
    assert len(row) == 3
    assert all(cell.strip(" |") for cell in row)


def test_files_that_are_named_exist() -> None:
    assert missing_files(PAGE) == []
