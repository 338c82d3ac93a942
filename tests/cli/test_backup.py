"""`netlab backup` and `netlab restore`: nothing is lost, and nothing strange comes out of a zip."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from netlab import backup
from netlab.cli import main

Captured = pytest.CaptureFixture[str]
PROGRESS = json.dumps(
    {"exercises": {"01.family": {"state": "passed", "tries": 2, "first_passed": None}}}
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The learner's NETLAB_HOME, with some progress."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "progress.json").write_text(PROGRESS)
    monkeypatch.setenv("NETLAB_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The learner's notebooks."""
    mine = tmp_path / "mine"
    for name in ("01.ipynb", "notes/own é.ipynb", ".netlab-course.json"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text(name)
    (mine / ".ipynb_checkpoints").mkdir()
    (mine / ".ipynb_checkpoints" / "01-checkpoint.ipynb").touch()
    return mine


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def test_there_and_back_again(home: Path, mine: Path, tmp_path: Path) -> None:
    assert main(["backup", "mine.zip", "--folder", str(mine)]) == 0
    (home / "progress.json").unlink()
    fresh = tmp_path / "fresh"
    assert main(["restore", "mine.zip", "--folder", str(fresh)]) == 0
    assert contents(fresh) == contents(mine)
    assert (home / "progress.json").read_text() == PROGRESS


def test_a_name_is_found_that_nothing_has(home: Path, mine: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert main(["backup", "--folder", str(mine)]) == 0
    first, second = sorted(tmp_path.glob("netlab-backup-*.zip"), key=lambda path: len(path.name))
    assert second.stem == f"{first.stem}-2"


def test_a_backup_holds_no_backup(home: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine)  # where a cell of the learner's runs
    for _ in range(2):
        assert main(["backup", "--folder", "."]) == 0
    for path in mine.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert not [name for name in archive.namelist() if name.endswith(".zip")]


def test_a_backup_overwrites_nothing(home: Path, mine: Path, capsys: Captured) -> None:
    Path("mine.zip").write_text("of yesterday")
    assert main(["backup", "mine.zip", "--folder", str(mine)]) == 2
    assert "mine.zip is there already" in capsys.readouterr().err
    assert Path("mine.zip").read_text() == "of yesterday"


def test_what_stands_there_is_kept_beside(home: Path, mine: Path, capsys: Captured) -> None:
    main(["backup", "mine.zip", "--folder", str(mine)])
    for number in ("", "-2"):
        (mine / "01.ipynb").write_text(f"later {number}")
        capsys.readouterr()
        assert main(["restore", "mine.zip", "--folder", str(mine)]) == 0
        assert (mine / "01.ipynb").read_text() == "01.ipynb"
        aside = f"01.before-restore{number}.ipynb"
        assert (mine / aside).read_text() == f"later {number}"
        out = capsys.readouterr().out
        assert "1 files restored, 3 were the same" in out
        assert f"now {aside}" in out


def test_progress_is_kept_beside_too(home: Path, mine: Path) -> None:
    main(["backup", "mine.zip", "--folder", str(mine)])
    later = PROGRESS.replace("passed", "tried", 1)
    (home / "progress.json").write_text(later)
    main(["restore", "mine.zip", "--folder", str(mine)])
    assert (home / "progress.json").read_text() == PROGRESS
    assert (home / "progress.before-restore.json").read_text() == later


def write_zip(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notebooks/good.ipynb", b"good")
        for name, data in files:
            archive.writestr(name, data)


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("notebooks/link.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("../evil.ipynb", b"", "not of a backup"),
        ("notebooks/../../evil.ipynb", b"", "not of a backup"),
        ("/etc/evil", b"", "not of a backup"),
        ("notebooks/C:/evil", b"", "not of a backup"),
        ("notebooks\\..\\evil", b"", "not of a backup"),
        ("evil.py", b"", "not of a backup"),
        ("notebooks", b"", "not of a backup"),
        ("notebooks/out/evil.ipynb", b"", "outside of"),
        (link(), b"/etc/passwd", "is a link"),
        ("progress.json", b"no progress", "is damaged"),
        ("notebooks/large.ipynb", bytes(backup.MAX_FILE_BYTES + 1), "bytes; up to"),
    ],
)
def test_nothing_is_written_of_a_zip_that_is_strange(
    home: Path,
    tmp_path: Path,
    name: str | zipfile.ZipInfo,
    data: bytes,
    why: str,
    capsys: Captured,
) -> None:
    write_zip(tmp_path / "evil.zip", (name, data))
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    before = contents(tmp_path)
    assert main(["restore", "evil.zip", "--folder", str(folder)]) == 1
    err = capsys.readouterr().err
    assert why in err
    assert "\n" not in err.strip()
    assert contents(tmp_path) == before


def test_too_many_files(home: Path, tmp_path: Path, capsys: Captured) -> None:
    write_zip(tmp_path / "many.zip", *((f"notebooks/{n}", b"") for n in range(backup.MAX_FILES)))
    assert main(["restore", "many.zip", "--folder", "fresh"]) == 1
    assert "files are too many" in capsys.readouterr().err
    assert not Path("fresh").exists()


def test_a_zip_that_lies_about_a_size(home: Path, tmp_path: Path, capsys: Captured) -> None:
    write_zip(tmp_path / "bomb.zip", ("notebooks/bomb.ipynb", b"a" * 1_000_000))
    data = (tmp_path / "bomb.zip").read_bytes()
    size = (1_000_000).to_bytes(4, "little")
    assert data.count(size) == 2  # in the file's header and in the directory at the end
    (tmp_path / "bomb.zip").write_bytes(data.replace(size, (10).to_bytes(4, "little")))
    assert main(["restore", "bomb.zip", "--folder", "fresh"]) == 1
    assert "no zip file, or damaged" in capsys.readouterr().err
    assert not Path("fresh").exists()


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 100])
def test_what_is_no_zip(home: Path, data: bytes, capsys: Captured) -> None:
    Path("no.zip").write_bytes(data)
    assert main(["restore", "no.zip", "--folder", "fresh"]) == 1
    assert "no zip file, or damaged" in capsys.readouterr().err


def test_files_and_folders_that_are_not_there(home: Path, capsys: Captured) -> None:
    assert main(["restore", "none.zip", "--folder", "fresh"]) == 1
    assert "none.zip: No such file" in capsys.readouterr().err
    assert main(["backup", "--folder", "none"]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_nothing_to_keep(home: Path, tmp_path: Path, capsys: Captured) -> None:
    (home / "progress.json").unlink()
    (tmp_path / "empty").mkdir()
    assert main(["backup", "--folder", "empty"]) == 2
    assert "there is nothing to keep" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.zip"))
