"""Pages that name tests: `tests/core/test_names.py::test_one_name_written_differently`, say."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REFERENCE = re.compile(r"`(tests/[\w/.]+\.py(?:::test_\w+)?)`")
_FILE = re.compile(r"`((?:netlab|notebooks|tools|docs)/[\w/.-]+)`")


def references(page: str) -> list[str]:
    """Return the tests that a page names, each once."""
    return sorted(set(_REFERENCE.findall(page)))


def rows(page: str) -> list[list[str]]:
    """Return the rows of all tables in a page, with the bars at both ends."""
    return [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]


def exists(reference: str) -> bool:
    """Say whether the file is there, and the test in it."""
    path, _, name = reference.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    source = file.read_text("utf-8")
    return not name or bool(re.search(rf"^ *(async )?def {name}\(", source, re.MULTILINE))


def missing_files(page: str) -> list[str]:
    """Return the files and folders that a page names and that are not there."""
    return [name for name in _FILE.findall(page) if not (ROOT / name).exists()]
