"""Newer CPythons are found wherever they are, and nothing else is taken for one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import newer_pythons
from tools.newer_pythons import Python, find, is_for_all, lend, places

ANSWER = '["{implementation}", [3, {minor}], "{level}", "{prefix}", {no_gil}]'


def fake(
    folder: Path,
    minor: int,
    *,
    says: int | None = None,
    implementation: str = "cpython",
    level: str = "final",
    no_gil: str = "false",
) -> Path:
    """Make a program `python3.MINOR` that answers as a Python would."""
    program = folder / "bin" / f"python3.{minor}"
    program.parent.mkdir(parents=True, exist_ok=True)
    answer = ANSWER.format(
        implementation=implementation,
        minor=minor if says is None else says,
        level=level,
        prefix=folder,
        no_gil=no_gil,
    )
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    return program


def versions(*folders: Path) -> list[tuple[int, int]]:
    return [python.version for python in find(folder / "bin" for folder in folders)]


def test_each_newer_one_is_found_once_and_in_order(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = fake(here, 13)
    for folder, minor in ((here, 12), (here, 11), (there, 13), (there, 14), (here, 9)):
        fake(folder, minor)
    found = find([here / "bin", there / "bin", tmp_path / "nowhere"])
    assert [python.name for python in found] == ["python3.12", "python3.13", "python3.14"]
    assert found[1] == Python((3, 13), first, here)


def test_what_is_no_newer_cpython(tmp_path: Path) -> None:
    fake(tmp_path, 12, says=10)
    fake(tmp_path, 13, implementation="pypy")
    fake(tmp_path, 14, level="candidate")
    fake(tmp_path, 15, no_gil="true")
    shim = fake(tmp_path, 16)
    shim.write_text("#!/bin/sh\necho 'python3.16: not chosen' >&2\nexit 127\n")
    fake(tmp_path, 17).chmod(0o644)
    fake(tmp_path, 18).write_text("#!/bin/sh\necho 'hello'\n")
    (tmp_path / "bin" / "python3.12-config").write_text("")
    assert versions(tmp_path) == []


def test_a_real_python_answers() -> None:
    here = sys.version_info[:2]
    (found,) = (each for each in find([Path(sys.executable).parent], here) if each.version == here)
    assert found.prefix == Path(sys.prefix)


def test_where_is_looked(tmp_path: Path) -> None:
    for version in ("3.12.9", "3.12.10", "2.7.18"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
    found = list(places({"PATH": "/one:/two:", "PYENV_ROOT": str(tmp_path)}))
    assert [str(each).removeprefix(str(tmp_path)) for each in found[-4:]] == [
        "/one",
        "/two",
        "/versions/3.12.10/bin",
        "/versions/3.12.9/bin",
    ]


def test_a_folder_of_somebody_else_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    fake(tmp_path, 12)
    monkeypatch.setattr(Path, "glob", refuse)
    assert versions(tmp_path) == []
    assert list(places({"PATH": "/one", "PYENV_ROOT": "/root/.pyenv"})) == [Path("/one")]


def test_what_others_may_not_run_is_copied(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    python = Python((3, 12), fake(closed, 12), closed)
    (closed / "lib" / "test").mkdir(parents=True)
    closed.chmod(0o700)
    assert not is_for_all(python.program)
    assert is_for_all(Path("/bin/sh"))
    shell = Python((3, 13), Path("/bin/sh"), Path("/usr"))
    lend([python, shell], tmp_path / "lent")
    (copy,) = (tmp_path / "lent").iterdir()
    assert copy.name == "python3.12"
    assert (copy / "bin" / "python3.12").exists()
    assert not (copy / "lib" / "test").exists()


def test_a_copy_finds_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newer_pythons, "LENT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/somebody/else")
    prefix = tmp_path / "python3.12"
    copy = Python((3, 12), fake(prefix, 12), prefix)
    assert copy.environ["LD_LIBRARY_PATH"] == str(prefix / "lib")
    assert "PYTHONPATH" not in copy.environ
    other = Python((3, 12), copy.program, Path("/usr"))
    assert "LD_LIBRARY_PATH" not in other.environ


def test_none_is_said_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(newer_pythons, "places", list)
    assert newer_pythons.main([]) == 0
    assert capsys.readouterr().out == "newer CPythons: none on this machine\n"


def test_what_failed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(tmp_path, 12)
    fake(tmp_path, 13)
    monkeypatch.setattr(newer_pythons, "places", lambda: [tmp_path / "bin"])
    monkeypatch.setattr(newer_pythons, "run", lambda python, _: python.version == (3, 13))
    assert newer_pythons.main([]) == 1
    assert capsys.readouterr().out.endswith("failed on python3.13\n")
