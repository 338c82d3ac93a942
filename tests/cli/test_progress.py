"""`netlab progress`: one's own results, and those of a class as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from netlab import exercises
from netlab.cli import main
from netlab.exercises import ledger

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETLAB_HOME", str(tmp_path))
    return tmp_path


def test_ones_own(home: Path, capsys: Captured) -> None:
    ledger.record("00.greet", passed=False)
    ledger.record("00.greet", passed=True)
    assert main(["progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{home / 'progress.json'}: 1 of {len(exercises.all())} passed"
    assert "    ✓ passed  greet (2 times tried)" in lines
    assert "    ○ open  conversation" in lines


def test_a_class_as_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    files = []
    for name in ("=ada", "bob"):
        monkeypatch.setenv("NETLAB_HOME", str(tmp_path / name))
        ledger.record("00.greet", passed=name == "bob")
        files.append(str(Path(name, "progress.json")))
    monkeypatch.chdir(tmp_path)
    assert main(["progress", "--csv", *files]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 2 * len(exercises.all())
    greet = {row["file"]: row["state"] for row in rows if row["exercise"] == "greet"}
    assert greet == {"'=ada/progress.json": "tried", "bob/progress.json": "passed"}


def test_without_results_all_is_open(capsys: Captured) -> None:
    assert main(["progress", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["state"] for row in rows} == {"open"}


def test_a_file_that_cannot_be_read_is_one_sentence(home: Path, capsys: Captured) -> None:
    assert main(["progress", "no/such.json"]) == 1
    assert capsys.readouterr().err == "netlab progress: no/such.json: no such file\n"
    (home / "progress.json").write_text("{")
    assert main(["progress"]) == 1
    assert "is damaged" in capsys.readouterr().err
