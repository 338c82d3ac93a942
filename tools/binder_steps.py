"""What Binder does with this repository, read from the Dockerfile that repo2docker prints.

repo2docker is forgiving: a file it cannot read is a file that is not there, and the image is then
built without our environment, and nobody is told. So its own words are read, not our files.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import yaml
from packaging.utils import canonicalize_name

PATIENCE_S = 60
_LOCK = re.compile(
    r"^COPY .*build_script_files/(\S+)-[0-9a-f]{6} /tmp/env/environment\.lock$", re.M
)
_ENVIRONMENT = re.compile(r'env update -p \$\{NB_PYTHON_PREFIX\} --file "([^"]+)"')
_POST_BUILD = re.compile(r"^RUN \./(\S*postBuild)$", re.M)
_COPY = re.compile(r"^COPY --chown=\d+:\d+ src/ \$\{REPO_DIR\}/$", re.M)
# A package of Python's in conda's lock: its build names a Python.
_PACKAGE = re.compile(r"/([^/\s]+)-([^-/\s]+)-[^-/\s]*py[^-/\s]*\.(?:conda|tar\.bz2)")
# Some packages are conda's alone: Python itself, and names for a package with its extras.
_CONDAS = {
    *("python", "python-abi"),
    *("bleach-with-css", "jsonschema-with-format-nongpl", "jupyterhub-singleuser"),
}
_PIP_NAMES = {
    "brotli-python": "brotli",
    "jupyterhub-base": "jupyterhub",
    "nbconvert-core": "nbconvert",
    "python-fastjsonschema": "fastjsonschema",
}


class NotInstalled(Exception):
    """Binder would start without something; the message says what and where to look."""


@dataclass(frozen=True)
class Steps:
    """The steps of the image that concern us, in the order in which they are run."""

    base_lock: Path
    """conda's list of what is in every image of this Python, in repo2docker's own package"""
    environment: str
    """our environment file, relative to the repository"""
    post_build: str | None
    """our script that runs last, relative to the repository"""

    @property
    def python(self) -> str:
        """The Python of the image, as `3.11`."""
        found = re.search(r"environment\.py-(\d+\.\d+)-", self.base_lock.name)
        return found[1] if found else ""


def printed(folder: Path) -> str:
    """Return the Dockerfile that repo2docker prints for a folder. Docker is not needed.

    Raises:
        NotInstalled: repo2docker refused the folder; the message has its words.
    """
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.returncode:
        raise NotInstalled(f"repo2docker refuses {folder.name}:\n{done.stderr}")
    return done.stdout


def read(dockerfile: str) -> Steps:
    """Read the steps from a Dockerfile that repo2docker printed.

    Raises:
        NotInstalled: our files are not copied, our environment is not installed, or too early.
    """
    lock, environment = _LOCK.search(dockerfile), _ENVIRONMENT.search(dockerfile)
    if not lock:
        raise NotInstalled("the image has no conda environment: is there a binder/environment.yml?")
    if not environment:
        raise NotInstalled("no step installs an environment file: is binder/environment.yml real?")
    copied = _COPY.search(dockerfile)
    if not copied or copied.start() > environment.start():
        raise NotInstalled("the repository is not in the image when its environment is installed")
    script = _POST_BUILD.search(dockerfile, environment.end())
    # The path is written in lower case, with `-2f` for `/`: its last part is a name of theirs.
    path = re.sub(r"-([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), lock[1])
    base_lock = _their_folder() / "buildpacks/conda" / PurePosixPath(path).name
    if not base_lock.is_file():  # a very long path is cut at its end
        raise NotInstalled(
            f"repo2docker has no {base_lock.name}: try in a folder of a shorter path"
        )
    return Steps(base_lock, environment[1], script[1] if script else None)


def _their_folder() -> Path:
    spec = find_spec("repo2docker")  # importing it warns of what its dependencies have moved
    if spec is None or spec.origin is None:
        raise NotInstalled("repo2docker is not here: install the extra `test`")
    return Path(spec.origin).parent


def pip_part(folder: Path, environment: str) -> list[str]:
    """Return what the environment file gives to pip, which runs in the file's own folder.

    Raises:
        NotInstalled: no line installs the package `netlab` of this very folder.
    """
    path = folder / environment
    dependencies = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
    lines: list[str] = []
    for entry in dependencies:
        if isinstance(entry, dict):
            lines += entry.get("pip", [])
    for line in lines:
        option, _, place = line.partition(" ")
        project = (path.parent / place.partition("[")[0]).resolve() / "pyproject.toml"
        ours = option == "-e" and project == folder.resolve() / "pyproject.toml"
        if ours and tomllib.loads(project.read_text("utf-8"))["project"]["name"] == "netlab":
            return lines
    raise NotInstalled(f"{environment} gives pip {lines}: none of it is this folder's netlab")


def base_versions(lock: Path) -> list[str]:
    """Return what the image has before our environment comes, as lines for pip: `name==version`."""
    found = {
        canonicalize_name(name): version
        for name, version in _PACKAGE.findall(lock.read_text("utf-8"))
    }
    return sorted(
        f"{_PIP_NAMES.get(name, name)}=={version}"
        for name, version in found.items()
        if name not in _CONDAS
    )
