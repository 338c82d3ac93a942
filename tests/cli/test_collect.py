"""`netlab collect`: every student gets rows, whatever the others have handed in."""

from __future__ import annotations

import csv
import io
import os
import signal
import threading
from pathlib import Path

import pytest

from netlab.cli import main
from netlab.collecting.supervisor import Supervisor, Unread
from netlab.collecting.worker import Job, Judged
from tests.collecting.class_folder import CHECK, IMPORTS, RIGHT, write

from .programs import ROOT, netlab, netlab_once

Captured = pytest.CaptureFixture[str]
Rows = dict[str, dict[str, dict[str, str]]]
WRONG = "def family(text):\n    return socket.AF_INET\n" + CHECK
HANG_S = 8.0
"""seconds that an exercise may take here: enough for an honest one on a busy machine"""


def rows_of(text: str) -> Rows:
    """Return the rows by student and exercise."""
    found: Rows = {}
    for row in csv.DictReader(io.StringIO(text)):
        found.setdefault(row["student"], {})[row["exercise"]] = row
    return found


def collected(capsys: Captured, *arguments: str) -> Rows:
    assert main(["collect", *arguments, "--csv", "-"]) == 0
    return rows_of(capsys.readouterr().out)


def test_a_class(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "zoe").mkdir()
    handed_out = ROOT / "notebooks" / "01_tcp_basics.ipynb"
    (tmp_path / "idle_01.ipynb").write_bytes(handed_out.read_bytes())
    (tmp_path / "bits_01.ipynb").write_bytes(b"\x00\xff" * 1000)
    write(tmp_path / "ada" / "01_tcp_basics.ipynb", IMPORTS, RIGHT + CHECK)
    write(tmp_path / "=cmd|'; calc'!A0 \x1b[2J_01.ipynb", IMPORTS, WRONG)
    write(tmp_path / os.fsdecode(b"caf\xe9_01.ipynb"), IMPORTS, "exit\nimport sys\nsys.exit()")
    write(tmp_path / "exit_01.ipynb", IMPORTS, "import sys\nsys.exit()\n" + CHECK)
    write(tmp_path / "chat.ipynb", "1 + 1")
    write(
        tmp_path / "flood_01.ipynb",
        IMPORTS,
        "def family(text):\n    print('x' * 10**7)\n    return bytearray(1 << 40)\n" + CHECK,
    )
    found = collected(capsys, str(tmp_path), "--jobs", "2")
    said = {student: (row.get("family") or row[""])["verdict"] for student, row in found.items()}
    odd = r"'=cmd|'; calc'!A0 \x1b[2J"
    assert said == {
        "ada": "passed",
        "bits": "error",
        r"caf\udce9": "not tried",
        "chat": "not tried",
        odd: "failed",
        "exit": "error",
        "flood": "failed",
        "idle": "not tried",
        "zoe": "not tried",
    }
    assert found[odd]["family"]["first_failing_probe"] == "family('::1')"
    assert "expected: socket.AF_INET6; got: " in found[odd]["family"]["note"]
    assert "called sys.exit(None)" in found["exit"]["family"]["note"]
    assert found["bits"][""]["note"].startswith("no notebook (")
    assert found["chat"][""]["note"].startswith("no answers")
    assert found["zoe"][""]["note"] == "no notebook was handed in"
    assert found["idle"]["echo_server"]["note"] == "as it was handed out"
    assert found["ada"]["echo_server"]["verdict"] == "not tried"
    assert float(found["ada"]["family"]["seconds"]) > 0
    assert found["ada"]["family"]["notebook"] == str(Path("ada", "01_tcp_basics.ipynb"))


def test_who_has_not_handed_in_what_was_asked_for(tmp_path: Path, capsys: Captured) -> None:
    write(tmp_path / "ada_01.ipynb", IMPORTS, RIGHT + CHECK)
    write(tmp_path / "bob_00.ipynb", IMPORTS)
    found = collected(capsys, str(tmp_path), "--chapter", "01")
    assert found["ada"]["family"]["verdict"] == "passed"
    assert list(found["bob"]) == list(found["ada"])
    assert found["bob"]["family"]["note"] == "no notebook was handed in"


def test_a_file_and_a_table(tmp_path: Path, capsys: Captured) -> None:
    write(tmp_path / "ada" / "one.ipynb", IMPORTS, WRONG)
    write(tmp_path / "ada" / "two.ipynb", IMPORTS, RIGHT + CHECK)  # the better one counts
    target = tmp_path / "marks.csv"
    assert main(["collect", str(tmp_path), "--csv", str(target)]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].split() == [
        "student", "01", "passed", "failed", "error", "not", "tried",
    ]  # fmt: skip
    assert shown.out.splitlines()[1].split() == ["ada", "1/4", "1", "-", "-", "3"]
    assert "[2/2] ada/two.ipynb: 1 passed, 3 not tried" in shown.err
    assert [row.split(",")[3] for row in target.read_text().splitlines()[1::4]] == [
        "failed",
        "passed",
    ]
    assert main(["collect", str(tmp_path), "--csv", str(target)]) == 2
    assert "marks.csv is there already; choose a new file" in capsys.readouterr().err


def job(path: Path) -> Job:
    return Job(str(path), (), {})


HANG = "import os\nos.nice(0)\nwhile True: pass\n"


def test_what_hangs_costs_its_own_row(tmp_path: Path) -> None:
    greet = "def greet(address): pass\n" + HANG + "ch00.greet.check(greet)"
    path = write(tmp_path / "x.ipynb", IMPORTS, greet, RIGHT + CHECK)
    found = [one for one in Supervisor(HANG_S).judge(job(path)) if isinstance(one, Judged)]
    said = {one.exercise: (one.verdict, one.note) for one in found}
    assert said["00.greet"] == ("error", f"not judged after {HANG_S:g} s")
    assert said["01.family"][0] == "passed"
    assert len(said) == len(found) == 7


def test_who_kills_the_examiner_costs_his_own_row(tmp_path: Path) -> None:
    murder = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "nursery = os.getppid()\n"
        "worker = int(Path(f'/proc/{nursery}/stat').read_text().rpartition(')')[2].split()[1])\n"
        "os.kill(worker, signal.SIGKILL)\n"
        "signal.pause()\n"
        "ch00.greet.check(len)"
    )
    path = write(tmp_path / "x.ipynb", IMPORTS, murder, RIGHT + CHECK)
    said = {
        one.exercise: (one.verdict, one.note)
        for one in Supervisor().judge(job(path))
        if isinstance(one, Judged)
    }
    assert said["00.greet"][0] == "error"
    assert "the examiner's process ended (signal 9)" in said["00.greet"][1]
    assert said["01.family"][0] == "passed"


def test_a_worker_that_cannot_begin(tmp_path: Path) -> None:
    (gone,) = Supervisor().judge(job(tmp_path / "gone.ipynb"))
    assert gone == Unread("it cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no/such/folder"], "there is no folder no/such/folder"),
        (["."], "has no .ipynb file and no folder"),
        ([".", "--chapter", "99"], "no chapter 99 has exercises; choose of 00, 01"),
        ([".", "--seconds", "0"], "--seconds 0: 1 to 86400 are allowed"),
        ([".", "--jobs", "0"], "--jobs 0: 1 to 32 are allowed"),
        ([".", "--from", "."], "there is no course in"),
    ],
)
def test_what_is_called_wrongly_is_one_sentence(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["collect", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: Captured) -> None:
    write(tmp_path / "ada_01.ipynb", IMPORTS, RIGHT + CHECK)
    assert main(["collect", str(tmp_path), "--csv", str(tmp_path / "no" / "x.csv")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_ctrl_c_keeps_the_rows_and_ends_the_processes(tmp_path: Path) -> None:
    fifo, target = tmp_path / "fifo", tmp_path / "marks.csv"
    os.mkfifo(fifo)
    write(tmp_path / "ada_01.ipynb", IMPORTS, RIGHT + CHECK)
    hang = f"import os\nopen({str(fifo)!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    write(tmp_path / "bob_01.ipynb", IMPORTS, hang + CHECK)
    with netlab("collect", str(tmp_path), "--csv", str(target)) as program:
        pid = int(fifo.read_text())
        program.kill(signal.SIGINT)
        code, _, err = program.end()
    assert code == 130
    assert err[-1] == "interrupted"
    assert rows_of(target.read_text())["ada"]["family"]["verdict"] == "passed"
    for _ in range(1000):
        if not Path(f"/proc/{pid}").exists():
            break
        threading.Event().wait(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_it_is_a_program(tmp_path: Path) -> None:
    write(
        tmp_path / "ada_00.ipynb",
        IMPORTS,
        "def greet(address):\n    return b''\nch00.greet.check(greet)",
    )
    code, out, _ = netlab_once("collect", str(tmp_path))
    assert code == 0
    assert out[1].split() == ["ada", "0/3", "-", "1", "-", "2"]
