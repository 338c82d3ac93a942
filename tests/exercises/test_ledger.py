"""Results are kept: whole, whoever writes at the same time; and no check depends on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from netlab import exercises
from netlab.exercises import ledger

from . import code


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETLAB_HOME", str(tmp_path))
    monkeypatch.setattr(ledger, "_said", set())
    return tmp_path


def test_results_are_kept_by_chapter() -> None:
    assert set(exercises.progress()["00"].values()) == {"open"}
    assert ledger.record("00.greet", passed=False) == []
    assert exercises.progress()["00"]["greet"] == "tried"
    ledger.record("00.greet", passed=True)
    ledger.record("00.greet", passed=False)
    assert exercises.progress()["00"]["greet"] == "passed", "what has passed once stays passed"
    kept = ledger.results()["00.greet"]
    assert (kept["state"], kept["tries"]) == ("passed", 3)
    assert kept["first_passed"] <= kept["last_tried"]
    assert [*exercises.progress()][:1] + [*exercises.progress()][-1:] == ["00", "trials"]


def test_a_check_is_kept() -> None:
    assert not exercises.find("family").check(code.empty)
    assert exercises.progress()["01"]["family"] == "tried"


WRITER = """
import sys
from netlab.exercises import ledger
ledger.LOCK_S = 60.0
for number in range(20):
    notes = ledger.record(f"{sys.argv[1]}.{number}", passed=True)
    assert not notes, notes
    ledger.record("shared", passed=False)
"""


def test_kernels_that_write_at_the_same_time_lose_nothing() -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], stderr=subprocess.PIPE)
        for number in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    found = ledger.results()
    assert len(found) == 4 * 20 + 1
    assert found["shared"]["tries"] == 4 * 20


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"exercises": []}',
        b'{"exercises": {"a": {"state": "winner", "tries": 1}}}',
        b'{"exercises": {"a": 5}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_put_aside_and_said_once(damage: bytes, home: Path) -> None:
    (home / "progress.json").write_bytes(damage)
    assert set(exercises.progress()["00"].values()) == {"open"}
    notes = ledger.record("00.greet", passed=True)
    assert notes == ["the record of your results was damaged; it is now progress.damaged.json"]
    assert (home / "progress.damaged.json").read_bytes() == damage
    assert exercises.progress()["00"]["greet"] == "passed"
    (home / "progress.json").write_bytes(damage)
    assert ledger.record("00.greet", passed=True) == [], "it was said"


def test_a_folder_that_cannot_be_written_costs_no_check(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("no folder")
    monkeypatch.setenv("NETLAB_HOME", str(home / "file" / "below"))
    report = exercises.find("family").check(code.empty)
    assert report.failed_probe == "family('127.0.0.1')"
    assert "Note: your results are not kept: NotADirectoryError" in str(report)
    assert "Note:" not in str(exercises.find("family").check(code.empty))
    assert set(exercises.progress()["00"].values()) == {"open"}


def test_who_holds_the_lock_for_ever_costs_a_second(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOCK_S", 0.05)
    with ledger._lock(home / "progress.lock"):
        (note,) = ledger.record("00.greet", passed=True)
    assert note.startswith("your results are not kept: TimeoutError: another program has held")


def test_nothing_is_left_beside_the_file(home: Path) -> None:
    ledger.record("00.greet", passed=True)
    assert sorted(path.name for path in home.iterdir()) == ["progress.json", "progress.lock"]
    assert json.loads((home / "progress.json").read_text())["version"] == 1


def test_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ledger.path() == tmp_path / "progress.json"
    monkeypatch.delenv("NETLAB_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert ledger.path() == tmp_path / "data" / "netlab" / "progress.json"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert ledger.path() == Path.home() / ".local" / "share" / "netlab" / "progress.json"
