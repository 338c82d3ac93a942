"""The command itself: its table, its help, its exit codes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from netlab import __version__
from netlab.cli import COMMANDS, main

from .programs import DEADLINE_S, ROOT, environment, netlab_once


def test_every_command_has_what_the_table_needs() -> None:
    for command in COMMANDS.values():
        module = import_module(command.module)
        assert callable(module.add_arguments)
        assert callable(module.run)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in out
        assert command.help in " ".join(out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"usage: netlab {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"netlab {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["cake"], ["--cake"], ["doctor", "--cake"], ["chat"]])
def test_a_wrong_call_is_one_sentence_and_exit_code_2(arguments: list[str]) -> None:
    code, out, err = netlab_once(*arguments)
    assert (code, out, len(err)) == (2, [], 1)
    assert "--help" in err[0]


def test_output_that_the_encoding_does_not_have_is_written_out() -> None:
    code, _, err = netlab_once("chat", "tcp://grüße", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert code == 2
    assert r"tcp://gr\xfc\xdfe names no port" in err[0]


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m netlab doctor --verbose | true', sys.executable],
        capture_output=True,
        cwd=ROOT,
        env=environment(),
        timeout=DEADLINE_S,
        check=True,
    )
    assert done.stderr == b""


def test_the_doctor_loads_nothing_heavy() -> None:
    program = (
        "import sys; from netlab.cli import main; main(['--help']); "
        "print([m for m in ('asyncio', 'msgspec', 'prompt_toolkit') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        cwd=ROOT,
        timeout=DEADLINE_S,
        check=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_in_a_cell_a_failure_is_our_sentence_alone() -> None:
    code = "get_ipython().run_line_magic('run', '-m netlab restore /nowhere'); print('on')"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--quick", "--colors=NoColor", "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "on"
    assert "SystemExit" not in done.stdout + done.stderr
    assert "netlab restore: /nowhere: No such file or directory" in done.stderr
