"""The environment that Binder would make, made by hand: what of it is pip's, in a venv.

What is missing is conda's: the image's own Python and its libraries in C. The Jupyter packages that
every image has are here in the versions of repo2docker's lock, for they decide what pip adds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import binder_steps
from tools.binder_steps import NotInstalled, Steps

ROOT = Path(__file__).parents[1]
NOT_FOR_LEARNERS = {
    "codespell",
    "jupyter-repo2docker",
    "mypy",
    "nbval",
    "playwright",
    "pytest",
    "pytest-xdist",
    "ruff",
    "types-pyyaml",
}
_MADE = (
    *(".venv", ".git", "build", "dist", "node_modules", "test-artifacts", "my-course"),
    *("__pycache__", ".*_cache", ".hypothesis", ".ipynb_checkpoints", ".pythons"),
)
# What an installed environment says about itself; it runs in that environment's Python.
_ASK = """
import importlib.metadata as metadata, json
found = {}
for package in metadata.distributions():
    files = [file.locate() for file in package.files or []]
    size = sum(path.stat().st_size for path in set(files) if path.is_file())
    found[package.name.lower().replace("_", "-").replace(".", "-")] = [package.version, size]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Package:
    """An installed package."""

    version: str
    size_bytes: int


class Environment:
    """A clean copy of the repository, an environment beside it, and an empty home."""

    def __init__(self, folder: Path) -> None:
        """Name the places below `folder`; nothing is made yet."""
        self.source = folder / "source"
        self.prefix = folder / "environment"
        self.home = folder / "home"
        self.python = self.prefix / "bin" / "python"
        self.before: dict[str, Package] = {}
        self.after: dict[str, Package] = {}

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a program in it: its own programs come first, and nobody's settings."""
        foreign = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "NETLAB_HOME"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        path = os.pathsep.join([str(self.prefix / "bin"), kept.get("PATH", os.defpath)])
        return kept | {"PATH": path, "HOME": str(self.home)}

    def make(self, steps: Steps) -> None:
        """Do what the Dockerfile says, as far as it goes without conda.

        Raises:
            NotInstalled: the environment lacks our package, or has what learners do not need.
            subprocess.CalledProcessError: a step failed; it has printed why.
        """
        shutil.copytree(ROOT, self.source, ignore=shutil.ignore_patterns(*_MADE))
        self.home.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.prefix)], check=True)
        base = self.home / "base.txt"
        base.write_text("\n".join(binder_steps.base_versions(steps.base_lock)) + "\n")
        self._pip("--no-deps", "-r", str(base))  # the lock is complete
        self.before = self.packages()
        file = self.source / steps.environment
        lines = binder_steps.pip_part(self.source, steps.environment)
        # conda writes the lines into a file and runs pip in the folder of the environment file.
        requirements = self.home / "requirements.txt"
        requirements.write_text("\n".join(lines) + "\n")
        self._pip("-r", str(requirements), folder=file.parent)
        if steps.post_build:
            script = str(self.source / steps.post_build)
            subprocess.run([script], cwd=self.source, env=self.environ, check=True)
        self.after = self.packages()
        if "netlab" not in self.after:
            raise NotInstalled("pip has run, and netlab is not installed")
        if needless := NOT_FOR_LEARNERS & set(self.after):
            raise NotInstalled(f"the image has tools of tests: {', '.join(sorted(needless))}")

    def packages(self) -> dict[str, Package]:
        """Return what is installed, by name."""
        done = subprocess.run(
            [self.python, "-c", _ASK], env=self.environ, check=True, capture_output=True, text=True
        )
        return {name: Package(*about) for name, about in json.loads(done.stdout).items()}

    def table(self) -> list[str]:
        """Return a Markdown table of what pip adds to the image, the largest first."""
        added = {
            name: package
            for name, package in self.after.items()
            if name not in self.before or self.before[name].version != package.version
        }
        lines = ["| package | version | MB | why |", "|---|---|---|---|"]
        for name, package in sorted(added.items(), key=lambda item: -item[1].size_bytes):
            old = self.before.get(name)
            why = f"instead of {old.version}" if old else "new"
            lines.append(
                f"| {name} | {package.version} | {megabytes(package.size_bytes)} | {why} |"
            )
        total = sum(package.size_bytes for package in added.values())
        base = sum(package.size_bytes for package in self.before.values())
        lines.append(f"| **added to the image** | {len(added)} packages | {megabytes(total)} | |")
        lines.append(
            f"| in every image already | {len(self.before)} packages | {megabytes(base)} | |"
        )
        return lines

    def _pip(self, *arguments: str, folder: Path | None = None) -> None:
        command = [str(self.python), "-m", "pip", "install", "--quiet", *arguments]
        quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_WARN_SCRIPT_LOCATION": "1"}
        # pip's cache stays where it is: it is no part of the image.
        environ = self.environ | quiet | {"HOME": os.environ.get("HOME", str(self.home))}
        subprocess.run(command, cwd=folder or self.source, env=environ, check=True)


def megabytes(size_bytes: int) -> str:
    """Return a size in MB (10^6 bytes) with one decimal."""
    return f"{size_bytes / 1e6:.1f}"
