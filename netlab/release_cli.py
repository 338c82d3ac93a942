"""`netlab release`: a copy of the course for learners: no solutions, and outputs cleared."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from netlab.own_copy import without_outputs
from netlab.terminal import CommandFailed, harmless, say

ENTRIES = (
    "README.md",
    "LICENSE",
    "LICENSE-CC-BY-4.0",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "binder",
    "constraints.txt",
    "docs",
    "environment.yml",
    "netlab",
    "notebooks",
    "pyproject.toml",
)
"""what a learner gets of the checkout; the tests, which try the solutions, stay behind"""
SOLUTIONS = Path("netlab", "exercises", "solutions")
_NEVER = shutil.ignore_patterns(
    "__pycache__", "*.py[co]", ".*_cache", ".ipynb_checkpoints", "node_modules", "*.egg-info"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folder."""
    parser.epilog = "In the copy .check() works; .solution() says that the teacher holds it."
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist yet")
    parser.add_argument(
        "--from",
        dest="checkout",
        type=Path,
        metavar="CHECKOUT",
        help="the course's folder (default: the one that this netlab runs from, or this folder)",
    )


def run(args: argparse.Namespace) -> int:
    """Make the copy."""
    checkout = find_checkout(args.checkout)
    target: Path = args.folder.absolute()
    _check_target(target, checkout)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Made beside its place, so that nobody finds half of it there.
        with tempfile.TemporaryDirectory(prefix=".netlab-release-", dir=target.parent) as beside:
            copy = Path(beside, target.name)
            notebooks = release(checkout, copy)
            if target.exists():
                target.rmdir()
            copy.rename(target)
    except OSError as error:
        raise CommandFailed(f"cannot write {harmless(str(target))}: {error.strerror}") from None
    say(f"{harmless(str(target))}: {notebooks} notebooks without outputs, no solutions")
    return 0


def release(checkout: Path, target: Path) -> int:
    """Copy the course to `target`, a new folder; return how many notebooks there are."""
    target.mkdir()
    for name in ENTRIES:
        source = checkout / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=_ignore(checkout))
        elif source.is_file():
            shutil.copy2(source, target / name)
    notebooks = sorted((target / "notebooks").rglob("*.ipynb"))
    for path in notebooks:
        path.write_bytes(without_outputs(path.read_bytes()))
    return len(notebooks)


def _ignore(checkout: Path) -> Any:
    solutions = checkout / SOLUTIONS

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = set(_NEVER(folder, names))
        if Path(folder) == solutions.parent:
            found.add(solutions.name)
        return found

    return ignored


def find_checkout(told: Path | None) -> Path:
    """Return the folder of the course: where notebooks, package and pyproject.toml are.

    Raises:
        CommandFailed: it is not found.
    """
    here = Path(__file__).resolve().parents[1]
    for folder in [told.absolute()] if told else [here, Path.cwd()]:
        if all((folder / name).exists() for name in ("pyproject.toml", "netlab", "notebooks")):
            return folder
    where = harmless(str(told)) if told else "where this netlab is installed, nor in this folder"
    raise CommandFailed(f"there is no course in {where}; name its folder with --from CHECKOUT", 2)


def _check_target(target: Path, checkout: Path) -> None:
    shown = harmless(str(target))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CommandFailed(f"{shown} is there already; choose a new folder", 2)
    inside = [checkout / name for name in ENTRIES if (checkout / name).is_dir()]
    if any(part in [target, *target.parents] for part in inside):
        raise CommandFailed(f"{shown} lies in what is to be copied; choose another folder", 2)
    if not (checkout / SOLUTIONS).is_dir():
        raise CommandFailed(f"{harmless(str(checkout))} is a copy without solutions itself", 2)
