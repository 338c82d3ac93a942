"""Whose notebook is it, and of which chapter?"""

from __future__ import annotations

from pathlib import Path

import pytest

from netlab.collecting.folder import empty_handed, handed_in

STEMS = ("00_start_here", "01_tcp_basics", "12_socketio_games", "appendix_instruments")


@pytest.mark.parametrize(
    ("path", "student", "chapter"),
    [
        ("ada/01_tcp_basics.ipynb", "ada", "01"),
        ("ada/notebooks/01_tcp_basics.ipynb", "ada", "01"),
        ("ada/assignment 1/01_tcp_basics-Copy1.ipynb", "ada", "01"),
        ("ada/homework.ipynb", "ada", ""),
        ("ada/appendix_instruments.ipynb", "ada", ""),
        ("ada_01_tcp_basics.ipynb", "ada", "01"),
        ("ada_01.ipynb", "ada", "01"),
        ("ada-12.ipynb", "ada", "12"),
        ("Ada Lovelace_123_assignsubmission_file_01_tcp_basics.ipynb",
         "Ada Lovelace_123_assignsubmission_file", "01"),
        ("team_00_01_tcp_basics.ipynb", "team_00", "01"),
        ("team_00_01.ipynb", "team_00", "01"),
        ("ada_99.ipynb", "ada_99", ""),
        ("ada.IPYNB", "ada", ""),
        ("01_tcp_basics.ipynb", "01_tcp_basics", "01"),
        ("=1+1\n_01.ipynb", "=1+1\n", "01"),
        ("ünï ‮ código_01.ipynb", "ünï ‮ código", "01"),
    ],
)  # fmt: skip
def test_student_and_chapter(tmp_path: Path, path: str, student: str, chapter: str) -> None:
    place = tmp_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    (found,) = handed_in(tmp_path, STEMS)
    assert (found.student, found.chapter, found.path) == (student, chapter, place)


def test_what_is_left_out(tmp_path: Path) -> None:
    for name in ("a/.ipynb_checkpoints/01-checkpoint.ipynb", "a/._01.ipynb", "a/notes.txt"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    (tmp_path / "b_01.ipynb").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert handed_in(tmp_path, STEMS) == []
    assert empty_handed(tmp_path, []) == ["a", "loop"]
