"""SECURITY.md: every claim names a test, and the test exists."""

from __future__ import annotations

import pytest

from netlab.serve_cli import TRANSPORTS
from tests.named_tests import ROOT, exists, missing_files, references, rows

PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
_, _, _CLAIMS = PAGE.partition("## Claims, and the test of each")
CLAIMS = [row for row in rows(_CLAIMS.partition("\n## ")[0]) if row[0] != "| claim"]


@pytest.mark.parametrize("reference", references(PAGE))
def test_a_test_that_is_named_exists(reference: str) -> None:
    assert exists(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "tests/test_nothing.py",
        "tests/test_security_page.py::test_that_nobody_wrote",
        "tests/test_security_page.py::test_a_test",  # the beginning of a name is no name
    ],
)
def test_one_that_does_not_exist_is_found(reference: str) -> None:
    assert references(f"as `{reference}` shows") == [reference]
    assert not exists(reference)


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0].strip("| ")[:60])
def test_every_claim_names_a_test(row: list[str]) -> None:
    assert len(row) == 2
    assert any("::" in reference for reference in references(row[1])), row


def test_there_are_claims_and_all_files_that_are_named_exist() -> None:
    assert len(CLAIMS) > 40
    assert missing_files(PAGE) == []


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_transport_has_a_threat_model(transport: str) -> None:
    assert f"`{transport}`" in PAGE
