"""Try the package on every newer CPython of this machine: `make test-newer`.

The course is written for Python 3.11 and has to run on the later ones. Each that is found gets an
environment of its own below build/; in it every module is imported, and the tests of the services
and of the transports are run: the stories, which are the same for every way to carry a chat.

This file needs the standard library alone: `.ci/run` asks it before anything is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
LENT = BUILD / "pythons"
OLDEST = (3, 12)
TESTS = ("tests/core", "tests/transports")
ANSWER_S = 20
_ASK = """
import json, sys, sysconfig
print(json.dumps([sys.implementation.name, sys.version_info[:2], sys.version_info[3], sys.prefix,
                  bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
"""
_IMPORTS = """
import importlib, pkgutil, netlab
names = [module.name for module in pkgutil.walk_packages(netlab.__path__, "netlab.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(f"{len(names)} modules are importable")
"""
# What a Python needs for a venv and for tests: not its own tests, and nobody's packages.
_NOT_LENT = shutil.ignore_patterns("test", "tests", "idle_test", "__pycache__", "site-packages")


@dataclass(frozen=True, order=True)
class Python:
    """A CPython that answers."""

    version: tuple[int, int]
    program: Path
    prefix: Path

    @property
    def name(self) -> str:
        """As python3.12."""
        return "python{}.{}".format(*self.version)

    @property
    def environ(self) -> dict[str, str]:
        """The variables of its processes: a copy finds its shared library beside itself."""
        foreign = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        if LENT in self.prefix.parents:
            kept["LD_LIBRARY_PATH"] = str(self.prefix / "lib")
        return kept


def places(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield the folders in which programs called python3.N may be, the preferred first."""
    yield from matching(LENT, "*/bin")
    yield from map(Path, filter(None, environ.get("PATH", "").split(os.pathsep)))
    pyenv = environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/nowhere"), ".pyenv")
    # The newest patch release first: 3.12.10 before 3.12.9.
    found = matching(Path(pyenv, "versions"), "3.*/bin")
    yield from sorted(found, key=lambda each: (len(each.parent.name), each), reverse=True)


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return what matches in a folder; nothing, if it is somebody else's."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def ask(program: Path) -> Python | None:
    """Return what this program is; None if it does not run, or is no released CPython.

    A shim of pyenv is there for every version and fails for those that are not chosen.
    """
    library = {"LD_LIBRARY_PATH": str(program.parents[1] / "lib")}
    environ = dict(os.environ) | (library if LENT in program.parents else {})
    try:
        done = subprocess.run(
            [program, "-I", "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=True,
            env=environ,
        )
        answer: tuple[str, list[int], str, str, bool] = json.loads(done.stdout)
        implementation, version, level, prefix, no_gil = answer
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if implementation != "cpython" or level != "final" or no_gil:
        return None
    return Python((version[0], version[1]), program, Path(prefix))


def find(folders: Iterable[Path], oldest: tuple[int, int] = OLDEST) -> list[Python]:
    """Return the newer CPythons in these folders, one for each minor version, oldest first."""
    found: dict[tuple[int, int], Python] = {}
    for folder in folders:
        for program in matching(folder, "python3.*"):
            minor = program.name.removeprefix("python3.")
            if not minor.isdecimal() or (3, int(minor)) < oldest or (3, int(minor)) in found:
                continue
            python = ask(program)
            if python and python.version == (3, int(minor)):
                found[python.version] = python
    return sorted(found.values())


def is_for_all(program: Path) -> bool:
    """Tell whether every user of this machine may run a program."""
    real = program.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in [real, *real.parents])


def lend(pythons: Iterable[Python], target: Path) -> None:
    """Copy those that only their owner may run, so that somebody else can: `.ci/run` is root."""
    for python in pythons:
        if not is_for_all(python.program):
            shutil.copytree(python.prefix, target / python.name, symlinks=True, ignore=_NOT_LENT)


def run(python: Python, workers: int) -> int:
    """Make an environment with it, import every module, and run the tests. Return the status."""
    folder = BUILD / f"environment-{python.name}"
    program = folder / "bin" / "python"
    shutil.rmtree(folder, ignore_errors=True)
    wanted = ["-c", "constraints.txt", "-e", ".[test]"]
    uv = shutil.which("uv")
    make: list[str | Path] = [python.program, "-m", "venv", folder]
    install: list[str | Path] = [program, "-m", "pip", "install", "--quiet", *wanted]
    if uv:
        make = [uv, "venv", "--quiet", "--python", python.program, folder]
        install = [uv, "pip", "install", "--quiet", "--python", program, *wanted]
    tests: list[str | Path] = [
        program,
        "-m",
        "pytest",
        "-q",
        "-n",
        str(workers),
        "--dist=loadfile",
        *TESTS,
    ]
    imports: list[str | Path] = [program, "-c", _IMPORTS]
    steps = [make, install, imports, [*tests, "-p", "no:cacheprovider"]]
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, env=python.environ, check=False)
        if done.returncode:
            shown = " ".join(str(part) for part in step[1:4]).partition("\n")[0]
            print(f"{python.name}: {shown} … failed", flush=True)
            return done.returncode
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all that are found. Return 0 if all passed, or if there is none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lend", type=Path, metavar="DIR", help="copy what others may not run")
    parser.add_argument("--workers", type=int, default=2, help="test files at a time (default: 2)")
    options = parser.parse_args(arguments)
    pythons = find(places())
    names = ", ".join(f"{python.name} ({python.program})" for python in pythons)
    print(f"newer CPythons: {names or 'none on this machine'}", flush=True)
    if options.lend:
        lend(pythons, options.lend)
        return 0
    failed = [python.name for python in pythons if run(python, options.workers)]
    if failed:
        print(f"failed on {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
