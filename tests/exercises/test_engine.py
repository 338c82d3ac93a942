"""What learners' code may do to the examiner: it is reported, cleaned up, and nobody is harmed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netlab.exercises import grade
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import call, serve
from netlab.exercises.subjects import FromFile, NotExaminable, Remote, as_subject
from netlab.exercises.trial import Trial
from netlab.exercises.words import Broken

from . import code

DEADLINE_S = 20.0


def _is_42(trial: Trial) -> None:
    answer = trial.wait("answer")
    if answer != 42:
        raise Broken("42", repr(answer))


def exercise(*probes: Probe) -> Exercise:
    return Exercise(
        "answer",
        chapter="99",
        kind="core",
        title="The answer",
        task="Write `answer()`.",
        rules=("It returns 42.",),
        hints=("a", "b", "c"),
        probes=probes,
    )


def answer_with(*arguments: object) -> Exercise:
    return exercise(Probe("the answer", 1, _is_42, call, arguments))


def got(function: Callable[..., Any], *arguments: object) -> str:
    report = answer_with(*arguments).check(function)
    assert report.failure is not None, str(report)
    return report.failure.broken.got


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (code.hangs, "nothing: your code still ran after 2 s"),
        (code.spins, "nothing: your code still ran after 2 s"),
        (code.floods_output, "nothing: your code still ran after 2 s"),
        (code.floods_memory, "MemoryError: your code used more memory than the examiner lets it"),
        (code.exits, "SystemExit: your code called sys.exit(3)"),
        (code.exits_at_once, "nothing: its process ended with exit status 7 (os._exit?)"),
        (code.kills_itself, "nothing: its process was ended by signal 9"),
        (
            code.raises,
            "ValueError: no good: <object object>, in line 2: "
            'raise ValueError(f"no good: {object()!r}")',
        ),
        (
            code.recurses,
            "RecursionError: maximum recursion depth exceeded, in line 2: recurses()",
        ),
        (code.returns_the_unprintable, "a Nasty whose repr raises RuntimeError"),
        (code.leaves_a_task, "LeftTasks: it returned while its tasks still ran: Event.wait"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_goes_wrong_is_told(function: Callable[..., Any], told: str) -> None:
    assert got(function) == told


def test_who_kills_the_nursery_has_not_passed_and_the_next_probe_gets_a_new_one() -> None:
    probes = [Probe(name, 1, _is_42, call) for name in ("first", "second")]
    report = exercise(*probes).check(code.kills_its_parent)
    assert report.failed_probe == "first"
    assert exercise(*probes).check(code.answers).passed


def test_what_was_printed_is_shown_in_part_even_if_the_code_is_killed() -> None:
    report = answer_with().check(code.prints_and_hangs)
    assert "Your code printed:\nso far\nso good" in str(report)
    flood = answer_with().check(code.floods_output)
    assert len(str(flood)) < 3000
    assert "… and more, which is not shown" in str(flood)


@pytest.mark.parametrize(
    ("function", "left"),
    [
        (code.leaves_a_thread, "- thread Thread-1"),
        (code.leaves_a_port, "- socket AF_INET stream, listening"),
        (code.leaves_a_process, "processes that it started and that still ran: 1"),
    ],
)
def test_what_is_left_behind_is_told_and_is_no_fault(
    function: Callable[..., Any], left: str
) -> None:
    report = answer_with().check(function)
    assert report.passed
    assert left in "\n".join(report.remarks)


def test_a_daemon_of_the_code_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    report = answer_with(str(file)).check(code.leaves_a_grandchild)
    assert report.passed, str(report)
    pid = int(file.read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_probes_share_no_state() -> None:
    """A module's variable is as new for the second probe as it was for the first."""
    seen: list[int] = []

    def counts() -> int:
        seen.append(1)
        return 41 + len(seen)

    probes = [Probe(name, 1, _is_42, call) for name in ("first", "second", "third")]
    assert exercise(*probes).check(counts).passed
    assert not seen


def test_a_failing_check_ends_soon_and_leaves_no_process() -> None:
    begun = time.monotonic()
    answer_with().check(code.leaves_a_thread)
    assert time.monotonic() - begun < DEADLINE_S
    assert not list(_children())


def _children() -> list[str]:
    found = Path("/proc/self/task").glob("*/children")
    return [pid for path in found for pid in path.read_text().split()]


INTERRUPTED = """
import sys, threading
from netlab.exercises.grade import Exercise, Probe
from netlab.exercises.peers import call

def hangs():
    sys.stdout.write("never seen")
    import os
    with open({fifo}, "w") as pipe:
        pipe.write(str(os.getpid()))
    threading.Event().wait()

def examine(trial):
    trial.wait("answer", 30)

Exercise("x", chapter="99", kind="core", title="", task="", rules=("r",), hints=("", "", ""),
         probes=[Probe("p", 1, examine, call)]).check(hangs)
"""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Who runs in the background of a shell ignores SIGINT, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_child_ends_when_the_kernel_is_interrupted_or_killed(
    number: signal.Signals, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = INTERRUPTED.replace("{fifo}", repr(str(fifo)))
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True
    ) as kernel:
        pid = int(fifo.read_text())
        kernel.send_signal(number)
        _, errors = kernel.communicate(timeout=DEADLINE_S)
        assert kernel.returncode == -number
        assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    until = time.monotonic() + DEADLINE_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert not Path(f"/proc/{pid}").exists()


# ---------------------------------------------------------------- subjects


def _echoes(trial: Trial) -> None:
    address = trial.wait("listening")
    for name in ("first", "second"):
        talk = trial.talk(address, name)
        talk.trickle("é\n".encode())
        talk.expect("é\n".encode())
        talk.half_close()
        talk.expect_end()


ECHO = exercise(Probe("an echo", 1, _echoes, serve))


@pytest.mark.parametrize("server", [code.echo, code.echo_loop, code.echo_streams, code.EchoServer])
def test_every_kind_of_server_is_examined(server: Any) -> None:
    report = ECHO.check(server)
    assert report.passed, str(report)


def test_a_server_that_runs_already_is_examined_by_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = threading.Thread(target=_serve_two, args=[listener], name="netlab-test-echo")
        served.start()
        host, port = listener.getsockname()
        report = ECHO.check(f"{host}:{port}")
        served.join()
    assert report.passed, str(report)
    report = ECHO.check((host, port))
    assert report.failure is not None
    assert report.failure.broken.got == "ConnectionRefusedError (Connection refused)"


def _serve_two(listener: socket.socket) -> None:
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(100):
                connection.sendall(data)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("8.8.8.8:53", "8.8.8.8 is not this machine"),
        ("[2001:db8::1]:53", "2001:db8::1 is not this machine"),
        ("0.0.0.0:80", "0.0.0.0 is not this machine"),
        ("cake", "'cake' is no HOST:PORT"),
        ("127.0.0.1:0", "0 is no port that can be reached"),
        ("127.0.0.1:70000", "70000 is no port that can be reached"),
        (("192.0.2.1", 80), "192.0.2.1 is not this machine"),
        ("nobody.invalid:80", "no host is called 'nobody.invalid'"),
    ],
)
def test_an_address_elsewhere_is_refused(what: Any, told: str) -> None:
    with pytest.raises(NotExaminable, match=told.replace("[", r"\[")):
        ECHO.check(what)


@pytest.mark.parametrize("text", ["127.0.0.1:1", "localhost:1", "[::1]:1", ":1", "127.9.9.9:1"])
def test_this_machine_has_many_names(text: str) -> None:
    assert isinstance(as_subject(text), Remote)


def test_a_function_is_asked_for() -> None:
    with pytest.raises(NotExaminable, match=r"99\.answer asks for a function, not for a server"):
        answer_with().check("127.0.0.1:9")
    with pytest.raises(TypeError, match="pass the function itself, without calling it"):
        answer_with().check(None)


def test_a_file_is_run_in_the_child_alone(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import os\nparent = os.getppid()\ndef answer():\n    return parent and 42\n")
    assert answer_with().check(FromFile(file, "answer")).passed
    assert "mine.py defines no 'cake'" in str(answer_with().check(FromFile(file, "cake")))
    file.write_text("def answer():\n    x = {}\n    return x['y']\n")
    told = str(answer_with().check(FromFile(file, "answer")))
    assert "got:      KeyError: 'y', in line 3: return x['y']" in told
    file.write_text("def answer(:\n")
    assert "SyntaxError" in str(answer_with().check(FromFile(file, "answer")))
    file.write_text("import threading\nthreading.Event().wait(3)\ndef answer():\n    return 42\n")
    assert answer_with().check(FromFile(file, "answer")).passed, "loading has more time"
    file.write_text("import sys\nsys.exit(1)\n")
    assert "your code called sys.exit(1)" in str(answer_with().check(FromFile(file, "answer")))
    assert not list(tmp_path.glob("__pycache__"))


def test_without_fork_each_probe_gets_an_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    from netlab.exercises import nursery

    monkeypatch.setattr(nursery, "CAN_FORK", False)
    monkeypatch.setitem(nursery._ENVIRONMENT, "NETLAB_NO_FORK", "1")
    probes = [Probe(name, 1, _is_42, call) for name in ("first", "second")]
    assert exercise(*probes).check(code.answers).passed
    assert got(code.exits_at_once) == "nothing: its process ended with exit status 7 (os._exit?)"


def test_a_report_tells_how_to_repeat_what_was_drawn() -> None:
    drawn: list[int] = []

    def draws(trial: Trial) -> None:
        drawn.append(trial.random.randint(0, 10**9))
        trial.wait("answer")
        raise Broken("more", "less")

    for seed in (0, 0, 5):
        report = exercise(Probe("p", 1, draws, call)).check(code.answers, seed=seed)
        assert f".check(answers, seed={seed})" in str(report)
    assert drawn[0] == drawn[1] != drawn[2]
    assert grade.Report is type(report)
