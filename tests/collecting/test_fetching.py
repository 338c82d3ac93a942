"""An answer comes out of its process as bytes, whatever the learner's cells do in there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.collecting import fetching
from netlab.collecting.fetching import NoAnswer, fetch
from netlab.collecting.notebook import Answer, find_answer
from netlab.exercises import find
from netlab.exercises.nursery import Nursery
from netlab.exercises.subjects import Pickled

from .class_folder import CHECK, IMPORTS, RIGHT, cells_of

FAMILY = find("01.family")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery(FAMILY.modules.union(fetching.MODULES)) as one:
        one.launch()
        yield one


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETLAB_HOME", str(tmp_path))


def answer_of(folder: Path, *sources: str) -> Answer:
    answer = find_answer(cells_of(folder, [IMPORTS, *sources]), FAMILY, None)
    assert isinstance(answer, Answer)
    return answer


def fetched(nursery: Nursery, folder: Path, *sources: str) -> Pickled:
    return fetch(nursery, FAMILY, answer_of(folder, *sources), folder)


def passes(nursery: Nursery, folder: Path, *sources: str) -> bool:
    return FAMILY.check(fetched(nursery, folder, *sources), nursery=nursery).passed


@pytest.mark.parametrize(
    "sources",
    [
        (RIGHT + CHECK,),
        (RIGHT, CHECK),
        (RIGHT,),
        (RIGHT + "assert " + CHECK + ".passed\n" + CHECK + ".failed_probe",),
        (RIGHT + CHECK + "\nraise RuntimeError('afterwards')",),
        (RIGHT + "import asyncio\nawait asyncio.sleep(0)\n" + CHECK,),
        ("%%time\n" + RIGHT + CHECK,),
        ("%pwd\n!true\n" + RIGHT + CHECK,),
        (RIGHT + "ch01.family.show(family)\n" + CHECK,),
        (RIGHT + "print('x' * 10_000_000)\n" + CHECK,),
        ("raise RuntimeError('an experiment')", RIGHT + CHECK),
        ("while True: pass", RIGHT + CHECK),  # it is not needed, and not run
        ("kinds = []", "kinds += [socket.AF_UNIX]", RIGHT.replace("socket.AF_UNIX", "kinds[0]"),
         CHECK),
        # What the estimate misses: the short way fails, and so all cells are run.
        ("exec('kinds = [socket.AF_UNIX]')", RIGHT.replace("socket.AF_UNIX", "kinds[0]") +
         "family('/x')\n" + CHECK),
        ("from os.path import *", RIGHT.replace("text.st", "basename(text) and text.st") +
         CHECK),
    ],
)  # fmt: skip
def test_a_right_answer(nursery: Nursery, tmp_path: Path, sources: tuple[str, ...]) -> None:
    assert passes(nursery, tmp_path, *sources)


def test_a_module_beside_the_notebook_goes_along(nursery: Nursery, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import socket\n" + RIGHT)
    (tmp_path / "selectors.py").write_text("raise RuntimeError('not meant for you')")
    assert passes(nursery, tmp_path, "import mine, asyncio\nch01.family.check(mine.family)")


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        ("import sys\nsys.exit(3)\n" + RIGHT + CHECK, "its cells called sys.exit(3)"),
        ("import os\nos._exit(3)\n" + RIGHT + CHECK, "nothing: its process ended with exit stat"),
        ("import os\nos.kill(os.getpid(), 9)\n" + CHECK, "nothing: its process was ended by sig"),
        ("x = bytearray(1 << 40)\n" + CHECK, "its cells used more memory than they may"),
        ("1 / 0\n" + CHECK, "its cells raised ZeroDivisionError: division by zero"),
        ("input()\n" + CHECK, "its cells raised EOFError"),
        ("ch01.family.check('127.0.0.1:9000')", "check was given a str; pass it the function"),
        ("ch01.family.check(None)", "check was given a NoneType"),
        ("if False: " + CHECK, "its cell was run and checked nothing"),
        ("from threading import Lock\nclass family:\n    lock = Lock()\n" + CHECK,
         "the code cannot leave its process: TypeError: cannot pickle"),
        ("class family:\n    data = bytes(20 << 20)\n" + CHECK, "the code needs 2097"),
    ],
)  # fmt: skip
def test_no_answer(nursery: Nursery, tmp_path: Path, sources: str, why: str) -> None:
    with pytest.raises(NoAnswer) as raised:
        fetched(nursery, tmp_path, sources)
    assert str(raised.value).startswith(why)
    assert passes(nursery, tmp_path, RIGHT + CHECK)  # the next one has its turn


def test_who_kills_the_nursery_kills_himself(tmp_path: Path) -> None:
    kill = "import os, signal\nos.kill(os.getppid(), 9)\nsignal.pause()\n"
    with Nursery(fetching.MODULES) as nursery:
        with pytest.raises(NoAnswer, match="nothing: its process"):
            fetched(nursery, tmp_path, kill + CHECK)
        assert passes(nursery, tmp_path, RIGHT + CHECK)  # in a new one


def test_cells_that_hang(nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "RUN_S", 0.5)
    with pytest.raises(NoAnswer, match=r"its cells still ran after 0\.5 s"):
        fetched(nursery, tmp_path, "while True: print('x')\n" + CHECK)


def test_what_it_started_ends_with_it(nursery: Nursery, tmp_path: Path) -> None:
    start = (
        "import os, subprocess, pathlib\n"
        "child = subprocess.Popen(['sleep', '100'], start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path)!r}, 'pid').write_text(str(child.pid))\n"
    )
    fetched(nursery, tmp_path, start + RIGHT + CHECK)
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


FORGERY = """
import builtins
from netlab.exercises import grade, report
grade.Exercise.check = lambda *_: True
report.Report.passed = True
ch01.family.rules = ch01.family.probes = ()
print("PASSED  Which family?: nothing that was tried broke it")
def family(text): return 7
"""


def test_a_forged_examiner_stays_in_its_process(nursery: Nursery, tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):  # its own check notes nothing
        fetched(nursery, tmp_path, FORGERY + CHECK)
    late = RIGHT.replace("family(", "right(") + "def family(text): return 7\n" + CHECK + FORGERY
    assert not passes(nursery, tmp_path, late)


def test_the_answer_is_read_in_a_process_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    spy = (
        "import os, pathlib\n"
        "def note(place):\n"
        "    pathlib.Path(place).write_text(str(os.getpid()))\n"
        "    return lambda text: 7\n"
        "class Spy:\n"
        "    def __call__(self): pass\n"
        f"    def __reduce__(self): return note, ({str(tmp_path / 'read by')!r},)\n"
        "ch01.family.check(Spy())"
    )
    code = fetched(nursery, tmp_path, spy)
    assert not (tmp_path / "read by").exists()
    assert not FAMILY.check(code, nursery=nursery).passed
    assert int((tmp_path / "read by").read_text()) != os.getpid()
