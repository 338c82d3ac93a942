"""`netlab release`: a copy of the course that works, and holds no solution and no output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from netlab import exercises
from netlab.cli import main
from netlab.exercises.grade import folder

from .programs import ROOT

CHAPTER_S = 120.0
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("release") / "course"
    assert main(["release", str(target)]) == 0
    return target


def run_there(copy: Path, program: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=copy / "notebooks",
        env=env,
        capture_output=True,
        text=True,
        timeout=CHAPTER_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_solution_is_in_it(copy: Path) -> None:
    assert not (copy / "netlab" / "exercises" / "solutions").exists()
    assert not (copy / "tests").exists()
    assert not list(copy.rglob("__pycache__"))
    texts = [path.read_bytes() for path in copy.rglob("*") if path.is_file()]
    solutions = ROOT / "netlab" / "exercises" / "solutions"
    for exercise in exercises.all():
        source = (solutions / folder(exercise.chapter) / f"{exercise.file_name}.py").read_bytes()
        body = source.strip()[-100:]
        assert not [text for text in texts if body in text], exercise.id


def test_no_output_is_in_it_and_nothing_else_is_missing(copy: Path) -> None:
    names = [path.name for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert names
    for name in names:
        ours = json.loads((ROOT / "notebooks" / name).read_text())
        theirs = json.loads((copy / "notebooks" / name).read_text())
        nbformat.validate(nbformat.from_dict(theirs))
        assert [cell["source"] for cell in theirs["cells"]] == [
            cell["source"] for cell in ours["cells"]
        ]
        code = [cell for cell in theirs["cells"] if cell["cell_type"] == "code"]
        assert {(len(cell["outputs"]), cell["execution_count"]) for cell in code} == {(0, None)}
    for name in ("README.md", "LICENSE", "pyproject.toml", "environment.yml", "Makefile"):
        assert (copy / name).read_bytes() == (ROOT / name).read_bytes()


def test_check_works_there_and_the_teacher_holds_the_solution(copy: Path) -> None:
    out = run_there(
        copy,
        "import netlab, sys\n"
        "from netlab import exercises\n"
        "family = exercises.find('01.family')\n"
        "sys.stdout.write(f'{netlab.__file__}\\n{family.solution()}\\n')\n"
        "sys.stdout.write(str(family.check(lambda text: 2)))\n",
    )
    place, solution, *report = out.splitlines()
    assert Path(place).is_relative_to(copy)
    assert solution == "Your teacher holds the solutions of this copy of the course."
    assert report[0] == "NOT YET  Which family?: family('::1')"


RUN_CHAPTER = """
import json, sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("00_start_here.ipynb", as_version=4)
notebook.cells.insert(0, nbformat.v4.new_code_cell("import netlab; netlab.__file__"))
NotebookClient(notebook, timeout=120).execute()
sys.stdout.write(notebook.cells[0].outputs[0]["data"]["text/plain"])
sys.stdout.write(str(json.dumps(notebook).count("NOT YET")))
"""


def test_a_chapter_runs_there(copy: Path) -> None:
    out = run_there(copy, RUN_CHAPTER)
    place, _, stubs = out.rpartition("'")
    assert str(copy) in place
    assert int(stubs) >= 3


def test_it_overwrites_nothing(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "mine").write_text("dear to me")
    for target in (tmp_path, tmp_path / "mine"):
        assert main(["release", str(target)]) == 2
        assert "is there already; choose a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_it_does_not_copy_into_itself(capsys: Captured) -> None:
    assert main(["release", str(ROOT / "docs" / "copy")]) == 2
    assert "lies in what is to be copied" in capsys.readouterr().err


def test_a_folder_without_the_course_is_refused(tmp_path: Path, capsys: Captured) -> None:
    assert main(["release", str(tmp_path / "new"), "--from", str(tmp_path)]) == 2
    assert f"there is no course in {tmp_path}" in capsys.readouterr().err


def test_a_copy_is_no_source(copy: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["release", str(tmp_path / "new"), "--from", str(copy)]) == 2
    assert "is a copy without solutions itself" in capsys.readouterr().err
