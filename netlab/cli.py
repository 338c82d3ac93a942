"""The command `netlab`: its subcommands in a table, each in a module that loads when it is called.

A new subcommand is one line in `COMMANDS` and a module with two functions::

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(args: argparse.Namespace) -> int: ...   # the exit code; may raise CommandFailed

Exit codes: 0 = done, 1 = failed while running, 2 = called wrongly. This module, `terminal` and
`diagnosis` also run on Pythons that are too old for the rest, so that the doctor can say so.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import NamedTuple, NoReturn

from netlab.terminal import CommandFailed, complain, make_streams_forgiving


class Command(NamedTuple):
    """A subcommand: the module that has it, and what it does in a few words."""

    module: str
    help: str


COMMANDS = {
    "serve": Command("netlab.serve_cli", "serve a chat or an echo to whoever connects"),
    "chat": Command("netlab.chat_cli", "talk to a server"),
    "tap": Command("netlab.tap_cli", "show what passes between two programs, live"),
    "chaos": Command("netlab.chaos_cli", "do to a connection what a bad network does"),
    "check": Command("netlab.check_cli", "let the examiner try to break your server or function"),
    "progress": Command("netlab.progress_cli", "show which exercises are passed"),
    "copy": Command("netlab.copy_cli", "make your own copy of the course, or bring it up to date"),
    "reset": Command("netlab.reset_cli", "begin a chapter anew; yours is kept beside"),
    "backup": Command("netlab.backup_cli", "keep your notebooks and progress in one file"),
    "restore": Command("netlab.restore_cli", "put back what `netlab backup` has kept"),
    "release": Command(
        "netlab.release_cli", "copy the course for learners: without solutions and outputs"
    ),
    "collect": Command("netlab.collect_cli", "judge what a class has handed in, into a CSV file"),
    "doctor": Command(
        "netlab.diagnosis", "say whether this machine has what the course needs, and what to do"
    ),
}
_RUNS_ON_ANY_PYTHON = {"doctor"}


def main(argv: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's own), return the exit code."""
    make_streams_forgiving()
    arguments = sys.argv[1:] if argv is None else argv
    try:
        return _run(arguments)
    except SystemExit as ending:  # argparse has said why
        return ending.code if isinstance(ending.code, int) else 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 1


def _run(arguments: list[str]) -> int:
    parser = _Parser(prog="netlab", description="Tools of the socket programming course netlab.")
    parser.add_argument("--version", action="version", version=_version())
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = None
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=command.help, description=command.help, allow_abbrev=False
        )
        if arguments[:1] == [name]:
            _check_python(name)
            chosen = import_module(command.module)
            chosen.add_arguments(subparser)
    args = parser.parse_args(arguments)
    if chosen is None:  # never: without a command argparse has ended this
        raise LookupError(args.command)
    try:
        return int(chosen.run(args))
    except CommandFailed as error:
        complain(f"netlab {args.command}: {error}")
        return error.exit_code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (`{self.prog} --help` shows what is allowed)\n")


def _version() -> str:
    from netlab import __version__

    return f"netlab {__version__}"


def _check_python(command: str) -> None:
    if sys.version_info < (3, 11) and command not in _RUNS_ON_ANY_PYTHON:
        complain(
            f"netlab {command}: this is Python {sys.version_info[0]}.{sys.version_info[1]}, "
            "netlab needs 3.11 or newer; `netlab doctor` says more"
        )
        raise SystemExit(1)


def _discard_stdout() -> None:
    """Whoever read our output is gone: Python must not fail once more when it flushes at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a stdout that is no file
        pass


if __name__ == "__main__":
    sys.exit(main())
