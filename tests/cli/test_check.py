"""`netlab check`: a server or a file is examined from a terminal; exit codes tell the verdict."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlab.cli import main

from .programs import netlab, netlab_once, serving

RIGHT = """
import socket

def family(text):
    if text.startswith("/"):
        return socket.AF_UNIX
    for one in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(one, text)
        except OSError:
            continue
        return one
    raise ValueError(text)

def wrong(text):
    return socket.AF_INET
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(RIGHT)
    return str(path)


def test_a_file_that_passes_is_exit_code_0(mine: str) -> None:
    code, out, err = netlab_once("check", "family", mine)
    assert (code, err) == (0, [])
    assert out[0] == "PASSED  Which family?: nothing that was tried broke it"
    assert len([line for line in out if line.startswith("  ✓")]) == len(out) - 1


def test_what_fails_is_told_and_exit_code_1(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "01.family", f"{mine}:wrong"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("NOT YET  Which family?: family('::1')\n")
    assert "  expected: socket.AF_INET6\n" in out
    assert "\x1b" not in out


def test_json_is_for_programs(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--seed", "7", "family", f"{mine}:wrong"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["exercise"] == "01.family"
    assert found["seed"] == 7
    assert found["failure"]["expected"] == "socket.AF_INET6"
    assert [probe["passed"] for probe in found["probes"][:3]] == [True, False, None]


def test_a_server_that_runs_is_examined() -> None:
    with serving() as (_, host, port):
        code, out, err = netlab_once("check", "line-echo", f"{host}:{port}")
    assert (code, err) == (1, [])
    assert out[0] == "NOT YET  On trial: a server that echoes lines: a line, then another"
    assert r"  expected: b'hello\n'" in out
    assert r"  got:      b'Echo: '" in out
    assert "On the wire:" in out


def test_a_server_of_this_course_in_another_process_passes(tmp_path: Path) -> None:
    """The reference behind a port, as a program in any language would be."""
    from importlib.resources import files

    source = files("netlab.exercises.solutions.trials").joinpath("line_echo.py").read_text("utf-8")
    namespace: dict[str, object] = {}
    exec(source, namespace)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        pid = os.fork()
        if not pid:
            namespace["line_echo"](listener)  # type: ignore[operator]
            os._exit(1)
        try:
            host, port = listener.getsockname()
            code, out, err = netlab_once("check", "line-echo", f"{host}:{port}")
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert (code, err) == (0, []), out
    assert out[0].startswith("PASSED")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say which exercise"),
        (["line-ehco"], "no exercise is called 'line-ehco'; did you mean 'line-echo'?"),
        (["line-echo", "127.0.0.1:1"], "nobody listens on 127.0.0.1:1; start your server first"),
        (["line-echo", "192.0.2.1:9"], "192.0.2.1 is not this machine"),
        (["line-echo", "cake"], "'cake' is no HOST:PORT"),
        (["greet", "127.0.0.1:1"], "00.greet asks for a function, not for a server"),
        (["greet", "no/such.py"], "there is no file no/such.py"),
        (["greet", "setup.py:not-a-name"], "there is no file setup.py"),
        (["line-echo", "\x1b[2J:1"], r"'\x1b[2J:1' is no HOST:PORT"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence_and_exit_code_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_the_list_and_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    from netlab import exercises

    assert main(["check", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(exercise.id in listed for exercise in exercises.all())
    assert main(["check", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["exercise"] for row in rows] == [one.id for one in exercises.all()]
    assert main(["check", "line-echo"]) == 0
    assert "A line ends with the byte" in capsys.readouterr().out


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Who runs in the background of a shell ignores SIGINT, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it_and_its_children(tmp_path: Path) -> None:
    fifo, file = tmp_path / "fifo", tmp_path / "mine.py"
    os.mkfifo(fifo)
    file.write_text(
        "import os, threading\n"
        f"with open({str(fifo)!r}, 'w') as pipe:\n    pipe.write(str(os.getpid()))\n"
        "threading.Event().wait()\n"
    )
    with netlab("check", "greet", str(file)) as program:
        pid = int(fifo.read_text())
        program.kill(signal.SIGINT)
        code, _, err = program.end()
        assert code == 130
        assert err == ["interrupted"]
    for _ in range(1000):
        if not Path(f"/proc/{pid}").exists():
            break
        threading.Event().wait(0.01)
    assert not Path(f"/proc/{pid}").exists()
