"""Attacks by way of the examiner: what it loads, whom it lets speak, what its report may do.

SECURITY.md names these tests.
"""

from __future__ import annotations

import ast
import os
import pickle
import stat
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from netlab.cli import main
from netlab.exercises.child import CAN_FORK
from netlab.exercises.nursery import Nursery
from netlab.exercises.received import Suspicious, plain_data
from tests.named_tests import ROOT

PACKAGES = ("netlab", "tools")
LOADERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNPACKERS = {"zipfile", "tarfile", "shutil.unpack_archive"}
# Their connections pickle what is sent and unpickle what is received.
PICKLING = {"multiprocessing.connection"}


def importers(modules: set[str]) -> set[str]:
    """Return the files of the package that import one of the modules, wherever in them."""
    found = set()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                if any(name in modules or name.split(".")[0] in modules for name in names):
                    found.add(path.relative_to(ROOT).as_posix())
    return found


def calls(file: str, of: str) -> list[str]:
    """Return the names of the functions of a module that a file calls."""
    return [
        node.func.attr
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == of
    ]


def test_pickles_are_loaded_by_the_child_alone_and_come_from_its_parent() -> None:
    assert importers(LOADERS) == {
        "netlab/collecting/fetching.py",  # in the child, writes
        "netlab/exercises/child.py",  # reads what its parent has sent
        "netlab/exercises/pickled.py",  # writes
        "netlab/exercises/received.py",  # the parent: reads plain data only
        "netlab/exercises/subjects.py",  # names `loads`, for the child to call
    }
    loading = {
        (file, call)
        for file in importers(LOADERS)
        for module in ("pickle", "cloudpickle")
        for call in calls(file, module)
        if call in ("load", "loads", "Unpickler")
    }
    assert loading == {("netlab/exercises/child.py", "loads")}


class Call:
    """Pickled, it is a call that is made where it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("evil", [Call(), os.system, eval, {"a": [Call()]}])
def test_the_parent_takes_no_call_from_the_child(evil: object) -> None:
    with pytest.raises(Suspicious):
        plain_data(pickle.dumps(evil))
    assert plain_data(pickle.dumps(("answer", {"a": [1, b"x", None]}))) == (
        "answer",
        {"a": [1, b"x", None]},
    )


def test_only_the_examiner_has_connections_that_pickle() -> None:
    assert {Path(file).parts[1] for file in importers(PICKLING)} == {"exercises"}


def test_only_a_backup_is_unpacked() -> None:
    """And with care: tests/cli/test_backup.py."""
    assert importers(UNPACKERS) == {"netlab/backup.py"}


@pytest.mark.skipif(not CAN_FORK, reason="elsewhere the channel is TCP, with the same key")
def test_nobody_else_can_speak_to_the_examiner() -> None:
    with Nursery() as nursery:
        address = nursery._listener.address
        assert isinstance(address, str)  # a UNIX socket
        folder = os.stat(Path(address).parent)  # noqa: PTH116 - the numbers are what counts
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert folder.st_uid == os.getuid()
        refused: list[Exception] = []

        def speak() -> None:
            try:
                Client(address, authkey=b"a guess").close()
            except (AuthenticationError, OSError, EOFError) as error:
                refused.append(error)

        stranger = threading.Thread(target=speak, name="netlab-stranger")
        stranger.start()
        with pytest.raises(AuthenticationError):
            nursery._listener.accept()
        stranger.join(10.0)
        assert len(refused) == 1


def test_two_checks_have_two_keys() -> None:
    with Nursery() as one, Nursery() as other:
        assert one._key != other._key
        assert len(one._key) == 16


EVIL = r"""
def family(text):
    print("\x1b]0;owned\x07\x9b2J")
    raise ValueError("\x1b[2J\u202e\r")
"""


def test_what_the_code_says_does_not_command_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(EVIL)
    assert main(["check", "family", str(mine)]) == 1
    out = capsys.readouterr().out
    assert r"\x1b]0;owned\x07\x9b2J" in out
    assert r"\x1b[2J\u202e\r" in out
    assert not set(out) & set("\x1b\x07\x9b\u202e\r")
